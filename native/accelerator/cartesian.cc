// SCNN (Parashar et al., ISCA 2017) and its dense baseline DCNN: each element holds a planar tile of the
// input and multiplies every nonzero activation with every nonzero weight of a channel, `side` x `side`
// products a cycle.
//   an element and a channel take ceil(A / side) ceil(F / side), A ~ nonzeros of its tile, F ~ of Kc filters
//   Kc: output channels whose partial sums fit the accumulators; elements wait for each other after each Kc,
//   the last of which are what is left of m
//   DCNN: K R S ceil(P / tiles) ceil(Q / tiles) ceil(C / products)
// A stride s is s^2 convolutions of stride 1 on every s-th row and column. Skips zeros of both operands.
// Conflicts of accumulator banks are no part of the formula, since the paper provides twice the banks and
// queues; a count may take them, as if there were no queues.
#include <cmath>
#include <vector>

#include "accumulator_banks.h"
#include "engine.h"
#include "lanes.h"
#include "occupancy.h"

namespace sparsemark::accelerator {
namespace {

enum { kTiles, kSide, kAccumulators, kConflicts };

constexpr Parameter kParameters[] = {
    {"tiles", "elements", "elements along each side of the plane", 1, 1024, true},
    {"side", "operands", "activations and weights that meet in a cycle", 1, 64, true},
    {"accumulators", "sums", "partial sums of an element", 1, 1048576, true},
    {"countsConflicts", "1", "1: counts take the conflicts of 32 banks of sums, with no queue", 0, 1, true},
};
constexpr const char* kTerms[] = {"outputChannelsAGroup", "outputGroups",  "activationSteps",
                                  "weightSteps",          "waitingCycles", "conflictCycles"};
constexpr const char* kActions[] = {"mac",        "idleSlot",    "accumulate", "inputRead",
                                    "weightRead", "outputWrite", "weightFetch"};
constexpr FormulaLine kFormula[] = {
    {"cycles", "",
     "outputGroups * (channels * stride * stride * activationSteps * weightSteps + waitingCycles)", ""},
    {"outputGroups", "", "batch * groups * ceil(m / outputChannelsAGroup)",
     "after each, elements wait for the slowest"},
    {"outputChannelsAGroup", "",
     "max(1, min(m, floor(accumulators / ((ceil(outHeight / tiles) + ceil(kernelHeight / stride) - 1) * "
     "(ceil(outWidth / tiles) + ceil(kernelWidth / stride) - 1)))))",
     "whose partial sums fit an element"},
    {"activationSteps", "", "E[ceil(x / side)]", "x: nonzero inputs of a tile and channel"},
    {"weightSteps", "", "E[ceil(x / side)]",
     "x: nonzero weights of a channel in an output group, the last of which has what is left of m; their "
     "mean, "
     "with a stride also over its phases"},
    {"waitingCycles", "", "",
     "normal maximum over the elements with a tile of the sum of their channels, over its mean; no more than "
     "full tiles take"},
    {"conflictCycles", "", "0", "counted alone, with countsConflicts"},
    {"denseCycles", "",
     "batch * groups * m * kernelHeight * kernelWidth * ceil(outHeight / tiles) * ceil(outWidth / tiles) * "
     "ceil(channels / (side * side))",
     "DCNN"},
};

// Output channels whose partial sums fit the accumulators of an element.
std::int64_t channels_a_group(const double* parameters, const Layer& layer) {
  const auto tiles = static_cast<std::int64_t>(parameters[kTiles]);
  const std::int64_t high = divide_up(layer.kernel_height, layer.stride);
  const std::int64_t wide = divide_up(layer.kernel_width, layer.stride);
  const std::int64_t sums =
      (divide_up(layer.out_height, tiles) + high - 1) * (divide_up(layer.out_width, tiles) + wide - 1);
  const std::int64_t fit = static_cast<std::int64_t>(parameters[kAccumulators]) / sums;
  return fit < 1 ? 1 : fit > layer.m ? layer.m : fit;
}

Status estimate_cartesian(const double* parameters, const Layer& layer, Estimate& out) noexcept {
  const auto tiles = static_cast<std::int64_t>(parameters[kTiles]);
  const double side = parameters[kSide];
  const std::int64_t s = layer.stride;
  const std::int64_t tile_points =
      divide_up(divide_up(layer.width, s), tiles) * divide_up(divide_up(layer.height, s), tiles);
  const std::int64_t phases = s * s;
  const std::int64_t per_group = channels_a_group(parameters, layer);
  const double output_groups = static_cast<double>(divide_up(layer.m, per_group));
  const double planes = static_cast<double>(layer.batch) * static_cast<double>(layer.groups);
  const double channels = static_cast<double>(layer.channels * phases);
  const auto width = static_cast<std::int64_t>(side);

  const auto [mean, variance] = Occupancy::of(tile_points, layer.activations).step_moments(width);
  // Steps of the weights of a channel with so many filters. Of s phases along a side of R points, R mod s
  // have a point more than the others.
  const auto steps_of = [&](std::int64_t filters) {
    double steps = 0.0;
    for (const std::int64_t more_rows : {1, 0}) {
      const std::int64_t row_phases = more_rows > 0 ? layer.kernel_height % s : s - layer.kernel_height % s;
      for (const std::int64_t more_cols : {1, 0}) {
        const std::int64_t col_phases = more_cols > 0 ? layer.kernel_width % s : s - layer.kernel_width % s;
        const std::int64_t points =
            (layer.kernel_height / s + more_rows) * (layer.kernel_width / s + more_cols) * filters;
        if (row_phases * col_phases == 0 || points == 0) continue;
        steps += static_cast<double>(row_phases * col_phases) *
                 Occupancy::of(points, layer.weights).step_moments(width).mean;
      }
    }
    return steps / static_cast<double>(phases);
  };
  const std::int64_t left = layer.m % per_group;
  const std::int64_t whole_groups = layer.m / per_group;
  double all_steps = whole_groups > 0 ? static_cast<double>(whole_groups) * steps_of(per_group) : 0.0;
  if (left > 0) all_steps += steps_of(left);
  const double weight_steps = all_steps / output_groups;
  const double pes = static_cast<double>(tiles * tiles);
  // Of a plane that the tiles do not divide, elements at its ends have nothing.
  const auto busy_along = [&](std::int64_t points) {
    const std::int64_t of_phase = divide_up(points, s);
    return divide_up(of_phase, divide_up(of_phase, tiles));
  };
  const auto busy = static_cast<double>(busy_along(layer.width) * busy_along(layer.height));
  const double balanced = channels * weight_steps * mean;
  const double waiting = expected_normal_maximum(busy) * std::sqrt(channels * variance) * weight_steps;
  // No element has more than a full tile.
  const double fullest = channels * weight_steps * static_cast<double>(divide_up(tile_points, width));
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
  out.actions[0] = out.actions[2] = out.effectual_macs;
  const double slots = out.cycles * out.multipliers;
  out.actions[1] = slots > out.effectual_macs ? slots - out.effectual_macs : 0.0;
  // Inputs are read once an output group, weights once for each step of the inputs.
  const double points = static_cast<double>(layer.channels) * static_cast<double>(layer.height) *
                        static_cast<double>(layer.width);
  out.actions[3] = planes * output_groups * points * layer.activations.density;
  out.actions[4] = planes * output_groups * balanced * pes * side;
  out.actions[5] =
      static_cast<double>(layer.m) * static_cast<double>(layer.n) * static_cast<double>(layer.groups);
  out.actions[6] = static_cast<double>(layer.m) * static_cast<double>(layer.k) *
                   static_cast<double>(layer.groups) * layer.weights.density;
  return Status::kOk;
}

// Loads of the elements of a group, and of many elements more: of each the sum over the parts of its steps
// times the weights'. Doubles, which every vector unit multiplies: whole below 2^53 as the cycles are, so
// that the order does not matter. Sums stay in registers: with sums in memory and a division for each nonzero
// the count of density 0.9 took 2.7 ns for 64 pairs, then 1.2.
[[gnu::always_inline]] inline void add_loads_of(const double* weight_parts, const double* input_parts,
                                                std::int64_t parts, std::int64_t pes, double* loads) {
  constexpr int kBeside = 4;
  for (std::int64_t pe = 0; pe < pes; pe += kBeside * kLanes) {
    Four sums[kBeside] = {};
    for (std::int64_t part = 0; part < parts; ++part) {
      for (int s = 0; s < kBeside; ++s) {
        Four inputs;
        load(input_parts + part * pes + pe + s * kLanes, inputs);
        sums[s] += weight_parts[part] * inputs;
      }
    }
    for (int s = 0; s < kBeside; ++s) store(sums[s], loads + pe + s * kLanes);
  }
}

#if defined(__x86_64__)
[[gnu::target("avx2")]] void add_loads_by_avx2(const double* weight_parts, const double* input_parts,
                                               std::int64_t parts, std::int64_t pes, double* loads) {
  add_loads_of(weight_parts, input_parts, parts, pes, loads);
}
#endif

void add_loads(const double* weight_parts, const double* input_parts, std::int64_t parts, std::int64_t pes,
               double* loads) {
#if defined(__x86_64__)
  if (kHasAvx2) return add_loads_by_avx2(weight_parts, input_parts, parts, pes, loads);
#endif
  add_loads_of(weight_parts, input_parts, parts, pes, loads);
}

Status count_cartesian(const double* parameters, const Layer& layer, const Masks& masks, Estimate& out) {
  const auto tiles = static_cast<std::int64_t>(parameters[kTiles]);
  const auto side = static_cast<std::int64_t>(parameters[kSide]);
  const std::int64_t s = layer.stride;
  const std::int64_t phases = s * s;
  const std::int64_t pes = tiles * tiles;
  // Elements that are loaded at once, of which the last ones have nothing.
  const std::int64_t slots = divide_up(pes, 16) * 16;
  const std::int64_t tile_width = divide_up(divide_up(layer.width, s), tiles);
  const std::int64_t tile_height = divide_up(divide_up(layer.height, s), tiles);
  const std::int64_t per_group = channels_a_group(parameters, layer);
  const std::int64_t filter_points = layer.kernel_height * layer.kernel_width;
  const auto at = [](std::int64_t i) { return static_cast<std::size_t>(i); };
  // Steps of the weights: output group x channel x phase.
  const std::int64_t groups = divide_up(layer.m, per_group);
  const std::int64_t parts = layer.channels * phases;
  std::vector<double> weights(at(groups * parts));
  for (std::int64_t p = 0; p < layer.k; ++p) {
    const std::int64_t point = p % filter_points;
    const std::int64_t phase = point / layer.kernel_width % s * s + point % layer.kernel_width % s;
    double* of_part = weights.data() + p / filter_points * phases + phase;
    for (std::int64_t first = 0; first < layer.m; first += per_group, of_part += parts) {
      const std::int64_t end = first + per_group < layer.m ? first + per_group : layer.m;
      *of_part += static_cast<double>(masks.by_input.count(p, first, end));
    }
  }
  // Nonzeros become the steps that they take, in their place, and are added up: with an array of each, which
  // are several times the masks and whose pages the system clears, a fifth of the time went there.
  const auto become_steps = [&](std::vector<double>& nonzeros) {
    std::int64_t sum = 0;
    for (double& of_part : nonzeros) {
      const std::int64_t steps = divide_up(static_cast<std::int64_t>(of_part), side);
      of_part = static_cast<double>(steps);
      sum += steps;
    }
    return sum;
  };
  const std::int64_t weight_steps = become_steps(weights);
  std::vector<double> inputs(at(parts * slots));
  std::vector<double> loads(at(slots));
  double cycles = 0.0;
  double busy = 0.0;
  std::int64_t input_steps = 0;
  for (std::int64_t image = 0; image < layer.batch; ++image) {
    for (double& count : inputs) count = 0.0;
    for (std::int64_t channel = 0; channel < layer.channels; ++channel) {
      for (std::int64_t y = 0; y < layer.height; ++y) {
        double* of_line =
            inputs.data() + (channel * phases + y % s * s) * slots + y / s / tile_height * tiles;
        const std::int64_t line = (image * layer.height + y) * layer.width;
        // Of stride 1, all inputs of a tile's line are of one part.
        for (std::int64_t x = 0; s == 1 && x < layer.width; x += tile_width) {
          const std::int64_t end = x + tile_width < layer.width ? x + tile_width : layer.width;
          *of_line++ += static_cast<double>(masks.planes.count(channel, line + x, line + end));
        }
        if (s == 1) continue;
        masks.planes.visit(channel, line, line + layer.width, [&](std::int64_t point) {
          const std::int64_t x = point - line;
          of_line[x % s * slots + x / s / tile_width] += 1.0;
        });
      }
    }
    input_steps += become_steps(inputs);
    for (std::int64_t group = 0; group < groups; ++group) {
      add_loads(weights.data() + group * parts, inputs.data(), parts, slots, loads.data());
      double slowest = 0.0;
      for (const double load : loads) {
        slowest = load > slowest ? load : slowest;
        busy += load;
      }
      cycles += slowest;
    }
  }
  const double waiting = (cycles - busy / static_cast<double>(pes)) /
                         (static_cast<double>(groups) * static_cast<double>(layer.batch));
  if (parameters[kConflicts] > 0.0) {
    const auto conflicted = static_cast<double>(conflicted_cycles({tiles, side, per_group}, layer, masks));
    out.terms[5] = conflicted - cycles;
    if (conflicted > cycles) out.reason = "sums of one step lie in the same bank";
    cycles = conflicted;
  }
  out.cycles = cycles;
  out.terms[2] = static_cast<double>(input_steps) / static_cast<double>(parts * pes * layer.batch);
  out.terms[3] = static_cast<double>(weight_steps) / static_cast<double>(groups * parts);
  out.terms[4] = waiting;
  out.actions[0] = out.actions[2] = out.effectual_macs;
  const double offered = out.cycles * out.multipliers;
  out.actions[1] = offered > out.effectual_macs ? offered - out.effectual_macs : 0.0;
  out.actions[3] = static_cast<double>(masks.planes.count() * groups);
  out.actions[4] = busy * static_cast<double>(side);
  return Status::kOk;
}

}  // namespace

extern const Engine cartesian = {"cartesian",    "skips zeros of both operands",
                                 kParameters,    4,
                                 kTerms,         6,
                                 kActions,       7,
                                 kFormula,       estimate_cartesian,
                                 count_cartesian};

}  // namespace sparsemark::accelerator
