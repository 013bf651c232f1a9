// Operations on the vectors of a row, one beside the other in registers. Unrolled like unrolled.h, but
// without a lambda for each vector: the compiler optimises each lambda alone and then once more in each that
// holds it, which was a quarter of the time that dense_gemm.cc took.
#pragma once

#include <utility>

#include "../simd/simd.h"

namespace sparsemark::SPARSEMARK_ISA {
namespace {

template <int V, int... I>
[[gnu::always_inline]] inline void add_products(Vec (&sums)[V], Vec x, const Vec (&row)[V],
                                                std::integer_sequence<int, I...>) {
  ((sums[I] = fma(x, row[I], sums[I])), ...);
}

template <int V, int... I>
[[gnu::always_inline]] inline void load_add_products(Vec (&sums)[V], Vec x, const float* row,
                                                     std::integer_sequence<int, I...>) {
  ((sums[I] = fma(x, load(row + I * kLanes), sums[I])), ...);
}

template <int R, int V, int... I>
[[gnu::always_inline]] inline void add_outer_product(Vec (&sums)[R][V], const float* x, const Vec (&row)[V],
                                                     std::integer_sequence<int, I...>) {
  (add_products(sums[I], broadcast(x[I]), row, std::make_integer_sequence<int, V>{}), ...);
}

// sums[v] += x * row[v], the row in memory
template <int V>
[[gnu::always_inline]] inline void load_add_products(Vec (&sums)[V], Vec x, const float* row) {
  load_add_products(sums, x, row, std::make_integer_sequence<int, V>{});
}

// sums[v] += x * row[v]
template <int V>
[[gnu::always_inline]] inline void add_products(Vec (&sums)[V], Vec x, const Vec (&row)[V]) {
  add_products(sums, x, row, std::make_integer_sequence<int, V>{});
}

// sums[r][v] += x[r] * row[v]
template <int R, int V>
[[gnu::always_inline]] inline void add_outer_product(Vec (&sums)[R][V], const float* x, const Vec (&row)[V]) {
  add_outer_product(sums, x, row, std::make_integer_sequence<int, R>{});
}

}  // namespace
}  // namespace sparsemark::SPARSEMARK_ISA
