#include "accumulator_banks.h"

#include <algorithm>

namespace sparsemark::accelerator {
namespace {

// A nonzero activation at (x, y) of its phase, or a nonzero weight of filter k at (x, y) of its phase.
struct Point {
  std::int64_t k;
  std::int64_t x;
  std::int64_t y;
};

using Points = std::vector<Point>;

// Cycles of all steps of one element, output group, channel and phase.
std::int64_t steps_of(const Points& inputs, const Points& weights, std::size_t side, const Layer& layer) {
  std::int64_t cycles = 0;
  for (std::size_t a = 0; a < inputs.size(); a += side) {
    const std::size_t a_end = std::min(a + side, inputs.size());
    for (std::size_t w = 0; w < weights.size(); w += side) {
      const std::size_t w_end = std::min(w + side, weights.size());
      std::int32_t load[kAccumulatorBanks] = {};
      std::int32_t fullest = 1;
      for (std::size_t i = a; i < a_end; ++i) {
        for (std::size_t f = w; f < w_end; ++f) {
          const std::int64_t x = inputs[i].x - weights[f].x;
          const std::int64_t y = inputs[i].y - weights[f].y;
          // A product that no output needs is not added.
          if (x < 0 || y < 0 || x >= layer.out_width || y >= layer.out_height) continue;
          std::int32_t& bank = load[accumulator_bank(weights[f].k, x, y)];
          fullest = std::max(fullest, ++bank);
        }
      }
      cycles += fullest;
    }
  }
  return cycles;
}

}  // namespace

int accumulator_bank(std::int64_t k, std::int64_t x, std::int64_t y) noexcept {
  const std::int64_t high = (k >> 2 ^ x >> 1 ^ y >> 1) & 1;
  return static_cast<int>(high << 4 | (x & 1) << 3 | (y & 1) << 2 | (k & 3));
}

std::int64_t conflicted_cycles(const PlaneTiles& array, const Layer& layer, const Masks& masks) {
  const std::int64_t s = layer.stride;
  const std::int64_t phases = s * s;
  const std::int64_t pes = array.tiles * array.tiles;
  const std::int64_t tile_width = (((layer.width + s - 1) / s) + array.tiles - 1) / array.tiles;
  const std::int64_t tile_height = (((layer.height + s - 1) / s) + array.tiles - 1) / array.tiles;
  const std::int64_t points = layer.kernel_height * layer.kernel_width;
  const std::int64_t plane = layer.height * layer.width;
  const auto at = [](std::int64_t i) { return static_cast<std::size_t>(i); };
  const auto side = static_cast<std::size_t>(array.side);
  const std::int64_t groups = (layer.m + array.per_group - 1) / array.per_group;
  // Loads of the elements: image x output group x element.
  std::vector<std::int64_t> loads(at(layer.batch * groups * pes));
  std::vector<Points> inputs(at(layer.batch * phases * pes));
  std::vector<Points> weights(at(groups * phases));
  for (std::int64_t channel = 0; channel < layer.channels; ++channel) {
    for (Points& of : inputs) of.clear();
    for (Points& of : weights) of.clear();
    masks.planes.visit(channel, [&](std::int64_t point) {
      const std::int64_t y = point % plane / layer.width;
      const std::int64_t x = point % layer.width;
      const std::int64_t pe = y / s / tile_height * array.tiles + x / s / tile_width;
      const std::int64_t phase = y % s * s + x % s;
      inputs[at((point / plane * phases + phase) * pes + pe)].push_back({0, x / s, y / s});
    });
    for (std::int64_t p = 0; p < points; ++p) {
      const std::int64_t y = p / layer.kernel_width;
      const std::int64_t x = p % layer.kernel_width;
      masks.by_input.visit(channel * points + p, [&](std::int64_t k) {
        weights[at(k / array.per_group * phases + y % s * s + x % s)].push_back({k, x / s, y / s});
      });
    }
    // In the order of the compressed block: filter by filter.
    for (Points& of : weights) {
      std::stable_sort(of.begin(), of.end(), [](const Point& a, const Point& b) { return a.k < b.k; });
    }
    for (std::int64_t image = 0; image < layer.batch; ++image) {
      for (std::int64_t group = 0; group < groups; ++group) {
        for (std::int64_t phase = 0; phase < phases; ++phase) {
          for (std::int64_t pe = 0; pe < pes; ++pe) {
            loads[at((image * groups + group) * pes + pe)] +=
                steps_of(inputs[at((image * phases + phase) * pes + pe)], weights[at(group * phases + phase)],
                         side, layer);
          }
        }
      }
    }
  }
  std::int64_t cycles = 0;
  for (std::size_t first = 0; first < loads.size(); first += at(pes)) {
    std::int64_t slowest = 0;
    for (std::size_t pe = 0; pe < at(pes); ++pe) slowest = std::max(slowest, loads[first + pe]);
    cycles += slowest;
  }
  return cycles;
}

}  // namespace sparsemark::accelerator
