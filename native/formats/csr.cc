// csr, compressed sparse rows: offsets = rows + 1 positions, indices = nnz columns, values = nnz. Units are
// rows; work = offsets.
#include <cstring>

#include "format.h"

namespace sparsemark::formats {
namespace {

const char* encode(const Csr& csr, Matrix& matrix) {
  const std::size_t rows = static_cast<std::size_t>(csr.rows);
  const std::size_t nnz = static_cast<std::size_t>(csr.nnz);
  matrix.values = Aligned<float>(nnz);
  matrix.indices = Aligned<std::int32_t>(nnz);
  matrix.offsets = Aligned<std::int32_t>(rows + 1);
  if (nnz > 0) {
    std::memcpy(matrix.values.data(), csr.values, nnz * sizeof(float));
    std::memcpy(matrix.indices.data(), csr.col_indices, nnz * sizeof(std::int32_t));
  }
  std::memcpy(matrix.offsets.data(), csr.row_offsets, (rows + 1) * sizeof(std::int32_t));
  matrix.footprint = {csr.nnz * 4LL, csr.nnz * 4LL + (csr.rows + 1LL) * 4, 0};
  matrix.view.units = csr.rows;
  matrix.bind();
  matrix.view.work = matrix.offsets.data();
  return nullptr;
}

void decode(const Matrix& matrix, float* dense) {
  const Encoded& a = matrix.view;
  for (std::int32_t i = 0; i < a.rows; ++i) {
    float* row = dense + static_cast<std::size_t>(i) * static_cast<std::size_t>(a.cols);
    for (std::int32_t p = a.offsets[i]; p < a.offsets[i + 1]; ++p) row[a.indices[p]] = a.values[p];
  }
}

}  // namespace

extern const Format csr = {"csr", encode, decode};

}  // namespace sparsemark::formats
