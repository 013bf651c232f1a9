// spmv on dense: several rows at once along their columns, bound by reading A.
#include <utility>

#include "../simd/simd.h"
#include "kernel.h"

namespace sparsemark::SPARSEMARK_ISA {
namespace {

constexpr int kRows = 4;
constexpr int kVecs = 2;

template <int Rows>
void rows_of(const float* a, std::size_t cols, const float* x, float* y) {
  Vec c[Rows][kVecs];
  for (int r = 0; r < Rows; ++r) {
    for (int v = 0; v < kVecs; ++v) c[r][v] = zero();
  }
  std::size_t j = 0;
  for (; j + kVecs * kLanes <= cols; j += kVecs * kLanes) {
    for (int v = 0; v < kVecs; ++v) {
      const std::size_t at = j + static_cast<std::size_t>(v * kLanes);
      const Vec b = load(x + at);
      for (int r = 0; r < Rows; ++r)
        c[r][v] = fma(load(a + static_cast<std::size_t>(r) * cols + at), b, c[r][v]);
    }
  }
  for (; j < cols; j += kLanes) {
    const int left = static_cast<int>(cols - j);
    const Vec b = load_first(x + j, left);
    for (int r = 0; r < Rows; ++r) {
      c[r][0] = fma(load_first(a + static_cast<std::size_t>(r) * cols + j, left), b, c[r][0]);
    }
  }
  for (int r = 0; r < Rows; ++r) {
    Vec total = c[r][0];
    for (int v = 1; v < kVecs; ++v) total = total + c[r][v];
    y[r] = sum(total);
  }
}

void run(const Operands& o, const Shard& s) noexcept {
  const std::size_t cols = static_cast<std::size_t>(o.a->cols);
  const float* a = o.a->values;
  std::int32_t i = s.unit_begin;
  for (; i + kRows <= s.unit_end; i += kRows) {
    rows_of<kRows>(a + static_cast<std::size_t>(i) * cols, cols, o.b, o.c + i);
  }
  for (; i < s.unit_end; ++i) rows_of<1>(a + static_cast<std::size_t>(i) * cols, cols, o.b, o.c + i);
}

}  // namespace

extern const Kernel spmv_dense = {"spmv",        "dense", "dense", SPARSEMARK_ISA_NAME,
                                  Split::kUnits, true,    nullptr, nullptr,
                                  nullptr,       nullptr, run};

}  // namespace sparsemark::SPARSEMARK_ISA
