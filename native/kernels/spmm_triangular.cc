// spmm on triangular: 4 rows of A at once, as on dense, over the columns that all of them have; what the
// lower ones have beyond is added after.
#include "panel.h"
#include "triangle.h"
#include "unrolled.h"

namespace sparsemark::SPARSEMARK_ISA {
namespace {

constexpr int kRows = 4;

template <int Rows, int V, bool kTail>
void multiply_rows(const Operands& o, std::int32_t i, std::int32_t col, int last) {
  const Encoded& a = *o.a;
  const std::size_t n = static_cast<std::size_t>(o.n);
  const float* b = o.b + col;
  const float* values[Rows];
  for (int r = 0; r < Rows; ++r) values[r] = triangle_row(a, i + r);
  Vec c[Rows][V];
  unrolled<Rows>([&](auto r) __attribute__((always_inline)) {
    unrolled<V>([&](auto v) __attribute__((always_inline)) { c[r.value][v.value] = zero(); });
  });
  const std::int32_t width = triangle_width(a, i);
  const float* row = b;
  for (std::int32_t j = 0; j < width; ++j, row += n) {
    Vec part[V];
    unrolled<V>([&](auto v) __attribute__((always_inline)) {
      part[v.value] = load_part<V, kTail>(row, v.value, last);
      keep(part[v.value]);
    });
    unrolled<Rows>([&](auto r) __attribute__((always_inline)) {
      const Vec value = broadcast(values[r.value][j]);
      unrolled<V>([&](auto v) __attribute__((always_inline)) {
        c[r.value][v.value] = fma(value, part[v.value], c[r.value][v.value]);
      });
    });
  }
  unrolled<Rows>([&](auto r) __attribute__((always_inline)) {
    const float* beyond = row;
    for (std::int32_t j = width; j < triangle_width(a, i + r.value); ++j, beyond += n) {
      const Vec value = broadcast(values[r.value][j]);
      unrolled<V>([&](auto v) __attribute__((always_inline)) {
        c[r.value][v.value] = fma(value, load_part<V, kTail>(beyond, v.value, last), c[r.value][v.value]);
      });
    }
    float* out = o.c + static_cast<std::size_t>(i + r.value) * n + static_cast<std::size_t>(col);
    unrolled<V>([&](auto v) __attribute__((always_inline)) {
      store_part<V, kTail>(out, v.value, c[r.value][v.value], last);
    });
  });
}

struct Body {
  // kRows accumulators a vector, a register for its part of B, and one for a value.
  static constexpr int kMost = kRegisters >= 32 ? 6 : 3;

  template <int V, bool kTail>
  static void panel(const Operands& o, const Shard& s, std::int32_t col, int last) {
    std::int32_t i = s.unit_begin;
    for (; i + kRows <= s.unit_end; i += kRows) multiply_rows<kRows, V, kTail>(o, i, col, last);
    for (; i < s.unit_end; ++i) multiply_rows<1, V, kTail>(o, i, col, last);
  }
};

void run(const Operands& o, const Shard& s) noexcept { all_panels<Body>(o, s, o.a->cols); }

void tiling(const Encoded& a, std::int32_t n, char* text) {
  say_tiling(text, kRows, panel_vectors(a.cols, n, Body::kMost));
}

}  // namespace

extern const Kernel spmm_triangular = {.op = "spmm",
                                       .name = "triangular",
                                       .format = "triangular",
                                       .isa = SPARSEMARK_ISA_NAME,
                                       .split = Split::kUnits,
                                       .tiling = tiling,
                                       .run = run};

}  // namespace sparsemark::SPARSEMARK_ISA
