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

// bytes: rows x cols. Throws std::runtime_error for what is no matrix of int8, and for a row whose sums of
// products with bytes of up to 255 may leave 32 bits.
inline Footprint encode_dense_int8(const sparsemark_csr& csr, sparsemark_matrix& matrix) {
  const std::size_t rows = static_cast<std::size_t>(csr.rows);
  const std::size_t cols = static_cast<std::size_t>(csr.cols);
  matrix.bytes = Aligned<std::int8_t>(rows * cols);
  for (std::size_t i = 0; i < rows; ++i) {
    std::int64_t magnitudes = 0;
    for (std::int32_t p = csr.row_offsets[i]; p < csr.row_offsets[i + 1]; ++p) {
      const float value = csr.values[p];
      const bool fits = value >= -127.0f && value <= 127.0f;
      const int whole = fits ? static_cast<int>(value) : 0;
      if (!fits || static_cast<float>(whole) != value) {
        throw std::runtime_error("values that are not whole numbers from -127 to 127");
      }
      magnitudes += whole < 0 ? -whole : whole;
      matrix.bytes[i * cols + static_cast<std::size_t>(csr.col_indices[p])] = static_cast<std::int8_t>(whole);
    }
    if (magnitudes * 255 > INT32_MAX) throw std::runtime_error("a row whose sums may leave 32 bits");
  }
  return {csr.nnz, 0, static_cast<std::int64_t>(rows * cols) - csr.nnz};
}

inline void decode_dense_int8(const sparsemark_matrix& matrix, float* dense) {
  const std::size_t size = matrix.bytes.size();
  for (std::size_t i = 0; i < size; ++i) dense[i] = static_cast<float>(matrix.bytes[i]);
}

inline constexpr Format kDenseInt8 = {"dense", encode_dense_int8, decode_dense_int8, true, "int8"};

}  // namespace sparsemark::backends
