// spmv on sell-16-128x64: the 16 rows of a slice in lanes, a slot at a time, as on sell-16-128, but B is not
// gathered: the 64 elements of a block are a table that AVX-512 holds in four registers and picks from by
// permutations. After each block the sums of a window, which lie in the block's order of rows, are brought
// into A's in the same way and added up.
//
// On a Zen 5 with an L2 of 1 MiB (3072 x 768, A from L3): 18e9 to 19e9 nonzeros a second at densities 0.5 to
// 0.1, 16e9 at 0.05, 9e9 at 0.02; sell-16-128 with its single loads 5.6e9 to 6e9, 5e9 at 0.02. 512 x 512 from
// L2: 28e9 at 0.5. Blocks of 128 columns have 0.77 to 0.84 of the rate, slices of 32 rows 0.90 to 0.97, and
// sums added to C one by one 0.56 (density 0.05) to 0.96. Without such permutations this is the slower
// format: 0.35 (0.02) to 0.58 of sell-16-128's rate with AVX2 on the same CPU.
#include "../simd/tables.h"
#include "kernel.h"
#include "plan_words.h"

namespace sparsemark::SPARSEMARK_ISA {
namespace {

constexpr int kHeight = 16;
constexpr int kWindow = 128;
constexpr int kBlock = 64;
constexpr int kVectors = kHeight / kLanes;

// The sums of a slice's 16 rows in one block; values and columns move on to the next slice.
[[gnu::always_inline]] inline void sum_slice(const Table<kBlock>& b, std::int32_t slots, const float*& values,
                                             const std::uint8_t*& columns, float* sums) {
  Vec even[kVectors];
  Vec odd[kVectors];
  for (int v = 0; v < kVectors; ++v) even[v] = odd[v] = zero();
  for (; slots > 1; slots -= 2) {
    for (int v = 0; v < kVectors; ++v) {
      const int at = v * kLanes;
      even[v] = fma(load(values + at), look_up(b, columns + at), even[v]);
      odd[v] = fma(load(values + at + kHeight), look_up(b, columns + at + kHeight), odd[v]);
    }
    values += 2 * kHeight;
    columns += 2 * kHeight;
  }
  if (slots > 0) {
    for (int v = 0; v < kVectors; ++v) {
      const int at = v * kLanes;
      even[v] = fma(load(values + at), look_up(b, columns + at), even[v]);
    }
    values += kHeight;
    columns += kHeight;
  }
  for (int v = 0; v < kVectors; ++v) store(sums + v * kLanes, add(even[v], odd[v]));
}

void run(const Operands& o, const Shard& s) noexcept {
  const Encoded& a = *o.a;
  const std::int32_t blocks = a.cols / kBlock + (a.cols % kBlock > 0 ? 1 : 0);
  // Before the shard's first window all are of 128 rows, with a byte for each and one for each slice.
  const std::size_t heads = static_cast<std::size_t>(s.unit_begin) * static_cast<std::size_t>(blocks);
  const float* values = a.values + a.offsets[s.unit_begin];
  const std::uint8_t* bytes = a.bytes + a.offsets[s.unit_begin] + heads * (kWindow + kWindow / kHeight);
  alignas(64) float sums[kWindow] = {};
  alignas(64) float c[kWindow];
  for (std::int32_t window = s.unit_begin; window < s.unit_end; ++window) {
    const std::int32_t first = window * kWindow;
    const std::int32_t rows = a.rows - first < kWindow ? a.rows - first : kWindow;
    const std::int32_t slices = (rows + kHeight - 1) / kHeight;
    for (std::int32_t r = 0; r < slices * kHeight; r += kLanes) store(c + r, zero());
    for (std::int32_t block = 0; block < blocks; ++block) {
      const std::uint8_t* places = bytes;
      const std::uint8_t* widths = places + slices * kHeight;
      bytes = widths + slices;
      const std::int32_t column = block * kBlock;
      const Table<kBlock> b = table_of<kBlock>(o.b + column, a.cols - column);
      for (std::int32_t slice = 0; slice < slices; ++slice) {
        sum_slice(b, widths[slice], values, bytes, sums + slice * kHeight);
      }
      const Table<kWindow> sorted = table_of<kWindow>(sums, kWindow);
      for (std::int32_t r = 0; r < slices * kHeight; r += kLanes) {
        store(c + r, add(load(c + r), look_up(sorted, places + r)));
      }
    }
    std::int32_t r = 0;
    for (; r + kLanes <= rows; r += kLanes) store(o.c + first + r, load(c + r));
    if (r < rows) store_first(o.c + first + r, load(c + r), rows - r);
  }
}

void tiling(const Encoded&, std::int32_t, char* text) {
  if constexpr (kTablesInRegisters) {
    append(say_rows(text, kHeight), ", 2 chains of sums, B in registers");
  } else {
    say_dots(text, kHeight, 2);
  }
}

}  // namespace

extern const Kernel spmv_sell_16_128x64 = {.op = "spmv",
                                           .name = "sell-16-128x64",
                                           .format = "sell-16-128x64",
                                           .isa = SPARSEMARK_ISA_NAME,
                                           .split = Split::kUnits,
                                           .tiling = tiling,
                                           .run = run};

}  // namespace sparsemark::SPARSEMARK_ISA
