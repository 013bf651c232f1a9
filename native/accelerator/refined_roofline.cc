// ANNETTE's refined roofline of a device (Wess et al., IEEE Access 9, 2021): the larger of arithmetic and
// transfer time, and where arithmetic is, divided by how well each unrolled dimension fills the hardware's
// parallelism:
//   e = 1 where u < p, else u / (ceil(u / p) p), dampened to 1 / ((1 - alpha) + alpha / e)
// A cycle of this class is a microsecond. Skips nothing.
#include "engine.h"

namespace sparsemark::accelerator {
namespace {

enum { kOps, kBandwidth, kActivationBits, kWeightBits, kPar };

constexpr Parameter kParameters[] = {
    {"opsPerSecond", "op/s", "operations a second, two a multiplication", 1, 1e18, false},
    {"bytesPerSecond", "B/s", "bandwidth of memory", 1, 1e18, false},
    {"activationBits", "bits", "bits of an activation", 1, 64, true},
    {"weightBits", "bits", "bits of a weight", 1, 64, true},
    {"parallelWidth", "points", "parallelism over output columns; 1 for none", 1, 65536, true},
    {"alphaWidth", "1", "how much of it shows", 0, 1, false},
    {"parallelHeight", "points", "parallelism over output rows", 1, 65536, true},
    {"alphaHeight", "1", "how much of it shows", 0, 1, false},
    {"parallelChannels", "points", "parallelism over input channels", 1, 65536, true},
    {"alphaChannels", "1", "how much of it shows", 0, 1, false},
    {"parallelFilters", "points", "parallelism over filters", 1, 65536, true},
    {"alphaFilters", "1", "how much of it shows", 0, 1, false},
};
constexpr const char* kTerms[] = {"operations", "bytes", "arithmeticMicroseconds", "transferMicroseconds",
                                  "efficiency"};
constexpr const char* kActions[] = {"mac", "byte"};
constexpr FormulaLine kFormula[] = {
    {"cycles", "", "max(arithmeticMicroseconds / efficiency, transferMicroseconds)",
     "a cycle is a microsecond"},
    {"arithmeticMicroseconds", "", "1000000 * operations / opsPerSecond", ""},
    {"transferMicroseconds", "", "1000000 * bytes / bytesPerSecond", ""},
    {"operations", "", "2 * m * n * k * groups", ""},
    {"bytes", "",
     "((channels * height * width * batch + m * n) * activationBits + m * k * weightBits) * groups / 8", ""},
    {"efficiency", "", "",
     "over output columns, output rows, channels and filters the product of 1 / (1 - alpha + alpha / e), e = "
     "u / (ceil(u / p) p) of u unrolled points on a parallelism of p, 1 where u < p; 1 in all where transfer "
     "takes longer"},
};

double efficiency_of(std::int64_t unrolled, double parallel, double alpha) {
  const auto p = static_cast<std::int64_t>(parallel);
  if (unrolled < p) return 1.0;
  const double filled = static_cast<double>(unrolled) / static_cast<double>(divide_up(unrolled, p) * p);
  return 1.0 / ((1.0 - alpha) + alpha / filled);
}

Status estimate_roofline(const double* parameters, const Layer& layer, Estimate& out) noexcept {
  const double groups = static_cast<double>(layer.groups);
  const double operations = 2.0 * out.macs;
  const double inputs = static_cast<double>(layer.channels) * static_cast<double>(layer.height) *
                        static_cast<double>(layer.width) * static_cast<double>(layer.batch) * groups;
  const double outputs = static_cast<double>(layer.m) * static_cast<double>(layer.n) * groups;
  const double weights = static_cast<double>(layer.m) * static_cast<double>(layer.k) * groups;
  const double bytes =
      ((inputs + outputs) * parameters[kActivationBits] + weights * parameters[kWeightBits]) / 8.0;
  const double arithmetic = operations / parameters[kOps];
  const double transfer = bytes / parameters[kBandwidth];
  const std::int64_t unrolled[] = {layer.out_width, layer.out_height, layer.channels, layer.m};
  double efficiency = 1.0;
  for (int dimension = 0; dimension < 4; ++dimension) {
    efficiency *= efficiency_of(unrolled[dimension], parameters[kPar + 2 * dimension],
                                parameters[kPar + 2 * dimension + 1]);
  }
  const bool is_arithmetic = arithmetic > transfer;
  const double seconds = is_arithmetic ? arithmetic / efficiency : transfer;
  out.cycles = out.dense_cycles = 1e6 * seconds;
  // Multiplications a microsecond.
  out.multipliers = parameters[kOps] / 2e6;
  out.terms[0] = operations;
  out.terms[1] = bytes;
  out.terms[2] = 1e6 * arithmetic;
  out.terms[3] = 1e6 * transfer;
  out.terms[4] = is_arithmetic ? efficiency : 1.0;
  out.actions[0] = out.macs;
  out.actions[1] = bytes;
  return Status::kOk;
}

}  // namespace

extern const Engine refined_roofline = {
    "refined-roofline", "skips nothing",  kParameters, 12, kTerms, 5, kActions, 2,
    kFormula,           estimate_roofline};

}  // namespace sparsemark::accelerator
