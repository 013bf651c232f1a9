// Cambricon-X (Zhang et al., MICRO 2016) and Cambricon-S (Zhou et al., MICRO 2018): each element selects the
// inputs that its nonzero weights need out of a window, `multipliers` a cycle. DianNao (Chen et al., ASPLOS
// 2014), the dense baseline, is the same array without selection: ceil(window / multipliers) cycles a window.
//   a window takes ceil(x / multipliers), x ~ nonzeros of the window
// Cambricon-X skips zero weights; elements wait for each other at each window (barrier) or not at all.
// Cambricon-S has one pattern for all elements of a block, so that none waits, and skips zero activations
// too.
#include <cmath>

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
constexpr const char* kTerms[] = {"windows", "cyclesAWindow", "denseCyclesAWindow"};
constexpr const char* kActions[] = {"mac", "weightRead", "indexedSelect"};

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
  const double outputs = static_cast<double>(divide_up(layer.m, pes)) * static_cast<double>(layer.n) *
                         static_cast<double>(layer.groups);
  const Density full;
  out.dense_cycles = outputs * of_sum(full, full);
  out.cycles = outputs * of_sum(layer.weights, layer.activations);
  out.multipliers = parameters[kPes] * parameters[kMultipliers];
  out.terms[0] = outputs * static_cast<double>(divide_up(layer.k, window));
  out.terms[1] = out.cycles / out.terms[0];
  out.terms[2] = steps(window);
  out.actions[0] = shared ? out.effectual_macs : out.macs * layer.weights.density;
  out.actions[1] = out.macs * layer.weights.density;
  out.actions[2] = out.actions[0];
  return Status::kOk;
}

}  // namespace

extern const Engine indexed_window = {
    "indexed-window", "skips zero weights; with a shared pattern, zero activations too",
    kParameters,      5,
    kTerms,           3,
    kActions,         3,
    estimate_window};

}  // namespace sparsemark::accelerator
