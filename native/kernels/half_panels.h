// What the spmm kernels of f16 share: C is computed a panel of columns at a time, as in panel.h, in vectors
// of kHalfLanes columns. For kernel files only.
#pragma once

#include "../simd/f16.h"
#include "kernel.h"
#include "panel_width.h"
#include "plan_words.h"

namespace sparsemark::SPARSEMARK_ISA {
namespace {

static inline const std::uint16_t* halves_of_b(const Operands& o) {
  return reinterpret_cast<const std::uint16_t*>(o.b_bytes);
}
static inline std::uint16_t* halves_of_c(const Operands& o) {
  return reinterpret_cast<std::uint16_t*>(o.c_integers);
}

// "2 rows x 8 vectors of 32 columns, f16 sums of 64"
static inline char* say_half_tiling(char* text, int rows, int vectors) {
  return append(append(say_tiling(text, rows, vectors, kHalfLanes), ", f16 sums of "), kHalfTerms);
}

template <typename Body, int V>
void one_half_panel(const Operands& o, const Shard& s, std::int32_t col, int vectors, int last) {
  if constexpr (V > 1) {
    if (vectors < V) return one_half_panel<Body, V - 1>(o, s, col, vectors, last);
  }
  Body::template panel<V>(o, s, col, last);
}

// Calls Body::panel<V>(o, s, col, last) for each of as few panels as cover the shard's columns with `most`
// vectors each, each as wide as the last or one vector narrower: V vectors from column col on, the last of
// them with `last` columns. Body::kMost is the widest V.
template <typename Body>
void half_panels(const Operands& o, const Shard& s, std::int64_t most) {
  for (std::int64_t col = s.col_begin; col < s.col_end;) {
    const std::int64_t left = s.col_end - col;
    const int vectors = even_width(left, kHalfLanes, most);
    const std::int64_t width = static_cast<std::int64_t>(vectors) * kHalfLanes;
    const std::int64_t count = left < width ? left : width;
    one_half_panel<Body, Body::kMost>(o, s, static_cast<std::int32_t>(col), vectors,
                                      static_cast<int>(count - (vectors - 1) * kHalfLanes));
    col += count;
  }
}

}  // namespace
}  // namespace sparsemark::SPARSEMARK_ISA
