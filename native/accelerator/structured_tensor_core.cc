// Tensor core with N:M weights (Mishra et al., 2021: 2:4): a block of `block` weights holds at most `kept`
// nonzeros, and one pass does `block` instead of `kept` terms of a sum:
//   cycles = ceil(m n (k kept / block, a block at the end with what it has) / MACs) for weights of that
//   pattern, else dense
// The statistical answer takes weights of at most that density to have the pattern; the count looks.
// Skips zeros of the weights as far as the pattern goes; activations are read as a dense operand.
#include <cmath>

#include "engine.h"

namespace sparsemark::accelerator {
namespace {

enum { kMacs, kKept, kBlock };

constexpr Parameter kParameters[] = {
    {"macs", "MACs", "multipliers of the device", 1, 16777216, true},
    {"kept", "weights", "nonzeros of a block", 1, 1024, true},
    {"block", "weights", "weights of a block", 1, 1024, true},
};
constexpr const char* kTerms[] = {"denseCycles", "speedup", "metadataBits"};
constexpr const char* kActions[] = {"mac", "weightRead", "metadataBitRead", "activationRead"};
constexpr FormulaLine kFormula[] = {
    {"cycles", "weightDensity <= kept / block",
     "ceil(m * n * groups * (floor(k / block) * kept + min(k % block, kept)) / macs)",
     "weights with the pattern"},
    {"cycles", "weightDensity > kept / block", "denseCycles", "denser weights"},
    {"denseCycles", "", "ceil(m * n * k * groups / macs)", ""},
    {"speedup", "", "denseCycles / cycles", ""},
    {"metadataBits", "weightDensity <= kept / block",
     "m * groups * (floor(k / block) * kept + min(k % block, kept)) * ceil(log2(block))",
     "the place of each stored weight in its block"},
    {"metadataBits", "weightDensity > kept / block", "0", ""},
};

// fits: the weights have the pattern.
void set_cycles(const double* parameters, const Layer& layer, bool fits, Estimate& out) {
  const double kept = parameters[kKept];
  const double block = parameters[kBlock];
  out.dense_cycles = std::ceil(out.macs / parameters[kMacs]);
  const double k = static_cast<double>(layer.k);
  const double rest = std::fmod(k, block);
  const double share = fits ? (std::floor(k / block) * kept + (rest < kept ? rest : kept)) / k : 1.0;
  out.cycles = std::ceil(out.macs * share / parameters[kMacs]);
  out.multipliers = parameters[kMacs];
  const double weights =
      static_cast<double>(layer.m) * static_cast<double>(layer.k) * static_cast<double>(layer.groups);
  const double stored = weights * share;
  const double bits = fits ? stored * std::ceil(std::log2(block)) : 0.0;
  out.terms[0] = out.dense_cycles;
  out.terms[1] = out.dense_cycles / out.cycles;
  out.terms[2] = bits;
  out.actions[0] = out.macs * share;
  out.actions[1] = stored;
  out.actions[2] = bits;
  out.actions[3] =
      static_cast<double>(layer.n) * static_cast<double>(layer.k) * static_cast<double>(layer.groups);
}

Status estimate_structured(const double* parameters, const Layer& layer, Estimate& out) noexcept {
  const double kept = parameters[kKept];
  const double block = parameters[kBlock];
  if (kept > block) {
    out.reason = "more nonzeros in a block than it has weights";
    return Status::kUnsupported;
  }
  set_cycles(parameters, layer, layer.weights.density <= kept / block, out);
  return Status::kOk;
}

// Whether no block of a row has more nonzeros than it may.
Status count_structured(const double* parameters, const Layer& layer, const Masks& masks, Estimate& out) {
  const auto kept = static_cast<std::int64_t>(parameters[kKept]);
  const auto block = static_cast<std::int64_t>(parameters[kBlock]);
  bool fits = true;
  for (std::int64_t row = 0; fits && row < layer.m; ++row) {
    for (std::int64_t begin = 0; fits && begin < layer.k; begin += block) {
      fits = masks.weights.count(row, begin, begin + block < layer.k ? begin + block : layer.k) <= kept;
    }
  }
  set_cycles(parameters, layer, fits, out);
  if (!fits) out.reason = "a block of weights has more nonzeros than the pattern allows";
  return Status::kOk;
}

}  // namespace

extern const Engine structured_tensor_core = {"structured-tensor-core",
                                              "skips zeros of weights with at most N nonzeros of M",
                                              kParameters,
                                              3,
                                              kTerms,
                                              3,
                                              kActions,
                                              4,
                                              kFormula,
                                              estimate_structured,
                                              count_structured};

}  // namespace sparsemark::accelerator
