// spmm on bitmask: the set bits of a row's words are taken one by one, lowest first.
#include "panel.h"

namespace sparsemark::SPARSEMARK_ISA {
namespace {

struct Body {
  static constexpr int kMost = 4;

  template <int V, bool kTail>
  static void panel(const Operands& o, const Shard& s, std::int32_t col, int last) {
    const Encoded& a = *o.a;
    const std::size_t n = static_cast<std::size_t>(o.n);
    const std::size_t words = (static_cast<std::size_t>(a.cols) + 63) / 64;
    for (std::int32_t i = s.unit_begin; i < s.unit_end; ++i) {
      const float* value = a.values + a.offsets[i];
      const std::uint64_t* bits = a.bits + static_cast<std::size_t>(i) * words;
      Vec c[V];
      for (int v = 0; v < V; ++v) c[v] = zero();
      for (std::size_t word = 0; word < words; ++word) {
        const float* b = o.b + word * 64 * n + static_cast<std::size_t>(col);
        for (std::uint64_t left = bits[word]; left != 0; left &= left - 1) {
          const float* row = b + static_cast<std::size_t>(__builtin_ctzll(left)) * n;
          const Vec x = broadcast(*value++);
          for (int v = 0; v < V; ++v) c[v] = fma(x, load_part<V, kTail>(row, v, last), c[v]);
        }
      }
      float* out = o.c + static_cast<std::size_t>(i) * n + static_cast<std::size_t>(col);
      for (int v = 0; v < V; ++v) store_part<V, kTail>(out, v, c[v], last);
    }
  }
};

void run(const Operands& o, const Shard& s) noexcept { all_panels<Body>(o, s, o.a->cols); }

void tiling(const Encoded& a, std::int32_t n, char* text) {
  say_tiling(text, 1, panel_vectors(a.cols, n, Body::kMost));
}

}  // namespace

extern const Kernel spmm_bitmask = {.op = "spmm",
                                    .name = "bitmask",
                                    .format = "bitmask",
                                    .isa = SPARSEMARK_ISA_NAME,
                                    .split = Split::kUnits,
                                    .tiling = tiling,
                                    .run = run};

}  // namespace sparsemark::SPARSEMARK_ISA
