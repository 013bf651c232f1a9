// spmm on nm-N:M: one value at a time; its place in its group names the row of B.
#include "panel.h"

namespace sparsemark::SPARSEMARK_ISA {
namespace {

template <int N, int M>
struct Body {
  static constexpr int kMost = 4;

  template <int V, bool kTail>
  static void panel(const Operands& o, const Shard& s, std::int32_t col, int last) {
    constexpr std::size_t kBits = M == 4 ? 2 : 4;
    constexpr std::size_t kInByte = 8 / kBits;
    const Encoded& a = *o.a;
    const std::size_t n = static_cast<std::size_t>(o.n);
    const std::size_t slots = (static_cast<std::size_t>(a.cols) + M - 1) / M * N;
    const std::size_t row_bytes = (slots + kInByte - 1) / kInByte;
    for (std::int32_t i = s.unit_begin; i < s.unit_end; ++i) {
      const float* values = a.values + static_cast<std::size_t>(i) * slots;
      const std::uint8_t* bytes = a.bytes + static_cast<std::size_t>(i) * row_bytes;
      Vec c[V];
      for (int v = 0; v < V; ++v) c[v] = zero();
      for (std::size_t slot = 0; slot < slots; ++slot) {
        const std::size_t place = bytes[slot / kInByte] >> slot % kInByte * kBits & (M - 1);
        const float* row = o.b + (slot / N * M + place) * n + static_cast<std::size_t>(col);
        const Vec x = broadcast(values[slot]);
        for (int v = 0; v < V; ++v) c[v] = fma(x, load_part<V, kTail>(row, v, last), c[v]);
      }
      float* out = o.c + static_cast<std::size_t>(i) * n + static_cast<std::size_t>(col);
      for (int v = 0; v < V; ++v) store_part<V, kTail>(out, v, c[v], last);
    }
  }
};

template <int N, int M>
void run(const Operands& o, const Shard& s) noexcept {
  all_panels<Body<N, M>>(o, s, o.a->cols);
}

template <int N, int M>
void tiling(const Encoded& a, std::int32_t n, char* text) {
  say_tiling(text, 1, panel_vectors(a.cols, n, Body<N, M>::kMost));
}

template <int N, int M>
constexpr Kernel kernel_named(const char* name) {
  return {"spmm",  name,    name,    SPARSEMARK_ISA_NAME, Split::kUnits, false,
          nullptr, nullptr, nullptr, tiling<N, M>,        run<N, M>};
}

}  // namespace

extern const Kernel spmm_nm_1_4 = kernel_named<1, 4>("nm-1:4");
extern const Kernel spmm_nm_2_4 = kernel_named<2, 4>("nm-2:4");
extern const Kernel spmm_nm_4_8 = kernel_named<4, 8>("nm-4:8");

}  // namespace sparsemark::SPARSEMARK_ISA
