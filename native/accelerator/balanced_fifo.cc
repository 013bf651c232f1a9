// ESE (Han et al., FPGA 2017): EIE's queues for the batch of a recurrent network. Weights are pruned so that
// every element keeps equally many; each of `channels` inputs has elements of its own that work on the same
// weights.
//   cycles = ceil(n / channels) times the recurrence of fifo.h over all k columns
// Skips zero weights. What is left of the imbalance lies inside of single columns, where the queue hides most
// of it. The statistical answer draws kStepsAtOnce columns with a fixed seed and then moves every element to
// the same sum.
#include <cmath>
#include <cstdint>
#include <vector>

#include "engine.h"
#include "fifo.h"
#include "occupancy.h"

namespace sparsemark::accelerator {
namespace {

enum { kPes, kChannels, kDepth };

constexpr Parameter kParameters[] = {
    {"pes", "elements", "processing elements of a channel", 1, kMostFifoPes, true},
    {"channels", "channels", "inputs that are worked on at once", 1, 65536, true},
    {"fifoDepth", "entries", "usable entries of an element's queue", 1, kMostFifoDepth, true},
};
constexpr const char* kTerms[] = {"turns", "entriesAColumn", "theoreticalCycles", "slowdown"};
constexpr const char* kActions[] = {"mac", "weightEntryRead", "queuePush"};
constexpr FormulaLine kFormula[] = {
    {"cycles", "", "theoreticalCycles * slowdown", ""},
    {"theoreticalCycles", "", "turns * k * entriesAColumn", ""},
    {"turns", "", "ceil(n / channels) * groups", "channels: inputs that are worked on at once"},
    {"entriesAColumn", "", "m * weightDensity / pes", "of an element"},
    {"slowdown", "", "",
     "256 columns at most, drawn with a fixed seed, each element with the same sum, sent through the queues"},
};

constexpr std::int64_t kStepsAtOnce = 256;

// splitmix64.
std::uint64_t next_bits(std::uint64_t& state) {
  state += 0x9e3779b97f4a7c15ull;
  std::uint64_t z = state;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
  return z ^ (z >> 31);
}

// Cycles of `steps` columns whose entries are drawn, each element's to the sum steps rows density.
std::int64_t drawn_cycles(std::int64_t rows, const Density& density, std::int64_t steps,
                          const double* parameters) {
  const auto pes = static_cast<std::int32_t>(parameters[kPes]);
  constexpr std::int32_t kMostCount = 4096;
  double until[kMostCount];
  std::int64_t values[kMostCount];
  std::int32_t size = 0;
  double below = 0.0;
  Occupancy::of(rows, density).visit([&](std::int64_t x, double probability) {
    if (size >= kMostCount) return;
    below += probability;
    until[size] = below;
    values[size] = x;
    ++size;
  });
  std::uint16_t counts[kStepsAtOnce * kMostFifoPes];
  std::uint64_t state = 0x5eed;
  const auto target = static_cast<std::int64_t>(
      std::ceil(static_cast<double>(steps) * static_cast<double>(rows) * density.density));
  for (std::int32_t k = 0; k < pes; ++k) {
    std::int64_t sum = 0;
    for (std::int64_t j = 0; j < steps; ++j) {
      const double draw = static_cast<double>(next_bits(state) >> 11) * 0x1p-53;
      std::int32_t low = 0;
      std::int32_t high = size - 1;
      while (low < high) {
        const std::int32_t middle = (low + high) / 2;
        if (until[middle] < draw) {
          low = middle + 1;
        } else {
          high = middle;
        }
      }
      counts[j * pes + k] = static_cast<std::uint16_t>(values[low]);
      sum += values[low];
    }
    // One entry more or less in column after column, from a random one on.
    for (auto j = static_cast<std::int64_t>(next_bits(state) % static_cast<std::uint64_t>(steps));
         sum != target; j = j + 1 == steps ? 0 : j + 1) {
      std::uint16_t& count = counts[j * pes + k];
      if (sum < target && count < rows) {
        ++count;
        ++sum;
      } else if (sum > target && count > 0) {
        --count;
        --sum;
      }
    }
  }
  return fifo_cycles(counts, steps, pes, static_cast<std::int32_t>(parameters[kDepth]));
}

Status estimate_balanced(const double* parameters, const Layer& layer, Estimate& out) noexcept {
  const std::int64_t rows = divide_up(layer.m, static_cast<std::int64_t>(parameters[kPes]));
  if (rows > 65535) {
    out.reason = "more than 65535 rows of an element";
    return Status::kUnsupported;
  }
  const double turns =
      static_cast<double>(divide_up(layer.n, static_cast<std::int64_t>(parameters[kChannels]))) *
      static_cast<double>(layer.groups);
  const std::int64_t steps = layer.k < kStepsAtOnce ? layer.k : kStepsAtOnce;
  const auto cycles_of = [&](const Density& density) {
    // The queues fill once.
    const double begun = static_cast<double>(drawn_cycles(rows, density, steps, parameters) - 1);
    return turns * (1.0 + begun * static_cast<double>(layer.k) / static_cast<double>(steps));
  };
  out.dense_cycles = cycles_of({1.0, 0.0});
  out.cycles = cycles_of(layer.weights);
  out.multipliers = parameters[kPes] * parameters[kChannels];
  const double entries = static_cast<double>(layer.m) * layer.weights.density / parameters[kPes];
  out.terms[0] = turns;
  out.terms[1] = entries;
  out.terms[2] = turns * static_cast<double>(layer.k) * entries;
  out.terms[3] = out.terms[2] > 0.0 ? out.cycles / out.terms[2] : 1.0;
  out.actions[0] = out.macs * layer.weights.density;
  out.actions[1] = out.terms[2] * parameters[kPes];
  out.actions[2] = static_cast<double>(layer.n) * static_cast<double>(layer.k) * parameters[kPes] *
                   static_cast<double>(layer.groups);
  return Status::kOk;
}

Status count_balanced(const double* parameters, const Layer& layer, const Masks& masks, Estimate& out) {
  const auto pes = static_cast<std::int64_t>(parameters[kPes]);
  const std::int64_t rows = divide_up(layer.m, pes);
  FifoArray array(static_cast<std::int32_t>(pes), static_cast<std::int32_t>(parameters[kDepth]),
                  static_cast<std::int32_t>(rows < 65535 ? rows : 65535));
  std::vector<std::uint16_t> entries(static_cast<std::size_t>(pes));
  std::vector<std::int64_t> sums(static_cast<std::size_t>(pes));
  for (std::int64_t column = 0; column < layer.k; ++column) {
    for (std::uint16_t& count : entries) count = 0;
    masks.by_input.visit(column, [&](std::int64_t row) {
      const auto element = static_cast<std::size_t>(row % pes);
      entries[element] = static_cast<std::uint16_t>(entries[element] + 1);
      sums[element] += 1;
    });
    array.broadcast(entries.data());
  }
  std::int64_t most = 0;
  for (const std::int64_t sum : sums) most = sum > most ? sum : most;
  if (most > divide_up(masks.weights.count(), layer.m < pes ? layer.m : pes)) {
    out.reason = "elements keep unequally many weights";
  }
  out.cycles = static_cast<double>(array.cycles()) * out.terms[0];
  out.terms[3] = out.terms[2] > 0.0 ? out.cycles / out.terms[2] : 1.0;
  return Status::kOk;
}

}  // namespace

extern const Engine balanced_fifo = {"balanced-fifo", "skips zero weights, equally many of each element",
                                     kParameters,     3,
                                     kTerms,          4,
                                     kActions,        3,
                                     kFormula,        estimate_balanced,
                                     count_balanced};

}  // namespace sparsemark::accelerator
