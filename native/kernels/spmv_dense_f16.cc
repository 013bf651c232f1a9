// spmv of f16 on dense: A streams, so half the bytes are half the time. 4 rows of 2 vectors, as with floats;
// each lane adds up kHalfTerms products in f16, and what lanes hold is added up in f32.
#include "half_panels.h"
#include "unrolled.h"

namespace sparsemark::SPARSEMARK_ISA {
namespace {

constexpr int kRows = 4;
constexpr int kVecs = 2;
constexpr std::size_t kWidth = kVecs * kHalfLanes;

template <int Rows>
void multiply_rows(const std::uint8_t* a, std::size_t cols, const std::uint16_t* x, std::uint16_t* y) {
  const std::uint16_t* values = reinterpret_cast<const std::uint16_t*>(a);
  float sums[Rows] = {};
  std::size_t j = 0;
  while (j < cols) {
    Halves c[Rows][kVecs];
    unrolled<Rows * kVecs>([&](auto i) __attribute__((always_inline)) {
      c[i.value / kVecs][i.value % kVecs] = zero_halves();
    });
    const std::size_t end = cols - j < kHalfTerms * kWidth ? cols : j + kHalfTerms * kWidth;
    for (; j + kWidth <= end; j += kWidth) {
      unrolled<kVecs>([&](auto v) __attribute__((always_inline)) {
        const Halves b = load_halves(x + j + v.value * kHalfLanes);
        unrolled<Rows>([&](auto r) __attribute__((always_inline)) {
          const std::uint16_t* row = values + static_cast<std::size_t>(r.value) * cols + j;
          c[r.value][v.value] = fma_halves(load_halves(row + v.value * kHalfLanes), b, c[r.value][v.value]);
        });
      });
    }
    // Less than a step is left of the last block alone, a part of it for each vector.
    unrolled<kVecs>([&](auto v) __attribute__((always_inline)) {
      if (j >= end) return;
      const int left = end - j < kHalfLanes ? static_cast<int>(end - j) : kHalfLanes;
      const Halves b = load_halves_first(x + j, left);
      unrolled<Rows>([&](auto r) __attribute__((always_inline)) {
        const std::uint16_t* row = values + static_cast<std::size_t>(r.value) * cols + j;
        c[r.value][v.value] = fma_halves(load_halves_first(row, left), b, c[r.value][v.value]);
      });
      j += static_cast<std::size_t>(left);
    });
    unrolled<Rows>([&](auto r) __attribute__((always_inline)) {
      sums[r.value] += total(add_sums(widen(c[r.value][0]), widen(c[r.value][1])));
    });
  }
  unrolled<Rows>([&](auto r) __attribute__((always_inline)) {
    // The only way from a float to 16 bits that every instruction set has is that of a vector.
    alignas(64) float lanes[kHalfLanes] = {sums[r.value]};
    store_halves_first(y + r.value, rounded(load_sums(lanes)), 1);
  });
}

void run(const Operands& o, const Shard& s) noexcept {
  const std::size_t cols = static_cast<std::size_t>(o.a->cols);
  std::int32_t i = s.unit_begin;
  for (; i + kRows <= s.unit_end; i += kRows) {
    multiply_rows<kRows>(o.a->bytes + 2 * static_cast<std::size_t>(i) * cols, cols, halves_of_b(o),
                         halves_of_c(o) + i);
  }
  for (; i < s.unit_end; ++i) {
    multiply_rows<1>(o.a->bytes + 2 * static_cast<std::size_t>(i) * cols, cols, halves_of_b(o),
                     halves_of_c(o) + i);
  }
}

void tiling(const Encoded&, std::int32_t, char* text) {
  append(append(say_streams(text, kRows, kVecs), ", f16 sums of "), kHalfTerms);
}

}  // namespace

extern const Kernel spmv_dense_f16 = {.op = "spmv",
                                      .name = "dense",
                                      .format = "dense",
                                      .isa = SPARSEMARK_ISA_NAME,
                                      .split = Split::kUnits,
                                      .dense = true,
                                      .tiling = tiling,
                                      .run = run,
                                      .dtype = "f16"};

}  // namespace sparsemark::SPARSEMARK_ISA
