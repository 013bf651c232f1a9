// What the spmm kernels share: C is computed a panel of columns at a time, as many vectors wide as registers
// and caches allow, so that the panel's part of B stays near the core while all of A passes by. The last
// vector of the last panel may be partial; it is masked, in the same pass over A. For kernel files only.
#pragma once

#include "../simd/simd.h"
#include "kernel.h"
#include "panel_width.h"
#include "plan_words.h"

namespace sparsemark::SPARSEMARK_ISA {
namespace {

// Vectors of columns a panel, at most `most`. `height` is the number of rows that must stay cached: k where
// rows of B are picked, m where rows of C are.
static inline int panel_vectors(std::int32_t height, std::int32_t columns, int most) {
  return even_width(columns, kLanes, cached_vectors(height, kLanes * 4, most));
}

// Vector v of V of a row of B or C; where kTail, the last one has `last` columns only.
template <int V, bool kTail>
inline Vec load_part(const float* row, int v, int last) {
  if (kTail && v == V - 1) return load_first(row + v * kLanes, last);
  return load(row + v * kLanes);
}

template <int V, bool kTail>
inline void store_part(float* row, int v, Vec part, int last) {
  if (kTail && v == V - 1) {
    store_first(row + v * kLanes, part, last);
  } else {
    store(row + v * kLanes, part);
  }
}

template <typename Body, int V>
void one_panel(const Operands& o, const Shard& s, std::int32_t col, int vectors, int last) {
  if constexpr (V > 1) {
    if (vectors < V) return one_panel<Body, V - 1>(o, s, col, vectors, last);
  }
  if (last == kLanes) {
    Body::template panel<V, false>(o, s, col, last);
  } else {
    Body::template panel<V, true>(o, s, col, last);
  }
}

// Calls Body::panel<V, kTail>(o, s, col, last) for each panel of the shard's columns: V vectors from column
// col on, the last of them with `last` columns; width is a multiple of kLanes. Body::kMost is the widest V.
template <typename Body>
void panels_of_width(const Operands& o, const Shard& s, std::int64_t width) {
  for (std::int64_t col = s.col_begin; col < s.col_end; col += width) {
    const std::int64_t left = s.col_end - col;
    const int count = static_cast<int>(left < width ? left : width);
    const int vectors = (count + kLanes - 1) / kLanes;
    one_panel<Body, Body::kMost>(o, s, static_cast<std::int32_t>(col), vectors,
                                 count - (vectors - 1) * kLanes);
  }
}

// The same in panels of panel_vectors(height, columns).
template <typename Body>
void all_panels(const Operands& o, const Shard& s, std::int32_t height) {
  const int vectors = panel_vectors(height, s.col_end - s.col_begin, Body::kMost);
  panels_of_width<Body>(o, s, static_cast<std::int64_t>(vectors) * kLanes);
}

static inline int even_vectors(std::int64_t columns, std::int64_t most) {
  return even_width(columns, kLanes, most);
}

// The same in as few panels of at most `most` vectors as cover the columns, each as wide as the last or one
// vector narrower.
template <typename Body>
void even_panels(const Operands& o, const Shard& s, std::int64_t most) {
  Shard part = s;
  while (part.col_begin < s.col_end) {
    const std::int64_t left = static_cast<std::int64_t>(s.col_end) - part.col_begin;
    const std::int64_t width = static_cast<std::int64_t>(even_vectors(left, most)) * kLanes;
    part.col_end = width < left ? static_cast<std::int32_t>(part.col_begin + width) : s.col_end;
    panels_of_width<Body>(o, part, width);
    part.col_begin = part.col_end;
  }
}

}  // namespace
}  // namespace sparsemark::SPARSEMARK_ISA
