// SparTen (Gondimalla et al., MICRO 2019): operands are bit masks and values in chunks; a unit finds the
// positions that both have and multiplies one a cycle, and the units of a cluster wait for each other after
// each chunk.
//   a chunk takes E[max(1, max over units of X)], X ~ matches; one-sided: nonzeros of the activations alone
// Cluster c has the pixels c, c + clusters, ... and does not wait for the others before the end of the layer,
// which the normal maximum of the sums of its chunks stands for.
// Skips zeros of both operands (or of one). Greedy balancing, which pairs filters by their density, is not
// modelled.
#include <cmath>
#include <vector>

#include "engine.h"
#include "occupancy.h"

namespace sparsemark::accelerator {
namespace {

enum { kChunk, kUnits, kClusters, kOneSided };

constexpr Parameter kParameters[] = {
    {"chunk", "points", "positions of a chunk", 1, 65536, true},
    {"units", "elements", "units of a cluster, an output channel each", 1, 65536, true},
    {"clusters", "clusters", "clusters, an output pixel each", 1, 65536, true},
    {"oneSided", "1", "1: only zero activations are skipped", 0, 1, true},
};
constexpr const char* kTerms[] = {"chunks", "cyclesAChunk", "meanMatches", "waitingCycles"};
constexpr const char* kActions[] = {"mac", "maskBitRead"};

Status estimate_chunks(const double* parameters, const Layer& layer, Estimate& out) noexcept {
  const auto chunk = static_cast<std::int64_t>(parameters[kChunk]);
  const bool one_sided = parameters[kOneSided] > 0.0;
  // E[X] and E[X^2] of a chunk's cycles X.
  struct Moments {
    double mean;
    double square;
  };
  const auto moments_of = [&](std::int64_t points, double density) {
    Moments made{};
    double below = 0.0;
    double power_below = 0.0;
    const double units = one_sided ? 1.0 : parameters[kUnits];
    Occupancy::binomial(points, density).visit([&](std::int64_t x, double probability) {
      below += probability;
      const double power = Occupancy::power_of(below < 1.0 ? below : 1.0, units);
      const double cycles = x > 1 ? static_cast<double>(x) : 1.0;
      made.mean += cycles * (power - power_below);
      made.square += cycles * cycles * (power - power_below);
      power_below = power;
    });
    return made;
  };
  const double turns =
      static_cast<double>(divide_up(layer.m, static_cast<std::int64_t>(parameters[kUnits]))) *
      static_cast<double>(divide_up(layer.n, static_cast<std::int64_t>(parameters[kClusters]))) *
      static_cast<double>(layer.groups);
  const double density =
      one_sided ? layer.activations.density : layer.weights.density * layer.activations.density;
  const std::int64_t rest = layer.k % chunk;
  const auto whole = static_cast<double>(layer.k / chunk);
  const Moments of_chunk = moments_of(chunk < layer.k ? chunk : layer.k, density);
  const double of_rest = rest == 0 ? 0.0 : rest == layer.k ? of_chunk.mean : moments_of(rest, density).mean;
  const double spread = of_chunk.square - of_chunk.mean * of_chunk.mean;
  // What clusters differ in: the activations alone. One-sided, all turns of a pixel take the same time.
  const double chunks = turns * static_cast<double>(layer.k) / static_cast<double>(chunk);
  const double own =
      one_sided       ? static_cast<double>(divide_up(layer.m, static_cast<std::int64_t>(parameters[kUnits])))
      : density < 1.0 ? (1.0 - layer.activations.density) / (1.0 - density)
                      : 0.0;
  const auto clusters = static_cast<std::int64_t>(parameters[kClusters]);
  // Clusters that have a pixel more than the others.
  const std::int64_t busiest = layer.n % clusters == 0 ? clusters : layer.n % clusters;
  const double waiting = expected_normal_maximum(static_cast<double>(busiest)) *
                         std::sqrt(spread > 0.0 ? chunks * spread * own : 0.0);
  out.dense_cycles = turns * static_cast<double>(layer.k);
  out.cycles = turns * (whole * of_chunk.mean + of_rest);
  out.terms[3] = out.cycles + waiting < out.dense_cycles ? waiting : out.dense_cycles - out.cycles;
  out.cycles += out.terms[3];
  out.multipliers = parameters[kUnits] * parameters[kClusters];
  out.terms[0] = turns * static_cast<double>(divide_up(layer.k, chunk));
  out.terms[1] = of_chunk.mean;
  out.terms[2] = static_cast<double>(chunk) * density;
  out.actions[0] = out.macs * density;
  out.actions[1] = 2.0 * out.macs;
  return Status::kOk;
}

Status count_chunks(const double* parameters, const Layer& layer, const Masks& masks, Estimate& out) {
  const auto chunk = static_cast<std::int64_t>(parameters[kChunk]);
  const auto units = static_cast<std::int64_t>(parameters[kUnits]);
  const auto clusters = static_cast<std::int64_t>(parameters[kClusters]);
  const bool one_sided = parameters[kOneSided] > 0.0;
  const std::int64_t stride = (layer.k + 63) / 64;
  std::vector<std::int64_t> loads(static_cast<std::size_t>(clusters));
  std::int64_t matches = 0;
  for (std::int64_t first = 0; first < layer.m; first += units) {
    const std::int64_t rows = first + units < layer.m ? units : layer.m - first;
    for (std::int64_t j = 0; j < layer.n; ++j) {
      std::int64_t cycles = 0;
      for (std::int64_t begin = 0; begin < layer.k; begin += chunk) {
        const std::int64_t end = begin + chunk < layer.k ? begin + chunk : layer.k;
        const std::int64_t longest = one_sided ? masks.by_output.count(j, begin, end)
                                               : most_matches(masks.weights.row(first), rows, stride,
                                                              masks.by_output.row(j), begin, end);
        cycles += longest > 1 ? longest : 1;
        matches += one_sided ? longest * rows : 0;
      }
      loads[static_cast<std::size_t>(j % clusters)] += cycles;
    }
  }
  std::int64_t slowest = 0;
  std::int64_t sum = 0;
  for (const std::int64_t load : loads) {
    slowest = load > slowest ? load : slowest;
    sum += load;
  }
  const std::int64_t busy = layer.n < clusters ? layer.n : clusters;
  const double chunks = static_cast<double>(divide_up(layer.m, units)) * static_cast<double>(layer.n) *
                        static_cast<double>(divide_up(layer.k, chunk));
  out.cycles = static_cast<double>(slowest);
  out.terms[1] = static_cast<double>(sum) / chunks;
  out.terms[3] = out.cycles - static_cast<double>(sum) / static_cast<double>(busy);
  out.actions[0] = one_sided ? static_cast<double>(matches) : out.effectual_macs;
  return Status::kOk;
}

}  // namespace

extern const Engine chunk_match = {
    "chunk-match",   "skips zeros of both operands, or of the activations alone",
    kParameters,     4,
    kTerms,          4,
    kActions,        2,
    estimate_chunks, count_chunks};

}  // namespace sparsemark::accelerator
