// Products whose compressed rows are rows of B: spmm on csc, and spmm_t on csr. A row of B in registers is
// added, times its value, to the row of C of each entry. Here it is the panel of C that is read and written
// all the time and has to stay cached. Two threads would write the same rows of C, so they take columns of C
// instead. For kernel files only.
#pragma once

#include "panel.h"

namespace sparsemark::SPARSEMARK_ISA {
namespace {

// kTransposed: the compressed rows are those of A, C has a row for each of its columns.
template <bool kTransposed>
struct ScatterPanel {
  static constexpr int kMost = 4;

  static std::int32_t outputs(const Encoded& a) { return kTransposed ? a.cols : a.rows; }

  template <int V, bool kTail>
  static void panel(const Operands& o, const Shard& s, std::int32_t col, int last) {
    const Encoded& a = *o.a;
    const std::size_t n = static_cast<std::size_t>(o.n);
    float* c = o.c + col;
    for (std::int32_t i = 0; i < outputs(a); ++i) {
      for (int v = 0; v < V; ++v) {
        store_part<V, kTail>(c + static_cast<std::size_t>(i) * n, v, zero(), last);
      }
    }
    for (std::int32_t j = s.unit_begin; j < s.unit_end; ++j) {
      const float* row = o.b + static_cast<std::size_t>(j) * n + static_cast<std::size_t>(col);
      Vec b[V];
      for (int v = 0; v < V; ++v) b[v] = load_part<V, kTail>(row, v, last);
      for (std::int32_t p = a.offsets[j]; p < a.offsets[j + 1]; ++p) {
        const Vec value = broadcast(a.values[p]);
        float* out = c + static_cast<std::size_t>(a.indices[p]) * n;
        for (int v = 0; v < V; ++v) {
          store_part<V, kTail>(out, v, fma(value, b[v], load_part<V, kTail>(out, v, last)), last);
        }
      }
    }
  }
};

}  // namespace
}  // namespace sparsemark::SPARSEMARK_ISA
