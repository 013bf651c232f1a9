// SIGMA (Qin et al., HPCA 2020): nonzeros of one operand are packed densely into the multipliers by a network
// that can send anything anywhere; the other operand streams past. With W stationary:
//   cycles = sum over tiles of `tile` k: ceil(nonzeros of the tile / PEs) n + nonzeros(W) / loads per cycle
// A tile has thousands of points: its nonzeros are taken as normal, but for the chance of there being none.
// The cheaper of the two operands lies still. Skips zeros of the stationary operand; zeros that stream cost a
// cycle.
#include <cmath>

#include "engine.h"
#include "sparse_product.h"

namespace sparsemark::accelerator {
namespace {

enum { kPes, kTile, kLoads };

constexpr Parameter kParameters[] = {
    {"pes", "elements", "multipliers", 1, 1048576, true},
    {"tile", "points", "k of a tile", 1, 1048576, true},
    {"loadsPerCycle", "words/cycle", "stationary nonzeros loaded a cycle", 1, 65536, true},
};
constexpr const char* kTerms[] = {"cyclesWithWStationary", "cyclesWithAStationary", "streamCycles",
                                  "loadCycles"};
constexpr const char* kActions[] = {"mac",         "stationaryLoad", "streamRead",     "sumWrite",
                                    "bufferWrite", "offChipRead",    "offChipMaskBit", "offChipWrite"};
constexpr FormulaLine kFormula[] = {
    {"cycles", "", "min(cyclesWithWStationary, cyclesWithAStationary)", "the cheaper choice"},
    {"cyclesWithWStationary", "",
     "groups * (E[ceil(x / pes)] * ceil(k / tile) * n + m * k * weightDensity / loadsPerCycle)",
     "x: nonzeros of m x tile weights, normal; the last tile is what is left"},
    {"cyclesWithAStationary", "",
     "groups * (E[ceil(x / pes)] * ceil(k / tile) * m + n * k * activationDensity / loadsPerCycle)",
     "x: nonzeros of tile x n inputs, normal"},
    {"streamCycles", "", "cycles - loadCycles",
     "of the choice that counts: fillings of the array times what streams past"},
    {"loadCycles", "", "", "of the choice that counts: its stationary nonzeros / loadsPerCycle"},
};

struct Choice {
  double stream;
  double load;
  // Values that stream past, of all fillings.
  double reads;
  double total() const { return stream + load; }
};

// E[ceil(X / pes)] = the sum over t >= 0 of P(X > t pes), that of t = 0 as it is and the others normal.
double expected_fills(double points, double density, double pes) {
  const double mean = points * density;
  const double deviation = std::sqrt(mean * (1.0 - density));
  if (deviation <= 0.0) return std::ceil(mean / pes);
  // Below this all of X lies above, but for 1e-15 of it.
  const double certain = std::floor((mean - 8.0 * deviation) / pes);
  double sum = certain > 0.0 ? certain : chance_of_any(points, density);
  for (double t = certain > 0.0 ? certain : 1.0;; t += 1.0) {
    const double chance = 0.5 * std::erfc((t * pes + 0.5 - mean) / (deviation * std::sqrt(2.0)));
    sum += chance;
    // A multiplier holds one value: no fewer fillings than values over multipliers.
    if (chance < 1e-15) return sum > mean / pes ? sum : mean / pes;
  }
}

Choice choose(const double* parameters, double stationary, double streamed, double k, double density) {
  const double tile = parameters[kTile];
  const double whole = std::floor(k / tile);
  const double rest = k - whole * tile;
  const auto fills = [&](double depth) {
    return expected_fills(stationary * depth, density, parameters[kPes]);
  };
  Choice made;
  const double of_tiles = whole * fills(tile);
  const double of_rest = rest > 0.0 ? fills(rest) : 0.0;
  made.stream = (of_tiles + of_rest) * streamed;
  made.reads = (of_tiles * tile + of_rest * rest) * streamed;
  made.load = stationary * k * density / parameters[kLoads];
  return made;
}

// Nonzeros with their bitmasks come from off the chip into the buffer once; a sum of each output leaves for
// each filling, which its streamed column passes.
void set_traffic(const double* parameters, const Layer& layer, const Choice& still, double streamed,
                 Estimate& out) {
  const double groups = static_cast<double>(layer.groups);
  const double m = static_cast<double>(layer.m);
  const double n = static_cast<double>(layer.n);
  const double k = static_cast<double>(layer.k);
  out.actions[1] = still.load * parameters[kLoads] * groups;
  out.actions[2] = still.reads * groups;
  out.actions[3] = still.stream / streamed * m * n * groups;
  out.actions[4] = out.actions[5] = (m * layer.weights.density + n * layer.activations.density) * k * groups;
  out.actions[6] = (m + n) * k * groups;
  out.actions[7] = m * n * groups;
}

Status estimate_flexible(const double* parameters, const Layer& layer, Estimate& out) noexcept {
  const double m = static_cast<double>(layer.m);
  const double n = static_cast<double>(layer.n);
  const double k = static_cast<double>(layer.k);
  const double groups = static_cast<double>(layer.groups);
  const auto best = [&](double weights, double activations, Choice& still) {
    const Choice w = choose(parameters, m, n, k, weights);
    const Choice a = choose(parameters, n, m, k, activations);
    out.terms[0] = w.total() * groups;
    out.terms[1] = a.total() * groups;
    still = w.total() <= a.total() ? w : a;
    return still.total() * groups;
  };
  Choice still{};
  out.dense_cycles = best(1.0, 1.0, still);
  out.cycles = best(layer.weights.density, layer.activations.density, still);
  out.terms[2] = still.stream * groups;
  out.terms[3] = still.load * groups;
  out.multipliers = parameters[kPes];
  const bool weights_lie = out.terms[0] <= out.terms[1];
  out.actions[0] = out.macs * (weights_lie ? layer.weights.density : layer.activations.density);
  set_traffic(parameters, layer, still, weights_lie ? n : m, out);
  return Status::kOk;
}

// counts: nonzeros of the stationary operand at an input of the sum.
template <typename Counts>
Choice choose_counted(const double* parameters, std::int64_t k, double streamed, Counts counts) {
  const auto tile = static_cast<std::int64_t>(parameters[kTile]);
  Choice made{};
  for (std::int64_t begin = 0; begin < k; begin += tile) {
    std::int64_t nonzeros = 0;
    for (std::int64_t p = begin; p < k && p < begin + tile; ++p) nonzeros += counts(p);
    const double fills =
        static_cast<double>(divide_up(nonzeros, static_cast<std::int64_t>(parameters[kPes])));
    made.stream += fills * streamed;
    made.reads += fills * streamed * static_cast<double>(begin + tile < k ? tile : k - begin);
    made.load += static_cast<double>(nonzeros) / parameters[kLoads];
  }
  return made;
}

Status count_flexible(const double* parameters, const Layer& layer, const Masks& masks, Estimate& out) {
  const double m = static_cast<double>(layer.m);
  const double n = static_cast<double>(layer.n);
  const Choice w =
      choose_counted(parameters, layer.k, n, [&](std::int64_t p) { return masks.by_input.count(p); });
  const Choice a =
      choose_counted(parameters, layer.k, m, [&](std::int64_t p) { return masks.activations.count(p); });
  const bool weights_lie = w.total() <= a.total();
  const Choice& still = weights_lie ? w : a;
  out.cycles = still.total();
  out.terms[0] = w.total();
  out.terms[1] = a.total();
  out.terms[2] = still.stream;
  out.terms[3] = still.load;
  out.actions[0] = weights_lie ? static_cast<double>(masks.weights.count()) * n
                               : static_cast<double>(masks.activations.count()) * m;
  set_traffic(parameters, layer, still, weights_lie ? n : m, out);
  return Status::kOk;
}

}  // namespace

extern const Engine flexible_array = {"flexible-array", "skips zeros of the operand that lies still",
                                      kParameters,      3,
                                      kTerms,           4,
                                      kActions,         8,
                                      kFormula,         estimate_flexible,
                                      count_flexible};

}  // namespace sparsemark::accelerator
