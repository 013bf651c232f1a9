// ExTensor (Hegde et al., MICRO 2019): both operands compressed, tiles in tiles, and coordinates of both
// intersected at every level, so that nothing is fetched or multiplied but where both have something.
//   cycles = max(bytes / bytes a cycle, steps of coordinates / PEs)
// In the order of loops of the TeAAL artefact (Nayak et al., MICRO 2023): a buffer's tile of A stays while
// the tiles of W pass it, so that W is read once for each tile of columns, and outputs so far are read and
// written again for each further tile of inputs. A fiber has its own header in every tile; a tile of an
// element has its coordinates intersected one step a cycle, each step to the next coordinate that may match
// (sparse_product.h), a match included. Elements are taken to have equal work. Intersecting tiles takes no
// time: at one step a cycle it would take three to twenty times as long as the published runs. Skips zeros of
// both.
#include <algorithm>
#include <cmath>
#include <vector>

#include "engine.h"
#include "sparse_product.h"

namespace sparsemark::accelerator {
namespace {

enum {
  kPes,
  kTile,
  kBufferRows,
  kBufferInputs,
  kBufferCols,
  kBandwidth,
  kNonzeroBytes,
  kFiberBytes,
  kOutputBytes
};

constexpr Parameter kParameters[] = {
    {"pes", "elements", "processing elements, a multiplier each", 1, 65536, true},
    {"tile", "points", "rows, inputs and columns of an element's tile", 1, 65536, true},
    {"bufferRows", "tiles", "tiles of rows in the buffer", 1, 65536, true},
    {"bufferInputs", "tiles", "tiles of inputs in the buffer", 1, 65536, true},
    {"bufferCols", "tiles", "tiles of columns in the buffer", 1, 65536, true},
    {"bytesPerCycle", "bytes/cycle", "bandwidth off the chip", 1e-3, 1e6, false},
    {"nonzeroBytes", "bytes", "a nonzero of an operand with its coordinate", 1, 1024, true},
    {"fiberBytes", "bytes", "the header of a tile's fiber", 0, 1024, true},
    {"outputBytes", "bytes", "an output with its coordinates", 1, 1024, true},
};
constexpr const char* kTerms[] = {"memoryCycles", "intersectionCycles", "tileSteps",  "weightBytes",
                                  "inputBytes",   "partialSumBytes",    "outputBytes"};
constexpr const char* kActions[] = {"mac", "intersectionStep", "memoryByte"};
constexpr FormulaLine kFormula[] = {
    {"cycles", "", "max(memoryCycles, intersectionCycles)", ""},
    {"memoryCycles", "", "(weightBytes + inputBytes + partialSumBytes + outputBytes) / bytesPerCycle", ""},
    {"intersectionCycles", "", "",
     "expected steps over the coordinates of every pair of fibers of a tile / pes, elements having equal "
     "work"},
    {"tileSteps", "", "", "the same over tiles of a buffer; they take no time"},
    {"weightBytes", "",
     "ceil(n / (bufferCols * tile)) * groups * (m * k * weightDensity * nonzeroBytes + E[x] * fiberBytes)",
     "x: fibers of weights that are not empty, in tiles"},
    {"inputBytes", "", "groups * (n * k * activationDensity * nonzeroBytes + E[x] * fiberBytes)",
     "x: fibers of inputs that are not empty, in tiles"},
    {"partialSumBytes", "", "",
     "2 outputBytes of each output so far, at each further tile of inputs that meets one of weights"},
    {"outputBytes", "", "", "expected outputs that are reached, of the parameter outputBytes each"},
};

// What a layer of one group moves and takes.
struct Work {
  double weights;  // nonzeros
  double inputs;
  double weight_fibers;  // in tiles
  double input_fibers;
  double outputs;  // at the end
  double reread;   // outputs so far, at each further tile of inputs
  double steps;
  double tile_steps;
};

double cycles_of(const double* parameters, const Layer& layer, const Work& work, Estimate& out) {
  const double groups = static_cast<double>(layer.groups);
  const double passes =
      std::ceil(static_cast<double>(layer.n) / (parameters[kBufferCols] * parameters[kTile]));
  const double nonzero_bytes = parameters[kNonzeroBytes];
  const double fiber_bytes = parameters[kFiberBytes];
  const double bytes_of[] = {
      groups * passes * (work.weights * nonzero_bytes + work.weight_fibers * fiber_bytes),
      groups * (work.inputs * nonzero_bytes + work.input_fibers * fiber_bytes),
      groups * 2.0 * work.reread * parameters[kOutputBytes],
      groups * work.outputs * parameters[kOutputBytes]};
  double bytes = 0.0;
  for (int i = 0; i < 4; ++i) {
    out.terms[3 + i] = bytes_of[i];
    bytes += bytes_of[i];
  }
  out.terms[0] = bytes / parameters[kBandwidth];
  out.terms[1] = groups * work.steps / parameters[kPes];
  out.terms[2] = groups * work.tile_steps;
  out.actions[0] = out.effectual_macs;
  out.actions[1] = groups * work.steps;
  out.actions[2] = bytes;
  return std::max(out.terms[0], out.terms[1]);
}

// Sum of f over the pieces of `points` that are `size` long, the last what is left.
template <typename F>
double over_pieces(double points, double size, F f) {
  const double whole = std::floor(points / size);
  const double rest = points - whole * size;
  return whole * f(size) + (rest > 0.0 ? f(rest) : 0.0);
}

Work expected_work(const double* parameters, const Layer& layer) {
  const double m = static_cast<double>(layer.m);
  const double n = static_cast<double>(layer.n);
  const double k = static_cast<double>(layer.k);
  const double w = layer.weights.density;
  const double a = layer.activations.density;
  const double tile = parameters[kTile];
  const double buffer = parameters[kBufferInputs] * tile;
  Work made{};
  made.weights = m * k * w;
  made.inputs = n * k * a;
  made.weight_fibers = m * over_pieces(k, tile, [&](double size) { return chance_of_any(size, w); });
  made.input_fibers = n * over_pieces(k, tile, [&](double size) { return chance_of_any(size, a); });
  made.outputs = m * n * chance_of_any(k, w * a);
  // The sum over the tiles of inputs but the last of what they and those before them have reached.
  const double further = std::ceil(k / buffer) - 1.0;
  const double of_tile = chance_of_any(buffer, w * a);
  const double so_far =
      of_tile > 0.0 ? further - (1.0 - of_tile) * chance_of_any(further, of_tile) / of_tile : 0.0;
  const double of_w = chance_of_any(std::min(m, tile) * std::min(k, tile), w);
  const double of_a = chance_of_any(std::min(n, tile) * std::min(k, tile), a);
  const double met = chance_of_any(std::min(std::ceil(k / tile), parameters[kBufferInputs]), of_w * of_a);
  made.reread = so_far > 0.0 ? m * n * so_far * met : 0.0;
  made.steps =
      m * n * over_pieces(k, tile, [&](double size) { return expected_intersection_steps(size, w, a); });
  made.tile_steps = std::ceil(m / tile) * std::ceil(n / tile) *
                    over_pieces(std::ceil(k / tile), parameters[kBufferInputs],
                                [&](double tiles) { return expected_intersection_steps(tiles, of_w, of_a); });
  return made;
}

// A tile becomes a bit: whether it has any nonzero.
BitMatrix tiles_of(const BitMatrix& mask, std::int64_t tile) {
  BitMatrix made(divide_up(mask.rows(), tile), divide_up(mask.cols(), tile));
  for (std::int64_t i = 0; i < mask.rows(); ++i) {
    mask.visit(i, [&](std::int64_t j) { made.set(i / tile, j / tile); });
  }
  return made;
}

// The tiles of both operands, rows by inputs and columns by inputs.
struct Tiles {
  BitMatrix weights;
  BitMatrix inputs;

  // Whether tiles of a row and of a column meet at one of the inputs begin to end - 1.
  bool meet(std::int64_t row, std::int64_t col, std::int64_t begin, std::int64_t end) const {
    return matches(weights.row(row), inputs.row(col), begin, end) > 0;
  }
};

// Outputs at the end, and outputs so far at each further tile of inputs in the tiles that it adds to.
struct Outputs {
  std::int64_t all;
  std::int64_t reread;
};
Outputs count_outputs(const double* parameters, const Layer& layer, const Masks& masks, const Tiles& tiles) {
  const auto tile = static_cast<std::int64_t>(parameters[kTile]);
  const auto buffer = static_cast<std::int64_t>(parameters[kBufferInputs]);
  Outputs made{0, 0};
  OutputRow row(masks);
  std::vector<std::int64_t> met;
  // All rows of a tile meet the same columns: these, buffer by buffer, are ended by a -1.
  for (std::int64_t i = 0; i < layer.m; ++i) {
    if (i % tile == 0) {
      met.clear();
      for (std::int64_t begin = 0; begin < tiles.weights.cols(); begin += buffer) {
        const std::int64_t end = std::min(begin + buffer, tiles.weights.cols());
        for (std::int64_t j = 0; begin > 0 && j < tiles.inputs.rows(); ++j) {
          if (tiles.meet(i / tile, j, begin, end)) met.push_back(j * tile);
        }
        met.push_back(-1);
      }
    }
    row.clear();
    std::int64_t begin = 0;
    for (const std::int64_t j : met) {
      if (j >= 0) {
        made.reread += row.reached(j, std::min(j + tile, layer.n));
        continue;
      }
      const std::int64_t end = std::min(begin + buffer * tile, layer.k);
      row.reach(i, begin, end);
      begin = end;
    }
    made.all += row.reached(0, layer.n);
  }
  return made;
}

Status count_tiles(const double* parameters, const Layer& layer, const Masks& masks, Estimate& out) {
  const auto tile = static_cast<std::int64_t>(parameters[kTile]);
  const auto buffer = static_cast<std::int64_t>(parameters[kBufferInputs]);
  Work work{};
  std::int64_t steps = 0;
  std::vector<std::int64_t> rows;
  std::vector<std::int64_t> cols;
  const auto occupied = [](const BitMatrix& mask, std::int64_t begin, std::int64_t end,
                           std::vector<std::int64_t>& found, double& nonzeros, double& fibers) {
    found.clear();
    for (std::int64_t i = 0; i < mask.rows(); ++i) {
      const std::int64_t count = mask.count(i, begin, end);
      if (count > 0) found.push_back(i);
      nonzeros += static_cast<double>(count);
    }
    fibers += static_cast<double>(found.size());
  };
  for (std::int64_t begin = 0; begin < layer.k; begin += tile) {
    const std::int64_t end = std::min(begin + tile, layer.k);
    occupied(masks.weights, begin, end, rows, work.weights, work.weight_fibers);
    occupied(masks.by_output, begin, end, cols, work.inputs, work.input_fibers);
    for (const std::int64_t i : rows) {
      for (const std::int64_t j : cols) {
        steps += intersection_steps(masks.weights.row(i), masks.by_output.row(j), begin, end);
      }
    }
  }
  const Tiles tiles{tiles_of(masks.weights, tile), tiles_of(masks.by_output, tile)};
  std::int64_t tile_steps = 0;
  for (std::int64_t begin = 0; begin < tiles.weights.cols(); begin += buffer) {
    const std::int64_t end = std::min(begin + buffer, tiles.weights.cols());
    for (std::int64_t i = 0; i < tiles.weights.rows(); ++i) {
      for (std::int64_t j = 0; j < tiles.inputs.rows(); ++j) {
        tile_steps += intersection_steps(tiles.weights.row(i), tiles.inputs.row(j), begin, end);
      }
    }
  }
  const Outputs outputs = count_outputs(parameters, layer, masks, tiles);
  work.outputs = static_cast<double>(outputs.all);
  work.reread = static_cast<double>(outputs.reread);
  work.steps = static_cast<double>(steps);
  work.tile_steps = static_cast<double>(tile_steps);
  out.cycles = cycles_of(parameters, layer, work, out);
  return Status::kOk;
}

}  // namespace

extern const Engine tiled_intersection = {"tiled-intersection",
                                          "skips zeros of both operands, tiles and coordinates intersected",
                                          kParameters,
                                          9,
                                          kTerms,
                                          7,
                                          kActions,
                                          3,
                                          kFormula,
                                          estimate_work<expected_work, cycles_of, kPes>,
                                          count_tiles};

}  // namespace sparsemark::accelerator
