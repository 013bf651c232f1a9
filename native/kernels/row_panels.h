// Products whose compressed rows are rows of C: spmm on csr, and spmm_t on csc, whose columns are the rows of
// A^T. For kernel files only.
#pragma once

#include "epilogue.h"
#include "pairs.h"

namespace sparsemark::SPARSEMARK_ISA {
namespace {

// One compressed row at a time, up to 8 vectors of columns of C in registers. kEpilogue: bias and ReLU follow
// while the row is at hand.
template <bool kEpilogue>
struct RowPanel {
  static constexpr int kMost = 8;

  template <int V, bool kTail>
  static void panel(const Operands& o, const Shard& s, std::int32_t col, int last) {
    const Encoded& a = *o.a;
    const std::size_t n = static_cast<std::size_t>(o.n);
    const float* b = o.b + col;
    float* out = o.c + static_cast<std::size_t>(s.unit_begin) * n + static_cast<std::size_t>(col);
    for (std::int32_t i = s.unit_begin; i < s.unit_end; ++i, out += n) {
      const std::int32_t begin = a.offsets[i];
      combine_rows<V, kTail>(a.values + begin, a.indices + begin, a.offsets[i + 1] - begin, b, n, out, last);
      if constexpr (kEpilogue) add_bias_relu(out, (V - 1) * kLanes + last, o.b2[i]);
    }
  }
};

}  // namespace
}  // namespace sparsemark::SPARSEMARK_ISA
