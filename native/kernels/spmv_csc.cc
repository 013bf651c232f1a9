// spmv on csc: each entry of a column is added to its element of C. Scattered single adds, one thread: what
// csc is bad at.
#include "../simd/simd.h"
#include "kernel.h"
#include "plan_words.h"

namespace sparsemark::SPARSEMARK_ISA {
namespace {

void run(const Operands& o, const Shard& s) noexcept {
  const Encoded& a = *o.a;
  for (std::int32_t i = 0; i < a.rows; ++i) o.c[i] = 0.0f;
  for (std::int32_t j = s.unit_begin; j < s.unit_end; ++j) {
    const float x = o.b[j];
    for (std::int32_t p = a.offsets[j]; p < a.offsets[j + 1]; ++p) o.c[a.indices[p]] += a.values[p] * x;
  }
}

void tiling(const Encoded&, std::int32_t, char* text) { append(text, "C scattered"); }

}  // namespace

extern const Kernel spmv_csc = {.op = "spmv",
                                .name = "csc",
                                .format = "csc",
                                .isa = SPARSEMARK_ISA_NAME,
                                .split = Split::kNone,
                                .tiling = tiling,
                                .run = run};

}  // namespace sparsemark::SPARSEMARK_ISA
