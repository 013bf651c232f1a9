// What formats whose values take 2 bytes have in common, bf16 and f16: the layouts of csr and dense with the
// values in `bytes`.
//
// Type has narrow(values, count, out), which returns nullptr, or why it cannot; and widen(at).
#pragma once

#include "format.h"

namespace sparsemark::formats {

// csr: offsets and indices as in csr; bytes = nnz values. Units are rows; work = offsets.
template <typename Type>
const char* encode_csr_of(const Csr& csr, Matrix& matrix) {
  const std::size_t rows = static_cast<std::size_t>(csr.rows);
  const std::size_t nnz = static_cast<std::size_t>(csr.nnz);
  matrix.bytes = Aligned<std::uint8_t>(nnz * 2);
  if (const char* reason = Type::narrow(csr.values, nnz, matrix.bytes.data()); reason != nullptr)
    return reason;
  matrix.indices = Aligned<std::int32_t>(nnz);
  matrix.offsets = Aligned<std::int32_t>(rows + 1);
  if (nnz > 0) std::memcpy(matrix.indices.data(), csr.col_indices, nnz * sizeof(std::int32_t));
  std::memcpy(matrix.offsets.data(), csr.row_offsets, (rows + 1) * sizeof(std::int32_t));
  matrix.footprint = {csr.nnz * 2LL, csr.nnz * 4LL + (csr.rows + 1LL) * 4, 0};
  matrix.view.units = csr.rows;
  matrix.bind();
  matrix.view.work = matrix.offsets.data();
  return nullptr;
}

template <typename Type>
void decode_csr_of(const Matrix& matrix, float* dense) {
  const Encoded& a = matrix.view;
  for (std::int32_t i = 0; i < a.rows; ++i) {
    float* row = dense + static_cast<std::size_t>(i) * static_cast<std::size_t>(a.cols);
    for (std::int32_t p = a.offsets[i]; p < a.offsets[i + 1]; ++p) {
      row[a.indices[p]] = Type::widen(a.bytes + 2 * static_cast<std::size_t>(p));
    }
  }
}

// dense: bytes = rows x cols values, row-major. Units are rows.
template <typename Type>
const char* encode_dense_of(const Csr& csr, Matrix& matrix) {
  const std::size_t rows = static_cast<std::size_t>(csr.rows);
  const std::size_t cols = static_cast<std::size_t>(csr.cols);
  if (static_cast<std::int64_t>(csr.rows) * csr.cols > kMostStored) {
    return "more than 2^31 - 1 elements";
  }
  matrix.bytes = Aligned<std::uint8_t>(rows * cols * 2);
  matrix.work = Aligned<std::int32_t>(rows + 1);
  for (std::size_t i = 0; i < rows; ++i) {
    for (std::int32_t p = csr.row_offsets[i]; p < csr.row_offsets[i + 1]; ++p) {
      std::uint8_t* to = matrix.bytes.data() + (i * cols + static_cast<std::size_t>(csr.col_indices[p])) * 2;
      if (const char* reason = Type::narrow(csr.values + p, 1, to); reason != nullptr) return reason;
    }
    matrix.work[i + 1] = static_cast<std::int32_t>(i + 1);
  }
  matrix.view.units = csr.rows;
  matrix.footprint = {csr.nnz * 2LL, 0, static_cast<std::int64_t>(rows * cols) * 2 - csr.nnz * 2LL};
  matrix.bind();
  return nullptr;
}

template <typename Type>
void decode_dense_of(const Matrix& matrix, float* dense) {
  const std::size_t size = matrix.bytes.size() / 2;
  for (std::size_t i = 0; i < size; ++i) dense[i] = Type::widen(matrix.bytes.data() + 2 * i);
}

}  // namespace sparsemark::formats
