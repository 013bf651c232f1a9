// spmm on gs-*: vectors run along n, so that banks do not matter; one row at a time, K neighbouring lanes of
// each bundle of its group, whose other lanes are in L1 when their rows come.
#include "panel.h"

namespace sparsemark::SPARSEMARK_ISA {
namespace {

// B of a group is known at run time only, to keep the number of instances down; K, which is unrolled, is not.
template <int K, bool kHorizontal, bool kScatter>
struct Body {
  static constexpr int kMost = 4;

  template <int V, bool kTail>
  static void panel(const Operands& o, const Shard& s, std::int32_t col, int last) {
    // FMA latency is 4 at 2 a cycle: a narrow panel needs several chains of sums to be busy.
    constexpr int kChains = V >= 4 ? 1 : V >= 2 ? 2 : 4;
    constexpr int kElements = K > kChains ? K : kChains;
    constexpr int kBundles = kElements / K;
    const Encoded& a = *o.a;
    const std::size_t n = static_cast<std::size_t>(o.n);
    const std::int32_t banks = kHorizontal ? K : a.p0;
    const std::int32_t height = banks / K;
    const float* b = o.b + col;
    for (std::int32_t group = s.unit_begin; group < s.unit_end; ++group) {
      const std::int32_t first = group * height;
      const std::int32_t rows = a.rows - first < height ? a.rows - first : height;
      const std::int32_t count = a.offsets[group + 1] - a.offsets[group];
      for (std::int32_t r = 0; r < rows; ++r) {
        const std::size_t lane =
            static_cast<std::size_t>(a.offsets[group]) * static_cast<std::size_t>(banks) +
            static_cast<std::size_t>(r * K);
        const float* values = a.values + lane;
        const std::uint8_t* bytes = a.bytes + lane * 2;
        Vec c[kChains][V];
        for (int u = 0; u < kChains; ++u) {
          for (int v = 0; v < V; ++v) c[u][v] = zero();
        }
        // Element x of the row's K in the bundle at hand, or of the next one's from K on.
        const auto add_element = [&](int x, Vec* sums) {
          const std::int32_t at = x / K * banks + x % K;
          std::uint16_t number = 0;
          __builtin_memcpy(&number, bytes + at * 2, sizeof(number));
          const std::size_t column =
              kHorizontal ? static_cast<std::size_t>(number) * K + static_cast<std::size_t>(x) : number;
          const Vec value = broadcast(values[at]);
          const float* row = b + column * n;
          for (int v = 0; v < V; ++v) sums[v] = fma(value, load_part<V, kTail>(row, v, last), sums[v]);
        };
        std::int32_t bundle = 0;
        for (; bundle + kBundles <= count; bundle += kBundles) {
          for (int x = 0; x < kElements; x += kChains) {
            for (int u = 0; u < kChains; ++u) add_element(x + u, c[u]);
          }
          values += kBundles * banks;
          bytes += kBundles * banks * 2;
        }
        if constexpr (kBundles > 1) {
          for (; bundle < count; ++bundle, values += banks, bytes += banks * 2) {
            for (int x = 0; x < K; ++x) add_element(x, c[0]);
          }
        }
        for (int u = 1; u < kChains; ++u) {
          for (int v = 0; v < V; ++v) c[0][v] = add(c[0][v], c[u][v]);
        }
        const std::int32_t i = kScatter ? a.order[first + r] : first + r;
        float* out = o.c + static_cast<std::size_t>(i) * n + static_cast<std::size_t>(col);
        for (int v = 0; v < V; ++v) store_part<V, kTail>(out, v, c[0][v], last);
      }
    }
  }
};

template <typename Body>
void run(const Operands& o, const Shard& s) noexcept {
  all_panels<Body>(o, s, o.a->cols);
}

template <typename Body>
void tiling(const Encoded& a, std::int32_t n, char* text) {
  say_tiling(text, 1, panel_vectors(a.cols, n, Body::kMost));
}

template <int K, bool kHorizontal, bool kScatter>
constexpr Kernel kernel_named(const char* name) {
  using Rows = Body<K, kHorizontal, kScatter>;
  return {.op = "spmm",
          .name = name,
          .format = name,
          .isa = SPARSEMARK_ISA_NAME,
          .split = Split::kUnits,
          .tiling = tiling<Rows>,
          .run = run<Rows>};
}

}  // namespace

extern const Kernel spmm_gs_horizontal_8 = kernel_named<8, true, false>("gs-horizontal-8");
extern const Kernel spmm_gs_horizontal_16 = kernel_named<16, true, false>("gs-horizontal-16");
extern const Kernel spmm_gs_vertical_8 = kernel_named<1, false, false>("gs-vertical-8");
extern const Kernel spmm_gs_vertical_16 = kernel_named<1, false, false>("gs-vertical-16");
extern const Kernel spmm_gs_hybrid_8x2 = kernel_named<2, false, false>("gs-hybrid-8x2");
extern const Kernel spmm_gs_hybrid_16x4 = kernel_named<4, false, false>("gs-hybrid-16x4");
extern const Kernel spmm_gs_scatter_8x2 = kernel_named<2, false, true>("gs-scatter-8x2");
extern const Kernel spmm_gs_scatter_16x1 = kernel_named<1, false, true>("gs-scatter-16x1");
extern const Kernel spmm_gs_scatter_16x4 = kernel_named<4, false, true>("gs-scatter-16x4");

}  // namespace sparsemark::SPARSEMARK_ISA
