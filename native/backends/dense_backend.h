// The storage format of every dense competitor, "dense": row-major without padding, 64-byte aligned.
#pragma once

#include "backend.h"

namespace sparsemark::backends {

// values: rows x cols.
inline Footprint encode_dense(const sparsemark_csr& csr, sparsemark_matrix& matrix) {
  const std::size_t rows = static_cast<std::size_t>(csr.rows);
  const std::size_t cols = static_cast<std::size_t>(csr.cols);
  matrix.values = Aligned<float>(rows * cols);
  for (std::size_t i = 0; i < rows; ++i) {
    for (std::int32_t p = csr.row_offsets[i]; p < csr.row_offsets[i + 1]; ++p) {
      matrix.values[i * cols + static_cast<std::size_t>(csr.col_indices[p])] = csr.values[p];
    }
  }
  const std::int64_t payload = csr.nnz * std::int64_t{sizeof(float)};
  const std::int64_t all = static_cast<std::int64_t>(rows * cols * sizeof(float));
  return {payload, 0, all - payload};
}

inline void decode_dense(const sparsemark_matrix& matrix, float* dense) {
  std::memcpy(dense, matrix.values.data(), matrix.values.size() * sizeof(float));
}

inline constexpr Format kDense = {"dense", encode_dense, decode_dense, true};

}  // namespace sparsemark::backends
