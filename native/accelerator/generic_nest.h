// What moves between the levels of a design when a loop nest runs on values none of which is zero: exact
// counts. A level's tile of a data space is held while the level's own loops run, and fetched anew when a
// loop outside of it that the data space depends on steps on; the innermost of those outer loops that it does
// not depend on give reuse. Multipliers hold nothing: each multiplication reads its operands and updates its
// sum.
#pragma once

#include <cstdint>

#include "engine.h"
#include "generic_design.h"

namespace sparsemark::accelerator {

// Values of one data space that pass a level, of all its instances.
struct Flow {
  std::int64_t fills = 0;    // written, from the level above that keeps it
  std::int64_t serves = 0;   // read, to the level below; a multicast is read once
  std::int64_t drains = 0;   // outputs read, to the level above
  std::int64_t updates = 0;  // outputs written, from below; reduced over an array first
  std::int64_t clears = 0;   // outputs begun at zero
};

// From a level that keeps a data space to the next one below that does, or to the multipliers.
struct Link {
  int parent = 0;
  int child = 0;                               // level_count: the multipliers
  std::int64_t united[kDimensions] = {};       // tile of all children of a parent
  std::int64_t conditioned[kDimensions] = {};  // the same over all the steps that it is held for
};

struct DenseTraffic {
  std::int64_t tiles[kMostLevels + 1][kDimensions] = {};
  std::int64_t instances[kMostLevels + 1] = {};
  std::int64_t steps = 1;  // of all temporal loops
  Flow flows[kMostLevels][kDataSpaces];
  Link links[kDataSpaces][kMostLevels];
  int link_count[kDataSpaces] = {};
};

// Points of a data space in a tile; of a convolution's inputs only different ones where the tile is of whole
// filters and of whole rows, or of equal parts of a row, and else every copy.
std::int64_t tile_points(const Layer& layer, int space, const std::int64_t* tile, Counter& counter);

// Factors that do not cover the layer, or that the array has no room for, are kUnsupported with a reason.
Status dense_traffic(const Design& design, const LoopNest& nest, const Layer& layer, DenseTraffic& out,
                     const char*& reason) noexcept;

}  // namespace sparsemark::accelerator
