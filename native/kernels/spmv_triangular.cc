// spmv on triangular: 4 rows of A at once, as on dense, over the columns that all of them have; what the
// lower ones have beyond, at most 3 elements, is added after.
#include "../simd/simd.h"
#include "kernel.h"
#include "plan_words.h"
#include "triangle.h"
#include "unrolled.h"

namespace sparsemark::SPARSEMARK_ISA {
namespace {

constexpr int kRows = 4;
constexpr int kVecs = 2;

template <int Rows>
void multiply_rows(const Encoded& a, std::int32_t i, const float* x, float* y) {
  const float* values[Rows];
  for (int r = 0; r < Rows; ++r) values[r] = triangle_row(a, i + r);
  Vec c[Rows][kVecs];
  unrolled<Rows>([&](auto r) __attribute__((always_inline)) {
    unrolled<kVecs>([&](auto v) __attribute__((always_inline)) { c[r.value][v.value] = zero(); });
  });
  const std::int32_t width = triangle_width(a, i);
  std::int32_t j = 0;
  for (; j + kVecs * kLanes <= width; j += kVecs * kLanes) {
    unrolled<kVecs>([&](auto v) __attribute__((always_inline)) {
      const Vec b = load(x + j + v.value * kLanes);
      unrolled<Rows>([&](auto r) __attribute__((always_inline)) {
        c[r.value][v.value] = fma(load(values[r.value] + j + v.value * kLanes), b, c[r.value][v.value]);
      });
    });
  }
  for (; j < width; j += kLanes) {
    const int left = width - j;
    const Vec b = load_first(x + j, left);
    unrolled<Rows>([&](auto r) __attribute__((always_inline)) {
      c[r.value][0] = fma(load_first(values[r.value] + j, left), b, c[r.value][0]);
    });
  }
  unrolled<Rows>([&](auto r) __attribute__((always_inline)) {
    float total = sum(add(c[r.value][0], c[r.value][1]));
    for (std::int32_t beyond = width; beyond < triangle_width(a, i + r.value); ++beyond) {
      total += values[r.value][beyond] * x[beyond];
    }
    y[i + r.value] = total;
  });
}

void run(const Operands& o, const Shard& s) noexcept {
  std::int32_t i = s.unit_begin;
  for (; i + kRows <= s.unit_end; i += kRows) multiply_rows<kRows>(*o.a, i, o.b, o.c);
  for (; i < s.unit_end; ++i) multiply_rows<1>(*o.a, i, o.b, o.c);
}

}  // namespace

extern const Kernel spmv_triangular = {.op = "spmv",
                                       .name = "triangular",
                                       .format = "triangular",
                                       .isa = SPARSEMARK_ISA_NAME,
                                       .split = Split::kUnits,
                                       .tiling = streams_tiling<kRows, kVecs>,
                                       .run = run};

}  // namespace sparsemark::SPARSEMARK_ISA
