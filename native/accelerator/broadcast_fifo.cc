// EIE (Han et al., ISCA 2016): rows of W are dealt out to the elements in turn; each nonzero activation is
// broadcast with its column, and every element works off its nonzeros of that column, padding entries of the
// run-length code included, from a queue. Skips zeros of both operands.
//   theoretical = sum over broadcasts of the mean entries an element; actual = the recurrence of fifo.h
// A bias column is broadcast once for an output column and has an entry a row.
// The statistical answer draws the entries of kStepsAtOnce broadcasts with a fixed seed and scales; the
// padding of a slice of L rows, q = 1 - density, runs of R: density sum over i >= 1 of q^(R i) max(0, L - R
// i) entries.
#include <cmath>
#include <vector>

#include "engine.h"
#include "fifo.h"
#include "occupancy.h"

namespace sparsemark::accelerator {
namespace {

enum { kPes, kDepth, kRunBits, kBias, kLineEntries };

constexpr Parameter kParameters[] = {
    {"pes", "elements", "processing elements", 1, kMostFifoPes, true},
    {"fifoDepth", "entries", "usable entries of an element's queue", 1, kMostFifoDepth, true},
    {"runBits", "bits", "bits of a run of zeros; 0 for none", 0, 16, true},
    {"biasColumns", "columns", "columns broadcast beside the activations", 0, 1, true},
    {"lineEntries", "entries", "entries of a line of the weight memory", 1, 1024, true},
};
constexpr const char* kTerms[] = {"broadcasts", "entriesAnElement", "paddingShare", "theoreticalCycles",
                                  "queueSlowdown"};
constexpr const char* kActions[] = {"mac",       "weightEntryRead", "pointerRead",
                                    "queuePush", "registerAccess",  "weightLineRead"};
constexpr FormulaLine kFormula[] = {
    {"cycles", "", "theoreticalCycles * queueSlowdown * groups", ""},
    {"theoreticalCycles", "", "k * activationDensity * n * entriesAnElement + biasColumns * n * m / pes",
     "as if no element waited"},
    {"broadcasts", "", "k * activationDensity * n + biasColumns * n", "nonzero activations and the bias"},
    {"entriesAnElement", "", "m / pes * weightDensity / (1 - paddingShare)",
     "stored entries of a column, padding included"},
    {"paddingShare", "", "",
     "expected runs of more than 2^runBits zeros in the rows of an element, of its entries"},
    {"queueSlowdown", "", "",
     "256 broadcasts, drawn with a fixed seed and sent through the queues, over their mean entries"},
};

// 256 broadcasts tell the slowdown of 64 elements within about 1 %.
constexpr std::int64_t kStepsAtOnce = 256;
constexpr std::int32_t kMostCount = 4096;

// splitmix64.
std::uint64_t next_bits(std::uint64_t& state) {
  state += 0x9e3779b97f4a7c15ull;
  std::uint64_t z = state;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
  return z ^ (z >> 31);
}

double uniform(std::uint64_t& state) { return static_cast<double>(next_bits(state) >> 11) * 0x1p-53; }

double padding_of(double rows, double density, double run) {
  const double q = 1.0 - density;
  double sum = 0.0;
  for (double i = 1.0; run * i < rows; i += 1.0) {
    const double term = std::pow(q, run * i) * (rows - run * i);
    sum += term;
    if (term < 1e-15 * sum) break;
  }
  return density * sum;
}

// Cycles a broadcast: entries of kStepsAtOnce broadcasts, drawn and run through the queues. `expected` are
// the mean entries of an element; by how much the draw missed them is put right, as far as entries make
// cycles at all.
double cycles_a_broadcast(const Occupancy& slice, double padding, double expected, const double* parameters) {
  const auto pes = static_cast<std::int32_t>(parameters[kPes]);
  const auto depth = static_cast<std::int32_t>(parameters[kDepth]);
  // Where the cumulative distribution passes a draw, found from a guide table.
  constexpr std::int32_t kGuides = 256;
  double until[kMostCount];
  std::int64_t values[kMostCount];
  std::int32_t size = 0;
  double below = 0.0;
  slice.visit([&](std::int64_t x, double probability) {
    if (size >= kMostCount) return;
    below += probability;
    until[size] = below;
    values[size] = x;
    ++size;
  });
  std::int32_t guides[kGuides];
  for (std::int32_t guide = 0, at = 0; guide < kGuides; ++guide) {
    while (at + 1 < size && until[at] < static_cast<double>(guide) / kGuides) ++at;
    guides[guide] = at;
  }
  std::uint16_t counts[kStepsAtOnce * kMostFifoPes];
  std::uint64_t state = 0x5eed;
  double shared = 0.0;
  for (std::int64_t j = 0; j < kStepsAtOnce; ++j) {
    double of_step = 0.0;
    for (std::int32_t k = 0; k < pes; ++k) {
      const double draw = uniform(state);
      std::int32_t at = guides[static_cast<std::int32_t>(draw * kGuides)];
      while (at + 1 < size && until[at] < draw) ++at;
      // Padding entries are spread evenly over the slices: their mean is exact, their variance left out.
      const double entries = static_cast<double>(values[at]) + std::floor(padding + uniform(state));
      counts[j * pes + k] = static_cast<std::uint16_t>(entries < 65535.0 ? entries : 65535.0);
      of_step += entries;
    }
    shared += of_step / static_cast<double>(pes);
  }
  const auto cycles = static_cast<double>(fifo_cycles(counts, kStepsAtOnce, pes, depth));
  constexpr auto kSteps = static_cast<double>(kStepsAtOnce);
  return cycles / kSteps + (expected - shared / kSteps) * (expected < 1.0 ? expected : 1.0);
}

Status estimate_broadcast(const double* parameters, const Layer& layer, Estimate& out) noexcept {
  const double pes = parameters[kPes];
  const std::int64_t rows = divide_up(layer.m, static_cast<std::int64_t>(pes));
  const double slice_rows = static_cast<double>(layer.m) / pes;
  const double run = std::exp2(parameters[kRunBits]);
  const auto cycles_of = [&](const Density& weights, double activations, bool explain) {
    const double broadcasts = static_cast<double>(layer.k) * activations * static_cast<double>(layer.n);
    const double biases = parameters[kBias] * static_cast<double>(layer.n);
    const double padding = parameters[kRunBits] > 0.0 ? padding_of(slice_rows, weights.density, run) : 0.0;
    const double entries = slice_rows * weights.density + padding;
    const double theoretical = broadcasts * entries + biases * slice_rows;
    // The draw has whole rows: its work is more than the mean where m is no multiple of the elements.
    const double drawn = static_cast<double>(rows) * weights.density + padding;
    const double cycles =
        broadcasts * cycles_a_broadcast(Occupancy::of(rows, weights), padding, drawn, parameters) +
        biases * static_cast<double>(rows);
    if (explain) {
      out.terms[0] = broadcasts + biases;
      out.terms[1] = entries;
      out.terms[2] = entries > 0.0 ? padding / entries : 0.0;
      out.terms[3] = theoretical;
      out.terms[4] = theoretical > 0.0 ? cycles / theoretical : 1.0;
      out.actions[0] = out.actions[1] = theoretical * pes;
      out.actions[2] = out.actions[3] = out.terms[0] * pes;
      out.actions[4] = 2.0 * theoretical * pes;
      // A slice that is not empty begins anywhere in a line. Where m is no multiple of the elements, some
      // have a row less.
      const auto full = [&](std::int64_t of) { return 1.0 - Occupancy::of(of, weights).probability_empty(); };
      const double less = static_cast<double>(rows) * pes - static_cast<double>(layer.m);
      const double slices =
          (pes - less) * full(rows) + (less > 0.0 && rows > 1 ? less * full(rows - 1) : 0.0);
      const double segments = broadcasts * slices + biases * std::fmin(pes, static_cast<double>(layer.m));
      out.actions[5] = segments + (theoretical * pes - segments) / parameters[kLineEntries];
    }
    return cycles;
  };
  out.dense_cycles = cycles_of({1.0, 0.0}, 1.0, false) * static_cast<double>(layer.groups);
  out.cycles = cycles_of(layer.weights, layer.activations.density, true) * static_cast<double>(layer.groups);
  for (double& action : out.actions) action *= static_cast<double>(layer.groups);
  out.multipliers = pes;
  return Status::kOk;
}

// Entries of every element for every column of the weights: k x pes. A run of 2^runBits zeros needs an entry
// of its own; the first run begins where the element's rows do.
std::vector<std::uint16_t> entries_of(const BitMatrix& by_input, std::int64_t pes, int run_bits) {
  std::vector<std::uint16_t> entries(static_cast<std::size_t>(by_input.rows() * pes));
  std::vector<std::int64_t> next(static_cast<std::size_t>(pes));
  for (std::int64_t column = 0; column < by_input.rows(); ++column) {
    std::uint16_t* of_column = entries.data() + column * pes;
    for (std::int64_t& slot : next) slot = 0;
    by_input.visit(column, [&](std::int64_t row) {
      std::int64_t& expected = next[static_cast<std::size_t>(row % pes)];
      const std::int64_t slot = row / pes;
      const std::int64_t padding = run_bits > 0 ? (slot - expected) >> run_bits : 0;
      of_column[row % pes] = static_cast<std::uint16_t>(of_column[row % pes] + 1 + padding);
      expected = slot + 1;
    });
  }
  return entries;
}

Status count_broadcast(const double* parameters, const Layer& layer, const Masks& masks, Estimate& out) {
  const auto pes = static_cast<std::int64_t>(parameters[kPes]);
  if (layer.m / pes >= 65535) {
    out.reason = "more than 65534 rows of an element in a count";
    return Status::kUnsupported;
  }
  const std::vector<std::uint16_t> entries =
      entries_of(masks.by_input, pes, static_cast<int>(parameters[kRunBits]));
  std::vector<std::uint16_t> bias(static_cast<std::size_t>(pes));
  for (std::int64_t k = 0; k < pes; ++k) {
    bias[static_cast<std::size_t>(k)] = static_cast<std::uint16_t>((layer.m - k + pes - 1) / pes);
  }
  std::uint16_t most = bias[0];
  for (const std::uint16_t count : entries) most = count > most ? count : most;
  FifoArray array(static_cast<std::int32_t>(pes), static_cast<std::int32_t>(parameters[kDepth]), most);
  std::int64_t broadcasts = 0;
  std::int64_t stored = 0;
  for (std::int64_t j = 0; j < layer.n; ++j) {
    masks.by_output.visit(j, [&](std::int64_t column) { array.broadcast(entries.data() + column * pes); });
    if (parameters[kBias] > 0.0) array.broadcast(bias.data());
  }
  for (std::int64_t column = 0; column < layer.k; ++column) {
    std::int64_t of_column = 0;
    for (std::int64_t k = 0; k < pes; ++k) of_column += entries[static_cast<std::size_t>(column * pes + k)];
    const std::int64_t times = masks.activations.count(column);
    stored += of_column * times;
    broadcasts += times;
  }
  std::int64_t segments = 0;
  for (std::int64_t column = 0; column < layer.k; ++column) {
    std::int64_t full = 0;
    for (std::int64_t k = 0; k < pes; ++k)
      full += entries[static_cast<std::size_t>(column * pes + k)] > 0 ? 1 : 0;
    segments += full * masks.activations.count(column);
  }
  const std::int64_t nonzeros = static_cast<std::int64_t>(out.effectual_macs);
  const double padding =
      stored > 0 ? static_cast<double>(stored - nonzeros) / static_cast<double>(stored) : 0.0;
  if (parameters[kBias] > 0.0) {
    broadcasts += layer.n;
    stored += layer.m * layer.n;
    segments += (layer.m < pes ? layer.m : pes) * layer.n;
  }
  out.cycles = static_cast<double>(array.cycles());
  out.terms[0] = static_cast<double>(broadcasts);
  out.terms[1] = static_cast<double>(stored) / (out.terms[0] > 0.0 ? out.terms[0] * parameters[kPes] : 1.0);
  out.terms[2] = padding;
  out.terms[3] = static_cast<double>(stored) / parameters[kPes];
  out.terms[4] = stored > 0 ? out.cycles / out.terms[3] : 1.0;
  out.actions[0] = out.actions[1] = static_cast<double>(stored);
  out.actions[2] = out.actions[3] = out.terms[0] * parameters[kPes];
  out.actions[4] = 2.0 * static_cast<double>(stored);
  out.actions[5] =
      static_cast<double>(segments) + static_cast<double>(stored - segments) / parameters[kLineEntries];
  return Status::kOk;
}

}  // namespace

extern const Engine broadcast_fifo = {"broadcast-fifo", "skips zeros of both operands",
                                      kParameters,      5,
                                      kTerms,           5,
                                      kActions,         6,
                                      kFormula,         estimate_broadcast,
                                      count_broadcast};

}  // namespace sparsemark::accelerator
