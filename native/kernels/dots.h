// Dot products of one row of X with rows of Y that a row of A picks: what sddmm and masked_attention share.
// For kernel files only.
#pragma once

#include "../simd/simd.h"
#include "kernel.h"
#include "unrolled.h"

namespace sparsemark::SPARSEMARK_ISA {
namespace {

// Products at once: their sums stay in registers, and those of kLanes products are added up lane by lane
// together, 3 operations a product instead of some 8.
constexpr int kDots = kLanes == 16 ? 16 : 8;
// What is left of a row is taken by fours, unless most of kDots is left.
constexpr int kFewDots = 4;
// Vectors of x that are held for all products at once: with kDots sums and one more they fit 16 registers.
constexpr int kHeld = 4;

// out[u] = x . y[columns[u]] for u < count <= G. Columns beyond count repeat the last one and are not
// written.
template <int G>
inline void dot_group(const float* x, const float* y, const std::int32_t* columns, int count, std::size_t n,
                      float* out) {
  const float* rows[G];
  Vec sums[G];
  unrolled<G>([&](auto u) __attribute__((always_inline)) {
    rows[u.value] = y + static_cast<std::size_t>(columns[u.value < count ? u.value : count - 1]) * n;
    sums[u.value] = zero();
  });
  std::size_t col = 0;
  for (; col + kHeld * kLanes <= n; col += kHeld * kLanes) {
    Vec part[kHeld];
    unrolled<kHeld>([&](auto v) __attribute__((always_inline)) {
      part[v.value] = load(x + col + v.value * kLanes);
      keep(part[v.value]);
    });
    unrolled<G>([&](auto u) __attribute__((always_inline)) {
      const float* row = rows[u.value] + col;
      unrolled<kHeld>([&](auto v) __attribute__((always_inline)) {
        sums[u.value] = fma(part[v.value], load(row + v.value * kLanes), sums[u.value]);
      });
    });
  }
  for (; col + kLanes <= n; col += kLanes) {
    const Vec part = load(x + col);
    unrolled<G>([&](auto u) __attribute__((always_inline)) {
      sums[u.value] = fma(part, load(rows[u.value] + col), sums[u.value]);
    });
  }
  if (col < n) {
    const int last = static_cast<int>(n - col);
    const Vec part = load_first(x + col, last);
    unrolled<G>([&](auto u) __attribute__((always_inline)) {
      sums[u.value] = fma(part, load_first(rows[u.value] + col, last), sums[u.value]);
    });
  }
  if constexpr (G % kLanes == 0) {
    for (int first = 0; first < G; first += kLanes) {
      if (count - first >= kLanes) {
        store(out + first, lane_sums(sums + first));
      } else if (count > first) {
        store_first(out + first, lane_sums(sums + first), count - first);
      }
    }
  } else {
    for (int u = 0; u < G && u < count; ++u) out[u] = sum(sums[u]);
  }
}

// out[u] = x . y[columns[u]] for u < count; rows of Y have n elements, as x.
inline void row_dots(const float* x, const float* y, const std::int32_t* columns, std::int32_t count,
                     std::size_t n, float* out) {
  std::int32_t p = 0;
  for (; p + kDots <= count; p += kDots) dot_group<kDots>(x, y, columns + p, kDots, n, out + p);
  if (count - p > kDots - kFewDots) return dot_group<kDots>(x, y, columns + p, count - p, n, out + p);
  for (; p < count; p += kFewDots) {
    dot_group<kFewDots>(x, y, columns + p, count - p < kFewDots ? count - p : kFewDots, n, out + p);
  }
}

}  // namespace
}  // namespace sparsemark::SPARSEMARK_ISA
