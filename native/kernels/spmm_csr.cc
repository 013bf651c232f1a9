// spmm on csr: one row of A at a time, up to 8 vectors of columns of C in registers.
#include "pairs.h"

namespace sparsemark::SPARSEMARK_ISA {
namespace {

struct Body {
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
    }
  }
};

void run(const Operands& o, const Shard& s) noexcept { all_panels<Body>(o, s, o.a->cols); }

void tiling(const Encoded& a, std::int32_t n, char* text) {
  say_tiling(text, 1, panel_vectors(a.cols, n, Body::kMost));
}

}  // namespace

extern const Kernel spmm_csr = {
    "spmm", "csr", "csr", SPARSEMARK_ISA_NAME, Split::kUnits, false, nullptr, nullptr, nullptr, tiling, run};

}  // namespace sparsemark::SPARSEMARK_ISA
