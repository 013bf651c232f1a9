// Conflicts of SCNN's accumulator banks, counted product by product. Includes nothing of ours but masks and
// layers.
#pragma once

#include <cstdint>
#include <vector>

#include "layer.h"
#include "masks.h"

namespace sparsemark::accelerator {

// What an element of the plane does: sizes of its tile and of its vectors.
struct PlaneTiles {
  std::int64_t tiles;      // along each side
  std::int64_t side;       // activations and weights that meet in a cycle
  std::int64_t per_group;  // output channels whose sums are held at once
};

// Banks of an element's accumulators.
inline constexpr int kAccumulatorBanks = 32;

// The bank of the sum of filter k at the output (x, y), as the simulator DNNsim spreads them.
int accumulator_bank(std::int64_t k, std::int64_t x, std::int64_t y) noexcept;

// Cycles of a layer where each step of side x side products takes as long as its fullest bank has sums to
// add, and no queue evens that out: elements wait for each other after each output group. May throw
// std::bad_alloc.
std::int64_t conflicted_cycles(const PlaneTiles& array, const Layer& layer, const Masks& masks);

}  // namespace sparsemark::accelerator
