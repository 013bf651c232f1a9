// B of int8 as the products of bytes want it: four rows, a quad, side by side in a tile. For kernel files
// only.
#pragma once

#include "panel.h"

namespace sparsemark::SPARSEMARK_ISA {
namespace {

// Bytes of a vector of columns of a tile.
constexpr std::size_t kStep = static_cast<std::size_t>(kLanes) * kQuadBytes;

static inline std::int32_t quads_of(const Encoded& a) {
  return static_cast<std::int32_t>((a.cols + std::int64_t{3}) / 4);
}

// Quads [first, first + quads) of B's rows, V vectors from column col on, the last of `last` columns. What
// sticks out beyond B's last row is 0.
template <int V>
void lay_tile(const Operands& o, std::int32_t first, std::int32_t quads, std::int32_t col, int last,
              std::uint8_t* out) {
  static constexpr std::uint8_t kNothing[V * kLanes] = {};
  const std::size_t n = static_cast<std::size_t>(o.n);
  for (std::int32_t q = first; q < first + quads; ++q) {
    const std::uint8_t* at[4];
    for (int r = 0; r < 4; ++r) {
      const std::int64_t j = q * std::int64_t{4} + r;
      at[r] = j < o.a->cols ? o.b_bytes + static_cast<std::size_t>(j) * n + col : kNothing;
    }
    int v = 0;
    const auto forward = [&](int vectors) __attribute__((always_inline)) {
      v += vectors;
      out += static_cast<std::size_t>(vectors) * kStep;
      for (int r = 0; r < 4; ++r) at[r] += vectors * kLanes;
    };
#if defined(SPARSEMARK_ISA_avx512vnni)
    for (; v + 4 < V || (v + 4 == V && last == kLanes); forward(4)) lay_four_quads(at, out);
#endif
    // After the last vector the rows' pointers may lie beyond B: nothing is read there.
    for (; v + 1 < V; forward(1)) lay_quad(at, kLanes, out);
    if (v < V) {
      lay_quad(at, last, out);
      out += kStep;
    }
  }
}

}  // namespace
}  // namespace sparsemark::SPARSEMARK_ISA
