// An engine whose scratchpad of B banks serves a gather of B activations a cycle where they lie in B banks
// (arXiv 2112.10898). Weights in a gather-scatter pattern come in whole bundles of B that never conflict:
// nonzeros / B gathers. For others a gather lasts as long as its fullest bank, in the mean of accesses that
// fall evenly, which sparse rows come close to and denser ones, whose neighbours lie in different banks, stay
// below. The count gathers the nonzeros of a row in their order; with the pattern, in the order that fills
// every bank. Skips zero weights.
#include <cmath>
#include <vector>

#include "engine.h"
#include "occupancy.h"

namespace sparsemark::accelerator {
namespace {

enum { kBanks, kPattern };

static_assert(kMostBalls <= Occupancy::kMostPeriod);

constexpr Parameter kParameters[] = {
    {"banks", "banks", "banks of the scratchpad, and multipliers", 1, kMostBalls, true},
    {"conflictFree", "1", "1: the weights have a gather-scatter pattern", 0, 1, true},
};
constexpr const char* kTerms[] = {"gathers", "cyclesAGather", "cyclesAFullGather"};
constexpr const char* kActions[] = {"mac", "bankRead", "weightRead"};
constexpr FormulaLine kFormula[] = {
    {"cycles", "", "gathers * cyclesAGather", ""},
    {"gathers", "conflictFree == 1", "m * n * groups * ceil(k / banks) * weightDensity",
     "every gather fills all banks, of a row padded to whole gathers"},
    {"gathers", "conflictFree == 0", "m * n * groups * E[ceil(x / banks)]", "x: nonzero weights of a row"},
    {"cyclesAGather", "conflictFree == 1", "min(1, denseCycles / gathers)", ""},
    {"cyclesAGather", "conflictFree == 0", "E[x]",
     "x: accesses to the fullest bank, which fall evenly; no more than denseCycles in all"},
    {"cyclesAFullGather", "conflictFree == 1", "1", ""},
    {"cyclesAFullGather", "conflictFree == 0", "E[x]",
     "x: of as many accesses as banks, those to the fullest"},
    {"denseCycles", "", "m * n * groups * ceil(k / banks)", ""},
};

Status estimate_gather(const double* parameters, const Layer& layer, Estimate& out) noexcept {
  const double banks = parameters[kBanks];
  const double rows =
      static_cast<double>(layer.m) * static_cast<double>(layer.n) * static_cast<double>(layer.groups);
  double gathers = rows * std::ceil(static_cast<double>(layer.k) / banks) * layer.weights.density;
  out.cycles = gathers;
  if (parameters[kPattern] <= 0.0) {
    const auto width = static_cast<std::int64_t>(banks);
    const Occupancy row = Occupancy::of(layer.k, layer.weights);
    const double* fullest = expected_fullest_bins(static_cast<int>(width));
    double steps = 0.0;
    double cycles = 0.0;
    if (row.is_even_over(width)) {
      // x / width full gathers and what x mod width takes, which is evenly spread.
      for (std::int64_t r = 0; r < width; ++r) {
        cycles += fullest[r] - fullest[width] * static_cast<double>(r) / banks;
      }
      cycles = (cycles + fullest[width] * row.mean()) / banks;
      steps = row.step_moments(width).mean;
    } else {
      // floor(x / width) full gathers, and one of x mod width.
      double residues[Occupancy::kMostPeriod];
      row.residues(width, residues);
      double rest = 0.0;
      for (std::int64_t r = 1; r < width; ++r) {
        rest += residues[r] * static_cast<double>(r);
        steps += residues[r];
        cycles += residues[r] * fullest[r];
      }
      const double full = row.mean() > rest ? (row.mean() - rest) / banks : 0.0;
      steps += full;
      cycles += full * fullest[width];
    }
    gathers = rows * steps;
    out.cycles = rows * cycles;
  }
  out.dense_cycles = rows * std::ceil(static_cast<double>(layer.k) / banks);
  // A dense row is read bank by bank: it never conflicts, and may be the better choice.
  if (out.cycles > out.dense_cycles) out.cycles = out.dense_cycles;
  out.multipliers = banks;
  out.terms[0] = gathers;
  out.terms[1] = gathers > 0.0 ? out.cycles / gathers : 1.0;
  out.terms[2] = parameters[kPattern] > 0.0
                     ? 1.0
                     : expected_fullest_bins(static_cast<int>(banks))[static_cast<int>(banks)];
  out.actions[0] = out.actions[1] = out.actions[2] = out.macs * layer.weights.density;
  return Status::kOk;
}

Status count_gather(const double* parameters, const Layer& layer, const Masks& masks, Estimate& out) {
  const auto banks = static_cast<std::int64_t>(parameters[kBanks]);
  const bool conflicts = parameters[kPattern] <= 0.0;
  std::vector<std::int64_t> loads(static_cast<std::size_t>(banks));
  std::int64_t gathers = 0;
  std::int64_t cycles = 0;
  std::int64_t waiting = 0;
  const auto serve = [&] {
    std::int64_t fullest = 0;
    for (std::int64_t& load : loads) {
      fullest = load > fullest ? load : fullest;
      load = 0;
    }
    cycles += fullest;
    gathers += divide_up(waiting, banks);
    waiting = 0;
  };
  for (std::int64_t row = 0; row < layer.m; ++row) {
    masks.weights.visit(row, [&](std::int64_t column) {
      loads[static_cast<std::size_t>(column % banks)] += 1;
      if (++waiting == banks && conflicts) serve();
    });
    serve();
  }
  if (!conflicts && cycles > gathers) out.reason = "rows of the weights do not fill all banks alike";
  out.cycles = static_cast<double>(cycles) * static_cast<double>(layer.n);
  if (out.cycles > out.dense_cycles) out.cycles = out.dense_cycles;
  out.terms[0] = static_cast<double>(gathers) * static_cast<double>(layer.n);
  out.terms[1] = gathers > 0 ? static_cast<double>(cycles) / static_cast<double>(gathers) : 1.0;
  return Status::kOk;
}

}  // namespace

extern const Engine gather_scatter = {
    "gather-scatter", "skips zero weights", kParameters, 2, kTerms, 3, kActions, 3,
    kFormula,         estimate_gather,      count_gather};

}  // namespace sparsemark::accelerator
