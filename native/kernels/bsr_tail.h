// The columns that n leaves over after whole vectors, for spmm on bsr: one at a time they are spmv, in which
// a vector is full of the block's own elements, while a vector of columns would be nearly empty.
#pragma once

#include "../simd/simd.h"
#include "kernel.h"
#include "unrolled.h"

namespace sparsemark::SPARSEMARK_ISA {
namespace {

// So many columns at the most. On a Zen 5, 16x1 at sparsity 0.5 and 0.9: n = 49 runs at 1.26 and 1.22 to 1.27
// of a vector with one column more, n = 196 at 1.01 to 1.05 and 1.05.
constexpr int kMostTail = 4;
template <int R, int C>
constexpr bool kHasTail = kLanes == 16 && R* C % kLanes == 0;

// Sums of columns of blocks are added up at the end of a block row, which takes as long as some blocks do: 4
// columns of 4x4 with 6 blocks a block row ran at 0.95, with 13 at 1.00, with 57 at 1.03.
constexpr std::int64_t kWorthTail = 3;

template <int R, int C>
int tail_columns(const Encoded& a, std::int32_t n) {
  const int left = n % kLanes;
  if (!kHasTail<R, C> || n < kLanes || left > kMostTail) return 0;
  return C == 1 || a.offsets[a.units] >= kWorthTail * left * a.units ? left : 0;
}

// Floats of a copied column, filled up to whole blocks.
template <int C>
std::size_t tail_length(const Encoded& a) {
  return (static_cast<std::size_t>(a.cols) + C - 1) / C * C;
}

// T columns of C from column col on; copies: those of B.
template <int R, int C, int T>
void multiply_tail(const Operands& o, const Shard& s, const float* copies, std::int32_t col) {
  constexpr int kSize = R * C;
  constexpr int kVectors = kSize / kLanes;
  // Sums that wait for their last FMA, which takes 4 cycles, take turns with other blocks' sums.
  constexpr int kChains = T * kVectors < 4 ? 4 / (T * kVectors) : 1;
  const Encoded& a = *o.a;
  const std::size_t length = tail_length<C>(a);
  for (std::int32_t q = s.unit_begin; q < s.unit_end; ++q) {
    Vec c[kChains][T][kVectors];
    unrolled<kChains * T * kVectors>([&](auto x) __attribute__((always_inline)) {
      c[x.value / (T * kVectors)][x.value / kVectors % T][x.value % kVectors] = zero();
    });
    const auto add_block = [&](auto chain, std::int32_t block) __attribute__((always_inline)) {
      const float* values = a.values + static_cast<std::size_t>(block) * kSize;
      const float* b = copies + static_cast<std::size_t>(a.indices[block]) * C;
      unrolled<kVectors>([&](auto v) __attribute__((always_inline)) {
        const Vec value = load(values + v.value * kLanes);
        unrolled<T>([&](auto t) __attribute__((always_inline)) {
          Vec& sum = c[chain.value][t.value][v.value];
          sum = fma(value, spread<R>(b + t.value * length + v.value * kLanes / R), sum);
        });
      });
    };
    const std::int32_t end = a.offsets[q + 1];
    std::int32_t block = a.offsets[q];
    for (; block + kChains <= end; block += kChains) {
      unrolled<kChains>([&](auto chain)
                            __attribute__((always_inline)) { add_block(chain, block + chain.value); });
    }
    for (; block < end; ++block) add_block(At<0>{}, block);
    unrolled<T>([&](auto t) __attribute__((always_inline)) {
      alignas(64) float sums[kSize];
      unrolled<kVectors>([&](auto v) __attribute__((always_inline)) {
        Vec total = c[0][t.value][v.value];
        unrolled<kChains - 1>([&](auto chain) __attribute__((always_inline)) {
          total = add(total, c[chain.value + 1][t.value][v.value]);
        });
        store(sums + v.value * kLanes, total);
      });
      for (int k = 1; k < C; ++k) {
        for (int r = 0; r < R; ++r) sums[r] += sums[k * R + r];
      }
      const std::int32_t i = q * R;
      float* out = o.c + static_cast<std::size_t>(i) * static_cast<std::size_t>(o.n) + col + t.value;
      for (int r = 0; r < R && i + r < a.rows; ++r, out += o.n) *out = sums[r];
    });
  }
}

template <int R, int C, int T = kMostTail>
void multiply_tail(const Operands& o, const Shard& s, const float* copies, std::int32_t col, int columns) {
  if constexpr (T > 1) {
    if (columns < T) return multiply_tail<R, C, T - 1>(o, s, copies, col, columns);
  }
  multiply_tail<R, C, T>(o, s, copies, col);
}

// The last `columns` columns of C; space: as many times tail_length floats.
template <int R, int C>
void finish_columns(const Operands& o, const Shard& s, float* space, int columns) {
  const Encoded& a = *o.a;
  const std::size_t length = tail_length<C>(a);
  const std::int32_t col = o.n - columns;
  for (int t = 0; t < columns; ++t) {
    const float* from = o.b + col + t;
    float* to = space + static_cast<std::size_t>(t) * length;
    std::int32_t j = 0;
    for (; j < a.cols; ++j, from += o.n) to[j] = *from;
    for (; j < static_cast<std::int32_t>(length); ++j) to[j] = 0.0f;
  }
  multiply_tail<R, C>(o, s, space, col, columns);
}

}  // namespace
}  // namespace sparsemark::SPARSEMARK_ISA
