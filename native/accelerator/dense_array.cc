// Dense arrays that sparse ones are measured against: DianNao (Chen et al., ASPLOS 2014) and the DCNN of the
// SCNN paper (Parashar et al., ISCA 2017). Output pixels are dealt out in tiles of a plane, and each tile
// multiplies `inputs` channels by `outputs` filters a cycle:
//   cycles = images groups ceil(m / outputs) R S ceil(C / inputs) ceil(P / tiles) ceil(Q / tiles)
// Skips nothing. With gating (DCNN-opt) a multiplication by a zero activation takes its cycle and little
// energy.
#include "engine.h"

namespace sparsemark::accelerator {
namespace {

enum { kOutputs, kInputs, kTiles, kGates };

constexpr Parameter kParameters[] = {
    {"outputs", "filters", "output channels that a tile computes at once", 1, 65536, true},
    {"inputs", "channels", "input channels that a tile takes at once", 1, 65536, true},
    {"tiles", "tiles", "tiles along each side of a plane", 1, 1024, true},
    {"gatesActivations", "1", "1: multiplications by zero activations are gated", 0, 1, true},
};
constexpr const char* kTerms[] = {"stepsAPixel", "pixelsATile"};
constexpr const char* kActions[] = {"mac",        "gatedMac",    "inputRead", "outputWrite",
                                    "weightRead", "weightFetch", "sum"};
constexpr FormulaLine kFormula[] = {
    {"cycles", "", "stepsAPixel * pixelsATile * batch * groups", ""},
    {"stepsAPixel", "", "ceil(m / outputs) * kernelHeight * kernelWidth * ceil(channels / inputs)",
     "Chen et al., DianNao, ASPLOS 2014, inputs x outputs multipliers; with tiles of a plane: the DCNN of "
     "Parashar et "
     "al., SCNN, ISCA 2017"},
    {"pixelsATile", "", "ceil(outHeight / tiles) * ceil(outWidth / tiles)",
     "Parashar et al., SCNN, ISCA 2017, a tile of the plane an element"},
};

Status estimate_dense(const double* parameters, const Layer& layer, Estimate& out) noexcept {
  const auto whole = [&](int p) { return static_cast<std::int64_t>(parameters[p]); };
  Counter counter;
  const std::int64_t filters = divide_up(layer.m, whole(kOutputs));
  const std::int64_t points = counter.times(layer.kernel_height, layer.kernel_width);
  const std::int64_t channels = divide_up(layer.channels, whole(kInputs));
  const std::int64_t steps = counter.times(counter.times(filters, points), channels);
  const std::int64_t pixels =
      counter.times(divide_up(layer.out_height, whole(kTiles)), divide_up(layer.out_width, whole(kTiles)));
  const std::int64_t planes = counter.times(layer.batch, layer.groups);
  const std::int64_t cycles = counter.times(counter.times(steps, pixels), planes);
  if (counter.overflow()) return Status::kOverflow;
  out.cycles = out.dense_cycles = static_cast<double>(cycles);
  out.multipliers = parameters[kOutputs] * parameters[kInputs] * parameters[kTiles] * parameters[kTiles];
  out.terms[0] = static_cast<double>(steps);
  out.terms[1] = static_cast<double>(pixels);
  const double live = parameters[kGates] > 0.0 ? layer.activations.density : 1.0;
  out.actions[0] = out.macs * live;
  out.actions[1] = out.macs - out.actions[0];
  // An input that is read goes to all filters of the turn.
  out.actions[2] = static_cast<double>(layer.n) * static_cast<double>(layer.k) *
                   static_cast<double>(filters) * static_cast<double>(layer.groups);
  out.actions[3] =
      static_cast<double>(layer.m) * static_cast<double>(layer.n) * static_cast<double>(layer.groups);
  // A weight for each multiplication; a sum is read and written once for the products of all `inputs`.
  out.actions[4] = out.macs;
  out.actions[5] =
      static_cast<double>(layer.m) * static_cast<double>(layer.k) * static_cast<double>(layer.groups);
  out.actions[6] = 2.0 * static_cast<double>(layer.m) * static_cast<double>(layer.n) *
                   static_cast<double>(layer.groups) * static_cast<double>(counter.times(points, channels));
  return Status::kOk;
}

}  // namespace

extern const Engine dense_array = {"dense-array", "skips nothing; may gate zero activations",
                                   kParameters,   4,
                                   kTerms,        2,
                                   kActions,      7,
                                   kFormula,      estimate_dense};

}  // namespace sparsemark::accelerator
