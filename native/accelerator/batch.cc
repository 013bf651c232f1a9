#include "batch.h"

#include <atomic>
#include <cmath>

#include "crew.h"

namespace sparsemark::accelerator {
namespace {

constexpr double kMostSize = 9007199254740992.0;  // 2^53

// Every number from 2^53 on is whole. Without SSE4.1, floor is a call, for each size of a layer.
bool is_whole(double value) {
  return !(std::fabs(value) < kMostSize) || static_cast<double>(static_cast<std::int64_t>(value)) == value;
}

bool parameters_fit(const Engine& engine, const double* parameters) {
  for (int p = 0; p < engine.parameter_count; ++p) {
    const Parameter& parameter = engine.parameters[p];
    const double value = parameters[p];
    if (!(value >= parameter.least && value <= parameter.most)) return false;
    if (parameter.whole && !is_whole(value)) return false;
  }
  return true;
}

// fits: parameters_fit(). make(layer, estimate): the status of a layer that was read; `made` is its estimate,
// of which nothing stays. Room for it is given, since to make one empty for each row costs time.
template <typename Make>
const char* fill_row(bool fits, const double* row, double* out, Estimate& made, Make make) {
  Layer layer;
  Status status = Status::kUnsupported;
  const char* fault = nullptr;
  if (!read_layer(row, layer)) {
    fault = "a size that is no whole number from 1 to 2^53";
  } else if (!fits) {
    fault = "a parameter out of its range";
  } else {
    status = make(layer, made);
    if (status == Status::kOverflow && made.reason == nullptr) made.reason = "more than 2^63 multiplications";
  }
  if (fault != nullptr) {
    made = Estimate();
    made.reason = fault;
  }
  out[0] = static_cast<double>(status);
  out[1] = made.cycles;
  out[2] = made.dense_cycles;
  out[3] = made.macs;
  out[4] = made.effectual_macs;
  out[5] = made.multipliers;
  for (int t = 0; t < kMostTerms; ++t) out[6 + t] = made.terms[t];
  for (int a = 0; a < kMostActions; ++a) out[6 + kMostTerms + a] = made.actions[a];
  return made.reason;
}

// Why the masks of a layer cannot be made, or nullptr.
const char* mask_fault(const Layer& layer) {
  Counter counter;
  const std::int64_t filter = counter.times(layer.kernel_height, layer.kernel_width);
  const std::int64_t pixels = counter.times(counter.times(layer.out_height, layer.out_width), layer.batch);
  if (layer.k != counter.times(layer.channels, filter) || layer.n != pixels) {
    return "sizes of a product that are not its convolution's";
  }
  const std::int64_t points[] = {
      counter.times(layer.m, layer.k),
      counter.times(layer.k, layer.n),
      counter.times(counter.times(layer.channels, layer.batch), counter.times(layer.height, layer.width)),
  };
  for (const std::int64_t count : points) {
    if (counter.overflow() || count > kMostMaskPoints) {
      return "more than 2^33 points of an operand in a count";
    }
  }
  return nullptr;
}

}  // namespace

bool read_layer(const double* row, Layer& layer) {
  std::int64_t* const sizes[] = {&layer.m,
                                 &layer.n,
                                 &layer.k,
                                 &layer.channels,
                                 &layer.height,
                                 &layer.width,
                                 &layer.kernel_height,
                                 &layer.kernel_width,
                                 &layer.stride,
                                 &layer.out_height,
                                 &layer.out_width,
                                 &layer.batch,
                                 &layer.groups};
  for (std::int64_t* size : sizes) {
    const double value = *row++;
    if (!(value >= 1.0 && value < kMostSize) || !is_whole(value)) return false;
    *size = static_cast<std::int64_t>(value);
  }
  layer.weights = {row[0], row[1]};
  layer.activations = {row[2], row[3]};
  return true;
}

const char* count_layer(const Engine& engine, const double* parameters, const double* row,
                        const Places& weights, const Places* activations, double* estimate) {
  Estimate room;
  const bool fits = parameters_fit(engine, parameters);
  return fill_row(fits, row, estimate, room, [&](const Layer& layer, Estimate& made) {
    made.reason = mask_fault(layer);
    if (made.reason != nullptr) return Status::kUnsupported;
    return count(engine, parameters, layer, make_masks(layer, weights, activations), made);
  });
}

const char* estimate_batch(const Engine& engine, const double* parameters, bool each_own,
                           const double* layers, std::int64_t count, double* estimates, int threads) {
  // Small enough that the last ones end together, large enough that the counter does not matter.
  const std::int64_t share = count / (64 * static_cast<std::int64_t>(threads > 1 ? threads : 1));
  const std::int64_t chunk = share < 1 ? 1 : share > 256 ? 256 : share;
  std::atomic<std::int64_t> next{0};
  std::atomic<const char*> reason{nullptr};
  const bool all_fit = each_own || parameters_fit(engine, parameters);
  const auto work = [&] {
    Estimate room;
    for (;;) {
      const std::int64_t begin = next.fetch_add(chunk);
      if (begin >= count) return;
      const std::int64_t end = begin + chunk < count ? begin + chunk : count;
      for (std::int64_t i = begin; i < end; ++i) {
        const double* own = parameters + (each_own ? i * engine.parameter_count : 0);
        const bool fits = each_own ? parameters_fit(engine, own) : all_fit;
        const char* why =
            fill_row(fits, layers + i * kLayerFields, estimates + i * kEstimateFields, room,
                     [&](const Layer& layer, Estimate& made) { return estimate(engine, own, layer, made); });
        const char* none = nullptr;
        if (why != nullptr) reason.compare_exchange_strong(none, why);
      }
    }
  };
  static Crew crew;
  crew.run(count < threads ? static_cast<int>(count) : threads, work);
  return reason.load();
}

}  // namespace sparsemark::accelerator
