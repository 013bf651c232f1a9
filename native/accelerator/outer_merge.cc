// OuterSPACE (Pal et al., HPCA 2018): outer products in two phases. The first multiplies a column of W by a
// row of A and appends, for each nonzero of the column, a list of products to its row of Z; the second merges
// the lists of each row of Z.
//   cycles = max(bytes / bytes a cycle, products / PEs)
//          + max(bytes / bytes a cycle, swaps / merging PEs, swaps of the longest row)
//          + rows times cycles a row
// The merge keeps the heads of a row's lists sorted: an element that is taken makes way for its successor,
// which passes half of the lists, as the TeAAL artefact counts (Nayak et al., MICRO 2023). Of the bandwidth a
// share is reached; it and the cycles a row are fitted to published times. Skips zeros of both operands.
#include <algorithm>
#include <cmath>
#include <vector>

#include "engine.h"
#include "occupancy.h"
#include "sparse_product.h"

namespace sparsemark::accelerator {
namespace {

enum { kPes, kMergePes, kBandwidth, kShare, kRowCycles, kNonzeroBytes, kPointerBytes };

constexpr Parameter kParameters[] = {
    {"pes", "elements", "processing elements that multiply", 1, 65536, true},
    {"mergePes", "elements", "processing elements that merge", 1, 65536, true},
    {"bytesPerCycle", "bytes/cycle", "bandwidth off the chip", 1e-3, 1e6, false},
    {"bandwidthShare", "1", "share of the bandwidth that is reached", 1e-3, 1, false},
    {"rowCycles", "cycles", "cycles of a row of the output beside", 0, 1e6, false},
    {"nonzeroBytes", "bytes", "a nonzero with its coordinate", 1, 1024, true},
    {"pointerBytes", "bytes", "a pointer to a row or a list", 0, 1024, true},
};
constexpr const char* kTerms[] = {"multiplyMemoryCycles",
                                  "multiplyCycles",
                                  "mergeMemoryCycles",
                                  "mergeCycles",
                                  "longestRowCycles",
                                  "outputRowCycles",
                                  "products",
                                  "swaps",
                                  "outputs"};
constexpr const char* kActions[] = {"mac", "mergeSwap", "memoryByte"};
constexpr FormulaLine kFormula[] = {
    {"cycles", "",
     "max(multiplyMemoryCycles, multiplyCycles) + max(mergeMemoryCycles, mergeCycles, longestRowCycles) + "
     "outputRowCycles",
     "two phases, one after the other"},
    {"multiplyMemoryCycles", "", "",
     "operands with two pointers an input, and the lists of products written, / (bytesPerCycle "
     "bandwidthShare)"},
    {"multiplyCycles", "", "products / pes", ""},
    {"mergeMemoryCycles", "", "",
     "lists read, outputs with a pointer a row written, / (bytesPerCycle bandwidthShare)"},
    {"mergeCycles", "", "swaps / mergePes", ""},
    {"longestRowCycles", "", "", "expected most swaps of one row"},
    {"outputRowCycles", "", "groups * m * rowCycles", ""},
    {"products", "", "m * n * k * groups * weightDensity * activationDensity", ""},
    {"swaps", "", "groups * m * E[x]",
     "x: half the lists of a row that are not empty, times the products in them: each passes half of the "
     "lists"},
    {"outputs", "", "groups * m * n * (1 - (1 - weightDensity * activationDensity) ** k)", ""},
};

// What a layer of one group multiplies, moves and merges.
struct Work {
  double products;
  double lists;
  double outputs;
  double swaps;
  double longest;
};

double cycles_of(const double* parameters, const Layer& layer, const Work& work, Estimate& out) {
  const double groups = static_cast<double>(layer.groups);
  const double m = static_cast<double>(layer.m);
  const double n = static_cast<double>(layer.n);
  const double k = static_cast<double>(layer.k);
  const double operands = (m * layer.weights.density + n * layer.activations.density) * k;
  const double lists = work.products * parameters[kNonzeroBytes] + work.lists * parameters[kPointerBytes];
  const double read = operands * parameters[kNonzeroBytes] + 2.0 * k * parameters[kPointerBytes];
  const double written = work.outputs * parameters[kNonzeroBytes] + m * parameters[kPointerBytes];
  const double bandwidth = parameters[kBandwidth] * parameters[kShare];
  out.terms[0] = groups * (read + lists) / bandwidth;
  out.terms[1] = groups * work.products / parameters[kPes];
  out.terms[2] = groups * (lists + written) / bandwidth;
  out.terms[3] = groups * work.swaps / parameters[kMergePes];
  out.terms[4] = work.longest;
  out.terms[5] = groups * m * parameters[kRowCycles];
  out.terms[6] = groups * work.products;
  out.terms[7] = groups * work.swaps;
  out.terms[8] = groups * work.outputs;
  out.actions[0] = out.terms[6];
  out.actions[1] = out.terms[7];
  out.actions[2] = groups * (read + 2.0 * lists + written);
  return std::max(out.terms[0], out.terms[1]) + std::max({out.terms[2], out.terms[3], out.terms[4]}) +
         out.terms[5];
}

Work expected_work(const double*, const Layer& layer) {
  const double m = static_cast<double>(layer.m);
  const double n = static_cast<double>(layer.n);
  const double k = static_cast<double>(layer.k);
  const double w = layer.weights.density;
  const double a = layer.activations.density;
  const Occupancy row = Occupancy::of(layer.k, layer.weights);
  Work made{};
  made.products = m * n * k * w * a;
  made.lists = m * k * w * chance_of_any(n, a);
  made.outputs = m * n * chance_of_any(k, w * a);
  // Of x weights of a row each has a list of n a products in the mean, which others than itself have the
  // chance of not being empty: E[lists products] = n a (x + x (x - 1) chance).
  const auto half_pairs = [&](double mean, double variance) {
    return 0.5 * n * a * (mean + (mean * mean + variance - mean) * chance_of_any(n, a));
  };
  const auto longest = row.maximum_moments(m);
  made.swaps = m * half_pairs(row.mean(), row.variance());
  made.longest = half_pairs(longest.mean, longest.variance);
  return made;
}

Status count_outer(const double* parameters, const Layer& layer, const Masks& masks, Estimate& out) {
  std::vector<std::int64_t> lengths(static_cast<std::size_t>(layer.k));
  for (std::int64_t p = 0; p < layer.k; ++p) {
    lengths[static_cast<std::size_t>(p)] = masks.activations.count(p);
  }
  OutputRow outputs(masks);
  Work work{};
  for (std::int64_t i = 0; i < layer.m; ++i) {
    std::int64_t products = 0;
    std::int64_t lists = 0;
    masks.weights.visit(i, [&](std::int64_t p) {
      const std::int64_t length = lengths[static_cast<std::size_t>(p)];
      products += length;
      lists += length > 0 ? 1 : 0;
    });
    const double swaps = 0.5 * static_cast<double>(products) * static_cast<double>(lists);
    work.products += static_cast<double>(products);
    work.lists += static_cast<double>(lists);
    work.swaps += swaps;
    work.longest = std::max(work.longest, swaps);
    outputs.clear();
    outputs.reach(i, 0, layer.k);
    work.outputs += static_cast<double>(outputs.reached(0, layer.n));
  }
  out.cycles = cycles_of(parameters, layer, work, out);
  return Status::kOk;
}

}  // namespace

extern const Engine outer_merge = {
    "outer-merge", "skips zeros of both operands, outer products written and merged",
    kParameters,   7,
    kTerms,        9,
    kActions,      3,
    kFormula,      estimate_work<expected_work, cycles_of, kPes>,
    count_outer};

}  // namespace sparsemark::accelerator
