#include "generic_sparse.h"

#include <cmath>

#include "occupancy.h"

namespace sparsemark::accelerator {
namespace {

double density_of(const Layer& layer, int space) {
  return space == kWeights ? layer.weights.density : space == kInputs ? layer.activations.density : 1.0;
}

// P(at least one nonzero among that many points), without the cancellation of 1 - P(none).
double occupied_probability(const Design& design, const Layer& layer, int space, std::int64_t points) {
  if (space == kOutputs) return 1.0;
  const Density& of = space == kWeights ? layer.weights : layer.activations;
  if (of.density >= 1.0) return 1.0;
  if (of.density <= 0.0) return 0.0;
  if (points == 1) return of.density;
  const double n = static_cast<double>(points);
  double occupied = 0.0;
  switch (design.distributions[space]) {
    case Distribution::kFixedStructured:
      return n * of.density < 1.0 ? n * of.density : 1.0;
    case Distribution::kHypergeometric: {
      const std::int64_t total = space == kWeights ? layer.m * layer.k : layer.k * layer.n;
      const auto nonzeros =
          static_cast<std::int64_t>(std::floor(of.density * static_cast<double>(total) + 0.5));
      // More points than zeros.
      if (points > total - nonzeros) return nonzeros == 0 ? 0.0 : 1.0;
      occupied = 1.0 - Occupancy::hypergeometric(points, total, nonzeros).probability_empty();
      break;
    }
    case Distribution::kUniform:
      occupied = of.rho > 0.0 ? 1.0 - Occupancy::of(points, of).probability_empty()
                              : -std::expm1(n * std::log1p(-of.density));
      break;
  }
  // A tile is empty no more often than a point of it.
  return occupied > of.density ? occupied : of.density;
}

// Rows and their lengths as formats see a tile: weights by m, inputs by n, outputs by m.
void shape_of(int space, const std::int64_t* tile, double& rows, double& row_points) {
  rows = static_cast<double>(space == kInputs ? tile[kN] : tile[kM]);
  row_points = static_cast<double>(space == kOutputs ? tile[kN] : tile[kK]);
}

// Shares that remain of the reads of a data space, by what they are conditioned on.
struct Remaining {
  double skipping[kDataSpaces] = {1.0, 1.0, 1.0};
  double either[kDataSpaces] = {1.0, 1.0, 1.0};
  double slots() const { return skipping[0] * skipping[1] * skipping[2]; }
  double done() const { return either[0] * either[1] * either[2]; }
};

void least(double& value, double other) { value = other < value ? other : value; }

}  // namespace

Compression compression_of(const Residence& space, double density, double rows, double row_points) {
  Compression out;
  switch (space.format) {
    case RankFormat::kUncompressed:
      break;
    case RankFormat::kBitmask:
      out.values = density;
      out.metadata_bits = 1.0;
      break;
    case RankFormat::kCoordinate:
      out.values = density;
      out.metadata_bits = density * space.metadata_bits;
      break;
    case RankFormat::kRunLength: {
      // Entries of a row of L points: d L + d sum over j >= 1 with R j < L of q^(R j) (L - R j), the sum in
      // closed form.
      const double run = std::exp2(space.metadata_bits);
      double entries = density * row_points;
      const double paddings = std::ceil(row_points / run) - 1.0;
      if (density > 0.0 && density < 1.0 && paddings >= 1.0) {
        const double log_x = run * std::log1p(-density);
        const double x = std::exp(log_x);
        const double last = std::exp(paddings * log_x);
        const double left = 1.0 - x;
        const double first = x * (1.0 - last) / left;
        const double second = x * (1.0 - (paddings + 1.0) * last + paddings * last * x) / (left * left);
        const double padded = row_points * first - run * second;
        entries += density * (padded > 0.0 ? padded : 0.0);
      }
      out.values = entries / row_points;
      out.metadata_bits = out.values * space.metadata_bits;
      break;
    }
  }
  if (space.pointer_bits > 0.0 && space.format != RankFormat::kUncompressed) {
    out.metadata_bits += (rows + 1.0) * space.pointer_bits / (rows * row_points);
  }
  return out;
}

SparseTraffic sparse_traffic(const Design& design, const Layer& layer, const DenseTraffic& dense) noexcept {
  SparseTraffic out;
  Counter counter;
  Compression held[kMostLevels][kDataSpaces];
  for (int level = 0; level < design.level_count; ++level) {
    for (int space = 0; space < kDataSpaces; ++space) {
      if ((design.levels[level].keeps >> space & 1) == 0) continue;
      const Residence& residence = design.levels[level].spaces[space];
      double rows = 1.0;
      double row_points = 1.0;
      shape_of(space, dense.tiles[level], rows, row_points);
      held[level][space] = compression_of(residence, density_of(layer, space), rows, row_points);
      const double points = static_cast<double>(tile_points(layer, space, dense.tiles[level], counter));
      out.held_bits[level] +=
          points * (held[level][space].values * residence.value_bits + held[level][space].metadata_bits);
    }
  }
  Remaining remaining[kDataSpaces];
  // What a link's reads come to; operands of multiplications first, since sums follow these.
  double of_operand_skipping[2] = {1.0, 1.0};
  double of_operand_either[2] = {1.0, 1.0};
  for (int space = 0; space < kDataSpaces; ++space) {
    Remaining& rest = remaining[space];
    for (int l = 0; l < dense.link_count[space]; ++l) {
      const Link& link = dense.links[space][l];
      const Residence& residence = design.levels[link.parent].spaces[space];
      const double offered = rest.slots();
      for (int on = 0; residence.action != Action::kNone && on < kDataSpaces; ++on) {
        if ((residence.condition >> on & 1) == 0) continue;
        const double kept =
            occupied_probability(design, layer, on, tile_points(layer, on, link.conditioned, counter));
        // A tile within an empty one is empty: the narrower condition holds, not both in turn.
        if (residence.action == Action::kSkipping) least(rest.skipping[on], kept);
        least(rest.either[on], kept);
      }
      double slots = rest.slots();
      double done = rest.done();
      const bool multiplies = link.child == design.level_count;
      if (multiplies && space == kOutputs) {
        for (int operand = 0; operand < 2; ++operand) {
          const double density = density_of(layer, operand);
          if (design.compute == Action::kSkipping) least(of_operand_skipping[operand], density);
          if (design.compute != Action::kNone) least(of_operand_either[operand], density);
        }
        out.slots = of_operand_skipping[0] * of_operand_skipping[1];
        out.done = of_operand_either[0] * of_operand_either[1];
        // What is not multiplied is not added.
        least(slots, out.slots);
        least(done, out.done);
      }
      least(done, slots);
      const Flow& flow = dense.flows[link.parent][space];
      SparseFlow& above = out.flows[link.parent][space];
      const Compression& from = held[link.parent][space];
      const double serves = static_cast<double>(flow.serves);
      const double updates = static_cast<double>(flow.updates);
      above.reads += serves * from.values * done;
      above.gated_reads += serves * from.values * (slots - done);
      above.metadata_read_bits += serves * from.metadata_bits * slots;
      above.gated_metadata_bits += serves * from.metadata_bits * (slots - done);
      above.skipped_metadata_bits += serves * from.metadata_bits * (offered - slots);
      above.writes += updates * from.values * done;
      above.gated_writes += updates * from.values * (slots - done);
      above.metadata_write_bits += updates * from.metadata_bits * slots;
      if (!multiplies) {
        const Flow& into = dense.flows[link.child][space];
        SparseFlow& below = out.flows[link.child][space];
        const Compression& to = held[link.child][space];
        const double fills = static_cast<double>(into.fills) * done + static_cast<double>(into.clears);
        below.writes += fills * to.values;
        below.metadata_write_bits += fills * to.metadata_bits;
        const double drains = static_cast<double>(into.drains) * done;
        below.reads += drains * to.values;
        below.metadata_read_bits += drains * to.metadata_bits;
      }
    }
    // An operand that is not delivered is not multiplied.
    for (int on = 0; space != kOutputs && on < 2; ++on) {
      least(of_operand_skipping[on], rest.skipping[on]);
      least(of_operand_either[on], rest.either[on]);
    }
  }
  return out;
}

}  // namespace sparsemark::accelerator
