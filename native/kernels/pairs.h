// What the kernels share whose rows are {value, column} pairs: csr, coo, ell and, with a stride, sell. For
// kernel files only.
#pragma once

#include "panel.h"

namespace sparsemark::SPARSEMARK_ISA {
namespace {

// A row of C, V vectors from b's column on: the sum over the row's pairs of value * row of B. Pair p lies at
// p * kStride.
template <int V, bool kTail, int kStride = 1, typename Column = std::int32_t>
inline void combine_rows(const float* values, const Column* columns, std::int32_t count, const float* b,
                         std::size_t n, float* out, int last) {
  // FMA latency is 4 at 2 a cycle: a narrow panel needs several chains of sums to be busy.
  constexpr int kChains = V >= 4 ? 1 : V >= 2 ? 2 : 4;
  Vec c[kChains][V];
  for (int u = 0; u < kChains; ++u) {
    for (int v = 0; v < V; ++v) c[u][v] = zero();
  }
  std::int32_t p = 0;
  if constexpr (kChains > 1) {
    for (; p + kChains <= count; p += kChains) {
      for (int u = 0; u < kChains; ++u) {
        const Vec value = broadcast(values[(p + u) * kStride]);
        const float* row = b + static_cast<std::size_t>(columns[(p + u) * kStride]) * n;
        for (int v = 0; v < V; ++v) c[u][v] = fma(value, load_part<V, kTail>(row, v, last), c[u][v]);
      }
    }
  }
  for (; p < count; ++p) {
    const Vec value = broadcast(values[p * kStride]);
    const float* row = b + static_cast<std::size_t>(columns[p * kStride]) * n;
    for (int v = 0; v < V; ++v) c[0][v] = fma(value, load_part<V, kTail>(row, v, last), c[0][v]);
  }
  for (int u = 1; u < kChains; ++u) {
    for (int v = 0; v < V; ++v) c[0][v] = add(c[0][v], c[u][v]);
  }
  for (int v = 0; v < V; ++v) store_part<V, kTail>(out, v, c[0][v], last);
}

// The sum over count pairs of value * b[column]: B gathered, two chains, since a gather takes longer than an
// FMA.
static inline float dot(const float* values, const std::int32_t* columns, std::int32_t count,
                        const float* b) {
  Vec even = zero();
  Vec odd = zero();
  std::int32_t p = 0;
  for (; p + 2 * kLanes <= count; p += 2 * kLanes) {
    even = fma(load(values + p), gather(b, columns + p), even);
    odd = fma(load(values + p + kLanes), gather(b, columns + p + kLanes), odd);
  }
  if (p + kLanes <= count) {
    even = fma(load(values + p), gather(b, columns + p), even);
    p += kLanes;
  }
  if (p < count) {
    odd = fma(load_first(values + p, count - p), gather_first(b, columns + p, count - p), odd);
  }
  return sum(add(even, odd));
}

// First position from which on the ascending rows are at least row: where a row of coo begins.
static inline std::int32_t first_of_row(const std::int32_t* rows, std::int32_t count, std::int32_t row) {
  std::int32_t low = 0;
  std::int32_t high = count;
  while (low < high) {
    const std::int32_t middle = low + (high - low) / 2;
    if (rows[middle] < row) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

}  // namespace
}  // namespace sparsemark::SPARSEMARK_ISA
