// The register tiles of the dense GEMM: the only loops in which time is spent.
//
// Tile:  rows of A by whole vectors of columns of C. A is broadcast, B is loaded.
// Slim:  vectors of rows of A by single columns of C. A is loaded, B is broadcast; for products of few
// columns
//        and for what n leaves over after whole vectors.
#pragma once

#include <utility>

#include "../simd/simd.h"
#include "kernel.h"

namespace sparsemark::SPARSEMARK_ISA {
namespace {

// The tile of C in registers: kRows x kVecs vectors.
#if defined(SPARSEMARK_ISA_avx512)
constexpr int kRows = 14;
constexpr int kVecs = 2;
constexpr int kMaxTail = 8;
constexpr int kMaxSlim = 15;
constexpr int kSlimSums = 24;
#elif defined(SPARSEMARK_ISA_avx2)
constexpr int kRows = 6;
constexpr int kVecs = 2;
constexpr int kMaxTail = 3;
constexpr int kMaxSlim = 12;
constexpr int kSlimSums = 12;
#elif defined(SPARSEMARK_ISA_neon)
constexpr int kRows = 8;
constexpr int kVecs = 3;
constexpr int kMaxTail = 2;
constexpr int kMaxSlim = 15;
constexpr int kSlimSums = 24;
#else
constexpr int kRows = 4;
constexpr int kVecs = 3;
constexpr int kMaxTail = 0;
constexpr int kMaxSlim = 0;
constexpr int kSlimSums = 1;
#endif
constexpr int kWidth = kVecs * kLanes;
constexpr int kSlimAhead = 16;

// Vectors of rows that cover a panel of kRows.
constexpr int kPanelVecs = (kRows + kLanes - 1) / kLanes;

// Calls f(At<0>{}) ... f(At<Count - 1>{}). A loop of constant bounds will not do: clang 14 leaves it rolled
// and keeps the accumulators in memory.
template <int I>
struct At {
  static constexpr int value = I;
};
template <int Count, typename F>
[[gnu::always_inline]] inline void unrolled(F f) {
  [&]<int... I>(std::integer_sequence<int, I...>) __attribute__((always_inline)) { (f(At<I>{}), ...); }
  (std::make_integer_sequence<int, Count>{});
}

struct Tile {
  const float* a;  // kRows values a step
  const float* b;  // packed: kWidth values a step; else a row of B, b_stride values a step
  std::size_t b_stride;
  float* pack;  // where to leave B packed
  float* c;
  std::size_t c_stride;
  std::int32_t depth;
  int last;           // columns of the last vector
  bool add;           // to what C holds
  const float* next;  // brought closer, one line a step
  std::size_t next_stride;
};

template <int Rows, int Vecs, bool Pack>
void multiply(const Tile& t) {
  Vec c[Rows][Vecs];
  unrolled<Rows>([&](auto r) __attribute__((always_inline)) {
    unrolled<Vecs>([&](auto v) __attribute__((always_inline)) { c[r.value][v.value] = zero(); });
  });
  const float* a = t.a;
  const float* b = t.b;
  const std::size_t b_stride = Pack ? t.b_stride : kWidth;
  float* pack = t.pack;
  const float* next = t.next;
  const std::size_t next_stride = t.next_stride;
  for (std::int32_t p = t.depth; p > 0; --p) {
    Vec row[Vecs];
    unrolled<Vecs>([&](auto v) __attribute__((always_inline)) {
      row[v.value] = load(b + v.value * kLanes);
      if constexpr (Pack) store(pack + v.value * kLanes, row[v.value]);
    });
    __builtin_prefetch(next, 0, 2);
    unrolled<Rows>([&](auto r) __attribute__((always_inline)) {
      const Vec value = broadcast(a[r.value]);
      unrolled<Vecs>([&](auto v) __attribute__((always_inline)) {
        c[r.value][v.value] = fma(value, row[v.value], c[r.value][v.value]);
      });
    });
    a += kRows;
    b += b_stride;
    if constexpr (Pack) pack += kWidth;
    next += next_stride;
  }
  const bool add = t.add;
  const bool whole = t.last == kLanes;
  const int last = t.last;
  float* out = t.c;
  const std::size_t stride = t.c_stride;
  unrolled<Rows>([&](auto r) __attribute__((always_inline)) {
    unrolled<Vecs>([&](auto v) __attribute__((always_inline)) {
      float* at = out + v.value * kLanes;
      if (v.value + 1 < Vecs || whole) {
        store(at, add ? load(at) + c[r.value][v.value] : c[r.value][v.value]);
      } else {
        store_first(at, add ? load_first(at, last) + c[r.value][v.value] : c[r.value][v.value], last);
      }
    });
    out += stride;
  });
}

using Multiply = void (*)(const Tile&);
struct Table {
  Multiply packed[kRows][kVecs];
  Multiply packing[kRows];
};
template <int... I, int... R>
constexpr Table table(std::integer_sequence<int, I...>, std::integer_sequence<int, R...>) {
  Table t{};
  ((t.packed[I / kVecs][I % kVecs] = multiply<I / kVecs + 1, I % kVecs + 1, false>), ...);
  ((t.packing[R] = multiply<R + 1, kVecs, true>), ...);
  return t;
}
constexpr Table kTable =
    table(std::make_integer_sequence<int, kRows * kVecs>{}, std::make_integer_sequence<int, kRows>{});

struct Slim {
  const float* a;
  const float* b;
  std::size_t b_stride;
  float* c;
  std::size_t c_stride;
  std::int32_t depth;
  std::int32_t skip;  // rows [skip, rows) are written
  std::int32_t rows;
  bool add;
};

template <int Cols, int Vecs, int Stride>
void multiply_slim(const Slim& t) {
  // Few chains of FMAs would wait for each other (4 cycles): several steps at once.
  constexpr int kSteps = Cols * Vecs == 1 ? 4 : Cols * Vecs <= 3 ? 2 : 1;
  Vec c[kSteps][Cols][Vecs];
  unrolled<kSteps>([&](auto s) __attribute__((always_inline)) {
    unrolled<Cols>([&](auto j) __attribute__((always_inline)) {
      unrolled<Vecs>([&](auto v) __attribute__((always_inline)) { c[s.value][j.value][v.value] = zero(); });
    });
  });
  const float* a = t.a;
  const float* b = t.b;
  const std::size_t b_stride = t.b_stride;
  std::int32_t p = t.depth;
  const auto step = [&](auto s) __attribute__((always_inline)) {
    Vec column[Vecs];
    unrolled<Vecs>([&](auto v) __attribute__((always_inline)) {
      column[v.value] = load(a + v.value * kLanes);
      if constexpr (Stride != kRows) __builtin_prefetch(a + v.value * kLanes + kSlimAhead * Stride);
    });
    unrolled<Cols>([&](auto j) __attribute__((always_inline)) {
      const Vec value = broadcast(b[j.value]);
      unrolled<Vecs>([&](auto v) __attribute__((always_inline)) {
        c[s.value][j.value][v.value] = fma(column[v.value], value, c[s.value][j.value][v.value]);
      });
    });
    a += Stride;
    b += b_stride;
  };
  for (; p >= kSteps; p -= kSteps) unrolled<kSteps>(step);
  if constexpr (kSteps > 1) {
    for (; p > 0; --p) step(At<0>{});
  }
  float columns[Cols][Vecs * kLanes];
  unrolled<Cols>([&](auto j) __attribute__((always_inline)) {
    unrolled<Vecs>([&](auto v) __attribute__((always_inline)) {
      Vec total = c[0][j.value][v.value];
      unrolled<kSteps - 1>([&](auto s) __attribute__((always_inline)) {
        total = total + c[s.value + 1][j.value][v.value];
      });
      store(&columns[j.value][v.value * kLanes], total);
    });
  });
  for (std::int32_t i = t.skip; i < t.rows; ++i) {
    float* out = t.c + static_cast<std::size_t>(i) * t.c_stride;
    for (int j = 0; j < Cols; ++j) out[j] = t.add ? out[j] + columns[j][i] : columns[j][i];
  }
}

using MultiplySlim = void (*)(const Slim&);

// Columns left over that are cheaper one by one than as one more vector.
struct TailTable {
  MultiplySlim of[kMaxTail + 1];
};
template <int... I>
constexpr TailTable tail_table(std::integer_sequence<int, I...>) {
  TailTable t{};
  ((t.of[I + 1] = multiply_slim<I + 1, kPanelVecs, kRows>), ...);
  return t;
}
constexpr TailTable kTails = tail_table(std::make_integer_sequence<int, kMaxTail>{});

// Products of few columns: panels of slim_vecs(n) vectors of rows.
constexpr int slim_vecs(int n) {
  return n * 4 <= kSlimSums ? 4 : n * 3 <= kSlimSums ? 3 : n * 2 <= kSlimSums ? 2 : 1;
}
struct SlimTable {
  MultiplySlim of[kMaxSlim + 1];
};
template <int... I>
constexpr SlimTable slim_table(std::integer_sequence<int, I...>) {
  SlimTable t{};
  ((t.of[I + 1] = multiply_slim<I + 1, slim_vecs(I + 1), slim_vecs(I + 1) * kLanes>), ...);
  return t;
}
constexpr SlimTable kSlims = slim_table(std::make_integer_sequence<int, kMaxSlim>{});

}  // namespace
}  // namespace sparsemark::SPARSEMARK_ISA
