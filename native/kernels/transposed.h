// Packing of rows for the tiles of dense_tiles.h, whose operands lie step after step. For kernel files only.
#pragma once

#include "../simd/simd.h"
#include "kernel.h"

namespace sparsemark::SPARSEMARK_ISA {
namespace {

// out[p * width + r] = in[r * n + p] * factor for r < rows <= width and p < n; 0 for the other r.
static inline void pack_transposed(const float* in, std::int32_t rows, std::size_t n, std::size_t width,
                                   float factor, float* out) {
  for (std::size_t r = 0; r < width; ++r) {
    float* to = out + r;
    if (r >= static_cast<std::size_t>(rows)) {
      for (std::size_t p = 0; p < n; ++p, to += width) *to = 0.0f;
      continue;
    }
    const float* row = in + r * n;
    for (std::size_t p = 0; p < n; ++p, to += width) *to = row[p] * factor;
  }
}

}  // namespace
}  // namespace sparsemark::SPARSEMARK_ISA
