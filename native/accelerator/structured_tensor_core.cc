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

enum { kMacs, kKept, kBlock, kRowsAtOnce, kInputsAtOnce, kColsATile, kBufferValues };

constexpr Parameter kParameters[] = {
    {"macs", "MACs", "multipliers of the device", 1, 16777216, true},
    {"kept", "weights", "nonzeros of a block", 1, 1024, true},
    {"block", "weights", "weights of a block", 1, 1024, true},
    {"rowsAtOnce", "rows", "rows of weights that an input read from the buffer goes to", 1, 65536, true},
    {"inputsAtOnce", "inputs", "inputs whose products are summed up in a step", 1, 65536, true},
    {"colsATile", "columns", "columns that a weight stays in its register for", 1, 65536, true},
    {"bufferValues", "values", "values of the shared buffer", 1, 1e12, true},
};
constexpr const char* kTerms[] = {"denseCycles", "speedup", "metadataBits"};
constexpr const char* kActions[] = {
    "mac",         "registerRead", "registerWrite", "registerMetadataBit",   "sumRead",
    "sumWrite",    "bufferRead",   "bufferWrite",   "bufferMetadataBitRead", "bufferMetadataBitWrite",
    "offChipRead", "offChipWrite"};
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
  const double groups = static_cast<double>(layer.groups);
  const double outputs = static_cast<double>(layer.m) * static_cast<double>(layer.n) * groups;
  const double inputs = static_cast<double>(layer.n) * k * groups;
  const auto parts = [&](std::int64_t points, int parameter) {
    return static_cast<double>(divide_up(points, static_cast<std::int64_t>(parameters[parameter])));
  };
  const double fills = stored * parts(layer.n, kColsATile);
  const double place_bits = fits ? std::ceil(std::log2(block)) : 0.0;
  const double steps = parts(layer.k, kInputsAtOnce);
  out.actions[0] = out.actions[1] = out.macs * share;
  out.actions[2] = fills;
  out.actions[3] = (out.actions[1] + fills) * place_bits;
  // A sum is cleared, then written at each step and read at each but the first.
  out.actions[4] = outputs * (steps - 1.0);
  out.actions[5] = outputs * (steps + 1.0);
  out.actions[6] = fills + inputs * parts(layer.m, kRowsAtOnce);
  // Weights lie in the buffer beside a tile of inputs; where they do not fit, all inputs pass once a part.
  const double room = parameters[kBufferValues] - k * parameters[kColsATile];
  const double of_group = stored / groups;
  const double passes = room > 0.0 ? std::ceil(of_group / room) : static_cast<double>(layer.m);
  out.actions[7] = stored + inputs * passes;
  out.actions[8] = fills * place_bits;
  out.actions[9] = bits;
  out.actions[10] = out.actions[7];
  out.actions[11] = outputs;
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
                                              7,
                                              kTerms,
                                              3,
                                              kActions,
                                              12,
                                              kFormula,
                                              estimate_structured,
                                              count_structured};

}  // namespace sparsemark::accelerator
