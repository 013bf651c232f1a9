// The dual-side sparse tensor core (Wang et al., ISCA 2021): outer products of a column of W and a row of A,
// both compressed, quantised to the width of the multiplier array. For a warp tile of T x T and each k:
//   steps = ceil(a / qa) ceil(b / qb), a, b ~ nonzeros of T; dense: (T / qa) (T / qb)
// Skips zeros of both. The merging of partial products in the accumulation buffer is not modelled.
#include <cmath>

#include "engine.h"
#include "occupancy.h"

namespace sparsemark::accelerator {
namespace {

enum { kTile, kStepRows, kStepCols, kMacs };

constexpr Parameter kParameters[] = {
    {"tile", "points", "rows and columns of a warp tile", 1, 1024, true},
    {"stepRows", "points", "rows of an outer-product step", 1, 1024, true},
    {"stepCols", "points", "columns of an outer-product step", 1, 1024, true},
    {"macs", "MACs", "multipliers of the device", 1, 16777216, true},
};
constexpr const char* kTerms[] = {"relativeTime", "stepsOfRows", "stepsOfCols"};
constexpr const char* kActions[] = {"mac", "multiplierSlot"};

Status estimate_outer_product(const double* parameters, const Layer& layer, Estimate& out) noexcept {
  const auto tile = static_cast<std::int64_t>(parameters[kTile]);
  const auto steps = [&](const Density& density, double width) {
    return Occupancy::of(tile, density).expect([&](std::int64_t x) {
      return std::ceil(static_cast<double>(x) / width);
    });
  };
  const double dense_rows = std::ceil(parameters[kTile] / parameters[kStepRows]);
  const double dense_cols = std::ceil(parameters[kTile] / parameters[kStepCols]);
  const double rows = steps(layer.weights, parameters[kStepRows]);
  const double cols = steps(layer.activations, parameters[kStepCols]);
  const double relative = rows / dense_rows * (cols / dense_cols);
  // Tiles at the edges are whole ones.
  const double padded = static_cast<double>(divide_up(layer.m, tile) * tile) *
                        static_cast<double>(divide_up(layer.n, tile) * tile) * static_cast<double>(layer.k) *
                        static_cast<double>(layer.groups);
  out.dense_cycles = padded / parameters[kMacs];
  out.cycles = out.dense_cycles * relative;
  out.multipliers = parameters[kMacs];
  out.terms[0] = relative;
  out.terms[1] = rows;
  out.terms[2] = cols;
  out.actions[0] = out.effectual_macs;
  out.actions[1] = out.cycles * parameters[kMacs];
  return Status::kOk;
}

}  // namespace

extern const Engine outer_product = {"outer-product",
                                     "skips zeros of both operands, in steps of the multiplier array",
                                     kParameters,
                                     4,
                                     kTerms,
                                     3,
                                     kActions,
                                     2,
                                     estimate_outer_product};

}  // namespace sparsemark::accelerator
