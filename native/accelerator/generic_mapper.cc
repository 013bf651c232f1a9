#include "generic.h"

namespace sparsemark::accelerator {
namespace {

// The innermost loop holds still what does not depend on it: k outputs, n weights, m inputs.
constexpr std::int8_t kOrders[3][kDimensions] = {{kM, kN, kK}, {kM, kK, kN}, {kN, kK, kM}};
constexpr int kMostSizes = 64;

struct Mapper {
  const Design& design;
  const Layer& layer;
  std::int64_t most;
  Search& best;
  bool found = false;
  LoopNest nest = {};
  GenericEstimate made = {};

  static double outer_bits(const GenericEstimate& estimate) { return estimate.moved_bits[0]; }
  double all_bits(const GenericEstimate& estimate) const {
    double bits = 0.0;
    for (int level = 0; level < design.level_count; ++level) bits += estimate.moved_bits[level];
    return bits;
  }

  bool better(const GenericEstimate& a, const GenericEstimate& b) const {
    if (a.cycles < b.cycles || a.cycles > b.cycles) return a.cycles < b.cycles;
    if (outer_bits(a) < outer_bits(b) || outer_bits(a) > outer_bits(b)) return outer_bits(a) < outer_bits(b);
    return all_bits(a) < all_bits(b);
  }

  bool spent() {
    if (best.evaluations < most) return false;
    best.complete = false;
    return true;
  }

  // Whether the mapping is one that can run.
  Status consider() {
    ++best.evaluations;
    const Status status = evaluate(design, nest, layer, made);
    if (status == Status::kOk && (!found || better(made, best.estimate))) {
      found = true;
      best.nest = nest;
      best.estimate = made;
    }
    return status;
  }

  void order_from(int level) {
    if (spent()) return;
    if (level == design.level_count) {
      consider();
      return;
    }
    LevelLoops& loops = nest.levels[level];
    int loop_count = 0;
    for (const std::int64_t factor : loops.temporal) loop_count += factor > 1 ? 1 : 0;
    for (int o = 0; o < (loop_count > 1 ? 3 : 1); ++o) {
      for (int d = 0; d < kDimensions; ++d) loops.order[d] = kOrders[o][d];
      order_from(level + 1);
    }
  }

  // Expected bits that a level's tile takes, with those factors in and below it.
  bool fits(int level) const {
    const Level& of = design.levels[level];
    if (of.capacity_bits <= 0.0) return true;
    std::int64_t tile[kDimensions] = {1, 1, 1};
    Counter counter;
    for (int l = design.level_count - 1; l >= level; --l) {
      for (int d = 0; d < kDimensions; ++d) {
        const LevelLoops& loops = nest.levels[l];
        tile[d] = counter.times(tile[d], counter.times(loops.temporal[d], loops.spatial[d]));
      }
    }
    double bits = 0.0;
    for (int space = 0; space < kDataSpaces; ++space) {
      if ((of.keeps >> space & 1) == 0) continue;
      const double density = space == kWeights  ? layer.weights.density
                             : space == kInputs ? layer.activations.density
                                                : 1.0;
      const double rows = static_cast<double>(space == kInputs ? tile[kN] : tile[kM]);
      const double row_points = static_cast<double>(space == kOutputs ? tile[kN] : tile[kK]);
      const Compression held = compression_of(of.spaces[space], density, rows, row_points);
      bits += static_cast<double>(tile_points(layer, space, tile, counter)) *
              (held.values * of.spaces[space].value_bits + held.metadata_bits);
    }
    return !counter.overflow() && bits <= of.capacity_bits;
  }

  // A tile lies in those of all outer levels too, whose own loops are still to be chosen.
  bool fits_within(int level) const {
    for (; level > 0; --level) {
      if (!fits(level)) return false;
    }
    return true;
  }

  // 1, powers of two and the whole of what is left of a dimension.
  static int sizes_of(std::int64_t left, std::int64_t* sizes) {
    int count = 0;
    for (std::int64_t size = 1; size < left && count < kMostSizes - 1; size *= 2) sizes[count++] = size;
    sizes[count++] = left;
    return count;
  }

  // Factors of levels from the innermost outwards; left: what outer levels have to loop over.
  void tile_from(int level, const std::int64_t* left) {
    if (spent()) return;
    LevelLoops& loops = nest.levels[level];
    if (level == 0) {
      for (int d = 0; d < kDimensions; ++d) loops.temporal[d] = left[d];
      order_from(0);
      return;
    }
    std::int64_t sizes[kDimensions][kMostSizes];
    int counts[kDimensions];
    for (int d = 0; d < kDimensions; ++d) {
      // Loops that nothing in the level depends on do the same as the innermost ones of the level above.
      bool matters = false;
      for (int space = 0; space < kDataSpaces; ++space) {
        matters = matters || ((design.levels[level].keeps >> space & 1) != 0 && relevant(space, d));
      }
      counts[d] = sizes_of(matters ? left[d] : 1, sizes[d]);
    }
    const auto set = [&](int m, int n, int k) {
      loops.temporal[kM] = sizes[kM][m];
      loops.temporal[kN] = sizes[kN][n];
      loops.temporal[kK] = sizes[kK][k];
    };
    for (int m = counts[kM] - 1; m >= 0; --m) {
      for (int n = counts[kN] - 1; n >= 0; --n) {
        int k = counts[kK] - 1;
        for (; k >= 0; --k) {
          set(m, n, k);
          if (fits_within(level)) break;
        }
        if (k < 0) continue;
        // Not the largest where one dimension could grow alone.
        bool larger = false;
        if (m + 1 < counts[kM]) {
          set(m + 1, n, k);
          larger = fits_within(level);
        }
        if (!larger && n + 1 < counts[kN]) {
          set(m, n + 1, k);
          larger = fits_within(level);
        }
        if (larger) continue;
        set(m, n, k);
        std::int64_t outer[kDimensions];
        for (int d = 0; d < kDimensions; ++d) outer[d] = divide_up(left[d], loops.temporal[d]);
        tile_from(level - 1, outer);
        if (spent()) break;
      }
    }
    for (std::int64_t& factor : loops.temporal) factor = 1;
  }

  // Dimensions along the axes of each array, from the outermost.
  void spread_from(int level, const std::int64_t* left) {
    if (spent()) return;
    if (level == design.level_count) {
      tile_from(design.level_count - 1, left);
      return;
    }
    const Level& of = design.levels[level];
    LevelLoops& loops = nest.levels[level];
    for (int x = 0; x < kDimensions; ++x) {
      if (of.mesh_x > 1 && (of.spatial_dimensions >> x & 1) == 0) continue;
      if (of.mesh_x == 1 && x > 0) break;
      for (int y = 0; y < kDimensions; ++y) {
        if (of.mesh_y > 1 && (of.spatial_dimensions >> y & 1) == 0) continue;
        if (of.mesh_y == 1 && y > 0) break;
        std::int64_t outer[kDimensions] = {left[0], left[1], left[2]};
        const auto take = [&](int d, std::int64_t room) {
          const std::int64_t factor = outer[d] < room ? outer[d] : room;
          loops.spatial[d] *= factor;
          outer[d] = divide_up(outer[d], factor);
        };
        take(x, of.mesh_x);
        take(y, of.mesh_y);
        spread_from(level + 1, outer);
        for (std::int64_t& factor : loops.spatial) factor = 1;
      }
    }
  }
};

}  // namespace

Status search(const Design& design, const Layer& layer, std::int64_t most, const LoopNest* first,
              Search& out) noexcept {
  Mapper mapper{design, layer, most, out};
  Status status = Status::kOk;
  if (first != nullptr) {
    mapper.nest = *first;
    status = mapper.consider();
    mapper.nest = LoopNest();
  }
  // Refuses what no mapping could mend before any is tried.
  Counter counter;
  counter.times(counter.times(layer.m, layer.n), counter.times(layer.k, layer.groups));
  if (counter.overflow()) return Status::kOverflow;
  out.estimate.reason = mapper.found ? nullptr : fault_of(layer);
  if (out.estimate.reason != nullptr) return Status::kUnsupported;
  const std::int64_t left[kDimensions] = {layer.m, layer.n, layer.k};
  mapper.spread_from(0, left);
  if (mapper.found) return Status::kOk;
  out.estimate.reason = "a layer of which no tile fits its levels";
  return status == Status::kOk ? Status::kUnsupported : status;
}

}  // namespace sparsemark::accelerator
