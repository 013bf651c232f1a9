// spmm on diagonal: a row of A at a time, over the diagonals that cross it. The values of a row lie a column
// of A apart, but the next rows' share their lines.
#include "diagonals.h"
#include "row_sum.h"

namespace sparsemark::SPARSEMARK_ISA {
namespace {

struct Body {
  static constexpr int kMost = 8;

  template <int V, bool kTail>
  static void panel(const Operands& o, const Shard& s, std::int32_t col, int last) {
    const Encoded& a = *o.a;
    const std::size_t n = static_cast<std::size_t>(o.n);
    const std::size_t rows = static_cast<std::size_t>(a.rows);
    const float* b = o.b + col;
    std::int32_t first = a.p0;  // diagonals [first, end) cross the row
    std::int32_t end = a.p0;
    for (std::int32_t i = s.unit_begin; i < s.unit_end; ++i) {
      count_below(a, -static_cast<std::int64_t>(i), first);
      count_below(a, static_cast<std::int64_t>(a.cols) - i, end);
      const float* values = a.values + i;
      const auto term = [&](std::int32_t d) {
        return Term{values[static_cast<std::size_t>(d) * rows],
                    b + static_cast<std::size_t>(i + a.indices[d]) * n};
      };
      float* out = o.c + static_cast<std::size_t>(i) * n + static_cast<std::size_t>(col);
      sum_terms<V, kTail>(first, end, term, out, last);
    }
  }
};

void run(const Operands& o, const Shard& s) noexcept { all_panels<Body>(o, s, o.a->cols); }

void tiling(const Encoded& a, std::int32_t n, char* text) {
  say_tiling(text, 1, panel_vectors(a.cols, n, Body::kMost));
}

}  // namespace

extern const Kernel spmm_diagonal = {.op = "spmm",
                                     .name = "diagonal",
                                     .format = "diagonal",
                                     .isa = SPARSEMARK_ISA_NAME,
                                     .split = Split::kUnits,
                                     .tiling = tiling,
                                     .run = run};

}  // namespace sparsemark::SPARSEMARK_ISA
