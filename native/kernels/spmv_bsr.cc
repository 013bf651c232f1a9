// spmv on bsr: a sum for each element of a block, so that a block is multiplied with its C elements of B,
// each R times over, without a shuffle of the values; the sums of a row are added at the end of the block
// row.
#include "../simd/simd.h"
#include "kernel.h"
#include "plan_words.h"

namespace sparsemark::SPARSEMARK_ISA {
namespace {

// sums += values * B, `columns` of the block's columns.
template <int R, int C>
inline void add_block(const float* values, const float* b, int columns, float* sums) {
  for (int k = 0; k < columns; ++k) {
    for (int r = 0; r < R; ++r) sums[k * R + r] += values[k * R + r] * b[k];
  }
}

template <int R, int C>
void run(const Operands& o, const Shard& s) noexcept {
  constexpr int kSize = R * C;
  const Encoded& a = *o.a;
  for (std::int32_t q = s.unit_begin; q < s.unit_end; ++q) {
    const std::int32_t begin = a.offsets[q];
    const std::int32_t end = a.offsets[q + 1];
    // Only the last block of a row can stick out beyond the last column.
    const std::int32_t whole = end > begin && (a.indices[end - 1] + 1) * C > a.cols ? end - 1 : end;
    alignas(64) float sums[kSize];
    if constexpr (kSize % kLanes == 0) {
      constexpr int kVectors = kSize / kLanes;
      Vec c[kVectors];
      for (int v = 0; v < kVectors; ++v) c[v] = zero();
      for (std::int32_t block = begin; block < whole; ++block) {
        const float* values = a.values + static_cast<std::size_t>(block) * kSize;
        const float* b = o.b + static_cast<std::size_t>(a.indices[block]) * C;
        for (int v = 0; v < kVectors; ++v) {
          c[v] = fma(load(values + v * kLanes), spread<R>(b + v * kLanes / R), c[v]);
        }
      }
      for (int v = 0; v < kVectors; ++v) store(sums + v * kLanes, c[v]);
    } else {
      for (int e = 0; e < kSize; ++e) sums[e] = 0.0f;
      for (std::int32_t block = begin; block < whole; ++block) {
        add_block<R, C>(a.values + static_cast<std::size_t>(block) * kSize,
                        o.b + static_cast<std::size_t>(a.indices[block]) * C, C, sums);
      }
    }
    if (whole < end) {
      const std::int32_t j = a.indices[whole] * C;
      add_block<R, C>(a.values + static_cast<std::size_t>(whole) * kSize, o.b + j, a.cols - j, sums);
    }
    for (int r = 0; r < R && q * R + r < a.rows; ++r) {
      float total = sums[r];
      for (int k = 1; k < C; ++k) total += sums[k * R + r];
      o.c[q * R + r] = total;
    }
  }
}

template <int R, int C>
void tiling(const Encoded&, std::int32_t, char* text) {
  text = append(append(say_rows(text, R), ", "), R * C);
  append(text, " sums, B in place");
}

template <int R, int C>
constexpr Kernel kernel_named(const char* name) {
  return {.op = "spmv",
          .name = name,
          .format = name,
          .isa = SPARSEMARK_ISA_NAME,
          .split = Split::kUnits,
          .tiling = tiling<R, C>,
          .run = run<R, C>};
}

}  // namespace

extern const Kernel spmv_bsr_1x4 = kernel_named<1, 4>("bsr-1x4");
extern const Kernel spmv_bsr_4x1 = kernel_named<4, 1>("bsr-4x1");
extern const Kernel spmv_bsr_4x4 = kernel_named<4, 4>("bsr-4x4");
extern const Kernel spmv_bsr_8x8 = kernel_named<8, 8>("bsr-8x8");
extern const Kernel spmv_bsr_16x1 = kernel_named<16, 1>("bsr-16x1");

}  // namespace sparsemark::SPARSEMARK_ISA
