// A sparse operand made dense in scratch, inside the evaluation. For kernel files only.
#pragma once

#include "kernel.h"

namespace sparsemark::SPARSEMARK_ISA {
namespace {

// B, rows x cols, row-major; all of it is written.
static inline void scatter(const Csr& b, float* dense) {
  const std::size_t cols = static_cast<std::size_t>(b.cols);
  for (std::size_t i = 0; i < static_cast<std::size_t>(b.rows) * cols; ++i) dense[i] = 0.0f;
  for (std::int32_t i = 0; i < b.rows; ++i) {
    float* row = dense + static_cast<std::size_t>(i) * cols;
    for (std::int32_t p = b.row_offsets[i]; p < b.row_offsets[i + 1]; ++p)
      row[b.col_indices[p]] = b.values[p];
  }
}

}  // namespace
}  // namespace sparsemark::SPARSEMARK_ISA
