// SCNN (Parashar et al., ISCA 2017) and its dense baseline DCNN: each element holds a planar tile of the
// input and multiplies every nonzero activation with every nonzero weight of a channel, `side` x `side`
// products a cycle.
//   an element and a channel take ceil(A / side) ceil(F / side), A ~ nonzeros of its tile, F ~ of Kc filters
//   Kc: output channels whose partial sums fit the accumulators; elements wait for each other after each Kc
//   DCNN: K R S ceil(P / tiles) ceil(Q / tiles) ceil(C / products)
// A stride s is s^2 convolutions of stride 1 on every s-th row and column. Skips zeros of both operands;
// conflicts of accumulator banks are not modelled (the paper provides twice the banks and queues).
#include <cmath>

#include "engine.h"
#include "occupancy.h"

namespace sparsemark::accelerator {
namespace {

enum { kTiles, kSide, kAccumulators };

constexpr Parameter kParameters[] = {
    {"tiles", "elements", "elements along each side of the plane", 1, 1024, true},
    {"side", "operands", "activations and weights that meet in a cycle", 1, 64, true},
    {"accumulators", "sums", "partial sums of an element", 1, 1048576, true},
};
constexpr const char* kTerms[] = {"outputChannelsAGroup", "groups", "activationSteps", "weightSteps",
                                  "waitingCycles"};
constexpr const char* kActions[] = {"mac", "multiplierSlot", "accumulate"};

Status estimate_cartesian(const double* parameters, const Layer& layer, Estimate& out) noexcept {
  const auto tiles = static_cast<std::int64_t>(parameters[kTiles]);
  const double side = parameters[kSide];
  const std::int64_t s = layer.stride;
  const std::int64_t tile_points =
      divide_up(divide_up(layer.width, s), tiles) * divide_up(divide_up(layer.height, s), tiles);
  const std::int64_t high = divide_up(layer.kernel_height, s);
  const std::int64_t wide = divide_up(layer.kernel_width, s);
  const std::int64_t phases = s * s;
  const std::int64_t sums =
      (divide_up(layer.out_height, tiles) + high - 1) * (divide_up(layer.out_width, tiles) + wide - 1);
  std::int64_t per_group = static_cast<std::int64_t>(parameters[kAccumulators]) / sums;
  per_group = per_group < 1 ? 1 : per_group > layer.m ? layer.m : per_group;
  const double output_groups = static_cast<double>(divide_up(layer.m, per_group));
  const double planes = static_cast<double>(layer.batch) * static_cast<double>(layer.groups);
  const double channels = static_cast<double>(layer.channels * phases);
  const auto steps = [&](std::int64_t x) { return std::ceil(static_cast<double>(x) / side); };

  const Occupancy activations = Occupancy::of(tile_points, layer.activations);
  double square = 0.0;
  double mean = 0.0;
  activations.visit([&](std::int64_t x, double probability) {
    mean += probability * steps(x);
    square += probability * steps(x) * steps(x);
  });
  const double variance = square > mean * mean ? square - mean * mean : 0.0;
  // A phase has at most ceil(R / s) ceil(S / s) of the filter's points; all phases together have R S.
  const double filter_points = static_cast<double>(layer.kernel_height * layer.kernel_width) /
                               static_cast<double>(phases) * static_cast<double>(per_group);
  const double weight_steps =
      Occupancy::of(static_cast<std::int64_t>(std::llround(filter_points)), layer.weights).expect(steps);
  const double pes = static_cast<double>(tiles * tiles);
  const double balanced = channels * weight_steps * mean;
  const double waiting = expected_normal_maximum(pes) * std::sqrt(channels * variance) * weight_steps;
  // No element has more than a full tile.
  const double fullest = channels * weight_steps * steps(tile_points);
  const double group = balanced + waiting < fullest ? balanced + waiting : fullest;

  out.cycles = planes * output_groups * group;
  out.dense_cycles = planes * static_cast<double>(layer.m) *
                     static_cast<double>(layer.kernel_height * layer.kernel_width) *
                     static_cast<double>(divide_up(layer.out_height, tiles)) *
                     static_cast<double>(divide_up(layer.out_width, tiles)) *
                     std::ceil(static_cast<double>(layer.channels) / (side * side));
  out.multipliers = pes * side * side;
  out.terms[0] = static_cast<double>(per_group);
  out.terms[1] = planes * output_groups;
  out.terms[2] = mean;
  out.terms[3] = weight_steps;
  out.terms[4] = group - balanced;
  out.actions[0] = out.effectual_macs;
  out.actions[1] = out.cycles * out.multipliers;
  out.actions[2] = out.effectual_macs;
  return Status::kOk;
}

}  // namespace

extern const Engine cartesian = {
    "cartesian", "skips zeros of both operands", kParameters, 3, kTerms, 5, kActions, 3, estimate_cartesian};

}  // namespace sparsemark::accelerator
