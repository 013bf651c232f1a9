// S2TA (Liu et al., HPCA 2022): density-bound blocks. Of every `block` neighbours along the sum at most so
// many are nonzero, for weights a number that the hardware fixes, for activations one of a layer's own.
//   weights alone (S2TA-W): a block is one step of `weightsKept` multipliers
//     cycles = ceil(m n blocks weightsKept passes / MACs)
//   both (S2TA-AW): the activations of a block come one a cycle, and meet the weight that lies at their place
//     cycles = ceil(m n (activations of a block, summed over blocks) passes / MACs)
// Weights denser than their bound take ceil(block / weightsKept) passes, so that a dense layer is no faster
// than a dense array. The statistical answer takes operands to have the smallest bound that holds their
// density; the count looks for the fullest block, since a layer has one bound. What an array loses at the
// edges of its tiles is not modelled.
#include <cmath>

#include "engine.h"

namespace sparsemark::accelerator {
namespace {

enum { kMacs, kBlock, kKept, kUnrolled };

constexpr Parameter kParameters[] = {
    {"macs", "MACs", "multipliers of the array", 1, 16777216, true},
    {"block", "points", "neighbours of a block along the sum", 1, 1024, true},
    {"weightsKept", "weights", "nonzero weights that a block may have", 1, 1024, true},
    {"activationsSkipped", "1", "1: activations of a block come one by one, zeros left out", 0, 1, true},
};
constexpr const char* kTerms[] = {"blocks", "weightPasses", "activationsABlock", "speedup"};
constexpr const char* kActions[] = {"mac", "gatedMac", "weightRead", "maskBitRead", "activationRead"};
constexpr FormulaLine kFormula[] = {
    {"cycles", "activationsSkipped == 1",
     "ceil(m * n * groups * (floor(k / block) * activationsABlock + min(k % block, activationsABlock)) * "
     "weightPasses / macs)",
     "activations of a block come one a cycle"},
    {"cycles", "activationsSkipped == 0", "ceil(m * n * groups * blocks * weightsKept * weightPasses / macs)",
     "a block is a step of weightsKept multipliers"},
    {"blocks", "", "ceil(k / block)", ""},
    {"weightPasses", "weightDensity <= weightsKept / block", "1", "weights keep to their bound"},
    {"weightPasses", "weightDensity > weightsKept / block", "ceil(block / weightsKept)", ""},
    {"activationsABlock", "", "max(1, ceil(activationDensity * block - 1 / 1000000000))",
     "the smallest bound that holds their density; a whole number does not round up"},
    {"speedup", "", "denseCycles / cycles", ""},
    {"denseCycles", "", "ceil(m * n * k * groups / macs)", ""},
};

// bound: most nonzero activations of a block. passes: 1 where the weights keep to their bound.
Status set_cycles(const double* parameters, const Layer& layer, std::int64_t bound, bool fits,
                  Estimate& out) {
  const auto block = static_cast<std::int64_t>(parameters[kBlock]);
  const auto kept = static_cast<std::int64_t>(parameters[kKept]);
  const auto macs = static_cast<std::int64_t>(parameters[kMacs]);
  const std::int64_t passes = fits ? 1 : divide_up(block, kept);
  const std::int64_t blocks = divide_up(layer.k, block);
  const std::int64_t rest = layer.k % block;
  // Cycles of one multiplier for one output.
  const std::int64_t steps =
      parameters[kUnrolled] > 0.0 ? layer.k / block * bound + (rest < bound ? rest : bound) : blocks * kept;
  Counter counter;
  const std::int64_t outputs = counter.times(counter.times(layer.m, layer.n), layer.groups);
  const std::int64_t slots = counter.times(counter.times(outputs, steps), passes);
  if (counter.overflow()) return Status::kOverflow;
  out.dense_cycles = std::ceil(out.macs / parameters[kMacs]);
  out.cycles = static_cast<double>(divide_up(slots, macs));
  out.multipliers = parameters[kMacs];
  const double weights =
      static_cast<double>(layer.m) * static_cast<double>(blocks) * static_cast<double>(layer.groups);
  const double columns = static_cast<double>(layer.n) * static_cast<double>(layer.groups);
  out.terms[0] = static_cast<double>(blocks);
  out.terms[1] = static_cast<double>(passes);
  out.terms[2] = static_cast<double>(bound);
  out.terms[3] = out.dense_cycles / out.cycles;
  out.actions[0] = out.effectual_macs;
  out.actions[1] = static_cast<double>(slots) - out.effectual_macs;
  out.actions[2] = weights * static_cast<double>(passes) * parameters[kKept];
  out.actions[3] = weights * static_cast<double>(passes) * parameters[kBlock];
  out.actions[4] = parameters[kUnrolled] > 0.0 ? columns * static_cast<double>(steps)
                                               : columns * static_cast<double>(layer.k);
  return Status::kOk;
}

bool has_bound(const double* parameters, Estimate& out) {
  if (parameters[kKept] <= parameters[kBlock]) return true;
  out.reason = "more nonzeros in a block than it has weights";
  return false;
}

Status estimate_bound(const double* parameters, const Layer& layer, Estimate& out) noexcept {
  if (!has_bound(parameters, out)) return Status::kUnsupported;
  const double block = parameters[kBlock];
  // A density that is a whole number of a block's points must not round up to one more.
  const double bound = std::ceil(layer.activations.density * block - 1e-9);
  return set_cycles(parameters, layer, bound < 1.0 ? 1 : static_cast<std::int64_t>(bound),
                    layer.weights.density <= parameters[kKept] / block + 1e-12, out);
}

// Nonzeros of the fullest block of any row.
std::int64_t fullest_block(const BitMatrix& mask, std::int64_t block) {
  std::int64_t most = 0;
  for (std::int64_t row = 0; row < mask.rows(); ++row) {
    for (std::int64_t begin = 0; begin < mask.cols(); begin += block) {
      const std::int64_t end = begin + block < mask.cols() ? begin + block : mask.cols();
      const std::int64_t nonzeros = mask.count(row, begin, end);
      most = nonzeros > most ? nonzeros : most;
    }
  }
  return most;
}

Status count_bound(const double* parameters, const Layer& layer, const Masks& masks, Estimate& out) {
  const auto block = static_cast<std::int64_t>(parameters[kBlock]);
  const bool fits = fullest_block(masks.weights, block) <= static_cast<std::int64_t>(parameters[kKept]);
  const std::int64_t bound = fullest_block(masks.by_output, block);
  const auto expected_bound = static_cast<std::int64_t>(out.terms[2]);
  const bool expected_fits = out.terms[1] <= 1.0;
  const Status status = set_cycles(parameters, layer, bound < 1 ? 1 : bound, fits, out);
  if (!fits && expected_fits) {
    out.reason = "a block of weights has more nonzeros than the pattern allows";
  } else if (parameters[kUnrolled] > 0.0 && bound > expected_bound) {
    out.reason = "a block of activations has more nonzeros than their density asks for";
  }
  return status;
}

}  // namespace

extern const Engine density_bound = {
    "density-bound", "skips zeros of weights, or of both, as far as bounds of blocks go",
    kParameters,     4,
    kTerms,          4,
    kActions,        5,
    kFormula,        estimate_bound,
    count_bound};

}  // namespace sparsemark::accelerator
