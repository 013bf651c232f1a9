// What the kernels on triangular share. For kernel files only.
#pragma once

#include "kernel.h"

namespace sparsemark::SPARSEMARK_ISA {
namespace {

// Columns that row i stores.
static inline std::int32_t triangle_width(const Encoded& a, std::int32_t i) {
  return i < a.cols ? i + 1 : a.cols;
}

// The values of row i: it lies behind 1 + 2 + ... + cols elements and as many whole rows as there are more.
static inline const float* triangle_row(const Encoded& a, std::int32_t i) {
  const std::int64_t corner = i < a.cols ? i : a.cols;
  return a.values + (corner * (corner + 1) / 2 + (i - corner) * a.cols);
}

}  // namespace
}  // namespace sparsemark::SPARSEMARK_ISA
