// spmm on sell-16-128: one stored row at a time, its entries 16 apart; the 16 rows of a slice share its lines
// of values and indices in L1 and have the same trip count, which the branch predictor likes.
#include "pairs.h"

namespace sparsemark::SPARSEMARK_ISA {
namespace {

constexpr int kHeight = 16;

struct Body {
  static constexpr int kMost = 4;

  template <int V, bool kTail>
  static void panel(const Operands& o, const Shard& s, std::int32_t col, int last) {
    if (o.a->indices == nullptr) {
      slices<V, kTail>(o, s, col, last, reinterpret_cast<const std::uint16_t*>(o.a->bytes));
    } else {
      slices<V, kTail>(o, s, col, last, o.a->indices);
    }
  }

  template <int V, bool kTail, typename Column>
  static void slices(const Operands& o, const Shard& s, std::int32_t col, int last, const Column* columns) {
    const Encoded& a = *o.a;
    const std::size_t n = static_cast<std::size_t>(o.n);
    for (std::int32_t slice = s.unit_begin; slice < s.unit_end; ++slice) {
      const std::int32_t begin = a.offsets[slice];
      const std::int32_t width = (a.offsets[slice + 1] - begin) / kHeight;
      const std::int32_t* order = a.order + static_cast<std::size_t>(slice) * kHeight;
      const int rows = a.rows - slice * kHeight < kHeight ? a.rows - slice * kHeight : kHeight;
      for (int r = 0; r < rows; ++r) {
        combine_rows<V, kTail, kHeight>(
            a.values + begin + r, columns + begin + r, width, o.b + col, n,
            o.c + static_cast<std::size_t>(order[r]) * n + static_cast<std::size_t>(col), last);
      }
    }
  }
};

void run(const Operands& o, const Shard& s) noexcept { all_panels<Body>(o, s, o.a->cols); }

void tiling(const Encoded& a, std::int32_t n, char* text) {
  say_tiling(text, 1, panel_vectors(a.cols, n, Body::kMost));
}

}  // namespace

extern const Kernel spmm_sell_16_128 = {.op = "spmm",
                                        .name = "sell-16-128",
                                        .format = "sell-16-128",
                                        .isa = SPARSEMARK_ISA_NAME,
                                        .split = Split::kUnits,
                                        .tiling = tiling,
                                        .run = run};

}  // namespace sparsemark::SPARSEMARK_ISA
