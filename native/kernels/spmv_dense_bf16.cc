// spmv of bf16 on dense: A streams, so half the bytes are half the time. 4 rows of 2 vectors, as with floats.
#include "../simd/bf16.h"
#include "kernel.h"
#include "plan_words.h"
#include "unrolled.h"

namespace sparsemark::SPARSEMARK_ISA {
namespace {

constexpr int kRows = 4;
constexpr int kVecs = 2;

template <int Rows>
void multiply_rows(const std::uint8_t* a, std::size_t cols, const float* x, float* y) {
  Vec c[Rows][kVecs];
  unrolled<Rows * kVecs>([&](auto i) __attribute__((always_inline)) {
    c[i.value / kVecs][i.value % kVecs] = zero();
  });
  std::size_t j = 0;
  for (; j + kVecs * kLanes <= cols; j += kVecs * kLanes) {
    unrolled<kVecs>([&](auto v) __attribute__((always_inline)) {
      const Vec b = load(x + j + v.value * kLanes);
      unrolled<Rows>([&](auto r) __attribute__((always_inline)) {
        const std::uint8_t* row = a + 2 * (static_cast<std::size_t>(r.value) * cols + j);
        c[r.value][v.value] = fma(load_bf16(row + 2 * v.value * kLanes), b, c[r.value][v.value]);
      });
    });
  }
  for (; j < cols; j += kLanes) {
    const int left = cols - j < kLanes ? static_cast<int>(cols - j) : kLanes;
    const Vec b = load_first(x + j, left);
    unrolled<Rows>([&](auto r) __attribute__((always_inline)) {
      const std::uint8_t* row = a + 2 * (static_cast<std::size_t>(r.value) * cols + j);
      c[r.value][0] = fma(load_bf16_first(row, left), b, c[r.value][0]);
    });
  }
  unrolled<Rows>([&](auto r)
                     __attribute__((always_inline)) { y[r.value] = sum(add(c[r.value][0], c[r.value][1])); });
}

void run(const Operands& o, const Shard& s) noexcept {
  const std::size_t cols = static_cast<std::size_t>(o.a->cols);
  std::int32_t i = s.unit_begin;
  for (; i + kRows <= s.unit_end; i += kRows) {
    multiply_rows<kRows>(o.a->bytes + 2 * static_cast<std::size_t>(i) * cols, cols, o.b, o.c + i);
  }
  for (; i < s.unit_end; ++i) {
    multiply_rows<1>(o.a->bytes + 2 * static_cast<std::size_t>(i) * cols, cols, o.b, o.c + i);
  }
}

}  // namespace

extern const Kernel spmv_dense_bf16 = {.op = "spmv",
                                       .name = "dense",
                                       .format = "dense",
                                       .isa = SPARSEMARK_ISA_NAME,
                                       .split = Split::kUnits,
                                       .dense = true,
                                       .tiling = streams_tiling<kRows, kVecs>,
                                       .run = run,
                                       .dtype = "bf16"};

}  // namespace sparsemark::SPARSEMARK_ISA
