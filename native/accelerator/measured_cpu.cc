// One core of a CPU by its measured ceilings: a product with its weights in compressed sparse rows, by a
// kernel that keeps a row's sums in registers and streams rows of B from L1. The least time, in nanoseconds,
// is the most of
//   arithmetic   2 nnz n / FMA rate
//   loads        a vector of B an FMA, and for each nonzero and strip of `accumulators` vectors its value and
//   place transfer     every operand once from the level that it lies in gathers      a nonzero each, where n
//   is 1
// Dense, the baseline: 2 m k n over the FMA rate, or its transfer: a packed kernel reuses what it loads. Rows
// of B that no nonzero asks for are not read. Skips zero weights; zeros of B and waits for single rows are
// not modelled. A cycle of this class is a nanosecond.
#include "engine.h"
#include "occupancy.h"

namespace sparsemark::accelerator {
namespace {

enum { kFma, kL1, kL2, kL3, kDram, kGather, kL2Bytes, kL3Bytes, kLanes, kAccumulators, kIndexBytes };

constexpr Parameter kParameters[] = {
    {"fmaGflops", "GFLOP/s", "fused multiply-add peak, two a multiplication", 1e-3, 1e9, false},
    {"l1GBs", "GB/s", "vector loads from L1", 1e-3, 1e9, false},
    {"l2GBs", "GB/s", "reads from L2", 1e-3, 1e9, false},
    {"l3GBs", "GB/s", "reads from L3", 1e-3, 1e9, false},
    {"dramGBs", "GB/s", "reads from memory", 1e-3, 1e9, false},
    {"gatherGelems", "Gelem/s", "elements gathered from L1; 0 without a gather", 0, 1e9, false},
    {"l2Bytes", "B", "L2", 0, 1e12, true},
    {"l3Bytes", "B", "L3; 0 without", 0, 1e12, true},
    {"lanes", "values", "values of a vector", 1, 1024, true},
    {"accumulators", "vectors", "vectors of one row of sums that are kept in registers", 1, 1024, true},
    {"indexBytes", "B", "place of a nonzero", 0, 8, true},
};
constexpr const char* kTerms[] = {"arithmeticNs", "loadNs", "transferNs", "gatherNs", "denseTransferNs"};
constexpr const char* kActions[] = {"mac", "l1Byte", "l2Byte", "l3Byte", "dramByte"};
constexpr FormulaLine kFormula[] = {
    {"cycles", "", "max(arithmeticNs, loadNs, transferNs, gatherNs)", "a cycle is a nanosecond"},
    {"arithmeticNs", "", "2 * m * n * k * groups * weightDensity / fmaGflops", ""},
    {"loadNs", "n > 1",
     "m * k * groups * weightDensity * (ceil(n / lanes) + 2 * ceil(ceil(n / lanes) / accumulators)) * 4 * "
     "lanes / l1GBs",
     "a vector of B an FMA; value and place of a nonzero in each strip"},
    {"loadNs", "n == 1", "m * k * groups * weightDensity * (4 + indexBytes) / l1GBs",
     "values and places by vectors"},
    {"transferNs", "", "",
     "values, places and row starts of the weights, rows of B that a nonzero asks for, and outputs: the "
     "first l2Bytes at l2GBs, l3Bytes at l3GBs, the rest at dramGBs"},
    {"gatherNs", "n > 1", "0", ""},
    {"gatherNs", "n == 1", "m * k * groups * weightDensity / max(gatherGelems, l1GBs / (4 * lanes))",
     "some CPUs gather no faster than they load"},
    {"denseTransferNs", "", "", "both operands and outputs in full, in the same way"},
    {"denseCycles", "", "max(2 * m * n * k * groups / fmaGflops, denseTransferNs)", ""},
};

// Bytes by the level that they come from: what fits into L2 from there, then L3, the rest from memory.
struct Transfer {
  double l2;
  double l3;
  double dram;
  double ns;
};

Transfer transfer_of(const double* parameters, double bytes) {
  Transfer made{};
  made.l2 = bytes < parameters[kL2Bytes] ? bytes : parameters[kL2Bytes];
  const double beyond = bytes - made.l2;
  made.l3 = beyond < parameters[kL3Bytes] ? beyond : parameters[kL3Bytes];
  made.dram = beyond - made.l3;
  // Summed, so that a step from one level to the next asks for no jump.
  made.ns = made.l2 / parameters[kL2] + made.l3 / parameters[kL3] + made.dram / parameters[kDram];
  return made;
}

constexpr double kValueBytes = 4.0;

// `used`: share of the rows of B that some nonzero asks for.
void estimate_product(const double* parameters, const Layer& layer, double used, Estimate& out) {
  const double groups = static_cast<double>(layer.groups);
  const double m = static_cast<double>(layer.m);
  const double n = static_cast<double>(layer.n);
  const double weights = m * static_cast<double>(layer.k) * groups;
  const double nonzeros = weights * layer.weights.density;
  const double inputs = static_cast<double>(layer.channels) * static_cast<double>(layer.height) *
                        static_cast<double>(layer.width) * static_cast<double>(layer.batch) * groups;
  const double outputs = m * n * groups;
  const double places = parameters[kIndexBytes] > 0.0 ? (m + 1.0) * 4.0 * groups : 0.0;
  const double stored = nonzeros * (kValueBytes + parameters[kIndexBytes]) + places;
  const Transfer sparse = transfer_of(parameters, stored + kValueBytes * (used * inputs + outputs));
  const Transfer dense = transfer_of(parameters, kValueBytes * (weights + inputs + outputs));

  const auto lanes = static_cast<std::int64_t>(parameters[kLanes]);
  const std::int64_t vectors = divide_up(layer.n, lanes);
  const std::int64_t strips = divide_up(vectors, static_cast<std::int64_t>(parameters[kAccumulators]));
  // A load takes its port whatever its width: all count as whole vectors.
  const double vector_bytes = kValueBytes * parameters[kLanes];
  const double loads = nonzeros * static_cast<double>(vectors + 2 * strips);
  const bool gathers = layer.n == 1;
  // Some CPUs gather no faster than they load one value after the other.
  const double loads_a_ns = parameters[kL1] / vector_bytes;
  const double gather_rate = parameters[kGather] > loads_a_ns ? parameters[kGather] : loads_a_ns;

  out.terms[0] = 2.0 * nonzeros * n / parameters[kFma];
  // Of one column, values and places are loaded by vectors.
  const double loaded = gathers ? nonzeros * (kValueBytes + parameters[kIndexBytes]) : loads * vector_bytes;
  out.terms[1] = loaded / parameters[kL1];
  out.terms[2] = sparse.ns;
  out.terms[3] = gathers ? nonzeros / gather_rate : 0.0;
  out.terms[4] = dense.ns;
  out.cycles = 0.0;
  for (int term = 0; term < 4; ++term)
    out.cycles = out.terms[term] > out.cycles ? out.terms[term] : out.cycles;
  const double dense_arithmetic = 2.0 * out.macs / parameters[kFma];
  out.dense_cycles = dense_arithmetic > dense.ns ? dense_arithmetic : dense.ns;
  // Multiplications a nanosecond.
  out.multipliers = parameters[kFma] / 2.0;
  out.actions[0] = nonzeros * n;
  out.actions[1] = loaded;
  out.actions[2] = sparse.l2;
  out.actions[3] = sparse.l3;
  out.actions[4] = sparse.dram;
}

Status estimate_cpu(const double* parameters, const Layer& layer, Estimate& out) noexcept {
  const double filter_points =
      static_cast<double>(layer.m) * static_cast<double>(layer.kernel_height * layer.kernel_width);
  const double used = 1.0 - Occupancy::power_of(1.0 - layer.weights.density, filter_points);
  estimate_product(parameters, layer, used, out);
  return Status::kOk;
}

Status count_cpu(const double* parameters, const Layer& layer, const Masks& masks, Estimate& out) {
  const std::int64_t points = layer.k / layer.channels;
  std::int64_t asked = 0;
  for (std::int64_t channel = 0; channel < layer.channels; ++channel) {
    bool any = false;
    for (std::int64_t p = 0; p < points && !any; ++p) any = masks.by_input.count(channel * points + p) > 0;
    asked += any ? 1 : 0;
  }
  estimate_product(parameters, layer, static_cast<double>(asked) / static_cast<double>(layer.channels), out);
  return Status::kOk;
}

}  // namespace

extern const Engine measured_cpu = {
    "measured-cpu", "skips zero weights", kParameters, 11, kTerms, 5, kActions, 5,
    kFormula,       estimate_cpu,         count_cpu};

}  // namespace sparsemark::accelerator
