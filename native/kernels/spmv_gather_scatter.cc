// spmv on gs-*: a bundle of B nonzeros at a time, B gathered from B banks. Lanes keep their row through a
// group, so they are summed up only at its end, K of a row, all of them where the group is a row.
#include "../simd/simd.h"
#include "kernel.h"
#include "plan_words.h"

namespace sparsemark::SPARSEMARK_ISA {
namespace {

template <int B, int K, bool kScatter>
void run(const Operands& o, const Shard& s) noexcept {
  // Wide vectors take several bundles, narrow ones a part of one.
  constexpr int kWidth = B > kLanes ? B : kLanes;
  constexpr int kVectors = kWidth / kLanes;
  constexpr std::int32_t kBundles = kWidth / B;
  constexpr int kHeight = B / K;
  constexpr bool kHorizontal = K == B;
  constexpr int kShift = !kHorizontal ? 0 : B == 8 ? 3 : 4;
  static_assert(!kHorizontal || B == 1 << kShift);
  const Encoded& a = *o.a;
  alignas(64) std::int32_t start[kWidth];
  for (int lane = 0; lane < kWidth; ++lane) start[lane] = kHorizontal ? lane % B : 0;

  for (std::int32_t group = s.unit_begin; group < s.unit_end; ++group) {
    Vec even[kVectors];
    Vec odd[kVectors];
    for (int v = 0; v < kVectors; ++v) even[v] = odd[v] = zero();
    const auto add_bundles = [&](const float* values, const std::uint8_t* bytes, Vec* sums) {
      for (int v = 0; v < kVectors; ++v) {
        const Vec b = gather_u16<kShift>(o.b, start + v * kLanes, bytes + v * kLanes * 2);
        sums[v] = fma(load(values + v * kLanes), b, sums[v]);
      }
    };
    const std::int32_t end = a.offsets[group + 1];
    std::int32_t bundle = a.offsets[group];
    const float* values = a.values + static_cast<std::size_t>(bundle) * B;
    const std::uint8_t* bytes = a.bytes + static_cast<std::size_t>(bundle) * B * 2;
    for (; bundle + 2 * kBundles <= end; bundle += 2 * kBundles) {
      add_bundles(values, bytes, even);
      add_bundles(values + kWidth, bytes + kWidth * 2, odd);
      values += 2 * kWidth;
      bytes += 2 * kWidth * 2;
    }
    if (bundle + kBundles <= end) {
      add_bundles(values, bytes, even);
      bundle += kBundles;
      values += kWidth;
      bytes += kWidth * 2;
    }
    if constexpr (kBundles > 1) {
      // A bundle alone in its vector is taken twice, and its copy dropped: no lane reads what A does not
      // meet.
      static_assert(kBundles == 2 && kVectors == 1);
      if (bundle < end) {
        alignas(64) float both[kWidth];
        alignas(64) std::uint8_t both_bytes[kWidth * 2];
        for (int copy = 0; copy < 2; ++copy) {
          __builtin_memcpy(both + copy * B, values, B * sizeof(float));
          __builtin_memcpy(both_bytes + copy * B * 2, bytes, B * 2);
        }
        Vec last = zero();
        add_bundles(both, both_bytes, &last);
        store(both, last);
        odd[0] = add(odd[0], load_first(both, B));
      }
    }

    if constexpr (kHorizontal) {
      Vec all = add(even[0], odd[0]);
      for (int v = 1; v < kVectors; ++v) all = add(all, add(even[v], odd[v]));
      o.c[group] = sum(all);
    } else {
      alignas(64) float sums[kWidth];
      for (int v = 0; v < kVectors; ++v) store(sums + v * kLanes, add(even[v], odd[v]));
      const std::int32_t first = group * kHeight;
      const int rows = a.rows - first < kHeight ? a.rows - first : kHeight;
      for (int r = 0; r < rows; ++r) {
        float total = 0.0f;
        for (int lane = r * K; lane < kWidth; lane += B) {
          for (int x = 0; x < K; ++x) total += sums[lane + x];
        }
        o.c[kScatter ? a.order[first + r] : first + r] = total;
      }
    }
  }
}

template <int B, int K, bool kScatter>
constexpr Kernel kernel_named(const char* name) {
  return {.op = "spmv",
          .name = name,
          .format = name,
          .isa = SPARSEMARK_ISA_NAME,
          .split = Split::kUnits,
          .tiling = dots_tiling<B / K, 2>,
          .run = run<B, K, kScatter>};
}

}  // namespace

extern const Kernel spmv_gs_horizontal_8 = kernel_named<8, 8, false>("gs-horizontal-8");
extern const Kernel spmv_gs_horizontal_16 = kernel_named<16, 16, false>("gs-horizontal-16");
extern const Kernel spmv_gs_vertical_8 = kernel_named<8, 1, false>("gs-vertical-8");
extern const Kernel spmv_gs_vertical_16 = kernel_named<16, 1, false>("gs-vertical-16");
extern const Kernel spmv_gs_hybrid_8x2 = kernel_named<8, 2, false>("gs-hybrid-8x2");
extern const Kernel spmv_gs_hybrid_16x4 = kernel_named<16, 4, false>("gs-hybrid-16x4");
extern const Kernel spmv_gs_scatter_8x2 = kernel_named<8, 2, true>("gs-scatter-8x2");
extern const Kernel spmv_gs_scatter_16x1 = kernel_named<16, 1, true>("gs-scatter-16x1");
extern const Kernel spmv_gs_scatter_16x4 = kernel_named<16, 4, true>("gs-scatter-16x4");

}  // namespace sparsemark::SPARSEMARK_ISA
