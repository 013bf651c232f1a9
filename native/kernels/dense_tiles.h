// The register tiles of the dense GEMM: the only loops in which time is spent.
//
//   tile  rows of A by whole vectors of columns of C: A is broadcast, B is loaded
//   slim  whole vectors of rows of A by single columns of C: A is loaded, B is broadcast; for products of few
//         columns, and for the columns that n leaves over after whole vectors
#pragma once

#include "../simd/simd.h"
#include "kernel.h"
#include "unrolled.h"
#include "vector_rows.h"

namespace sparsemark::SPARSEMARK_ISA {
namespace {

// kRows x kVecs     the tile of C in registers. A step loads kVecs vectors of B, broadcasts kRows values of A
//                   and needs registers for the tile, the vectors of B and one broadcast.
// kMaxTail          columns that cost less one by one (an FMA each for a whole panel of rows) than as one
// more
//                   vector, partly empty (kRows FMAs).
// kMaxSlim          up to this many columns the product is all slim.
// kSlimSums         accumulators of a slim product.
// kResidentBytes    share of a private L2 that the block that is read again and again may take.
#if defined(SPARSEMARK_ISA_avx512)
// 32 registers; geomean over 17 layer shapes against oneDNN 2.6: 14 x 2 1.06, 12 x 2 and 8 x 3 1.04, 6 x 4
// 0.97.
constexpr int kRows = 14;
constexpr int kVecs = 2;
constexpr int kMaxTail = 8;
constexpr int kMaxSlim = 15;
constexpr int kSlimSums = 24;
constexpr std::int64_t kResidentBytes = 1 << 20;  // of 1 to 2 MiB
#elif defined(SPARSEMARK_ISA_avx2)
constexpr int kRows = 6;  // 16 registers: 12 + 2 + 1
constexpr int kVecs = 2;
constexpr int kMaxTail = 3;
constexpr int kMaxSlim = 12;
constexpr int kSlimSums = 12;
constexpr std::int64_t kResidentBytes = 1 << 18;  // of 256 KiB to 2 MiB
#elif defined(SPARSEMARK_ISA_neon)
constexpr int kRows = 8;  // 32 registers: 24 + 3 + 1
constexpr int kVecs = 3;
constexpr int kMaxTail = 2;
constexpr int kMaxSlim = 15;
constexpr int kSlimSums = 24;
constexpr std::int64_t kResidentBytes = 1 << 18;  // of 512 KiB and more
#else
constexpr int kRows = 4;  // 16 registers: 12 + 3 + 1
constexpr int kVecs = 3;
constexpr int kMaxTail = 0;
constexpr int kMaxSlim = 0;
constexpr int kSlimSums = 1;
constexpr std::int64_t kResidentBytes = 1 << 18;
#endif

// Columns of a sliver of the packed B.
constexpr int kWidth = kVecs * kLanes;
// Vectors of rows that cover a panel of the packed A.
constexpr int kPanelVecs = (kRows + kLanes - 1) / kLanes;
// Steps by which a slim product brings A closer before it is loaded: it streams from L3 and the hardware's
// prefetcher stops at each page. +30 % and more where another core is busy, nothing lost where none is.
constexpr int kSlimAhead = 16;

struct Tile {
  const float* a;        // a panel of A: kRows values a step
  const float* b;        // a sliver of B: kWidth values a step; for the packing tile B itself
  std::size_t b_stride;  // of B itself
  float* pack;           // where the packing tile leaves the sliver
  float* c;              // rows x columns, overwritten or, with add, added to
  std::size_t c_stride;
  std::int32_t depth;  // steps
  int last;            // columns of the last vector
  bool add;
  const float* next;  // brought into L2, one line a step
  std::size_t next_stride;
};

// The first tile to need a sliver reads B itself and packs the sliver on the way, its stores hidden between
// the FMAs: 64 x 576 x 3136 gains 6 % over packing beforehand. Fetching the lines of C beforehand gained
// nothing.
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
    add_outer_product(c, a, row);
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
struct TileTable {
  Multiply packed[kRows][kVecs];
  Multiply packing[kRows];
};
template <int... I, int... R>
constexpr TileTable tile_table(std::integer_sequence<int, I...>, std::integer_sequence<int, R...>) {
  TileTable t{};
  ((t.packed[I / kVecs][I % kVecs] = multiply<I / kVecs + 1, I % kVecs + 1, false>), ...);
  ((t.packing[R] = multiply<R + 1, kVecs, true>), ...);
  return t;
}
constexpr TileTable kTiles =
    tile_table(std::make_integer_sequence<int, kRows * kVecs>{}, std::make_integer_sequence<int, kRows>{});

struct Slim {
  const float* a;  // a panel of A: Stride values a step
  const float* b;
  std::size_t b_stride;
  float* c;  // of row 0 of the panel; rows [skip, rows) are written
  std::size_t c_stride;
  std::int32_t depth;
  std::int32_t skip;
  std::int32_t rows;
  bool add;
};

// Lanes beyond the panel hold whatever follows it; they are computed and not written.

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
    add_outer_product(c[s.value], b, column);
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

// Vectors of rows of a panel in a product of n <= kMaxSlim columns.
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
