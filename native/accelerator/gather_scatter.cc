// An engine whose scratchpad of B banks serves a gather of B activations a cycle where they lie in B banks
// (arXiv 2112.10898). Weights in a gather-scatter pattern never conflict: ceil(nonzeros of a row / B)
// gathers. For others a gather lasts as long as its fullest bank, in the mean of B accesses that fall evenly.
// Skips zero weights.
#include <cmath>

#include "engine.h"
#include "occupancy.h"

namespace sparsemark::accelerator {
namespace {

enum { kBanks, kPattern };

constexpr Parameter kParameters[] = {
    {"banks", "banks", "banks of the scratchpad, and multipliers", 1, kMostBalls, true},
    {"conflictFree", "1", "1: the weights have a gather-scatter pattern", 0, 1, true},
};
constexpr const char* kTerms[] = {"gathers", "cyclesAGather"};
constexpr const char* kActions[] = {"mac", "bankRead", "weightRead"};

Status estimate_gather(const double* parameters, const Layer& layer, Estimate& out) noexcept {
  const double banks = parameters[kBanks];
  const double rows =
      static_cast<double>(layer.m) * static_cast<double>(layer.n) * static_cast<double>(layer.groups);
  const double gathers = rows * std::ceil(static_cast<double>(layer.k) * layer.weights.density / banks);
  const bool conflicts = parameters[kPattern] <= 0.0;
  const double each =
      conflicts ? expected_fullest_bin(static_cast<int>(banks), static_cast<int>(banks)) : 1.0;
  out.cycles = gathers * each;
  out.dense_cycles = rows * std::ceil(static_cast<double>(layer.k) / banks);
  // A dense row is read bank by bank: it never conflicts, and may be the better choice.
  if (out.cycles > out.dense_cycles) out.cycles = out.dense_cycles;
  out.multipliers = banks;
  out.terms[0] = gathers;
  out.terms[1] = each;
  out.actions[0] = out.actions[1] = out.actions[2] = out.macs * layer.weights.density;
  return Status::kOk;
}

}  // namespace

extern const Engine gather_scatter = {
    "gather-scatter", "skips zero weights", kParameters, 2, kTerms, 2, kActions, 3, estimate_gather};

}  // namespace sparsemark::accelerator
