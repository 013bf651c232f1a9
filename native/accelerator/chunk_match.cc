// SparTen (Gondimalla et al., MICRO 2019): operands are bit masks and values in chunks; a unit finds the
// positions that both have and multiplies one a cycle, and the units of a cluster wait for each other after
// each chunk.
//   a chunk takes E[max(1, max over units of X)], X ~ matches; one-sided: nonzeros of the activations alone
// All units have the same chunk of an input, of which A points are nonzero: given A the matches of a unit are
// Binomial(A, weight density), and those of the units independent. Drawn apart for each unit, as
// Binomial(chunk, weight density * activation density), they would differ by what the units share: at
// densities of 0.99 and 0.05 the maximum of 32 came out 27 % above the counts of uniform masks.
//
// Cluster c has the pixels c, c + clusters, ... and does not wait for the others before the end of the layer,
// which the normal maximum of the sums of its chunks stands for.
//
// Skips zeros of both operands (or of one). Greedy balancing in software sorts the filters by their nonzeros
// and gives a unit two of them, the densest left with the sparsest: a chunk then takes the most over units of
// the sum of both, two cycles at the least. Of what is left at the end, the densest go alone.
#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "engine.h"
#include "match_rows.h"
#include "occupancy.h"

namespace sparsemark::accelerator {
namespace {

enum { kChunk, kUnits, kClusters, kOneSided, kPairs };

constexpr Parameter kParameters[] = {
    {"chunk", "points", "positions of a chunk", 1, 65536, true},
    {"units", "elements", "units of a cluster, an output channel each", 1, 65536, true},
    {"clusters", "clusters", "clusters, an output pixel each", 1, 65536, true},
    {"oneSided", "1", "1: only zero activations are skipped", 0, 1, true},
    {"pairsFilters", "1", "1: a unit has a dense and a sparse filter at once", 0, 1, true},
};
constexpr const char* kTerms[] = {"chunks", "cyclesAChunk", "meanMatches", "waitingCycles"};
constexpr const char* kActions[] = {"mac",       "maskBitRead", "weightRead",     "inputRead",
                                    "sumAccess", "offChipRead", "offChipMaskBit", "offChipWrite"};
constexpr FormulaLine kFormula[] = {
    {"cycles", "", "chunks * cyclesAChunk + waitingCycles", ""},
    {"chunks", "", "ceil(n / clusters) * groups * ceil(m / units) * ceil(k / chunk)", "of a cluster"},
    {"cyclesAChunk", "", "E[max(1, x)]",
     "x: most matches over the units of a cluster, which share an input's nonzeros, one-sided nonzero "
     "inputs; with pairsFilters half of the most over pairs of filters, 2 at least"},
    {"meanMatches", "oneSided == 0", "chunk * weightDensity * activationDensity", ""},
    {"meanMatches", "oneSided == 1", "chunk * activationDensity", ""},
    {"waitingCycles", "", "",
     "normal maximum over the clusters of the sums of their chunks, over its mean; no more than denseCycles "
     "in all"},
    {"denseCycles", "", "ceil(n / clusters) * groups * ceil(m / units) * k", ""},
};

// How filters are dealt out: `pairs` turns of two filters a unit, then one turn of what is left.
struct Deal {
  std::int64_t paired_turns = 0;
  std::int64_t single_turns = 0;
  // Of the last turn: units with two filters, where some have; else those with one, where some have none.
  std::int64_t last_pairs = 0;
  std::int64_t last_single = 0;
};

Deal deal_of(const double* parameters, const Layer& layer) {
  const auto units = static_cast<std::int64_t>(parameters[kUnits]);
  // One-sided, all units take as long whatever their filters.
  if (parameters[kOneSided] > 0.0) return {0, divide_up(layer.m, units), 0, 0};
  if (parameters[kPairs] <= 0.0) return {0, layer.m / units, 0, layer.m % units};
  const std::int64_t left = layer.m % (2 * units);
  return {layer.m / (2 * units), left == units ? 1 : 0, left > units ? left - units : 0,
          left < units ? left : 0};
}

// A match reads its two values and adds to its sum; from off the chip nonzeros and bitmasks come once.
void set_traffic(const Layer& layer, Estimate& out) {
  const double groups = static_cast<double>(layer.groups);
  const double m = static_cast<double>(layer.m);
  const double n = static_cast<double>(layer.n);
  const double k = static_cast<double>(layer.k);
  out.actions[2] = out.actions[3] = out.actions[0];
  out.actions[4] = 2.0 * out.actions[0];
  out.actions[5] = (m * layer.weights.density + n * layer.activations.density) * k * groups;
  out.actions[6] = (m + n) * k * groups;
  out.actions[7] = m * n * groups;
}

// Up to so many expected nonzeros of a chunk the maximum bends too much for two nodes: 1 of none and of one.
constexpr double kSummedNonzeros = 4.0;

// Cycles of a chunk: their mean and variance, and how much of it is that of the mean given the activations.
struct ChunkMoments {
  double mean = 0.0;
  double variance = 0.0;
  double shared = 0.0;
};

// Of the most matches over units that share a chunk of `points` activations, `filters` at the least: by the
// sum over the nonzeros A of the chunk where they are few, else at two values of A, Gauss's nodes for the
// binomial distribution (exact for polynomials of degree 3) as whole numbers, weighted so that their mean is
// A's.
ChunkMoments moments_of_shared(std::int64_t points, std::int64_t filters, double units, const Layer& layer) {
  const double density = layer.activations.density;
  const double n = static_cast<double>(points);
  const auto given = [&](std::int64_t nonzeros) {
    return Occupancy::binomial(filters * nonzeros, layer.weights.density).maximum_moments(units, filters);
  };
  const double variance = n * density * (1.0 - density);
  if (variance <= 0.0) {
    const Occupancy::Moments of = given(density > 0.0 ? points : 0);
    return {of.mean, of.variance, 0.0};
  }
  if (n * density <= kSummedNonzeros) {
    double mean = 0.0;
    double square = 0.0;
    double apart = 0.0;
    Occupancy::binomial(points, density).visit([&](std::int64_t nonzeros, double probability) {
      if (probability < 1e-9) return;
      const Occupancy::Moments of = given(nonzeros);
      mean += probability * of.mean;
      square += probability * of.mean * of.mean;
      apart += probability * of.variance;
    });
    const double shared = std::max(0.0, square - mean * mean);
    return {mean, apart + shared, shared};
  }
  const double deviation = std::sqrt(variance);
  const double half_skew = 0.5 * (1.0 - 2.0 * density) / deviation;
  const double root = std::sqrt(1.0 + half_skew * half_skew);
  const double middle = n * density;
  const auto whole = [&](double beside) { return std::floor(middle + deviation * beside + 0.5); };
  const double low = std::clamp(whole(half_skew - root), 0.0, std::floor(middle));
  const double high = std::clamp(whole(half_skew + root), low + 1.0, std::max(n, low + 1.0));
  const double upper = (middle - low) / (high - low);
  const Occupancy::Moments of_low = given(static_cast<std::int64_t>(low));
  const Occupancy::Moments of_high = given(static_cast<std::int64_t>(high));
  const double slope = (of_high.mean - of_low.mean) / (high - low);
  const double shared = slope * slope * variance;
  const double apart = of_low.variance + upper * (of_high.variance - of_low.variance);
  return {of_low.mean + upper * (of_high.mean - of_low.mean), apart + shared, shared};
}

Status estimate_chunks(const double* parameters, const Layer& layer, Estimate& out) noexcept {
  const auto chunk = static_cast<std::int64_t>(parameters[kChunk]);
  const bool one_sided = parameters[kOneSided] > 0.0;
  const double density =
      one_sided ? layer.activations.density : layer.weights.density * layer.activations.density;
  // Of the cycles that `units` units with so many filters each take for a chunk.
  const auto moments_of = [&](std::int64_t points, std::int64_t filters, double units) {
    if (!one_sided) return moments_of_shared(points, filters, units, layer);
    // All units wait for the nonzeros of the inputs, whatever their filters.
    const auto of = Occupancy::binomial(filters * points, density).maximum_moments(1.0, filters);
    return ChunkMoments{of.mean, of.variance, of.variance};
  };
  const std::int64_t rest = layer.k % chunk;
  const auto whole = static_cast<double>(layer.k / chunk);
  const auto turn_of = [&](std::int64_t filters, double units) {
    const auto of_chunk = moments_of(chunk < layer.k ? chunk : layer.k, filters, units);
    const double of_rest = rest == 0         ? 0.0
                           : rest == layer.k ? of_chunk.mean
                                             : moments_of(rest, filters, units).mean;
    const double chunks = static_cast<double>(layer.k) / static_cast<double>(chunk);
    return ChunkMoments{whole * of_chunk.mean + of_rest, of_chunk.variance * chunks,
                        of_chunk.shared * chunks};
  };
  const Deal deal = deal_of(parameters, layer);
  const double units = parameters[kUnits];
  const auto clusters = static_cast<std::int64_t>(parameters[kClusters]);
  // Turns of a cluster over its pixels.
  const double pixels = static_cast<double>(divide_up(layer.n, clusters)) * static_cast<double>(layer.groups);
  double sum = 0.0;
  double variance = 0.0;
  double shared = 0.0;
  double shared_deviation = 0.0;
  const auto add = [&](std::int64_t turns, std::int64_t filters, double of_units) {
    if (turns == 0) return;
    const ChunkMoments turn = turn_of(filters, of_units);
    const double times = static_cast<double>(turns);
    sum += times * turn.mean;
    variance += times * turn.variance;
    shared += times * turn.shared;
    shared_deviation += times * std::sqrt(turn.shared);
  };
  add(deal.paired_turns, 2, units);
  add(deal.single_turns, 1, units);
  add(deal.last_single > 0 ? 1 : 0, 1, static_cast<double>(deal.last_single));
  // Units with one filter are through before those with two.
  add(deal.last_pairs > 0 ? 1 : 0, 2, static_cast<double>(deal.last_pairs));

  const double outputs = static_cast<double>(divide_up(layer.m, static_cast<std::int64_t>(units)));
  // What clusters differ in: the activations alone, since all have the same filters. All turns of a pixel
  // have the same activations, so that what depends on their number adds up over turns, and the rest by its
  // variance.
  const double own = density < 1.0 ? (1.0 - layer.activations.density) / (1.0 - density) : 0.0;
  const double of_pixel = shared_deviation * shared_deviation + std::max(0.0, variance * own - shared);
  // Clusters that have a pixel more than the others.
  const std::int64_t busiest = layer.n % clusters == 0 ? clusters : layer.n % clusters;
  const double waiting = expected_normal_maximum(static_cast<double>(busiest)) * std::sqrt(pixels * of_pixel);
  out.dense_cycles = pixels * outputs * static_cast<double>(layer.k);
  // A sum of chances can be above 1 by its rounding.
  out.cycles = std::min(pixels * sum, out.dense_cycles);
  out.terms[3] = std::min(waiting, out.dense_cycles - out.cycles);
  out.cycles += out.terms[3];
  out.multipliers = units * parameters[kClusters];
  out.terms[0] = pixels * outputs * static_cast<double>(divide_up(layer.k, chunk));
  out.terms[1] = pixels * sum / out.terms[0];
  out.terms[2] = static_cast<double>(chunk) * density;
  out.actions[0] = out.macs * density;
  out.actions[1] = 2.0 * out.macs;
  set_traffic(layer, out);
  return Status::kOk;
}

constexpr std::int64_t kAlone = -1;

// Turns where some units have two filters: of each unit both, or the second kAlone. Empty where all are
// alone.
std::vector<std::vector<std::int64_t>> paired_turns_of(const double* parameters, const Layer& layer,
                                                       const BitMatrix& weights) {
  const auto units = static_cast<std::int64_t>(parameters[kUnits]);
  const Deal deal = deal_of(parameters, layer);
  std::vector<std::vector<std::int64_t>> turns;
  if (deal.paired_turns == 0 && deal.last_pairs == 0) return turns;
  std::vector<std::int64_t> order(static_cast<std::size_t>(layer.m));
  std::iota(order.begin(), order.end(), 0);
  std::vector<std::int64_t> nonzeros;
  for (const std::int64_t row : order) nonzeros.push_back(weights.count(row));
  const auto nonzeros_of = [&](std::int64_t row) { return nonzeros[static_cast<std::size_t>(row)]; };
  std::stable_sort(order.begin(), order.end(),
                   [&](std::int64_t a, std::int64_t b) { return nonzeros_of(a) > nonzeros_of(b); });
  std::size_t first = 0;
  std::size_t last = order.size();
  for (std::int64_t turn = 0; turn < deal.paired_turns; ++turn) {
    turns.emplace_back();
    for (std::int64_t unit = 0; unit < units; ++unit) {
      turns.back().push_back(order[first++]);
      turns.back().push_back(order[--last]);
    }
  }
  if (first < last) {
    turns.emplace_back();
    const std::size_t alone = last - first - 2 * static_cast<std::size_t>(deal.last_pairs);
    for (std::size_t unit = 0; unit < alone; ++unit) {
      turns.back().push_back(order[first++]);
      turns.back().push_back(kAlone);
    }
    while (first < last) {
      turns.back().push_back(order[first++]);
      turns.back().push_back(order[--last]);
    }
  }
  return turns;
}

Status count_chunks(const double* parameters, const Layer& layer, const Masks& masks, Estimate& out) {
  const auto chunk = static_cast<std::int64_t>(parameters[kChunk]);
  const auto units = static_cast<std::int64_t>(parameters[kUnits]);
  const auto clusters = static_cast<std::int64_t>(parameters[kClusters]);
  const bool one_sided = parameters[kOneSided] > 0.0;
  std::vector<std::int64_t> loads(static_cast<std::size_t>(clusters));
  // One turn of all pixels, chunk by chunk. prepare(begin, end), then longest(pixel, begin, end): the most
  // cycles of a unit. A unit takes a cycle for each of its filters at least.
  const auto add_turn = [&](std::int64_t least, auto prepare, auto longest) {
    for (std::int64_t begin = 0; begin < layer.k; begin += chunk) {
      const std::int64_t end = begin + chunk < layer.k ? begin + chunk : layer.k;
      prepare(begin, end);
      std::int64_t cluster = 0;
      for (std::int64_t j = 0; j < layer.n; ++j) {
        const std::int64_t cycles = longest(j, begin, end);
        loads[static_cast<std::size_t>(cluster)] += cycles > least ? cycles : least;
        cluster = cluster + 1 == clusters ? 0 : cluster + 1;
      }
    }
  };
  MatchRows filters;
  std::vector<const std::uint64_t*> rows;
  const auto add_matches = [&](std::int64_t together, std::int64_t least) {
    add_turn(
        least, [&](std::int64_t begin, std::int64_t end) { filters.take(rows, together, begin, end); },
        [&](std::int64_t j, std::int64_t, std::int64_t) { return filters.most(masks.by_output.row(j)); });
  };
  const auto turns = paired_turns_of(parameters, layer, masks.weights);
  for (const std::vector<std::int64_t>& turn : turns) {
    rows.clear();
    for (const std::int64_t row : turn) rows.push_back(row == kAlone ? nullptr : masks.weights.row(row));
    bool has_pair = false;
    for (std::size_t unit = 0; unit < turn.size(); unit += 2) has_pair = has_pair || turn[unit + 1] != kAlone;
    add_matches(2, has_pair ? 2 : 1);
  }
  for (std::int64_t first = 0; turns.empty() && first < layer.m; first += units) {
    if (one_sided) {
      add_turn(
          1, [](std::int64_t, std::int64_t) {},
          [&](std::int64_t j, std::int64_t begin, std::int64_t end) {
            return masks.by_output.count(j, begin, end);
          });
      continue;
    }
    const std::int64_t last = first + units < layer.m ? first + units : layer.m;
    rows.clear();
    for (std::int64_t row = first; row < last; ++row) rows.push_back(masks.weights.row(row));
    add_matches(1, 1);
  }
  std::int64_t slowest = 0;
  std::int64_t sum = 0;
  for (const std::int64_t load : loads) {
    slowest = load > slowest ? load : slowest;
    sum += load;
  }
  const std::int64_t busy = layer.n < clusters ? layer.n : clusters;
  const double groups_of_turns =
      turns.empty() ? static_cast<double>(divide_up(layer.m, units)) : static_cast<double>(turns.size());
  const double chunks =
      groups_of_turns * static_cast<double>(layer.n) * static_cast<double>(divide_up(layer.k, chunk));
  out.cycles = static_cast<double>(slowest);
  out.terms[1] = static_cast<double>(sum) / chunks;
  out.terms[3] = out.cycles - static_cast<double>(sum) / static_cast<double>(busy);
  out.actions[0] = one_sided ? static_cast<double>(masks.activations.count() * layer.m) : out.effectual_macs;
  set_traffic(layer, out);
  return Status::kOk;
}

}  // namespace

extern const Engine chunk_match = {"chunk-match", "skips zeros of both operands, or of the activations alone",
                                   kParameters,   5,
                                   kTerms,        4,
                                   kActions,      8,
                                   kFormula,      estimate_chunks,
                                   count_chunks};

}  // namespace sparsemark::accelerator
