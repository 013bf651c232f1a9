// Eyeriss v2 (Chen et al., JETCAS 2019): compressed columns of weights and activations; for each nonzero
// activation of an input all its nonzero weights of the element's filters are multiplied:
//   cycles of an element = sum over its inputs of ceil(nonzeros(W) / MACs a cycle) nonzeros(A)
// With one element and one MAC that is m n k d_w d_a in the mean. The hierarchical mesh brings any operand to
// any element, so that filters, pixels, inputs and groups may all be spread: as they fill the elements best
// without zeros. The slowest element counts, by the normal maximum of their sums. Skips zeros of both; a
// depthwise layer has one filter an input, of which nothing is skipped and one multiplication a cycle is all.
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
constexpr const char* kTerms[] = {"effectualMacsAnElement", "waitingCycles", "filtersAtOnce", "pixelsAtOnce",
                                  "inputsAtOnce",           "groupsAtOnce",  "stepsAnInput"};
constexpr const char* kActions[] = {"mac", "weightRead", "activationRead", "partialSum"};
constexpr FormulaLine kFormula[] = {
    {"cycles", "groups == 1 or m > 1",
     "ceil(k / inputsAtOnce) * ceil(groups / groupsAtOnce) * stepsAnInput * ceil(n / "
     "pixelsAtOnce) * activationDensity + waitingCycles",
     ""},
    {"cycles", "groups > 1 and m == 1", "denseCycles", "depthwise: nothing is skipped"},
    {"stepsAnInput", "groups == 1 or m > 1", "E[ceil(x / macsPerCycle)]",
     "x: nonzero weights of an input in the filters of an element"},
    {"stepsAnInput", "groups > 1 and m == 1", "1", ""},
    {"waitingCycles", "", "",
     "normal maximum of the sums of the elements in use over their mean; no more than without zeros of "
     "one or both operands in all"},
    {"effectualMacsAnElement", "", "effectualMacs / pes", ""},
    {"filtersAtOnce", "", "",
     "with pixelsAtOnce, inputsAtOnce and groupsAtOnce: how the layer is dealt out, so that it takes the "
     "fewest cycles without zeros"},
    {"pixelsAtOnce", "", "", "see filtersAtOnce"},
    {"inputsAtOnce", "", "", "see filtersAtOnce"},
    {"groupsAtOnce", "", "min(groups, pes)", ""},
    {"denseCycles", "",
     "ceil(ceil(m / filtersAtOnce) / macsPerCycle) * ceil(n / pixelsAtOnce) * ceil(k / inputsAtOnce) * "
     "ceil(groups / groupsAtOnce)",
     ""},
};

// How many parts each dimension is dealt out to, and the share of one element.
struct Spread {
  std::int64_t filters = 1;
  std::int64_t pixels = 1;
  std::int64_t inputs = 1;
  std::int64_t groups = 1;
  double dense_steps = 0.0;
};

std::int64_t least(std::int64_t a, std::int64_t b) { return a < b ? a : b; }

// The fewest dense steps; groups first, since they share nothing, then powers of two and what they leave.
Spread spread_of(const double* parameters, const Layer& layer) {
  const auto pes = static_cast<std::int64_t>(parameters[kPes]);
  const auto macs = static_cast<std::int64_t>(parameters[kMacs]);
  const std::int64_t groups = least(layer.groups, pes);
  Spread best;
  const std::int64_t left = pes / groups;
  const double of_groups = static_cast<double>(divide_up(layer.groups, groups));
  for (std::int64_t filters = 1;; filters *= 2) {
    const std::int64_t of_filters = least(filters, least(layer.m, left));
    const std::int64_t beside = left / of_filters;
    const std::int64_t most_pixels = least(layer.n, beside);
    const double of_turn = static_cast<double>(divide_up(divide_up(layer.m, of_filters), macs)) * of_groups;
    int shift = 0;
    for (std::int64_t pixels = 1;; pixels *= 2, ++shift) {
      const std::int64_t of_pixels = least(pixels, most_pixels);
      // A power of two needs no division.
      const bool is_power = of_pixels == pixels;
      const std::int64_t of_inputs = least(is_power ? beside >> shift : beside / of_pixels, layer.k);
      const std::int64_t turns = is_power ? (layer.n + pixels - 1) >> shift : divide_up(layer.n, of_pixels);
      const double steps =
          of_turn * static_cast<double>(turns) * static_cast<double>(divide_up(layer.k, of_inputs));
      if (best.dense_steps == 0.0 || steps < best.dense_steps) {
        best = {of_filters, of_pixels, of_inputs, groups, steps};
      }
      if (of_pixels < pixels || of_pixels == beside) break;
    }
    if (of_filters < filters || of_filters == left) break;
  }
  return best;
}

Status estimate_columns(const double* parameters, const Layer& layer, Estimate& out) noexcept {
  const Spread spread = spread_of(parameters, layer);
  const double groups = static_cast<double>(layer.groups);
  const bool depthwise = layer.groups > 1 && layer.m == 1;
  const double all_inputs = static_cast<double>(layer.k) * groups;
  out.dense_cycles = spread.dense_steps;
  out.multipliers = parameters[kPes] * parameters[kMacs];
  out.terms[0] = out.effectual_macs / parameters[kPes];
  out.terms[2] = static_cast<double>(spread.filters);
  out.terms[3] = static_cast<double>(spread.pixels);
  out.terms[4] = static_cast<double>(spread.inputs);
  out.terms[5] = static_cast<double>(spread.groups);
  out.actions[0] = out.actions[1] = depthwise ? out.macs : out.effectual_macs;
  out.actions[2] = static_cast<double>(layer.n) * all_inputs * (depthwise ? 1.0 : layer.activations.density);
  out.actions[3] = 2.0 * out.actions[0];
  if (depthwise) {
    out.terms[6] = 1.0;
    out.cycles = out.dense_cycles;
    return Status::kOk;
  }
  const Occupancy column = Occupancy::of(divide_up(layer.m, spread.filters), layer.weights);
  const auto [of_input, of_weights] = column.step_moments(static_cast<std::int64_t>(parameters[kMacs]));
  out.terms[6] = of_input;
  const double inputs = static_cast<double>(divide_up(layer.k, spread.inputs)) *
                        static_cast<double>(divide_up(layer.groups, spread.groups));
  const double points = static_cast<double>(divide_up(layer.n, spread.pixels));
  const double live = layer.activations.density;
  const double maximum = expected_normal_maximum(
      static_cast<double>(spread.filters * spread.pixels * spread.inputs * spread.groups));
  // Elements of one column have the same pixels, those of one row the same filters: spread apart where any
  // differ.
  const double differ = spread.pixels * spread.inputs * spread.groups > 1 ? points : 0.0;
  const auto slowest = [&](double steps, double variance_of_steps, double density) {
    const double pixels = points * density;
    const double variance = variance_of_steps * pixels * pixels +
                            differ * density * (1.0 - density) * (variance_of_steps + steps * steps);
    return steps * inputs * pixels + maximum * std::sqrt(inputs * variance);
  };
  // Of few points the normal maximum lies above what the same elements take where an operand has no zero.
  const auto full_steps =
      static_cast<double>(divide_up(column.points(), static_cast<std::int64_t>(parameters[kMacs])));
  out.cycles = std::fmin(std::fmin(slowest(of_input, of_weights, live), out.dense_cycles),
                         std::fmin(slowest(of_input, of_weights, 1.0), slowest(full_steps, 0.0, live)));
  const double mean = of_input * inputs * points * live;
  out.terms[1] = out.cycles > mean ? out.cycles - mean : 0.0;
  return Status::kOk;
}

Status count_columns(const double* parameters, const Layer& layer, const Masks& masks, Estimate& out) {
  const auto macs = static_cast<std::int64_t>(parameters[kMacs]);
  const Spread spread = spread_of(parameters, layer);
  const auto at = [](std::int64_t i) { return static_cast<std::size_t>(i); };
  // Filter i, pixel j and input p belong to part i mod filters, j mod pixels and p mod inputs.
  std::vector<std::int64_t> loads(at(spread.filters * spread.pixels * spread.inputs));
  std::vector<std::int64_t> weights(at(spread.filters));
  std::vector<std::int64_t> pixels(at(spread.pixels));
  // A division for each nonzero takes longer than to visit it.
  const auto parts_of = [&](std::int64_t points, std::int64_t spread_over) {
    std::vector<std::int32_t> made(at(points));
    for (std::int64_t i = 0; i < points; ++i) made[at(i)] = static_cast<std::int32_t>(i % spread_over);
    return made;
  };
  const std::vector<std::int32_t> filter_parts = parts_of(layer.m, spread.filters);
  const std::vector<std::int32_t> pixel_parts = parts_of(layer.n, spread.pixels);
  const auto add_to = [&](std::vector<std::int64_t>& counts, const std::vector<std::int32_t>& part) {
    return [&](std::int64_t i) { counts[static_cast<std::size_t>(part[at(i)])] += 1; };
  };
  for (std::int64_t p = 0; p < layer.k; ++p) {
    for (std::int64_t& count : weights) count = 0;
    for (std::int64_t& count : pixels) count = 0;
    masks.by_input.visit(p, add_to(weights, filter_parts));
    if (spread.pixels == 1) {
      pixels[0] = masks.activations.count(p);
    } else {
      masks.activations.visit(p, add_to(pixels, pixel_parts));
    }
    std::int64_t* load = loads.data() + p % spread.inputs * spread.filters * spread.pixels;
    for (const std::int64_t of_weights : weights) {
      const std::int64_t steps = divide_up(of_weights, macs);
      for (const std::int64_t of_pixels : pixels) *load++ += steps * of_pixels;
    }
  }
  std::int64_t slowest = 0;
  double sum = 0.0;
  for (const std::int64_t load : loads) {
    slowest = load > slowest ? load : slowest;
    sum += static_cast<double>(load);
  }
  out.cycles = static_cast<double>(slowest);
  out.terms[0] = out.effectual_macs / parameters[kPes];
  out.terms[1] = out.cycles - sum / static_cast<double>(loads.size());
  out.actions[0] = out.actions[1] = out.effectual_macs;
  out.actions[2] = static_cast<double>(masks.activations.count());
  out.actions[3] = 2.0 * out.effectual_macs;
  return Status::kOk;
}

}  // namespace

extern const Engine column_pe = {"column-pe",  "skips zeros of both operands, none of a depthwise layer",
                                 kParameters,  2,
                                 kTerms,       7,
                                 kActions,     4,
                                 kFormula,     estimate_columns,
                                 count_columns};

}  // namespace sparsemark::accelerator
