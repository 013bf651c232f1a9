// The dual-side sparse tensor core (Wang et al., ISCA 2021): outer products of a column of W and a row of A,
// both compressed, quantised to the width of the multiplier array. For a warp tile of T x T and each k:
//   steps = ceil(a / qa) ceil(b / qb), a, b ~ nonzeros of T; dense: (T / qa) (T / qb)
// Skips zeros of both; a tile at an edge has what is left. The merging of partial products in the
// accumulation buffer is not modelled.
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
constexpr const char* kActions[] = {"mac",         "multiplierSlot", "idleSlot",           "sumRead",
                                    "sumWrite",    "operandRead",    "operandMaskBitRead", "outputWrite",
                                    "bufferWrite", "offChipRead",    "offChipMaskBit",     "offChipWrite"};
constexpr FormulaLine kFormula[] = {
    {"cycles", "", "relativeTime * denseCycles", ""},
    {"relativeTime", "",
     "k * groups * ceil(m / tile) * stepsOfRows * ceil(n / tile) * stepsOfCols * stepRows * stepCols / macs "
     "/ denseCycles",
     "every row step meets every column step of a tile"},
    {"stepsOfRows", "", "E[ceil(x / stepRows)]",
     "x: nonzero weights of a tile at one k; a tile at an edge has what is left"},
    {"stepsOfCols", "", "E[ceil(x / stepCols)]", "x: nonzero inputs of a tile at one k"},
    {"denseCycles", "",
     "k * groups * (floor(m / tile) * ceil(tile / stepRows) + ceil(m % tile / stepRows)) * (floor(n / tile) "
     "* ceil(tile / stepCols) + ceil(n % tile / stepCols)) * stepRows * stepCols / macs",
     ""},
};

// row_steps: over all tiles and inputs; col_steps: of the tiles of one input.
void set_cycles(const double* parameters, const Layer& layer, double row_steps, double col_steps,
                double dense_steps, Estimate& out) {
  const auto tiles = [&](std::int64_t points) {
    return std::ceil(static_cast<double>(points) / parameters[kTile]);
  };
  const double cycles_a_step = parameters[kStepRows] * parameters[kStepCols] / parameters[kMacs];
  out.cycles = row_steps * col_steps * cycles_a_step;
  out.dense_cycles = dense_steps * cycles_a_step;
  out.multipliers = parameters[kMacs];
  out.terms[0] = out.cycles / out.dense_cycles;
  out.terms[1] =
      row_steps / (static_cast<double>(layer.k) * static_cast<double>(layer.groups) * tiles(layer.m));
  out.terms[2] = col_steps / tiles(layer.n);
  out.actions[0] = out.effectual_macs;
  out.actions[1] = out.cycles * parameters[kMacs];
  out.actions[2] = out.actions[1] > out.actions[0] ? out.actions[1] - out.actions[0] : 0.0;
  out.actions[3] = out.actions[4] = out.actions[0];
  // Each tile of outputs reads the nonzeros of its rows and columns and their bitmasks from the shared
  // buffer.
  const double groups = static_cast<double>(layer.groups);
  const double k = static_cast<double>(layer.k) * groups;
  const double rows = static_cast<double>(layer.m);
  const double cols = static_cast<double>(layer.n);
  const double weights = rows * k * layer.weights.density;
  const double inputs = cols * k * layer.activations.density;
  out.actions[5] = weights * tiles(layer.n) + inputs * tiles(layer.m);
  out.actions[6] = k * (rows * tiles(layer.n) + cols * tiles(layer.m));
  out.actions[7] = out.actions[11] = rows * cols * groups;
  out.actions[8] = out.actions[9] = weights + inputs;
  out.actions[10] = k * (rows + cols);
}

Status estimate_outer_product(const double* parameters, const Layer& layer, Estimate& out) noexcept {
  const auto tile = static_cast<std::int64_t>(parameters[kTile]);
  // Of a whole row of tiles, `points` long.
  const auto steps = [&](std::int64_t points, const Density& density, double width) {
    const auto of_tile = [&](std::int64_t size) {
      return Occupancy::of(size, density).expect([&](std::int64_t x) {
        return std::ceil(static_cast<double>(x) / width);
      });
    };
    return static_cast<double>(points / tile) * of_tile(tile) + of_tile(points % tile);
  };
  const Density full;
  const double terms = static_cast<double>(layer.k) * static_cast<double>(layer.groups);
  const double dense_rows = steps(layer.m, full, parameters[kStepRows]);
  const double dense_cols = steps(layer.n, full, parameters[kStepCols]);
  set_cycles(parameters, layer, terms * steps(layer.m, layer.weights, parameters[kStepRows]),
             steps(layer.n, layer.activations, parameters[kStepCols]), terms * dense_rows * dense_cols, out);
  return Status::kOk;
}

Status count_outer_product(const double* parameters, const Layer& layer, const Masks& masks, Estimate& out) {
  const auto tile = static_cast<std::int64_t>(parameters[kTile]);
  const auto steps_of = [&](const BitMatrix& mask, std::int64_t row, double width) {
    std::int64_t steps = 0;
    for (std::int64_t begin = 0; begin < mask.cols(); begin += tile) {
      const std::int64_t end = begin + tile < mask.cols() ? begin + tile : mask.cols();
      steps += divide_up(mask.count(row, begin, end), static_cast<std::int64_t>(width));
    }
    return steps;
  };
  std::int64_t rows = 0;
  std::int64_t both = 0;
  for (std::int64_t p = 0; p < layer.k; ++p) {
    const std::int64_t of_rows = steps_of(masks.by_input, p, parameters[kStepRows]);
    const std::int64_t of_cols = steps_of(masks.activations, p, parameters[kStepCols]);
    rows += of_rows;
    both += of_rows * of_cols;
  }
  const double dense_steps =
      out.dense_cycles * parameters[kMacs] / (parameters[kStepRows] * parameters[kStepCols]);
  const double mean_cols = rows > 0 ? static_cast<double>(both) / static_cast<double>(rows) : 0.0;
  set_cycles(parameters, layer, static_cast<double>(rows), mean_cols, dense_steps, out);
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
                                     12,
                                     kFormula,
                                     estimate_outer_product,
                                     count_outer_product};

}  // namespace sparsemark::accelerator
