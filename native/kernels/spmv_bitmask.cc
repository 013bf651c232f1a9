// spmv on bitmask: as many columns as a vector has lanes at a time, their packed values spread out by the
// mask and multiplied with B as it lies, without a gather. B is read only where the mask is set.
#include "../simd/simd.h"
#include "kernel.h"
#include "plan_words.h"

namespace sparsemark::SPARSEMARK_ISA {
namespace {

// Below 8 lanes spreading out costs more than it saves: bits one by one.
constexpr bool kExpand = kLanes >= 8;

float dot_bits(const std::uint64_t* bits, std::size_t words, const float* values, const float* b) {
  if constexpr (kExpand) {
    constexpr int kParts = 64 / kLanes < 1 ? 1 : 64 / kLanes;
    Vec sums[2] = {zero(), zero()};
    for (std::size_t word = 0; word < words; ++word) {
      for (int part = 0; part < kParts; ++part) {
        const std::uint32_t mask =
            static_cast<std::uint32_t>(bits[word] >> (part * kLanes)) & ((1u << kLanes) - 1u);
        const float* x = b + word * 64 + static_cast<std::size_t>(part * kLanes);
        sums[part % 2] = fma(expand(mask, values), load_where(x, mask), sums[part % 2]);
        values += __builtin_popcount(mask);
      }
    }
    return sum(add(sums[0], sums[1]));
  } else {
    float sums[2] = {0.0f, 0.0f};
    for (std::size_t word = 0; word < words; ++word) {
      for (std::uint64_t left = bits[word]; left != 0; left &= left - 1) {
        sums[word % 2] += *values++ * b[word * 64 + static_cast<std::size_t>(__builtin_ctzll(left))];
      }
    }
    return sums[0] + sums[1];
  }
}

void run(const Operands& o, const Shard& s) noexcept {
  const Encoded& a = *o.a;
  const std::size_t words = (static_cast<std::size_t>(a.cols) + 63) / 64;
  for (std::int32_t i = s.unit_begin; i < s.unit_end; ++i) {
    o.c[i] = dot_bits(a.bits + static_cast<std::size_t>(i) * words, words, a.values + a.offsets[i], o.b);
  }
}

void tiling(const Encoded&, std::int32_t, char* text) {
  append(say_rows(text, 1),
         kExpand ? ", 2 chains of sums, B in place" : ", 2 chains of sums, B by single loads");
}

}  // namespace

extern const Kernel spmv_bitmask = {.op = "spmv",
                                    .name = "bitmask",
                                    .format = "bitmask",
                                    .isa = SPARSEMARK_ISA_NAME,
                                    .split = Split::kUnits,
                                    .tiling = tiling,
                                    .run = run};

}  // namespace sparsemark::SPARSEMARK_ISA
