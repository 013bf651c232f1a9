// How spmm on packed is tiled: from shape and block to tile width, copy and stores. For kernel files only.
//
// The format has fixed the height of a block of columns of A (formats/packed.cc); here is chosen what depends
// on n. Stands below the header of an instruction set, be it that of floats or of f16.
//
// Percentages are measured on one core with AVX-512, over the 17 layer shapes with n >= 16 of ResNet-50,
// MobileNet and Transformer: those of batches, of kTileBytes and of what leaves kCacheBytes on a Zen 5 with
// an L2 of 1 MiB, the others on a Xeon with 2 MiB.
//
// vectors: as many as keep the tile of B (block x vectors) in kTileBytes, within kLeastVectors and
// kMostVectors;
//   panels of equal width.
//   A broadcast and the reading of a column serve all vectors of a tile. At sparsity 0.9, 8 vectors of 128
//   columns run at 1.02 of 4 vectors, although only the 32 KiB of these fit L1: 1.15 for 3072 x 768 x 128,
//   0.95 for 128 x 1152 x 784. Where one panel of up to kOnePanelBytes does, A is read once: 3072 x 768 x 128
//   at 0.95 gains 8 %. Tiles of 48 KiB, which is L1, in place of 64: n = 512 gains 5 to 8 % at 0.9, the
//   others 0 to 2; 4 vectors in place of 5 where these are more than that lose 1 to 2 % at 0.95.
//   AVX2's 16 registers hold 6: on a Zen 3, over 12 layers of ResNet-50 at sparsity 0.5 to 0.95 taken in
//   turns, tiles of 5, 4, 3 and 2 vectors run at 0.89, 0.91, 0.74 and 0.67 of those, and at no sparsity above
//   0.95; only n = 49, which one tile more or less covers, does not mind 4 or 5 (0.98 and 0.99).
//
// copy B: where its rows do not begin on vectors, or their stride is a multiple of kBadStride.
//   A load that splits a line takes two; rows a power of two apart fall into the same sets. Without it n =
//   196 and n = 512 run at 0.7 to 0.8. Copying the other tiles costs 0 to 25 %, most where A has few rows.
//   On AVX2 also where a tile is a part of B's rows and a column of A has kCopyPays nonzeros and more. On a
//   Zen 3, whose L1 is 32 KiB in 8 ways: 3072 x 768 x 128 at sparsity 0.5 4.3, 768 x 3072 x 128 at 0.5 and
//   0.7 3.5 and 3.3, their rows 512 bytes apart; of 40 cells of other shapes those with 12 nonzeros a column
//   and more 0.96 to 1.33, those with fewer 0.77 to 1.02.
//
// batches: groups of rows whose panel of C stays in L2 from block to block, kBatchBytes.
//   3072 x 768 x 128, whose C of 1.5 MB leaves an L2 of 1 MiB: 1.14 at sparsity 0.9, 1.22 at 0.5; 600 KiB are
//   1.01 to 1.02 of 400, 300 and 200.
//
// hold C: the same, or C leaves kCacheBytes; and C is written more than once.
//   At 0.9, 512 x 512 x 196 gains 10 %, 3072 x 768 x 512 35 %; where rows lie well it costs 2 to 10 %.
//
// stream C, all of it or every other row: where it is written once, on vectors' boundaries; see streamed.h.
//
// fetch B ahead: where B leaves kCacheBytes.
//   The next tile comes while this one is used: 5 to 13 % for 64 x 576 x 3136, 0 to 9 % for 768 x 3072 x 512;
//   where only A, B and C together leave them it costs 1 to 3 %, 64 x 64 x 3136 at 0.95 8 %.
//
// What did not help: fetching the C of the next pair of rows (0.98), fetching A (0.95: the hardware does),
// the next tile into L1 instead of L2 (0.94 for 64 x 576 x 3136), two sets of sums for 4 vectors (1.00 at
// 0.9), code without loops for each length up to 12 (0.96 to 1.08 where k is 64 or 128: its calls cost what
// the loops do).
//
// What limits the rest, at 0.9. There were no hardware counters; these are kernels that answer wrongly on
// purpose, on the Zen 5. With every row of B in L1 and every row of C the same one the 17 shapes run at 1.3
// of what they do: 1.15 for B, 1.1 to 1.25 for C in L2, which a row of a block reads and writes for 13
// nonzeros. What is left is a loop that two loads a cycle would let run at 172 of 223 GFLOP/s (measured, tile
// of 32 KiB) and some 25 cycles a pair of rows for its sums. Rows of equal length, whose loops end where the
// last one did, gain 2 to 7 %. Blocks of 96 to 256 columns and tiles of 32 to 96 KiB are within 3 %: what the
// one saves the other costs. 64 x 576 x 3136 reads 7.2 MB of B from L3. n = 49 and 196 fill 0.77 and 0.94 of
// their vectors.
#pragma once

#include "streamed.h"
#include "tunable.h"

namespace sparsemark::SPARSEMARK_ISA {
namespace {

constexpr std::int64_t kTileBytes = (kLanes == 16 ? 48 : 64) * 1024;
constexpr std::int64_t kOnePanelBytes = 96 * 1024;
constexpr int kLeastVectors = kLanes == 16 ? 5 : 4;
// A pair of rows takes two accumulators a vector, and a register or two for B and the values.
constexpr int kMostVectors = kRegisters >= 32 ? 8 : 6;
constexpr std::int64_t kBadStride = 2048;
// Vectors of 8 floats: what is a part of B's rows is copied where a column of A has so many nonzeros.
constexpr bool kCopiesNarrow = kLanes == 8;
constexpr std::int64_t kCopyPays = 12;
constexpr std::int64_t kBatchBytes = 600 * 1024;

struct PackedPlan {
  int vectors;         // of a panel
  std::int32_t units;  // of a batch
  bool copy;           // B's tile to scratch
  bool hold;           // sums of a panel of C in scratch, until the last block
  Streamed stream;     // C past the caches
  std::int32_t ahead;  // rows of the next tile of B that each pair of rows of A fetches
};

// Whether C is written once, and on vectors' boundaries.
static inline bool can_stream(const Encoded& a, std::int32_t n, const PackedPlan& plan) {
  return (a.cols <= a.p0 || plan.hold) && n % kLanes == 0;
}

// What a tuner may choose in place of the rules above, in the order of their effect; a batch is counted in
// groups.
constexpr const char* kPackedKnobs =
    "vectors=1|2|3|4|5|6|7|8 batch=1|2|4|8 hold=0|1 copy=0|1 stream=0|1|2 ahead=0|1";
constexpr int kPackedKnobCount = 6;
constexpr std::int32_t kPackedPlanner[kPackedKnobCount] = {kNotTurned, kNotTurned, kNotTurned,
                                                           kNotTurned, kNotTurned, kNotTurned};

static inline std::int64_t turned(std::int32_t knob, std::int64_t planned) {
  return knob == kNotTurned ? planned : knob;
}

static inline PackedPlan plan_packed(const Encoded& a, std::int32_t n,
                                     const std::int32_t* chosen = kPackedPlanner) {
  PackedPlan plan;
  std::int64_t vectors = kTileBytes / (static_cast<std::int64_t>(a.p0) * kLanes * 4);
  if (vectors < kLeastVectors) vectors = kLeastVectors;
  if (vectors > kMostVectors) vectors = kMostVectors;
  const std::int64_t b_bytes = static_cast<std::int64_t>(a.cols) * n * 4;
  const std::int64_t c_bytes = static_cast<std::int64_t>(a.rows) * n * 4;
  const bool one_block = a.cols <= a.p0;
  plan.hold = turned(chosen[2], !one_block && (n % kLanes != 0 || n * 4LL % kBadStride == 0 ||
                                               c_bytes > kCacheBytes)) != 0;
  const std::int64_t needed = n < 1 ? 1 : (static_cast<std::int64_t>(n) + kLanes - 1) / kLanes;
  const std::int64_t all_bytes = static_cast<std::int64_t>(a.p0) * needed * kLanes * 4;
  if (needed <= kMostVectors && all_bytes <= kOnePanelBytes) vectors = needed;
  vectors = turned(chosen[0], vectors);
  const std::int64_t panels = (needed + vectors - 1) / vectors;
  plan.vectors = static_cast<int>((needed + panels - 1) / panels);
  // A block of few columns at the edge is masked when copied and nowhere else.
  const bool narrow = needed > plan.vectors;
  const bool apart =
      n * 4LL % kBadStride == 0 || (kCopiesNarrow && a.nnz >= kCopyPays * std::int64_t{a.cols});
  plan.copy = turned(chosen[3], n % kLanes != 0 || (narrow && apart)) != 0;
  const Streamed stream = can_stream(a, n, plan) ? streamed(a.rows, a.cols, a.nnz, n) : Streamed::kNone;
  plan.stream = static_cast<Streamed>(turned(chosen[4], static_cast<std::int64_t>(stream)));
  plan.ahead = 0;
  if (turned(chosen[5], b_bytes > kCacheBytes) != 0 && a.rows > 0) {
    const std::int32_t pairs = (a.rows + 1) / 2;
    plan.ahead = (a.p0 + pairs - 1) / pairs;
  }
  // A single block adds to nothing.
  const std::int64_t unit_bytes = static_cast<std::int64_t>(a.p1) * plan.vectors * kLanes * 4;
  const std::int64_t units =
      turned(chosen[1], one_block || unit_bytes < 1 ? a.units : kBatchBytes / unit_bytes);
  plan.units = static_cast<std::int32_t>(units > a.units ? a.units : units < 1 ? 1 : units);
  return plan;
}

// Why a choice does not fit the matrix and n, or nullptr. Nothing else of it can make an answer wrong.
static inline const char* misfit_of(const Encoded& a, std::int32_t n, const std::int32_t* chosen) {
  if (chosen[0] > kMostVectors) return "more vectors than this instruction set has registers for";
  const PackedPlan plan = plan_packed(a, n, chosen);
  if (plan.stream != Streamed::kNone && !can_stream(a, n, plan)) {
    return "stream=1 or 2 where C is written more than once or its rows do not begin on vectors";
  }
  return nullptr;
}

}  // namespace
}  // namespace sparsemark::SPARSEMARK_ISA
