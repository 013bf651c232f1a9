// SparTen (Gondimalla et al., MICRO 2019): operands are bit masks and values in chunks; a unit finds the
// positions that both have and multiplies one a cycle, and the units of a cluster wait for each other after
// each chunk.
//   a chunk takes max(1, E[max over units of X]), X ~ matches; one-sided: nonzeros of the activations alone
// Skips zeros of both operands (or of one). Greedy balancing, which pairs filters by their density, is not
// modelled.
#include <cmath>

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
constexpr const char* kTerms[] = {"chunks", "cyclesAChunk", "meanMatches"};
constexpr const char* kActions[] = {"mac", "maskBitRead"};

Status estimate_chunks(const double* parameters, const Layer& layer, Estimate& out) noexcept {
  const auto chunk = static_cast<std::int64_t>(parameters[kChunk]);
  const bool one_sided = parameters[kOneSided] > 0.0;
  const auto cycles_of = [&](std::int64_t points, double density) {
    const double longest = Occupancy::binomial(points, density)
                               .expect_maximum(one_sided ? 1.0 : parameters[kUnits],
                                               [](std::int64_t x) { return static_cast<double>(x); });
    return longest > 1.0 ? longest : 1.0;
  };
  const auto of_sum = [&](double density) {
    const std::int64_t rest = layer.k % chunk;
    return static_cast<double>(layer.k / chunk) * cycles_of(chunk, density) +
           (rest > 0 ? cycles_of(rest, density) : 0.0);
  };
  const double turns =
      static_cast<double>(divide_up(layer.m, static_cast<std::int64_t>(parameters[kUnits]))) *
      static_cast<double>(divide_up(layer.n, static_cast<std::int64_t>(parameters[kClusters]))) *
      static_cast<double>(layer.groups);
  const double density =
      one_sided ? layer.activations.density : layer.weights.density * layer.activations.density;
  out.cycles = turns * of_sum(density);
  out.dense_cycles = turns * of_sum(1.0);
  out.multipliers = parameters[kUnits] * parameters[kClusters];
  out.terms[0] = turns * static_cast<double>(divide_up(layer.k, chunk));
  out.terms[1] = cycles_of(chunk, density);
  out.terms[2] = static_cast<double>(chunk) * density;
  out.actions[0] = out.macs * density;
  out.actions[1] = 2.0 * out.macs;
  return Status::kOk;
}

}  // namespace

extern const Engine chunk_match = {
    "chunk-match",  "skips zeros of both operands, or of the activations alone",
    kParameters,    4,
    kTerms,         3,
    kActions,       2,
    estimate_chunks};

}  // namespace sparsemark::accelerator
