// spmm of bf16 on csr: a value is widened to the float that it is the upper half of, and all else is f32.
// That saves bytes, never compute: an FMA has the same lanes.
#include "../simd/bf16.h"
#include "row_sum.h"

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
    const auto term = [&](std::int32_t p) __attribute__((always_inline)) {
      return Term{widen(a.bytes + 2 * static_cast<std::size_t>(p)),
                  b + static_cast<std::size_t>(a.indices[p]) * n};
    };
    for (std::int32_t i = s.unit_begin; i < s.unit_end; ++i, out += n) {
      sum_terms<V, kTail>(a.offsets[i], a.offsets[i + 1], term, out, last);
    }
  }
};

void run(const Operands& o, const Shard& s) noexcept { all_panels<Body>(o, s, o.a->cols); }

void tiling(const Encoded& a, std::int32_t n, char* text) {
  say_tiling(text, 1, panel_vectors(a.cols, n, Body::kMost));
}

}  // namespace

extern const Kernel spmm_csr_bf16 = {.op = "spmm",
                                     .name = "csr",
                                     .format = "csr",
                                     .isa = SPARSEMARK_ISA_NAME,
                                     .split = Split::kUnits,
                                     .tiling = tiling,
                                     .run = run,
                                     .dtype = "bf16"};

}  // namespace sparsemark::SPARSEMARK_ISA
