// Many layers in one call: rows of numbers in, rows of numbers out, over threads.
#pragma once

#include <cstdint>

#include "engine.h"

namespace sparsemark::accelerator {

// A layer as a row: m, n, k, channels, height, width, kernel height, kernel width, stride, output height,
// output width, batch, groups; density and correlation of weights and of activations.
inline constexpr int kLayerFields = 17;
// An estimate as a row: status, cycles, dense cycles, MACs, effectual MACs, multipliers, then terms and
// actions.
inline constexpr int kEstimateFields = 6 + kMostTerms + kMostActions;

// False where a size is no whole number from 1 to 2^53.
bool read_layer(const double* row, Layer& layer);

// parameters: one row of the engine's parameters for all layers, or (each_own) one for each. layers: count
// rows. estimates: count rows to be written. A row whose sizes are no whole numbers below 2^53, or whose
// parameters are out of their range, has the status kUnsupported. Returns the first reason of a row without
// an estimate, or nullptr where all have one. May throw std::system_error where a thread cannot be started.
const char* estimate_batch(const Engine& engine, const double* parameters, bool each_own,
                           const double* layers, std::int64_t count, double* estimates, int threads);

// Counts one layer on the places of its nonzeros, `activations` as make_masks has them. layer and estimate:
// one row each. Returns the estimate's reason, or nullptr. May throw std::bad_alloc.
const char* count_layer(const Engine& engine, const double* parameters, const double* layer,
                        const Places& weights, const Places* activations, double* estimate);

}  // namespace sparsemark::accelerator
