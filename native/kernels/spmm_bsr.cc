// spmm on bsr: each row of B is loaded once for the R rows of a block, whose sums are in registers. Blocks of
// 16 rows are taken in halves where there are no registers for all.
#include "panel.h"

namespace sparsemark::SPARSEMARK_ISA {
namespace {

// Registers for sums: three quarters; the rest holds a row of B and a value.
constexpr int kSums = kRegisters / 4 * 3;

template <int R, int C>
struct Body {
  static constexpr int kRows = R < kSums ? R : 8;  // rows at once
  static constexpr int kMost = kSums / kRows < 6 ? kSums / kRows : 6;
  static_assert(R % kRows == 0 && kMost >= 1);

  template <int V, bool kTail>
  static void panel(const Operands& o, const Shard& s, std::int32_t col, int last) {
    const Encoded& a = *o.a;
    const std::size_t n = static_cast<std::size_t>(o.n);
    for (std::int32_t q = s.unit_begin; q < s.unit_end; ++q) {
      for (std::int32_t first = 0; first < R && q * R + first < a.rows; first += kRows) {
        Vec c[kRows][V];
        for (int r = 0; r < kRows; ++r) {
          for (int v = 0; v < V; ++v) c[r][v] = zero();
        }
        for (std::int32_t block = a.offsets[q]; block < a.offsets[q + 1]; ++block) {
          const float* value = a.values + static_cast<std::size_t>(block) * R * C + first;
          const std::int32_t j = a.indices[block] * C;
          const float* row = o.b + static_cast<std::size_t>(j) * n + static_cast<std::size_t>(col);
          const int columns = a.cols - j < C ? a.cols - j : C;  // B ends before a block that sticks out
          for (int k = 0; k < columns; ++k, value += R, row += n) {
            Vec b[V];
            for (int v = 0; v < V; ++v) b[v] = load_part<V, kTail>(row, v, last);
            for (int r = 0; r < kRows; ++r) {
              const Vec x = broadcast(value[r]);
              for (int v = 0; v < V; ++v) c[r][v] = fma(x, b[v], c[r][v]);
            }
          }
        }
        const std::int32_t i = q * R + first;
        float* out = o.c + static_cast<std::size_t>(i) * n + static_cast<std::size_t>(col);
        for (int r = 0; r < kRows; ++r, out += n) {
          if (i + r >= a.rows) break;
          for (int v = 0; v < V; ++v) store_part<V, kTail>(out, v, c[r][v], last);
        }
      }
    }
  }
};

template <int R, int C>
void run(const Operands& o, const Shard& s) noexcept {
  all_panels<Body<R, C>>(o, s, o.a->cols);
}

template <int R, int C>
void tiling(const Encoded& a, std::int32_t n, char* text) {
  say_tiling(text, Body<R, C>::kRows, panel_vectors(a.cols, n, Body<R, C>::kMost));
}

template <int R, int C>
constexpr Kernel kernel_named(const char* name) {
  return {"spmm",  name,    name,    SPARSEMARK_ISA_NAME, Split::kUnits, false,
          nullptr, nullptr, nullptr, tiling<R, C>,        run<R, C>};
}

}  // namespace

extern const Kernel spmm_bsr_1x4 = kernel_named<1, 4>("bsr-1x4");
extern const Kernel spmm_bsr_4x1 = kernel_named<4, 1>("bsr-4x1");
extern const Kernel spmm_bsr_4x4 = kernel_named<4, 4>("bsr-4x4");
extern const Kernel spmm_bsr_8x8 = kernel_named<8, 8>("bsr-8x8");
extern const Kernel spmm_bsr_16x1 = kernel_named<16, 1>("bsr-16x1");

}  // namespace sparsemark::SPARSEMARK_ISA
