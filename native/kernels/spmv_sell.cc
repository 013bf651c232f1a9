// spmv on sell-16-128: the 16 rows of a slice in lanes, a slot at a time, B gathered; the sums go to their
// rows at the end of the slice.
#include "../simd/short_indices.h"
#include "kernel.h"
#include "plan_words.h"

namespace sparsemark::SPARSEMARK_ISA {
namespace {

constexpr int kHeight = 16;
constexpr int kVectors = kHeight / kLanes;

template <typename Column>
void run_slices(const Operands& o, const Shard& s, const Column* columns) {
  const Encoded& a = *o.a;
  for (std::int32_t slice = s.unit_begin; slice < s.unit_end; ++slice) {
    Vec even[kVectors];
    Vec odd[kVectors];
    for (int v = 0; v < kVectors; ++v) even[v] = odd[v] = zero();
    const std::int32_t end = a.offsets[slice + 1];
    std::int32_t p = a.offsets[slice];
    for (; p + 2 * kHeight <= end; p += 2 * kHeight) {
      for (int v = 0; v < kVectors; ++v) {
        const std::int32_t at = p + v * kLanes;
        even[v] = fma(load(a.values + at), gather(o.b, columns + at), even[v]);
        odd[v] = fma(load(a.values + at + kHeight), gather(o.b, columns + at + kHeight), odd[v]);
      }
    }
    if (p < end) {
      for (int v = 0; v < kVectors; ++v) {
        const std::int32_t at = p + v * kLanes;
        even[v] = fma(load(a.values + at), gather(o.b, columns + at), even[v]);
      }
    }
    alignas(64) float sums[kHeight];
    for (int v = 0; v < kVectors; ++v) store(sums + v * kLanes, add(even[v], odd[v]));
    const std::int32_t* order = a.order + static_cast<std::size_t>(slice) * kHeight;
    const int rows = a.rows - slice * kHeight < kHeight ? a.rows - slice * kHeight : kHeight;
    for (int r = 0; r < rows; ++r) o.c[order[r]] = sums[r];
  }
}

void run(const Operands& o, const Shard& s) noexcept {
  if (o.a->indices == nullptr) {
    run_slices(o, s, reinterpret_cast<const std::uint16_t*>(o.a->bytes));
  } else {
    run_slices(o, s, o.a->indices);
  }
}

}  // namespace

extern const Kernel spmv_sell_16_128 = {.op = "spmv",
                                        .name = "sell-16-128",
                                        .format = "sell-16-128",
                                        .isa = SPARSEMARK_ISA_NAME,
                                        .split = Split::kUnits,
                                        .tiling = dots_tiling<kHeight, 2>,
                                        .run = run};

}  // namespace sparsemark::SPARSEMARK_ISA
