// What follows a product in the same evaluation: bias and ReLU. For kernel files only.
#pragma once

#include "kernel.h"

namespace sparsemark::SPARSEMARK_ISA {
namespace {

// c = max(0, c + bias) for some columns of a row that was just written. A plain loop: compilers make vectors
// of it.
static inline void add_bias_relu(float* c, std::int32_t columns, float bias) {
  for (std::int32_t j = 0; j < columns; ++j) {
    const float x = c[j] + bias;
    c[j] = x > 0.0f ? x : 0.0f;
  }
}

}  // namespace
}  // namespace sparsemark::SPARSEMARK_ISA
