// spmm on ell: one row of A at a time, its padding included.
#include "pairs.h"

namespace sparsemark::SPARSEMARK_ISA {
namespace {

struct Body {
  static constexpr int kMost = 4;

  template <int V, bool kTail>
  static void panel(const Operands& o, const Shard& s, std::int32_t col, int last) {
    const Encoded& a = *o.a;
    const std::size_t n = static_cast<std::size_t>(o.n);
    for (std::int32_t i = s.unit_begin; i < s.unit_end; ++i) {
      const std::size_t begin = static_cast<std::size_t>(i) * static_cast<std::size_t>(a.p0);
      combine_rows<V, kTail>(a.values + begin, a.indices + begin, a.p0, o.b + col, n,
                             o.c + static_cast<std::size_t>(i) * n + static_cast<std::size_t>(col), last);
    }
  }
};

void run(const Operands& o, const Shard& s) noexcept { all_panels<Body>(o, s, o.a->cols); }

void tiling(const Encoded& a, std::int32_t n, char* text) {
  say_tiling(text, 1, panel_vectors(a.cols, n, Body::kMost));
}

}  // namespace

extern const Kernel spmm_ell = {.op = "spmm",
                                .name = "ell",
                                .format = "ell",
                                .isa = SPARSEMARK_ISA_NAME,
                                .split = Split::kUnits,
                                .tiling = tiling,
                                .run = run};

}  // namespace sparsemark::SPARSEMARK_ISA
