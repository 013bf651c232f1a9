// spmv of f16 on csr: a row at a time, values widened as they are loaded, B widened once in scratch and
// gathered there, sums in f32. No instruction gathers 16 bits, and gathers are what limits the product, not
// FMAs: sums in f16 would lose bits and win nothing. 6 bytes a nonzero instead of 8 where A streams.
#include "half_panels.h"

namespace sparsemark::SPARSEMARK_ISA {
namespace {

void widen_all(const std::uint16_t* halves, std::int32_t count, float* out) {
  std::int32_t j = 0;
  for (; j + kLanes <= count; j += kLanes) store(out + j, load_widened(halves + j));
  for (; j < count; ++j) store_first(out + j, widen(broadcast_half(halves[j])).low, 1);
}

Vec load_widened_first(const std::uint8_t* p, int count) {
  alignas(64) std::uint16_t lanes[kLanes] = {};
  __builtin_memcpy(lanes, p, 2 * static_cast<std::size_t>(count < kLanes ? count : kLanes));
  return load_widened(lanes);
}

void run(const Operands& o, const Shard& s) noexcept {
  const Encoded& a = *o.a;
  float* b = static_cast<float*>(o.scratch);
  if (s.unit_begin < s.unit_end) widen_all(halves_of_b(o), a.cols, b);
  for (std::int32_t i = s.unit_begin; i < s.unit_end; ++i) {
    const std::int32_t begin = a.offsets[i];
    const std::int32_t count = a.offsets[i + 1] - begin;
    const std::uint8_t* bytes = a.bytes + 2 * static_cast<std::size_t>(begin);
    const std::uint16_t* values = reinterpret_cast<const std::uint16_t*>(bytes);
    const std::int32_t* columns = a.indices + begin;
    Vec even = zero();
    Vec odd = zero();
    std::int32_t p = 0;
    for (; p + 2 * kLanes <= count; p += 2 * kLanes) {
      even = fma(load_widened(values + p), gather(b, columns + p), even);
      odd = fma(load_widened(values + p + kLanes), gather(b, columns + p + kLanes), odd);
    }
    for (; p < count; p += kLanes) {
      odd = fma(load_widened_first(bytes + 2 * static_cast<std::size_t>(p), count - p),
                gather_first(b, columns + p, count - p), odd);
    }
    alignas(64) float lanes[kHalfLanes] = {sum(add(even, odd))};
    store_halves_first(halves_of_c(o) + i, rounded(load_sums(lanes)), 1);
  }
}

std::int64_t scratch_bytes(const Encoded& a, std::int32_t) { return static_cast<std::int64_t>(a.cols) * 4; }

}  // namespace

extern const Kernel spmv_csr_f16 = {.op = "spmv",
                                    .name = "csr",
                                    .format = "csr",
                                    .isa = SPARSEMARK_ISA_NAME,
                                    .split = Split::kUnits,
                                    .scratch_bytes = scratch_bytes,
                                    .tiling = dots_tiling<1, 2>,
                                    .run = run,
                                    .dtype = "f16"};

}  // namespace sparsemark::SPARSEMARK_ISA
