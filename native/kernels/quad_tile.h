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
  static constexpr std::uint8_t kNothing[kLanes] = {};
  const std::size_t n = static_cast<std::size_t>(o.n);
  for (std::int32_t q = first; q < first + quads; ++q) {
    const std::uint8_t* row = o.b_bytes + static_cast<std::size_t>(q) * 4 * n + col;
    const std::int32_t rows = o.a->cols - q * 4;
    for (int v = 0; v < V; ++v, out += kStep) {
      const std::uint8_t* at[4];
      for (int r = 0; r < 4; ++r) {
        at[r] = r < rows ? row + static_cast<std::size_t>(r) * n + static_cast<std::size_t>(v) * kLanes
                         : kNothing;
      }
      lay_quad(at, v == V - 1 ? last : kLanes, out);
    }
  }
}

}  // namespace
}  // namespace sparsemark::SPARSEMARK_ISA
