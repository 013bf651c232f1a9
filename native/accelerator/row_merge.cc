// Gamma (Zhang et al., ASPLOS 2021): Gustavson's order. For each row of W, the rows of A that its nonzeros
// name are merged, `radix` at once and an element a cycle, in one processing element; rows of A come through
// a cache of fibers.
//   cycles = max(bytes / bytes a cycle, merged elements / PEs, elements of the longest row)
// A row of W with more nonzeros than `radix` is merged in a tree: each element passes
// ceil(log_radix(nonzeros)) times, as the TeAAL artefact counts (Nayak et al., MICRO 2023). Rows of W come in
// their order; the preprocessing that reorders them for the cache is not modelled, nor is the traffic of a
// tree's inner rows. Statistically a row of A that is asked for again is still there with the chance that the
// cache has room for the rows in use, the count keeps the rows that were used last. Skips zeros of both
// operands.
#include <algorithm>
#include <cmath>
#include <vector>

#include "engine.h"
#include "fiber_cache.h"
#include "occupancy.h"
#include "sparse_product.h"

namespace sparsemark::accelerator {
namespace {

enum { kPes, kRadix, kCacheBytes, kBandwidth, kNonzeroBytes, kRowBytes };

constexpr Parameter kParameters[] = {
    {"pes", "elements", "processing elements, a merger and a multiplier each", 1, 65536, true},
    {"radix", "rows", "rows that are merged at once", 2, 65536, true},
    {"cacheBytes", "bytes", "the cache of fibers", 1, 1e12, true},
    {"bytesPerCycle", "bytes/cycle", "bandwidth off the chip", 1e-3, 1e6, false},
    {"nonzeroBytes", "bytes", "a nonzero with its coordinate", 1, 1024, true},
    {"rowBytes", "bytes", "the header of a row", 0, 1024, true},
};
constexpr const char* kTerms[] = {"memoryCycles", "mergeCycles", "longestRowCycles", "weightBytes",
                                  "inputBytes",   "outputBytes", "mergedElements"};
constexpr const char* kActions[] = {"mac", "mergedElement", "memoryByte"};
constexpr FormulaLine kFormula[] = {
    {"cycles", "", "max(memoryCycles, mergeCycles, longestRowCycles)", ""},
    {"memoryCycles", "", "(weightBytes + inputBytes + outputBytes) / bytesPerCycle", ""},
    {"mergeCycles", "", "mergedElements / pes", ""},
    {"longestRowCycles", "", "", "expected most elements of one row, which one element merges"},
    {"mergedElements", "", "groups * m * n * activationDensity * E[x * ceil(log(x) / log(radix))]",
     "x: nonzero weights of a row; once at least"},
    {"weightBytes", "", "groups * (m * k * weightDensity * nonzeroBytes + m * rowBytes)", ""},
    {"inputBytes", "", "",
     "rows of A that are asked for, the second time only as far as they exceed cacheBytes"},
    {"outputBytes", "", "groups * (E[x] * nonzeroBytes + m * rowBytes)", "x: outputs that are reached"},
};

// What a layer of one group moves and merges.
struct Work {
  double input_bytes;
  double outputs;
  double merged;
  double longest;
};

double cycles_of(const double* parameters, const Layer& layer, const Work& work, Estimate& out) {
  const double groups = static_cast<double>(layer.groups);
  const double m = static_cast<double>(layer.m);
  const double rows = m * parameters[kRowBytes];
  const double nonzeros = m * static_cast<double>(layer.k) * layer.weights.density;
  out.terms[3] = groups * (nonzeros * parameters[kNonzeroBytes] + rows);
  out.terms[4] = groups * work.input_bytes;
  out.terms[5] = groups * (work.outputs * parameters[kNonzeroBytes] + rows);
  const double bytes = out.terms[3] + out.terms[4] + out.terms[5];
  out.terms[0] = bytes / parameters[kBandwidth];
  out.terms[1] = groups * work.merged / parameters[kPes];
  out.terms[2] = work.longest;
  out.terms[6] = groups * work.merged;
  out.actions[0] = out.effectual_macs;
  out.actions[1] = out.terms[6];
  out.actions[2] = bytes;
  return std::max({out.terms[0], out.terms[1], out.terms[2]});
}

// Passes through the mergers of a row of so many nonzeros.
std::int64_t passes_of(std::int64_t nonzeros, std::int64_t radix) {
  std::int64_t passes = 1;
  for (std::int64_t left = divide_up(nonzeros, radix); left > 1; left = divide_up(left, radix)) ++passes;
  return passes;
}

// E[x passes_of(x)]: a pass more for every power of the radix that a row exceeds.
double expected_passes(const Occupancy& row, std::int64_t radix) {
  double passes = 1.0;
  double beyond = 0.0;
  for (std::int64_t until = radix;
       until<row.points(); until = until> row.points() / radix ? row.points() : until * radix) {
    // As good as all rows exceed it, or as good as none.
    if (!row.is_far(until)) {
      beyond += row.mean_above(until);
    } else if (static_cast<double>(until) < row.mean()) {
      passes += 1.0;
    }
  }
  return row.mean() * passes + beyond;
}

Work expected_work(const double* parameters, const Layer& layer) {
  const double m = static_cast<double>(layer.m);
  const double n = static_cast<double>(layer.n);
  const double k = static_cast<double>(layer.k);
  const double a = layer.activations.density;
  const auto radix = static_cast<std::int64_t>(parameters[kRadix]);
  const Occupancy row = Occupancy::of(layer.k, layer.weights);
  const double row_bytes = n * a * parameters[kNonzeroBytes] + parameters[kRowBytes];
  const double in_use = k * chance_of_any(m, layer.weights.density) * row_bytes;
  const double asked = m * k * layer.weights.density * row_bytes;
  const double lost = in_use > parameters[kCacheBytes] ? 1.0 - parameters[kCacheBytes] / in_use : 0.0;
  Work made{};
  made.input_bytes = in_use + (asked - in_use) * lost;
  made.outputs = m * n * chance_of_any(k, layer.weights.density * a);
  made.merged = m * n * a * expected_passes(row, radix);
  made.longest = n * a * row.maximum_moments(m).mean;
  return made;
}

Status count_merge(const double* parameters, const Layer& layer, const Masks& masks, Estimate& out) {
  const auto radix = static_cast<std::int64_t>(parameters[kRadix]);
  const auto bytes_of_nonzero = static_cast<std::int64_t>(parameters[kNonzeroBytes]);
  const auto bytes_of_row = static_cast<std::int64_t>(parameters[kRowBytes]);
  std::vector<std::int64_t> lengths(static_cast<std::size_t>(layer.k));
  for (std::int64_t p = 0; p < layer.k; ++p) {
    lengths[static_cast<std::size_t>(p)] = masks.activations.count(p);
  }
  FiberCache cache(layer.k, static_cast<std::int64_t>(parameters[kCacheBytes]));
  OutputRow outputs(masks);
  std::int64_t fetched = 0;
  std::int64_t reached = 0;
  std::int64_t merged = 0;
  std::int64_t longest = 0;
  for (std::int64_t i = 0; i < layer.m; ++i) {
    std::int64_t elements = 0;
    masks.weights.visit(i, [&](std::int64_t p) {
      const std::int64_t length = lengths[static_cast<std::size_t>(p)];
      const std::int64_t bytes = length * bytes_of_nonzero + bytes_of_row;
      elements += length;
      fetched += cache.read(p, bytes) ? 0 : bytes;
    });
    merged += elements * passes_of(masks.weights.count(i), radix);
    longest = std::max(longest, elements);
    outputs.clear();
    outputs.reach(i, 0, layer.k);
    reached += outputs.reached(0, layer.n);
  }
  const Work work{static_cast<double>(fetched), static_cast<double>(reached), static_cast<double>(merged),
                  static_cast<double>(longest)};
  out.cycles = cycles_of(parameters, layer, work, out);
  return Status::kOk;
}

}  // namespace

extern const Engine row_merge = {"row-merge", "skips zeros of both operands, rows merged through a cache",
                                 kParameters, 6,
                                 kTerms,      7,
                                 kActions,    3,
                                 kFormula,    estimate_work<expected_work, cycles_of, kPes>,
                                 count_merge};

}  // namespace sparsemark::accelerator
