#include "generic_nest.h"

namespace sparsemark::accelerator {
namespace {

// Positions of an input that a run of outputs sees along one axis.
std::int64_t seen_along(std::int64_t outputs, std::int64_t stride, std::int64_t kernel, Counter& counter) {
  return kernel >= stride ? counter.plus(counter.times(outputs - 1, stride), kernel)
                          : counter.times(outputs, kernel);
}

std::int64_t input_points(const Layer& layer, std::int64_t k, std::int64_t n, Counter& counter) {
  const std::int64_t filter = counter.times(layer.kernel_height, layer.kernel_width);
  if (filter == 1 && layer.stride == 1) return counter.times(k, n);
  // Padding of a tile has no inputs.
  k = k < layer.k ? k : layer.k;
  n = n < layer.n ? n : layer.n;
  const std::int64_t copies = counter.times(k, n);
  const std::int64_t pixels = counter.times(layer.out_height, layer.out_width);
  if (counter.overflow()) return 0;
  if (k % filter != 0) return copies;
  std::int64_t plane = 0;
  if (n % pixels == 0) {
    plane = counter.times(
        n / pixels, counter.times(seen_along(layer.out_height, layer.stride, layer.kernel_height, counter),
                                  seen_along(layer.out_width, layer.stride, layer.kernel_width, counter)));
  } else if (n % layer.out_width == 0 && layer.out_height % (n / layer.out_width) == 0) {
    plane = counter.times(seen_along(n / layer.out_width, layer.stride, layer.kernel_height, counter),
                          seen_along(layer.out_width, layer.stride, layer.kernel_width, counter));
  } else if (layer.out_width % n == 0) {
    plane = counter.times(layer.kernel_height, seen_along(n, layer.stride, layer.kernel_width, counter));
  } else {
    return copies;
  }
  const std::int64_t distinct = counter.times(k / filter, plane);
  return distinct < copies ? distinct : copies;
}

// Whether each dimension's factor can lie along one axis of the array.
bool fits_mesh(const Level& level, const std::int64_t* spatial) {
  for (int along_y = 0; along_y < 8; ++along_y) {
    std::int64_t room[2] = {level.mesh_x, level.mesh_y};
    bool fits = true;
    for (int d = 0; d < kDimensions; ++d) {
      std::int64_t& left = room[(along_y >> d) & 1];
      fits = fits && spatial[d] <= left;
      left /= spatial[d] <= left ? spatial[d] : 1;
    }
    if (fits) return true;
  }
  // One dimension may fill the whole array.
  int spread = 0;
  std::int64_t factor = 1;
  for (int d = 0; d < kDimensions; ++d) {
    if (spatial[d] > 1) ++spread;
    factor = spatial[d] > 1 ? spatial[d] : factor;
  }
  return spread == 1 && factor <= level.mesh_x * level.mesh_y;
}

struct Residency {
  std::int64_t events = 1;                     // times that a tile is fetched
  std::int64_t distinct = 1;                   // different tiles among them
  std::int64_t held[kDimensions] = {1, 1, 1};  // steps of a dimension while it is held
};

// Fetches of a child's tile by the temporal loops of the levels above it.
Residency residency_of(const LoopNest& nest, int space, int child, bool held, Counter& counter) {
  Residency out;
  std::int64_t since[kDimensions] = {1, 1, 1};
  for (int level = 0; level < child; ++level) {
    for (const std::int8_t d : nest.levels[level].order) {
      const std::int64_t factor = nest.levels[level].temporal[d];
      if (factor == 1) continue;
      since[d] = counter.times(since[d], factor);
      const bool matters = relevant(space, d);
      if (matters) out.distinct = counter.times(out.distinct, factor);
      if (!matters && held) continue;
      for (std::int64_t& steps : since) {
        out.events = counter.times(out.events, steps);
        steps = 1;
      }
    }
  }
  for (int d = 0; d < kDimensions; ++d) out.held[d] = since[d];
  return out;
}

}  // namespace

std::int64_t tile_points(const Layer& layer, int space, const std::int64_t* tile, Counter& counter) {
  if (space == kInputs) return input_points(layer, tile[kK], tile[kN], counter);
  return counter.times(tile[kM], tile[space == kWeights ? kK : kN]);
}

Status dense_traffic(const Design& design, const LoopNest& nest, const Layer& layer, DenseTraffic& out,
                     const char*& reason) noexcept {
  Counter counter;
  const int levels = design.level_count;
  const std::int64_t bounds[kDimensions] = {layer.m, layer.n, layer.k};
  for (std::int64_t& size : out.tiles[levels]) size = 1;
  for (int level = levels - 1; level >= 0; --level) {
    for (int d = 0; d < kDimensions; ++d) {
      const LevelLoops& loops = nest.levels[level];
      out.tiles[level][d] =
          counter.times(out.tiles[level + 1][d], counter.times(loops.temporal[d], loops.spatial[d]));
      out.steps = counter.times(out.steps, loops.temporal[d]);
    }
  }
  out.instances[0] = 1;
  for (int level = 0; level < levels; ++level) {
    const LevelLoops& loops = nest.levels[level];
    out.instances[level + 1] = out.instances[level];
    for (int d = 0; d < kDimensions; ++d) {
      out.instances[level + 1] = counter.times(out.instances[level + 1], loops.spatial[d]);
      if (loops.spatial[d] > 1 && (design.levels[level].spatial_dimensions >> d & 1) == 0) {
        reason = "a dimension over an array that may not spread it";
        return Status::kUnsupported;
      }
    }
    if (!fits_mesh(design.levels[level], loops.spatial)) {
      reason = "spatial factors larger than the array";
      return Status::kUnsupported;
    }
  }
  if (counter.overflow()) return Status::kOverflow;
  for (int d = 0; d < kDimensions; ++d) {
    if (out.tiles[0][d] < bounds[d]) {
      reason = "factors of a mapping that do not multiply to the layer's size";
      return Status::kUnsupported;
    }
  }
  for (int space = 0; space < kDataSpaces; ++space) {
    int parent = 0;
    for (int child = 1; child <= levels; ++child) {
      if (child < levels && (design.levels[child].keeps >> space & 1) == 0) continue;
      Link& link = out.links[space][out.link_count[space]++];
      link.parent = parent;
      link.child = child;
      const Residency residency = residency_of(nest, space, child, child < levels, counter);
      for (int d = 0; d < kDimensions; ++d) {
        link.united[d] = out.tiles[child][d];
        for (int level = parent; level < child; ++level) {
          link.united[d] = counter.times(link.united[d], nest.levels[level].spatial[d]);
        }
        link.conditioned[d] = counter.times(link.united[d], residency.held[d]);
      }
      const std::int64_t united =
          counter.times(out.instances[parent], tile_points(layer, space, link.united, counter));
      const std::int64_t apart =
          counter.times(out.instances[child], tile_points(layer, space, out.tiles[child], counter));
      Flow& above = out.flows[parent][space];
      if (space != kOutputs) {
        above.serves = counter.times(residency.events, united);
        if (child < levels) out.flows[child][space].fills = counter.times(residency.events, apart);
      } else {
        above.updates = counter.times(residency.events, united);
        // Sums that were begun before are read back; an accumulator that the multipliers update was cleared
        // or filled first, but in the outermost level the first update finds nothing.
        const bool cleared = child == levels && parent > 0;
        const std::int64_t returns = cleared ? residency.events : residency.events - residency.distinct;
        above.serves = counter.times(returns, united);
        if (child < levels) {
          Flow& below = out.flows[child][space];
          below.drains = counter.times(residency.events, apart);
          below.fills = above.serves;
          below.clears = below.drains - below.fills;
        }
      }
      parent = child;
    }
  }
  return counter.overflow() ? Status::kOverflow : Status::kOk;
}

}  // namespace sparsemark::accelerator
