// coo, coordinates in row order: indices = nnz rows, then nnz columns; values = nnz. Units are rows; where a
// row begins is found by bisection, since the format has no offsets.
#include <cstring>

#include "format.h"

namespace sparsemark::formats {
namespace {

const char* encode(const Csr& csr, Matrix& matrix) {
  const std::size_t rows = static_cast<std::size_t>(csr.rows);
  const std::size_t nnz = static_cast<std::size_t>(csr.nnz);
  matrix.values = Aligned<float>(nnz);
  matrix.indices = Aligned<std::int32_t>(2 * nnz);
  matrix.work = Aligned<std::int32_t>(rows + 1);
  for (std::int32_t i = 0; i < csr.rows; ++i) {
    for (std::int32_t p = csr.row_offsets[i]; p < csr.row_offsets[i + 1]; ++p)
      matrix.indices[static_cast<std::size_t>(p)] = i;
  }
  if (nnz > 0) {
    std::memcpy(matrix.values.data(), csr.values, nnz * sizeof(float));
    std::memcpy(matrix.indices.data() + nnz, csr.col_indices, nnz * sizeof(std::int32_t));
  }
  std::memcpy(matrix.work.data(), csr.row_offsets, (rows + 1) * sizeof(std::int32_t));
  matrix.footprint = {csr.nnz * 4LL, csr.nnz * 8LL, 0};
  matrix.view.units = csr.rows;
  matrix.bind();
  return nullptr;
}

void decode(const Matrix& matrix, float* dense) {
  const Encoded& a = matrix.view;
  const std::int32_t* columns = a.indices + a.nnz;
  for (std::int32_t p = 0; p < a.nnz; ++p) {
    dense[static_cast<std::size_t>(a.indices[p]) * static_cast<std::size_t>(a.cols) +
          static_cast<std::size_t>(columns[p])] = a.values[p];
  }
}

}  // namespace

extern const Format coo = {"coo", encode, decode};

}  // namespace sparsemark::formats
