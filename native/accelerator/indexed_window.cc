// Cambricon-X (Zhang et al., MICRO 2016) and Cambricon-S (Zhou et al., MICRO 2018): each element selects the
// inputs that its nonzero weights need out of a window, `multipliers` a cycle. DianNao (Chen et al., ASPLOS
// 2014), the dense baseline, is the same array without selection: ceil(window / multipliers) cycles a window.
//   a window takes ceil(x / multipliers), x ~ nonzeros of the window
// Element p has the outputs p, p + pes, ...; without a barrier the one with the most work is waited for at
// the end of the layer, by the normal maximum of the sums of its windows. Cambricon-X skips zero weights;
// elements wait for each other at each window (barrier) or not at all. Cambricon-S has one pattern for all
// elements of a block, so that none waits, and skips zero activations too.
#include <cmath>
#include <vector>

#include "engine.h"
#include "occupancy.h"

namespace sparsemark::accelerator {
namespace {

enum { kPes, kMultipliers, kWindow, kShared, kBarrier };

constexpr Parameter kParameters[] = {
    {"pes", "elements", "processing elements, an output each", 1, 65536, true},
    {"multipliers", "MACs", "multipliers of an element", 1, 65536, true},
    {"window", "inputs", "inputs that an element selects from", 1, 1048576, true},
    {"sharedPattern", "1", "1: all elements keep the same weights and skip zero activations too", 0, 1, true},
    {"barrier", "1", "1: elements wait for each other at each window", 0, 1, true},
};
constexpr const char* kTerms[] = {"windows", "cyclesAWindow", "denseCyclesAWindow", "waitingCycles"};
constexpr const char* kActions[] = {"mac", "weightRead", "indexedSelect", "indexRead", "inputRead"};
constexpr FormulaLine kFormula[] = {
    {"cycles", "", "windows * cyclesAWindow", ""},
    {"windows", "", "ceil(m / pes) * n * groups * ceil(k / window)", ""},
    {"cyclesAWindow", "", "E[ceil(x / multipliers)] + waitingCycles / windows",
     "x: nonzero weights of a window, with sharedPattern those whose input is nonzero too; with barrier the "
     "most over pes"},
    {"denseCyclesAWindow", "", "ceil(window / multipliers)", ""},
    {"waitingCycles", "", "",
     "normal maximum of the sums of the elements over their mean; 0 with barrier or sharedPattern"},
};

Status estimate_window(const double* parameters, const Layer& layer, Estimate& out) noexcept {
  const auto pes = static_cast<std::int64_t>(parameters[kPes]);
  const auto window = static_cast<std::int64_t>(parameters[kWindow]);
  const bool shared = parameters[kShared] > 0.0;
  const auto steps = [&](std::int64_t x) {
    return std::ceil(static_cast<double>(x) / parameters[kMultipliers]);
  };
  const auto cycles_of = [&](std::int64_t points, Density weights, const Density& activations) {
    if (shared) weights.density *= activations.density;
    const Occupancy occupancy = Occupancy::of(points, weights);
    return !shared && parameters[kBarrier] > 0.0 ? occupancy.expect_maximum(parameters[kPes], steps)
                                                 : occupancy.expect(steps);
  };
  const auto of_sum = [&](const Density& weights, const Density& activations) {
    const std::int64_t rest = layer.k % window;
    return static_cast<double>(layer.k / window) * cycles_of(window, weights, activations) +
           (rest > 0 ? cycles_of(rest, weights, activations) : 0.0);
  };
  const double pixels = static_cast<double>(layer.n) * static_cast<double>(layer.groups);
  const double outputs = static_cast<double>(divide_up(layer.m, pes)) * pixels;
  const Density full;
  out.dense_cycles = outputs * of_sum(full, full);
  out.cycles = outputs * of_sum(layer.weights, layer.activations);
  if (!shared && parameters[kBarrier] <= 0.0) {
    const Occupancy occupancy = Occupancy::of(window < layer.k ? window : layer.k, layer.weights);
    double square = 0.0;
    double mean = 0.0;
    occupancy.visit([&](std::int64_t x, double probability) {
      mean += probability * steps(x);
      square += probability * steps(x) * steps(x);
    });
    const double windows = static_cast<double>(divide_up(layer.m, pes)) * static_cast<double>(layer.k) /
                           static_cast<double>(window);
    const double variance = square > mean * mean ? square - mean * mean : 0.0;
    // Elements that have an output more than the others.
    const std::int64_t busiest = layer.m % pes == 0 ? pes : layer.m % pes;
    const double waiting =
        pixels * expected_normal_maximum(static_cast<double>(busiest)) * std::sqrt(windows * variance);
    out.terms[3] = out.cycles + waiting < out.dense_cycles ? waiting : out.dense_cycles - out.cycles;
    out.cycles += out.terms[3];
  }
  out.multipliers = parameters[kPes] * parameters[kMultipliers];
  out.terms[0] = outputs * static_cast<double>(divide_up(layer.k, window));
  out.terms[1] = out.cycles / out.terms[0];
  out.terms[2] = steps(window);
  out.actions[0] = shared ? out.effectual_macs : out.macs * layer.weights.density;
  out.actions[1] = out.macs * layer.weights.density;
  out.actions[2] = out.actions[0];
  // An index a kept weight, or one that all elements share; windows are read once for all elements.
  out.actions[3] = shared ? out.actions[1] / parameters[kPes] : out.actions[1];
  out.actions[4] = outputs * static_cast<double>(layer.k);
  return Status::kOk;
}

std::int64_t nonzeros_of(const BitMatrix& mask, std::int64_t first, std::int64_t last) {
  std::int64_t sum = 0;
  for (std::int64_t row = first; row < last; ++row) sum += mask.count(row);
  return sum;
}

Status count_window(const double* parameters, const Layer& layer, const Masks& masks, Estimate& out) {
  const auto pes = static_cast<std::int64_t>(parameters[kPes]);
  const auto multipliers = static_cast<std::int64_t>(parameters[kMultipliers]);
  const auto window = static_cast<std::int64_t>(parameters[kWindow]);
  const bool barrier = parameters[kBarrier] > 0.0;
  // Of one output pixel, and where the pattern is shared, of all.
  std::int64_t cycles = 0;
  std::int64_t selected = 0;
  std::vector<std::int64_t> loads(static_cast<std::size_t>(pes));
  for (std::int64_t first = 0; first < layer.m; first += pes) {
    const std::int64_t last = first + pes < layer.m ? first + pes : layer.m;
    BitMatrix kept(1, layer.k);
    if (parameters[kShared] > 0.0) {
      for (std::int64_t row = first; row < last; ++row) kept.merge(0, masks.weights, row);
      if (kept.count() * (last - first) > nonzeros_of(masks.weights, first, last)) {
        out.reason = "elements that share a pattern keep different weights";
      }
    }
    for (std::int64_t begin = 0; begin < layer.k; begin += window) {
      const std::int64_t end = begin + window < layer.k ? begin + window : layer.k;
      if (parameters[kShared] > 0.0) {
        for (std::int64_t j = 0; j < layer.n; ++j) {
          const std::int64_t matches = most_matches(kept.row(0), 1, 0, masks.by_output.row(j), begin, end);
          cycles += divide_up(matches, multipliers);
          selected += matches * (last - first);
        }
        continue;
      }
      std::int64_t longest = 0;
      for (std::int64_t row = first; row < last; ++row) {
        const std::int64_t steps = divide_up(masks.weights.count(row, begin, end), multipliers);
        loads[static_cast<std::size_t>(row - first)] += steps;
        longest = steps > longest ? steps : longest;
      }
      cycles += longest;
    }
  }
  if (parameters[kShared] <= 0.0) {
    if (!barrier) {
      std::int64_t sum = 0;
      cycles = 0;
      for (const std::int64_t load : loads) {
        sum += load;
        cycles = load > cycles ? load : cycles;
      }
      const std::int64_t busiest = layer.m < pes ? layer.m : pes;
      out.terms[3] = (static_cast<double>(cycles) - static_cast<double>(sum) / static_cast<double>(busiest)) *
                     static_cast<double>(layer.n);
    }
    cycles *= layer.n;
    selected = masks.weights.count() * layer.n;
  }
  out.cycles = static_cast<double>(cycles);
  out.terms[1] = out.cycles / out.terms[0];
  out.actions[0] = out.actions[2] = static_cast<double>(selected);
  return Status::kOk;
}

}  // namespace

extern const Engine indexed_window = {
    "indexed-window", "skips zero weights; with a shared pattern, zero activations too",
    kParameters,      5,
    kTerms,           4,
    kActions,         5,
    kFormula,         estimate_window,
    count_window};

}  // namespace sparsemark::accelerator
