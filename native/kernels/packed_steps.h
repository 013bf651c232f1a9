// What products on packed do with a row of B. For kernel files only.
#pragma once

#include "../simd/simd.h"
#include "unrolled.h"

namespace sparsemark::SPARSEMARK_ISA {
namespace {

// A row of B, or of a tile, for a row of A.
template <int V>
[[gnu::always_inline]] inline void step(Vec value, const float* row, Vec (&sums)[V]) {
  unrolled<V>([&](auto v) __attribute__((always_inline)) {
    sums[v.value] = fma(value, load(row + v.value * kLanes), sums[v.value]);
  });
}

// The same for both rows of a pair.
template <int V>
[[gnu::always_inline]] inline void step_both(Vec of_x, Vec of_y, const float* row, Vec (&x)[V], Vec (&y)[V]) {
  unrolled<V>([&](auto v) __attribute__((always_inline)) {
    Vec part = load(row + v.value * kLanes);
    keep(part);
    x[v.value] = fma(of_x, part, x[v.value]);
    y[v.value] = fma(of_y, part, y[v.value]);
  });
}

}  // namespace
}  // namespace sparsemark::SPARSEMARK_ISA
