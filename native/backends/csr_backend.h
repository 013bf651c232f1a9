// The storage format of competitors that take compressed sparse rows as they are: 32-bit offsets and indices.
#pragma once

#include "backend.h"

namespace sparsemark::backends {

// offsets: rows + 1; indices and values: nnz.
inline Footprint encode_csr(const sparsemark_csr& csr, sparsemark_matrix& matrix) {
  const std::size_t rows = static_cast<std::size_t>(csr.rows);
  const std::size_t nnz = static_cast<std::size_t>(csr.nnz);
  matrix.offsets = Aligned<std::int32_t>(rows + 1);
  matrix.indices = Aligned<std::int32_t>(nnz);
  matrix.values = Aligned<float>(nnz);
  std::memcpy(matrix.offsets.data(), csr.row_offsets, (rows + 1) * sizeof(std::int32_t));
  if (nnz > 0) {
    std::memcpy(matrix.indices.data(), csr.col_indices, nnz * sizeof(std::int32_t));
    std::memcpy(matrix.values.data(), csr.values, nnz * sizeof(float));
  }
  const std::int64_t word = sizeof(float);
  return {csr.nnz * word, (std::int64_t{csr.nnz} + csr.rows + 1) * word, 0};
}

inline void decode_csr(const sparsemark_matrix& matrix, float* dense) {
  const std::size_t cols = static_cast<std::size_t>(matrix.cols);
  for (std::size_t i = 0; i < static_cast<std::size_t>(matrix.rows); ++i) {
    for (std::int32_t p = matrix.offsets[i]; p < matrix.offsets[i + 1]; ++p) {
      const auto at = static_cast<std::size_t>(p);
      dense[i * cols + static_cast<std::size_t>(matrix.indices[at])] = matrix.values[at];
    }
  }
}

inline constexpr Format kCsr = {"csr", encode_csr, decode_csr};

}  // namespace sparsemark::backends
