// spmm on nm-N:M: each value's place in its group names a row of B, one of M in a tile of B that was copied
// to L1. Every row has the same number of values, so two rows or more go through the tile together without a
// loop of their own length, and their sums take turns in the FMA units.
//
// Measured on one core of a Zen 5, nm-2:4, on 128x1152x784, 256x2304x196, 512x512x196, 3072x768x32,
// 3072x768x128 and 256x64x3136:
//
// 64 columns of A a tile (kTileColumns): 8 vectors of them are 32 KiB. 32 columns run at 0.92, 96 at 0.88.
// values fetched ahead (kAhead rows): a tile takes 128 bytes of each row, which the hardware does not
// foresee:
//   1.37, 3072x768x32 alone 3 times. 4 or 16 rows are the same.
// slots of the rows in turns: 1.08 over one row's slots of a byte after the other's.
// places of 16 or 32 slots in one load, and values four at a time (kFours): 1.20 over a byte of places where
//   it is needed and a broadcast for each value, of which the values are 1.03: loads whose address waits for
//   a load in flight keep a Zen 5 at 1.4 loads a cycle. With the next line's, AVX2 gains 1.20 too.
// the next tile of B brought into L2 (Ahead): 1.04; 64x576x3136, where 64 rows share a tile, 1.06 to 1.11.
// sums between tiles in scratch, aligned, for as many rows as fit kHeldBytes: 128, 256 and 512 KiB are the
//   same within 2 %.
//
// On AVX2, on a Zen 3 whose L1 is 32 KiB and whose L2 is 512, 10 shapes of k from 64 to 3072 and n from 32 to
// 3136 beside our dense kernel, median of 25 rounds in turns and ratio of the fastest ones: 1.11 and 1.17
// with one row of 6 vectors at once; 1.29 and 1.31 with two (6 sums are too few for 2 FMAs a cycle that take
// 4) and values that come four at a time (kFours: one load where broadcasts take 4, beside 24 of B); 1.32
// and 1.47 with a tile of 128 columns too, which is 24 KiB, and half as many sums between tiles. On 8 of them
// and a quieter machine 1.20 and 1.22 before, 1.30 and 1.36 after.
//
// What did not help: streaming C (1.00), 6 or 4 vectors (0.97, 0.94), rows of the tile 1 vector longer, so
// that they do not fall into the same banks (1.00), fetching the rows of C (1.00), steps of 8 slots
// (1.00).
//
// What limits it: one load of B an FMA, of which it does 190 GFLOP/s of 274. Where few rows share a tile it
// is the tile, which comes in pieces of 512 bytes: with the first tile taken for all (a wrong answer)
// 64x64x3136 runs at 1.12, 128x1152x784 at 1.15, 64x576x3136, whose B is 7.2 MB, at 1.4. Fetching them into
// L1 (0.97), or those of the next panel while a tile is copied (1.00), is no better.
#include "packed_runs.h"
#include "panel.h"
#include "unrolled.h"
#include "vector_rows.h"

namespace sparsemark::SPARSEMARK_ISA {
namespace {

constexpr int kMostVectors = kRegisters >= 32 ? 8 : 6;
constexpr std::int32_t kTileColumns = kLanes == 8 ? 128 : 64;
// Values four at a time.
constexpr bool kFours = kLanes >= 8;
// Slots of a row at a time.
constexpr int kStep = 4;
constexpr std::int32_t kAhead = 8;
constexpr std::int64_t kHeldBytes = (kLanes == 8 ? 128 : 256) * 1024;
// Floats of a cache line.
constexpr int kLine = 16;

template <int N, int M>
struct Layout {
  static constexpr int kBits = M == 4 ? 2 : 4;
  static constexpr int kInByte = 8 / kBits;
  static constexpr int kWordSlots = 64 / kBits;  // whose places are a word of 8 bytes
  static constexpr int kTileSlots = kTileColumns / M * N;
  // A step is whole groups, or whole steps are a group; and both begin with a word.
  static_assert(kWordSlots % kStep == 0 && kStep % N == 0);
};

// Rows whose sums take half of 32 registers together, or three quarters of 16.
constexpr int rows_at_once(int vectors) {
  const int rows = (kRegisters >= 32 ? kRegisters / 2 : kRegisters / 4 * 3) / vectors;
  return rows < 1 ? 1 : rows > 4 ? 4 : rows;
}

// What the tile that comes next has of B: each turn of rows of A brings some into L2.
struct Ahead {
  const float* row;
  std::int32_t left;  // rows
  std::int32_t a_turn;
};

static inline Ahead next_tile(const float* b, std::int32_t rows, std::int32_t turns) {
  const std::int32_t left = rows < kTileColumns ? rows : kTileColumns;
  return {b, left, (left + turns - 1) / turns};
}

struct Tile {
  const float* b;         // copied: rows of whole vectors
  std::int32_t slots;     // of a row of A
  std::size_t row_slots;  // from a row's values to the next row's
  std::size_t row_bytes;
  std::size_t out_stride;  // of C, and of B
  int last;                // columns of the last vector
  bool first;              // of its rows of A: there are no sums yet
  bool final;              // sums go to C
};

// R rows of A, of which the tile's values and places are given, times the tile.
template <int N, int M, int V, int R>
void multiply_rows(const Tile& t, const float* values, const std::uint8_t* bytes, float* sums, float* out,
                   Ahead& ahead) {
  using L = Layout<N, M>;
  constexpr std::size_t kRow = V * kLanes;
  for (std::int32_t i = ahead.a_turn; i > 0 && ahead.left > 0; --i, --ahead.left) {
    unrolled<(V * kLanes + kLine - 1) / kLine>([&](auto line) __attribute__((always_inline)) {
      __builtin_prefetch(ahead.row + line.value * kLine, 0, 2);
    });
    ahead.row += t.out_stride;
  }
  Vec c[R][V];
  if (t.first) {
    unrolled<R * V>([&](auto x) __attribute__((always_inline)) { c[x.value / V][x.value % V] = zero(); });
  } else {
    unrolled<R * V>([&](auto x) __attribute__((always_inline)) {
      c[x.value / V][x.value % V] = load(sums + x.value * kLanes);
    });
  }
  unrolled<R>([&](auto r) __attribute__((always_inline)) {
    const float* next = values + static_cast<std::size_t>(kAhead + r.value) * t.row_slots;
    unrolled<(L::kTileSlots + kLine - 1) / kLine>([&](auto line) __attribute__((always_inline)) {
      __builtin_prefetch(next + line.value * kLine);
    });
  });
  const auto step = [&](auto r, Vec value, const float* row) __attribute__((always_inline)) {
    load_add_products(c[r.value], value, row);
  };
  const float* b = t.b;
  std::uint64_t next_places[R];
  unrolled<R>([&](auto r) __attribute__((always_inline)) {
    next_places[r.value] = word_at(bytes + r.value * t.row_bytes);
  });
  for (std::int32_t slot = 0; slot < t.slots;) {
    std::uint64_t places[R];
    unrolled<R>([&](auto r) __attribute__((always_inline)) {
      places[r.value] = next_places[r.value];
      next_places[r.value] = word_at(bytes + r.value * t.row_bytes + slot / L::kInByte + kWordBytes);
    });
    const std::int32_t end = t.slots - slot < L::kWordSlots ? t.slots : slot + L::kWordSlots;
    for (; slot + kStep <= end; slot += kStep, b += kStep / N * M * kRow) {
      Four fours[R];
      if constexpr (kFours) {
        unrolled<R>([&](auto r) __attribute__((always_inline)) {
          fours[r.value] = load_four(values + r.value * t.row_slots + static_cast<std::size_t>(slot));
        });
      }
      unrolled<kStep>([&](auto s) __attribute__((always_inline)) {
        unrolled<R>([&](auto r) __attribute__((always_inline)) {
          const std::size_t place = places[r.value] >> (s.value * L::kBits) & (M - 1);
          const float* row = b + (s.value / N * M + place) * kRow;
          if constexpr (kFours) {
            step(r, pick<s.value>(fours[r.value]), row);
          } else {
            step(r, broadcast(values[r.value * t.row_slots + static_cast<std::size_t>(slot) + s.value]), row);
          }
        });
      });
      unrolled<R>([&](auto r) __attribute__((always_inline)) { places[r.value] >>= kStep * L::kBits; });
    }
    for (; slot < end; ++slot) {
      unrolled<R>([&](auto r) __attribute__((always_inline)) {
        const std::size_t place = places[r.value] & (M - 1);
        places[r.value] >>= L::kBits;
        step(r, broadcast(values[r.value * t.row_slots + static_cast<std::size_t>(slot)]),
             t.b + (static_cast<std::size_t>(slot / N * M) + place) * kRow);
      });
    }
  }
  if (!t.final) {
    unrolled<R * V>([&](auto x) __attribute__((always_inline)) {
      store(sums + x.value * kLanes, c[x.value / V][x.value % V]);
    });
    return;
  }
  unrolled<R>([&](auto r) __attribute__((always_inline)) {
    unrolled<V>([&](auto v) __attribute__((always_inline)) {
      float* to = out + r.value * t.out_stride + v.value * kLanes;
      if constexpr (v.value == V - 1) {
        store_first(to, c[r.value][v.value], t.last);
      } else {
        store(to, c[r.value][v.value]);
      }
    });
  });
}

template <int N, int M>
struct Body {
  static constexpr int kMost = kMostVectors;

  // Rows [begin, end), all tiles of them.
  template <int V, bool kTail>
  static void multiply(const Operands& o, std::int32_t begin, std::int32_t end, std::int32_t col, int last) {
    using L = Layout<N, M>;
    constexpr int kRows = rows_at_once(V);
    constexpr std::size_t kRow = V * kLanes;
    const Encoded& a = *o.a;
    const std::size_t n = static_cast<std::size_t>(o.n);
    float* tile = static_cast<float*>(o.scratch);
    const std::size_t row_slots = (static_cast<std::size_t>(a.cols) + M - 1) / M * N;
    Tile t = {tile, 0, row_slots, (row_slots + L::kInByte - 1) / L::kInByte, n, last, true, false};
    const std::size_t first = static_cast<std::size_t>(begin);
    const std::int32_t turns = (end - begin + kRows - 1) / kRows;
    for (std::int32_t j = 0; !t.final; j += kTileColumns) {
      const std::int32_t columns = a.cols - j < kTileColumns ? a.cols - j : kTileColumns;
      for (std::int32_t row = 0; row < columns; ++row) {
        const float* from = o.b + static_cast<std::size_t>(j + row) * n + col;
        float* to = tile + static_cast<std::size_t>(row) * kRow;
        unrolled<V>([&](auto v) __attribute__((always_inline)) {
          store(to + v.value * kLanes, load_part<V, kTail>(from, v.value, last));
        });
      }
      t.slots = (columns + M - 1) / M * N;
      t.first = j == 0;
      t.final = a.cols - j <= kTileColumns;
      const std::size_t slot = static_cast<std::size_t>(j / M * N);
      const float* values = a.values + first * row_slots + slot;
      const std::uint8_t* bytes = a.bytes + first * t.row_bytes + slot / L::kInByte;
      float* sums = tile + kTileColumns * kRow;
      float* out = o.c + first * n + static_cast<std::size_t>(col);
      Ahead ahead = {tile, 0, 0};
      if (!t.final) {
        ahead = next_tile(o.b + static_cast<std::size_t>(j + columns) * n + col, a.cols - j - columns, turns);
      } else if (o.n - col > V * kLanes) {
        ahead = next_tile(o.b + col + V * kLanes, a.cols, turns);
      }
      std::int32_t i = begin;
      for (; i + kRows <= end; i += kRows) {
        multiply_rows<N, M, V, kRows>(t, values, bytes, sums, out, ahead);
        values += kRows * row_slots;
        bytes += kRows * t.row_bytes;
        sums += kRows * kRow;
        out += kRows * n;
      }
      for (; i < end; ++i) {
        multiply_rows<N, M, V, 1>(t, values, bytes, sums, out, ahead);
        values += row_slots;
        bytes += t.row_bytes;
        sums += kRow;
        out += n;
      }
    }
  }

  template <int V, bool kTail>
  static void panel(const Operands& o, const Shard& s, std::int32_t col, int last) {
    constexpr std::int32_t kHeight = kHeldBytes / (V * kLanes * 4);
    for (std::int32_t begin = s.unit_begin; begin < s.unit_end; begin += kHeight) {
      const std::int32_t end = s.unit_end - begin < kHeight ? s.unit_end : begin + kHeight;
      multiply<V, kTail>(o, begin, end, col, last);
    }
  }
};

template <int N, int M>
void run(const Operands& o, const Shard& s) noexcept {
  even_panels<Body<N, M>>(o, s, kMostVectors);
}

std::int64_t scratch_bytes(const Encoded&, std::int32_t) {
  return std::int64_t{kTileColumns} * kMostVectors * kLanes * 4 + kHeldBytes;
}

void tiling(const Encoded&, std::int32_t n, char* text) {
  const int vectors = even_vectors(n, kMostVectors);
  say_tiling(text, rows_at_once(vectors), vectors);
  while (*text != '\0') ++text;
  append(append(text, ", B copied, k "), kTileColumns);
}

template <int N, int M>
constexpr Kernel kernel_named(const char* name) {
  return {.op = "spmm",
          .name = name,
          .format = name,
          .isa = SPARSEMARK_ISA_NAME,
          .split = Split::kUnits,
          .scratch_bytes = scratch_bytes,
          .tiling = tiling,
          .run = run<N, M>};
}

}  // namespace

extern const Kernel spmm_nm_1_4 = kernel_named<1, 4>("nm-1:4");
extern const Kernel spmm_nm_2_4 = kernel_named<2, 4>("nm-2:4");
extern const Kernel spmm_nm_4_8 = kernel_named<4, 8>("nm-4:8");

}  // namespace sparsemark::SPARSEMARK_ISA
