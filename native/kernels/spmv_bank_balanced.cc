// spmv on bank-balanced: a vector of values at a time, each of another bank, B gathered at their places.
#include "banks.h"
#include "plan_words.h"

namespace sparsemark::SPARSEMARK_ISA {
namespace {

template <int L, int kBytes>
void multiply(const Operands& o, const Shard& s) {
  static_assert(L % kLanes == 0);
  const Encoded& a = *o.a;
  const BankBegins<L> begins(a.cols);
  for (std::int32_t i = s.unit_begin; i < s.unit_end; ++i) {
    const std::size_t end = static_cast<std::size_t>(a.offsets[i + 1]);
    Vec total = zero();
    for (std::size_t round = static_cast<std::size_t>(a.offsets[i]); round < end; round += L) {
      for (std::size_t b = 0; b < L; b += kLanes) {
        alignas(64) std::int32_t columns[kLanes];
        for (std::size_t lane = 0; lane < kLanes; ++lane) {
          columns[lane] = begins.of[b + lane] + place_at<kBytes>(a.bytes, round + b + lane);
        }
        total = fma(load(a.values + round + b), gather(o.b, columns), total);
      }
    }
    o.c[i] = sum(total);
  }
}

template <int L>
void run(const Operands& o, const Shard& s) noexcept {
  if (o.a->p1 == 1) {
    multiply<L, 1>(o, s);
  } else {
    multiply<L, 2>(o, s);
  }
}

template <int L>
constexpr Kernel kernel_named(const char* name) {
  return {.op = "spmv",
          .name = name,
          .format = name,
          .isa = SPARSEMARK_ISA_NAME,
          .split = Split::kUnits,
          .tiling = dots_tiling<1, 1>,
          .run = run<L>};
}

}  // namespace

extern const Kernel spmv_bank_balanced_16 = kernel_named<16>("bank-balanced-16");
extern const Kernel spmv_bank_balanced_32 = kernel_named<32>("bank-balanced-32");

}  // namespace sparsemark::SPARSEMARK_ISA
