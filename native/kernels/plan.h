// How spmm on packed is tiled: from shape and block to tile width, copy and stores. For kernel files only.
//
// The format has fixed the height of a block of columns of A (formats/packed.cc); here is chosen what depends
// on n.
//
//   what        table                                               why
//   vectors     as many as keep the tile of B, block x vectors,     one broadcast and one read of the column
//               in kTileBytes, from kLeastVectors to kMostVectors;  serve all vectors of a tile; a tile in L2
//               panels of equal width                               halves the rate
//   copy B      rows of B that do not lie on vectors' boundaries,   a load that splits a line takes two; rows
//   a
//               or whose stride is a multiple of kBadStride         power of two apart fall in the same sets
#pragma once

#include "panel.h"

namespace sparsemark::SPARSEMARK_ISA {
namespace {

// Of 32 to 48 KiB of L1.
constexpr std::int64_t kTileBytes = 32 * 1024;
constexpr int kLeastVectors = 4;
// A pair of rows takes two accumulators a vector, and a register or two for B and the values.
constexpr int kMostVectors = kRegisters >= 32 ? 8 : 6;
constexpr std::int64_t kBadStride = 2048;
// Of a private L2 of 2 MiB.
constexpr std::int64_t kCacheBytes = 2 << 20;

struct PackedPlan {
  int vectors;         // of a panel
  bool copy;           // B's tile to scratch
  bool stream;         // C past the caches
  std::int32_t ahead;  // rows of the next tile of B that each pair of rows of A fetches
};

static inline PackedPlan plan_packed(const Encoded& a, std::int32_t n) {
  PackedPlan plan;
  std::int64_t vectors = kTileBytes / (static_cast<std::int64_t>(a.p0) * kLanes * 4);
  if (vectors < kLeastVectors) vectors = kLeastVectors;
  if (vectors > kMostVectors) vectors = kMostVectors;
  const std::int64_t needed = n < 1 ? 1 : (static_cast<std::int64_t>(n) + kLanes - 1) / kLanes;
  const std::int64_t panels = (needed + vectors - 1) / vectors;
  plan.vectors = static_cast<int>((needed + panels - 1) / panels);
  // A block of few columns at the edge is masked when copied and nowhere else.
  plan.copy = n % kLanes != 0 || (needed > plan.vectors && n * 4LL % kBadStride == 0);
  const std::int64_t b_bytes = static_cast<std::int64_t>(a.cols) * n * 4;
  const std::int64_t c_bytes = static_cast<std::int64_t>(a.rows) * n * 4;
  const std::int64_t a_bytes = static_cast<std::int64_t>(a.nnz) * 6;
  plan.stream = a.cols <= a.p0 && n % kLanes == 0 && b_bytes + c_bytes > kCacheBytes;
  plan.ahead = 0;
  if (a_bytes + b_bytes + c_bytes > kCacheBytes && a.rows > 0) {
    const std::int32_t pairs = (a.rows + 1) / 2;
    plan.ahead = (a.p0 + pairs - 1) / pairs;
  }
  return plan;
}

}  // namespace
}  // namespace sparsemark::SPARSEMARK_ISA
