// spmm on bank-balanced: a row of A at a time, bank after bank in rounds. Every row of B is found by an
// addition, no offset is loaded; what the banks are for, one element of each at once, is spmv's.
#include "banks.h"
#include "row_sum.h"

namespace sparsemark::SPARSEMARK_ISA {
namespace {

template <int L, int kBytes>
struct Body {
  static constexpr int kMost = 8;

  template <int V, bool kTail>
  static void panel(const Operands& o, const Shard& s, std::int32_t col, int last) {
    const Encoded& a = *o.a;
    const std::size_t n = static_cast<std::size_t>(o.n);
    const float* b = o.b + col;
    const BankBegins<L> begins(a.cols);
    const auto term = [&](std::int32_t slot) {
      const std::int32_t j = begins.of[slot % L] + place_at<kBytes>(a.bytes, static_cast<std::size_t>(slot));
      return Term{a.values[slot], b + static_cast<std::size_t>(j) * n};
    };
    for (std::int32_t i = s.unit_begin; i < s.unit_end; ++i) {
      float* out = o.c + static_cast<std::size_t>(i) * n + static_cast<std::size_t>(col);
      sum_terms<V, kTail>(a.offsets[i], a.offsets[i + 1], term, out, last);
    }
  }
};

template <int L>
void run(const Operands& o, const Shard& s) noexcept {
  if (o.a->p1 == 1) {
    all_panels<Body<L, 1>>(o, s, o.a->cols);
  } else {
    all_panels<Body<L, 2>>(o, s, o.a->cols);
  }
}

void tiling(const Encoded& a, std::int32_t n, char* text) {
  say_tiling(text, 1, panel_vectors(a.cols, n, Body<16, 1>::kMost));
}

template <int L>
constexpr Kernel kernel_named(const char* name) {
  return {.op = "spmm",
          .name = name,
          .format = name,
          .isa = SPARSEMARK_ISA_NAME,
          .split = Split::kUnits,
          .tiling = tiling,
          .run = run<L>};
}

}  // namespace

extern const Kernel spmm_bank_balanced_16 = kernel_named<16>("bank-balanced-16");
extern const Kernel spmm_bank_balanced_32 = kernel_named<32>("bank-balanced-32");

}  // namespace sparsemark::SPARSEMARK_ISA
