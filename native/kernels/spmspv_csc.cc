// spmspv on csc: the columns that the nonzeros of x meet are added to y; the work follows the nonzeros of
// both. One thread, since two would add to the same elements.
#include "../simd/simd.h"
#include "kernel.h"
#include "plan_words.h"

namespace sparsemark::SPARSEMARK_ISA {
namespace {

void run(const Operands& o, const Shard&) noexcept {
  const Encoded& a = *o.a;
  const Csr& x = *o.sparse_b;
  for (std::int32_t i = 0; i < a.rows; ++i) o.c[i] = 0.0f;
  for (std::int32_t q = 0; q < x.nnz; ++q) {
    const std::int32_t j = x.col_indices[q];
    const float value = x.values[q];
    for (std::int32_t p = a.offsets[j]; p < a.offsets[j + 1]; ++p) o.c[a.indices[p]] += a.values[p] * value;
  }
}

void tiling(const Encoded&, std::int32_t, char* text) { append(text, "C scattered"); }

}  // namespace

extern const Kernel spmspv_csc = {.op = "spmspv",
                                  .name = "csc",
                                  .format = "csc",
                                  .isa = SPARSEMARK_ISA_NAME,
                                  .split = Split::kNone,
                                  .tiling = tiling,
                                  .run = run};

}  // namespace sparsemark::SPARSEMARK_ISA
