// spmv on nm-N:M: a vector of values at a time; their places, taken apart in lanes, index B.
#include "../simd/simd.h"
#include "kernel.h"
#include "plan_words.h"

namespace sparsemark::SPARSEMARK_ISA {
namespace {

template <int M>
constexpr int kBits = M == 4 ? 2 : 4;
// A vector must begin with a group and its places with a byte.
template <int N, int M>
constexpr bool kVectors = kLanes % N == 0 && kLanes % (8 / kBits<M>) == 0;

template <int N, int M>
void run(const Operands& o, const Shard& s) noexcept {
  constexpr std::size_t kInByte = 8 / kBits<M>;
  constexpr std::size_t kStep = kLanes;
  const Encoded& a = *o.a;
  const std::size_t slots = (static_cast<std::size_t>(a.cols) + M - 1) / M * N;
  const std::size_t row_bytes = (slots + kInByte - 1) / kInByte;
  alignas(64) std::int32_t group[kLanes];  // first column of a lane's group, from that of lane 0
  for (int lane = 0; lane < kLanes; ++lane) group[lane] = lane / N * M;
  for (std::int32_t i = s.unit_begin; i < s.unit_end; ++i) {
    const float* values = a.values + static_cast<std::size_t>(i) * slots;
    const std::uint8_t* bytes = a.bytes + static_cast<std::size_t>(i) * row_bytes;
    Vec sums[2] = {zero(), zero()};
    float total = 0.0f;
    std::size_t slot = 0;
    if constexpr (kVectors<N, M>) {
      for (; slot + kStep <= slots; slot += kStep) {
        std::uint64_t fields = 0;
        __builtin_memcpy(&fields, bytes + slot / kInByte, kStep / kInByte);
        const Vec b = gather_fields<kBits<M>>(o.b + slot / N * M, group, fields);
        Vec& chain = sums[slot / kStep % 2];
        chain = fma(load(values + slot), b, chain);
      }
      total = sum(add(sums[0], sums[1]));
    }
    for (; slot < slots; ++slot) {
      const std::size_t place = bytes[slot / kInByte] >> slot % kInByte * kBits<M> & (M - 1);
      total += values[slot] * o.b[slot / N * M + place];
    }
    o.c[i] = total;
  }
}

template <int N, int M>
void tiling(const Encoded&, std::int32_t, char* text) {
  say_dots(text, 1, kVectors<N, M> ? 2 : 1);
}

template <int N, int M>
constexpr Kernel kernel_named(const char* name) {
  return {.op = "spmv",
          .name = name,
          .format = name,
          .isa = SPARSEMARK_ISA_NAME,
          .split = Split::kUnits,
          .tiling = tiling<N, M>,
          .run = run<N, M>};
}

}  // namespace

extern const Kernel spmv_nm_1_4 = kernel_named<1, 4>("nm-1:4");
extern const Kernel spmv_nm_2_4 = kernel_named<2, 4>("nm-2:4");
extern const Kernel spmv_nm_4_8 = kernel_named<4, 8>("nm-4:8");

}  // namespace sparsemark::SPARSEMARK_ISA
