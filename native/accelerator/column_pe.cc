// Eyeriss v2's element (Chen et al., JETCAS 2019): compressed columns of weights and activations; for each
// nonzero activation of a channel all nonzero weights of that channel are multiplied:
//   cycles of an element = sum over inputs of ceil(nonzeros(W) / MACs a cycle) nonzeros(A)
// With one element and one MAC that is m n k d_w d_a in the mean. Several elements have the same activations
// and every pes-th output each; the slowest counts, by the normal maximum of their sums. Skips zeros of both.
#include <cmath>
#include <vector>

#include "engine.h"
#include "occupancy.h"

namespace sparsemark::accelerator {
namespace {

enum { kPes, kMacs };

constexpr Parameter kParameters[] = {
    {"pes", "elements", "processing elements", 1, 1048576, true},
    {"macsPerCycle", "MACs", "multiplications of an element in a cycle", 1, 64, true},
};
constexpr const char* kTerms[] = {"effectualMacsAnElement", "waitingCycles"};
constexpr const char* kActions[] = {"mac", "weightRead", "activationRead", "partialSum"};

Status estimate_columns(const double* parameters, const Layer& layer, Estimate& out) noexcept {
  const double pes = parameters[kPes];
  const std::int64_t outputs = divide_up(layer.m, static_cast<std::int64_t>(pes));
  const double inputs = static_cast<double>(layer.k) * static_cast<double>(layer.groups);
  const double pixels = static_cast<double>(layer.n) * layer.activations.density;
  const auto steps = [&](std::int64_t x) { return std::ceil(static_cast<double>(x) / parameters[kMacs]); };
  const Occupancy column = Occupancy::of(outputs, layer.weights);
  const double of_input = parameters[kMacs] > 1.0 ? column.expect(steps) : column.mean();
  const double square = column.expect([&](std::int64_t x) { return steps(x) * steps(x); });
  const double spread = square > of_input * of_input ? square - of_input * of_input : 0.0;
  const double mean = of_input * inputs * pixels;
  const double waiting = expected_normal_maximum(pes) * pixels * std::sqrt(inputs * spread);
  out.dense_cycles = steps(outputs) * inputs * static_cast<double>(layer.n);
  out.cycles = mean + waiting < out.dense_cycles ? mean + waiting : out.dense_cycles;
  out.multipliers = pes * parameters[kMacs];
  out.terms[0] = column.mean() * inputs * pixels;
  out.terms[1] = out.cycles - mean;
  out.actions[0] = out.actions[1] = out.effectual_macs;
  out.actions[2] = static_cast<double>(layer.n) * static_cast<double>(layer.k) * layer.activations.density *
                   static_cast<double>(layer.groups);
  out.actions[3] = 2.0 * out.effectual_macs;
  return Status::kOk;
}

Status count_columns(const double* parameters, const Layer& layer, const Masks& masks, Estimate& out) {
  const auto pes = static_cast<std::int64_t>(parameters[kPes]);
  const auto macs = static_cast<std::int64_t>(parameters[kMacs]);
  std::vector<std::int64_t> loads(static_cast<std::size_t>(pes));
  std::vector<std::int64_t> weights(static_cast<std::size_t>(pes));
  for (std::int64_t p = 0; p < layer.k; ++p) {
    for (std::int64_t& count : weights) count = 0;
    masks.by_input.visit(p, [&](std::int64_t row) { weights[static_cast<std::size_t>(row % pes)] += 1; });
    const std::int64_t pixels = masks.activations.count(p);
    for (std::size_t e = 0; e < loads.size(); ++e) loads[e] += divide_up(weights[e], macs) * pixels;
  }
  std::int64_t slowest = 0;
  double sum = 0.0;
  for (const std::int64_t load : loads) {
    slowest = load > slowest ? load : slowest;
    sum += static_cast<double>(load);
  }
  out.cycles = static_cast<double>(slowest);
  out.terms[0] = out.effectual_macs / parameters[kPes];
  out.terms[1] = out.cycles - sum / parameters[kPes];
  out.actions[2] = static_cast<double>(masks.activations.count());
  return Status::kOk;
}

}  // namespace

extern const Engine column_pe = {
    "column-pe",  "skips zeros of both operands", kParameters, 2, kTerms, 2, kActions, 4, estimate_columns,
    count_columns};

}  // namespace sparsemark::accelerator
