// The generic engine: any design that generic_design.h can say, with a mapping given or searched. Cycles are
// those of the multipliers or of the level whose ports are busy longest; the workload is spread evenly over
// the array, and levels are filled while they are read. A layer that its factors do not divide is padded up
// to them.
#pragma once

#include "generic_sparse.h"

namespace sparsemark::accelerator {

// What the engine skips, and its formula; levelCycles stands for the cycles of each level, shown as
// <level>Cycles.
inline constexpr const char* kGenericSummary = "gates and skips what its file says";
extern const Formula generic_formula;

struct GenericEstimate {
  double cycles = 0.0;
  double compute_cycles = 0.0;
  double macs = 0.0;
  double effectual_macs = 0.0;
  double multipliers = 0.0;  // of the whole array, used or not
  // Of all steps of all used multipliers, padding included: done, gated and skipped.
  double done = 0.0;
  double gated = 0.0;
  double skipped = 0.0;
  double level_cycles[kMostLevels] = {};
  double moved_bits[kMostLevels] = {};
  DenseTraffic dense;
  SparseTraffic sparse;
  int level = -1;  // whose tile is too large
  const char* reason = nullptr;
};

// Fills `out`. A mapping that does not fit is kUnsupported with a reason.
Status evaluate(const Design& design, const LoopNest& nest, const Layer& layer,
                GenericEstimate& out) noexcept;

// The same design with its sparsity off: nothing compressed, gated or skipped.
Design dense_of(const Design& design);

struct Search {
  LoopNest nest;
  GenericEstimate estimate;
  std::int64_t evaluations = 0;
  bool complete = true;  // whether all canonical mappings were seen
};

// The mapping with the fewest cycles, then the fewest bits of the outermost level, then of all; of equal ones
// the first. Tiles of an inner level are the largest that fit, by powers of two or a whole dimension; loops
// of a level are in one of three orders, each of which holds one data space still; arrays are filled by one
// dimension an axis. At most `most` mappings are evaluated; `first`, where given, is one of them.
Status search(const Design& design, const Layer& layer, std::int64_t most, const LoopNest* first,
              Search& out) noexcept;

// A row of an estimate: status, cycles, dense cycles (0: not asked for), MACs, effectual MACs, multipliers,
// compute cycles, done, gated, skipped, evaluations, complete, level of a tile too large; then a level:
// cycles, moved bits, held bits, and a data space: five dense counts and eight expected flows in their
// structs' order.
inline constexpr int kGenericHead = 13;
inline constexpr int kGenericLevelFields = 3 + 13 * kDataSpaces;
inline constexpr int kGenericFields = kGenericHead + kMostLevels * kGenericLevelFields;

// Estimates `count` layers (rows of batch.h) of one design: by the mapping of each where `mappings` holds one
// (its first factor above 0), else by a search that writes it there. `most`: evaluations of a search; with
// `baseline` dense cycles are searched too. Returns the first reason of a row that was declined, or nullptr.
const char* estimate_generic(const double* design, const double* layers, std::int64_t count, double* mappings,
                             double* estimates, std::int64_t most, bool baseline) noexcept;

}  // namespace sparsemark::accelerator
