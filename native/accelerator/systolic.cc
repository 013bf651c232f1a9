// Systolic array in SCALE-Sim's convention (Samajdar et al., ISPASS 2020; v3, ISPASS 2025): an R x C array
// fed from two sides, output, weight or input stationary. A fold is one filling of the array; folds do not
// overlap, and the last cycle of the last one is not counted:
//   os: ceil(M/R) ceil(N/C) folds of K + R + C - 2     M output pixels, N filters, K inputs of a sum
//   ws: ceil(K/R) ceil(N/C) folds of M + 2 R + C - 2
//   is: ceil(K/R) ceil(M/C) folds of N + 2 R + C - 2
// Skips nothing. N:M weights shorten K to what is stored, in ws alone, but save no reads of inputs: a row of
// stored weights reads M/N of them. Stalls for want of bandwidth are not modelled.
#include "engine.h"

namespace sparsemark::accelerator {
namespace {

enum { kRows, kCols, kDataflow, kKeptOf, kKeptBlock };

constexpr Parameter kParameters[] = {
    {"rows", "elements", "rows of the array", 1, 65536, true},
    {"cols", "elements", "columns of the array", 1, 65536, true},
    {"dataflow", "1", "0 output, 1 weight, 2 input stationary", 0, 2, true},
    {"kept", "weights", "nonzeros stored of each block of weights; 0 for dense weights", 0, 1024, true},
    {"block", "weights", "weights of a block", 1, 1024, true},
};
constexpr const char* kTerms[] = {"folds", "cyclesPerFold", "storedK"};
constexpr const char* kActions[] = {"mac", "inputRead", "weightRead", "outputWrite"};
constexpr FormulaLine kFormula[] = {
    {"cycles", "", "folds * cyclesPerFold * groups - 1",
     "folds do not overlap; the last cycle of the last one is not counted"},
    {"folds", "dataflow == 0", "ceil(n / rows) * ceil(m / cols)", "fillings of the array with outputs"},
    {"folds", "dataflow == 1", "ceil(storedK / rows) * ceil(m / cols)", "with weights"},
    {"folds", "dataflow == 2", "ceil(storedK / rows) * ceil(n / cols)", "with inputs"},
    {"cyclesPerFold", "dataflow == 0", "storedK + rows + cols - 2", ""},
    {"cyclesPerFold", "dataflow == 1", "n + 2 * rows + cols - 2", ""},
    {"cyclesPerFold", "dataflow == 2", "m + 2 * rows + cols - 2", ""},
    {"storedK", "kept > 0 and weightDensity * k <= floor(k / block) * kept + min(k % block, kept)",
     "floor(k / block) * kept + min(k % block, kept)", "N:M weights as they are stored"},
    {"storedK", "kept == 0 or weightDensity * k > floor(k / block) * kept + min(k % block, kept)", "k", ""},
};

Status estimate_systolic(const double* parameters, const Layer& layer, Estimate& out) noexcept {
  const auto rows = static_cast<std::int64_t>(parameters[kRows]);
  const auto cols = static_cast<std::int64_t>(parameters[kCols]);
  const int dataflow = static_cast<int>(parameters[kDataflow]);
  const auto kept = static_cast<std::int64_t>(parameters[kKeptOf]);
  const auto block = static_cast<std::int64_t>(parameters[kKeptBlock]);
  if (kept > 0 && dataflow != 1) {
    out.reason = "N:M weights on an array whose weights move";
    return Status::kUnsupported;
  }
  // SCALE-Sim calls the output pixels M and the filters N.
  const std::int64_t pixels = layer.n;
  const std::int64_t filters = layer.m;
  Counter counter;
  const auto folds_of = [&](std::int64_t k, std::int64_t& per_fold) {
    switch (dataflow) {
      case 0:
        per_fold = counter.plus(k, rows + cols - 2);
        return counter.times(divide_up(pixels, rows), divide_up(filters, cols));
      case 1:
        per_fold = counter.plus(pixels, 2 * rows + cols - 2);
        return counter.times(divide_up(k, rows), divide_up(filters, cols));
      default:
        per_fold = counter.plus(filters, 2 * rows + cols - 2);
        return counter.times(divide_up(k, rows), divide_up(pixels, cols));
    }
  };
  // Whole blocks keep `kept`; of the last, partial one no more than it has. Denser weights are stored whole.
  const std::int64_t rest = layer.k % block;
  const std::int64_t room = counter.plus(counter.times(layer.k / block, kept), rest < kept ? rest : kept);
  // 7 of 100 weights are more than 7 by a rounding.
  const bool compressed = kept > 0 && layer.weights.density * static_cast<double>(layer.k) <=
                                          static_cast<double>(room) * (1.0 + 1e-12);
  const std::int64_t stored_k = compressed ? room : layer.k;
  std::int64_t dense_per_fold = 0;
  std::int64_t per_fold = 0;
  const std::int64_t dense_folds = folds_of(layer.k, dense_per_fold);
  const std::int64_t folds = folds_of(stored_k, per_fold);
  const std::int64_t dense = counter.times(counter.times(dense_folds, dense_per_fold), layer.groups);
  const std::int64_t cycles = counter.times(counter.times(folds, per_fold), layer.groups);
  // Each operand passes once for each fold along the other's side; what is stationary is read once.
  const std::int64_t input = counter.times(pixels, stored_k);
  const std::int64_t weight = counter.times(filters, stored_k);
  const std::int64_t output = counter.times(pixels, filters);
  const std::int64_t by_filters = divide_up(filters, cols);
  const std::int64_t reads[3][3] = {
      {counter.times(by_filters, input), counter.times(divide_up(pixels, rows), weight), output},
      {counter.times(by_filters, input), weight, counter.times(divide_up(stored_k, rows), output)},
      {input, counter.times(divide_up(pixels, cols), weight),
       counter.times(divide_up(stored_k, rows), output)},
  };
  for (int action = 0; action < 3; ++action) {
    out.actions[action + 1] = static_cast<double>(counter.times(reads[dataflow][action], layer.groups));
  }
  // A row of stored weights belongs to block / kept inputs, each of which is read for it, since the filters
  // of a fold choose different ones. A partial block counts as SCALE-Sim counts it, as a whole one.
  if (compressed) out.actions[1] *= static_cast<double>(block) / static_cast<double>(kept);
  out.actions[0] = static_cast<double>(counter.times(counter.times(input, filters), layer.groups));
  if (counter.overflow()) return Status::kOverflow;
  out.cycles = static_cast<double>(cycles - 1);
  out.dense_cycles = static_cast<double>(dense - 1);
  out.multipliers = static_cast<double>(rows * cols);
  out.terms[0] = static_cast<double>(folds);
  out.terms[1] = static_cast<double>(per_fold);
  out.terms[2] = static_cast<double>(stored_k);
  return Status::kOk;
}

// Places matter to compressed weights alone, which must have the pattern.
Status count_systolic(const double* parameters, const Layer& layer, const Masks& masks, Estimate& out) {
  const auto kept = static_cast<std::int64_t>(parameters[kKeptOf]);
  const auto block = static_cast<std::int64_t>(parameters[kKeptBlock]);
  for (std::int64_t row = 0; kept > 0 && row < layer.m; ++row) {
    for (std::int64_t begin = 0; begin < layer.k; begin += block) {
      const std::int64_t end = begin + block < layer.k ? begin + block : layer.k;
      if (masks.weights.count(row, begin, end) <= kept) continue;
      out.reason = "a block of weights with more nonzeros than the array stores";
      return Status::kUnsupported;
    }
  }
  return Status::kOk;
}

}  // namespace

extern const Engine systolic = {"systolic",    "skips nothing; N:M weights may be stored compressed",
                                kParameters,   5,
                                kTerms,        3,
                                kActions,      4,
                                kFormula,      estimate_systolic,
                                count_systolic};

}  // namespace sparsemark::accelerator
