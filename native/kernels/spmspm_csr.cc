// spmspm on csr, B in compressed rows: Gustavson's algorithm (ACM TOMS 4(3), 1978) with the row of C itself
// as the accumulator, since C is dense. Each row of B that a nonzero of A meets is scattered, times its
// value.
#include "../simd/simd.h"
#include "kernel.h"
#include "plan_words.h"

namespace sparsemark::SPARSEMARK_ISA {
namespace {

void run(const Operands& o, const Shard& s) noexcept {
  const Encoded& a = *o.a;
  const Csr& b = *o.sparse_b;
  const std::size_t n = static_cast<std::size_t>(o.n);
  for (std::int32_t i = s.unit_begin; i < s.unit_end; ++i) {
    float* c = o.c + static_cast<std::size_t>(i) * n;
    for (std::size_t j = 0; j < n; ++j) c[j] = 0.0f;
    for (std::int32_t p = a.offsets[i]; p < a.offsets[i + 1]; ++p) {
      const float value = a.values[p];
      const std::int32_t row = a.indices[p];
      for (std::int32_t q = b.row_offsets[row]; q < b.row_offsets[row + 1]; ++q) {
        c[b.col_indices[q]] += value * b.values[q];
      }
    }
  }
}

void tiling(const Encoded&, std::int32_t, char* text) { append(say_rows(text, 1), ", C scattered"); }

}  // namespace

extern const Kernel spmspm_csr = {.op = "spmspm",
                                  .name = "csr",
                                  .format = "csr",
                                  .isa = SPARSEMARK_ISA_NAME,
                                  .split = Split::kUnits,
                                  .tiling = tiling,
                                  .run = run};

}  // namespace sparsemark::SPARSEMARK_ISA
