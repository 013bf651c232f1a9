// Cambricon-X (Zhang et al., MICRO 2016) and Cambricon-S (Zhou et al., MICRO 2018): each element selects the
// inputs that its nonzero weights need out of a window, `multipliers` a cycle. DianNao (Chen et al., ASPLOS
// 2014), the dense baseline, is the same array without selection: ceil(window / multipliers) cycles a window.
//   a window takes ceil(x / multipliers), x ~ nonzeros of the window
// Element p has the outputs p, p + pes, ...; without a barrier the one with the most work is waited for at
// the end of the layer, by the normal maximum of the sums of its windows and at most as if at each window.
// Cambricon-X skips zero weights; elements wait for each other at each window (barrier) or not at all.
// Cambricon-S has one pattern for all elements of a block, so that none waits, and skips zero activations
// too.
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
     "normal maximum of the sums of the elements over their mean, at most as with barrier; 0 with barrier or "
     "sharedPattern"},
};

Status estimate_window(const double* parameters, const Layer& layer, Estimate& out) noexcept {
  const auto pes = static_cast<std::int64_t>(parameters[kPes]);
  const auto window = static_cast<std::int64_t>(parameters[kWindow]);
  const bool shared = parameters[kShared] > 0.0;
  const auto multipliers = static_cast<std::int64_t>(parameters[kMultipliers]);
  const bool waits = !shared && parameters[kBarrier] > 0.0;
  const auto elements = static_cast<double>(layer.m < pes ? layer.m : pes);
  // Of a window, and of the most that `elements` of them take.
  const auto cycles_of = [&](std::int64_t points, double& most) {
    if (points == 0) return Occupancy::Moments{};
    Density weights = layer.weights;
    if (shared) weights.density *= layer.activations.density;
    const Occupancy occupancy = Occupancy::of(points, weights);
    if (shared) return occupancy.step_moments(multipliers);
    if (waits) return Occupancy::Moments{occupancy.expect_maximum_steps(parameters[kPes], multipliers), 0.0};
    return occupancy.step_moments(multipliers, elements, &most);
  };
  const std::int64_t whole = layer.k / window;
  const std::int64_t rest = layer.k % window;
  double most_whole = 0.0;
  double most_rest = 0.0;
  const Occupancy::Moments of_whole = cycles_of(whole > 0 ? window : 0, most_whole);
  const Occupancy::Moments of_rest = cycles_of(rest, most_rest);
  const double pixels = static_cast<double>(layer.n) * static_cast<double>(layer.groups);
  const double outputs = static_cast<double>(divide_up(layer.m, pes)) * pixels;
  out.dense_cycles =
      outputs * static_cast<double>(whole * divide_up(window, multipliers) + divide_up(rest, multipliers));
  out.cycles = outputs * (static_cast<double>(whole) * of_whole.mean + of_rest.mean);
  if (!shared && !waits) {
    const Occupancy::Moments& most = whole > 0 ? of_whole : of_rest;
    const double windows = static_cast<double>(divide_up(layer.m, pes)) * static_cast<double>(layer.k) /
                           static_cast<double>(window);
    // Elements that have an output more than the others.
    const std::int64_t busiest = layer.m % pes == 0 ? pes : layer.m % pes;
    const double waiting =
        pixels * expected_normal_maximum(static_cast<double>(busiest)) * std::sqrt(windows * most.variance);
    // Of few windows the normal maximum is more than all elements together can take: 1.05 cycles of the one
    // that each has. The most of the sums is never above the sum of each window's most.
    double slowest = static_cast<double>(whole) * most_whole + most_rest;
    slowest = outputs * slowest < out.dense_cycles ? outputs * slowest : out.dense_cycles;
    if (slowest < out.cycles) slowest = out.cycles;
    out.terms[3] = out.cycles + waiting < slowest ? waiting : slowest - out.cycles;
    out.cycles += out.terms[3];
  }
  out.multipliers = parameters[kPes] * parameters[kMultipliers];
  out.terms[0] = outputs * static_cast<double>(divide_up(layer.k, window));
  out.terms[1] = out.cycles / out.terms[0];
  out.terms[2] = static_cast<double>(divide_up(window, multipliers));
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
          const std::int64_t both = matches(kept.row(0), masks.by_output.row(j), begin, end);
          cycles += divide_up(both, multipliers);
          selected += both * (last - first);
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
