#include "engine.h"

#include <initializer_list>

namespace sparsemark::accelerator {

#define SPARSEMARK_ENGINE(symbol) extern const Engine symbol;
#include "engines.inc"
#undef SPARSEMARK_ENGINE

#define SPARSEMARK_ENGINE(symbol) &symbol,
const Engine* const kEngines[] = {
#include "engines.inc"
};
#undef SPARSEMARK_ENGINE
const int kEngineCount = static_cast<int>(sizeof(kEngines) / sizeof(kEngines[0]));

const char* fault_of(const Layer& layer) noexcept {
  for (const std::int64_t size :
       {layer.m, layer.n, layer.k, layer.channels, layer.height, layer.width, layer.kernel_height,
        layer.kernel_width, layer.stride, layer.out_height, layer.out_width, layer.batch, layer.groups}) {
    if (size < 1) return "a size below 1";
  }
  for (const Density& density : {layer.weights, layer.activations}) {
    // Written so that a NaN is refused too.
    if (!(density.density >= 0.0 && density.density <= 1.0 && density.rho >= 0.0 && density.rho < 1.0)) {
      return "a density outside of 0..1";
    }
  }
  return nullptr;
}

Status estimate(const Engine& engine, const double* parameters, const Layer& layer, Estimate& out) noexcept {
  out = Estimate();
  out.reason = fault_of(layer);
  if (out.reason != nullptr) return Status::kUnsupported;
  Counter counter;
  const std::int64_t macs =
      counter.times(counter.times(layer.m, layer.n), counter.times(layer.k, layer.groups));
  if (counter.overflow()) return Status::kOverflow;
  out.macs = static_cast<double>(macs);
  out.effectual_macs = out.macs * layer.weights.density * layer.activations.density;
  return engine.estimate(parameters, layer, out);
}

Status count(const Engine& engine, const double* parameters, const Layer& layer, const Masks& masks,
             Estimate& out) {
  if (layer.groups != 1) {
    out.reason = "more than one group in a count";
    return Status::kUnsupported;
  }
  const auto share = [](const BitMatrix& mask) {
    return static_cast<double>(mask.count()) /
           (static_cast<double>(mask.rows()) * static_cast<double>(mask.cols()));
  };
  Layer counted = layer;
  counted.weights = {share(masks.weights), 0.0};
  counted.activations = {share(masks.activations), 0.0};
  const Status status = estimate(engine, parameters, counted, out);
  if (status != Status::kOk) return status;
  out.effectual_macs = static_cast<double>(masks.effectual_macs());
  return engine.count == nullptr ? status : engine.count(parameters, counted, masks, out);
}

}  // namespace sparsemark::accelerator
