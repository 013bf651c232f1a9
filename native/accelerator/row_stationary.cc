// Eyeriss (Chen et al., JSSC 2017): element (i, j) of a set of R x E keeps row i of a filter and makes row j
// of the output; sets of other filters and channels, and strips of taller outputs, fill the array.
//   cycles = MACs / elements in use / efficiency
//   bits off the chip = weights + passes RLC(inputs) + RLC(outputs), passes = ceil(m / filters of a pass)
// Skips nothing. A zero activation gates the multiplication and the read of the weight: its cycle is lost,
// most of its energy is not spent. The run-length code packs a few values with their runs into a word.
#include <cmath>

#include "engine.h"

namespace sparsemark::accelerator {
namespace {

enum { kRows, kCols, kEfficiency, kFilters, kWordBits, kCodeBits, kCodeValues, kOutputDensity };

constexpr Parameter kParameters[] = {
    {"rows", "elements", "rows of the array", 1, 65536, true},
    {"cols", "elements", "columns of the array", 1, 65536, true},
    {"efficiency", "1", "share of the time in which the elements in use multiply", 0.01, 1, false},
    {"filtersAPass", "filters", "filters that one reading of the inputs serves", 1, 65536, true},
    {"wordBits", "bits", "bits of a value", 1, 64, true},
    {"codeWordBits", "bits", "bits of a word of the run-length code", 1, 1024, true},
    {"codeWordValues", "values", "nonzero values that it holds", 1, 64, true},
    {"outputDensity", "1", "share of nonzeros in the outputs, as they are written off the chip", 0, 1, false},
};
constexpr const char* kTerms[] = {"elementsInUse", "inputPasses", "weightBytes", "inputBytes", "outputBytes"};
constexpr const char* kActions[] = {"mac",       "gatedMac",         "weightRead", "gatedWeightRead",
                                    "inputRead", "partialSumAccess", "offChipBit"};
constexpr FormulaLine kFormula[] = {
    {"cycles", "", "m * n * k * groups / elementsInUse / efficiency", "no cycle is skipped"},
    {"elementsInUse", "", "",
     "sets of kernelHeight x outHeight elements and strips of taller outputs that the array holds, in the "
     "mean"},
    {"inputPasses", "", "ceil(m / filtersAPass)", ""},
    {"weightBytes", "", "groups * m * k * wordBits / 8", "off the chip"},
    {"inputBytes", "",
     "inputPasses * groups * channels * batch * height * width * activationDensity * codeWordBits / "
     "codeWordValues / 8",
     "run-length coded"},
    {"outputBytes", "", "groups * m * n * outputDensity * codeWordBits / codeWordValues / 8",
     "run-length coded"},
};

// Elements in use in the mean of all strips.
double elements_in_use(std::int64_t rows, std::int64_t cols, const Layer& layer) {
  // A filter taller than the array is folded; its last fold may be lower.
  const std::int64_t folds = divide_up(layer.kernel_height, rows);
  const double high = static_cast<double>(layer.kernel_height) / static_cast<double>(folds);
  const std::int64_t stacked = rows / divide_up(layer.kernel_height, folds);
  const std::int64_t strips = divide_up(layer.out_height, cols);
  // Sets beside each other where the output is low, strips above each other where it is high.
  const std::int64_t beside = strips == 1 ? cols / layer.out_height : 1;
  const std::int64_t at_once = stacked < strips ? stacked : strips;
  const double sets = static_cast<double>(stacked / at_once * beside);
  // Every set has a filter and a channel of its own.
  const double most = static_cast<double>(layer.m) * static_cast<double>(layer.channels);
  const double of_set =
      high * static_cast<double>(layer.out_height) / static_cast<double>(divide_up(strips, at_once));
  return of_set * (sets < most ? sets : most);
}

Status estimate_rows(const double* parameters, const Layer& layer, Estimate& out) noexcept {
  const double in_use = elements_in_use(static_cast<std::int64_t>(parameters[kRows]),
                                        static_cast<std::int64_t>(parameters[kCols]), layer);
  const double passes =
      static_cast<double>(divide_up(layer.m, static_cast<std::int64_t>(parameters[kFilters])));
  const double groups = static_cast<double>(layer.groups);
  const double weights = groups * static_cast<double>(layer.m) * static_cast<double>(layer.k);
  const double inputs = groups * static_cast<double>(layer.channels) * static_cast<double>(layer.batch) *
                        static_cast<double>(layer.height) * static_cast<double>(layer.width);
  const double outputs = groups * static_cast<double>(layer.m) * static_cast<double>(layer.n);
  const double coded_bits = parameters[kCodeBits] / parameters[kCodeValues];
  const double live = layer.activations.density;
  out.cycles = out.dense_cycles = out.macs / in_use / parameters[kEfficiency];
  out.multipliers = parameters[kRows] * parameters[kCols];
  out.terms[0] = in_use;
  out.terms[1] = passes;
  out.terms[2] = weights * parameters[kWordBits] / 8.0;
  out.terms[3] = passes * inputs * live * coded_bits / 8.0;
  out.terms[4] = outputs * parameters[kOutputDensity] * coded_bits / 8.0;
  out.actions[0] = out.actions[2] = out.macs * live;
  out.actions[1] = out.actions[3] = out.macs - out.actions[0];
  out.actions[4] = out.macs;
  out.actions[5] = 2.0 * out.actions[0];
  out.actions[6] = 8.0 * (out.terms[2] + out.terms[3] + out.terms[4]);
  return Status::kOk;
}

}  // namespace

extern const Engine row_stationary = {"row-stationary", "skips nothing; gates zero activations",
                                      kParameters,      8,
                                      kTerms,           5,
                                      kActions,         7,
                                      kFormula,         estimate_rows};

}  // namespace sparsemark::accelerator
