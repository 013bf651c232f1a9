// Eyeriss v2's element (Chen et al., JETCAS 2019): compressed columns of weights and activations; for each
// nonzero activation of a channel all nonzero weights of that channel are multiplied:
//   cycles of an element = sum over channels of nonzeros(W) nonzeros(A) / MACs a cycle
// In the mean that is m n k d_w d_a. Several elements share the work; the slowest counts, by the normal
// maximum of independent products, which leaves out what elements with the same activations have in common.
// Skips zeros of both.
#include <cmath>

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
constexpr const char* kActions[] = {"mac", "weightRead", "activationRead"};

Status estimate_columns(const double* parameters, const Layer& layer, Estimate& out) noexcept {
  const double pes = parameters[kPes];
  const double share = out.macs / pes;
  const double density = layer.weights.density * layer.activations.density;
  const double mean = share * density / parameters[kMacs];
  const double waiting =
      expected_normal_maximum(pes) * std::sqrt(share * density * (1.0 - density)) / parameters[kMacs];
  out.dense_cycles = share / parameters[kMacs];
  out.cycles = mean + waiting < out.dense_cycles ? mean + waiting : out.dense_cycles;
  out.multipliers = pes * parameters[kMacs];
  out.terms[0] = share * density;
  out.terms[1] = out.cycles - mean;
  out.actions[0] = out.actions[1] = out.effectual_macs;
  out.actions[2] = static_cast<double>(layer.n) * static_cast<double>(layer.k) * layer.activations.density *
                   static_cast<double>(layer.groups);
  return Status::kOk;
}

}  // namespace

extern const Engine column_pe = {
    "column-pe", "skips zeros of both operands", kParameters, 2, kTerms, 2, kActions, 3, estimate_columns};

}  // namespace sparsemark::accelerator
