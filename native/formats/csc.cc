// csc, compressed sparse columns: offsets = cols + 1 positions, indices = nnz rows, ascending within a
// column, values = nnz. Units are columns; work = offsets.
#include <vector>

#include "format.h"

namespace sparsemark::formats {
namespace {

const char* encode(const Csr& csr, Matrix& matrix) {
  const std::size_t cols = static_cast<std::size_t>(csr.cols);
  const std::size_t nnz = static_cast<std::size_t>(csr.nnz);
  matrix.values = Aligned<float>(nnz);
  matrix.indices = Aligned<std::int32_t>(nnz);
  matrix.offsets = Aligned<std::int32_t>(cols + 1);
  for (std::size_t p = 0; p < nnz; ++p) ++matrix.offsets[static_cast<std::size_t>(csr.col_indices[p]) + 1];
  for (std::size_t j = 0; j < cols; ++j) matrix.offsets[j + 1] += matrix.offsets[j];
  std::vector<std::int32_t> next(matrix.offsets.begin(), matrix.offsets.end());
  for (std::int32_t i = 0; i < csr.rows; ++i) {
    for (std::int32_t p = csr.row_offsets[i]; p < csr.row_offsets[i + 1]; ++p) {
      const std::size_t at = static_cast<std::size_t>(next[static_cast<std::size_t>(csr.col_indices[p])]++);
      matrix.indices[at] = i;
      matrix.values[at] = csr.values[p];
    }
  }
  matrix.footprint = {csr.nnz * 4LL, csr.nnz * 4LL + (csr.cols + 1LL) * 4, 0};
  matrix.view.units = csr.cols;
  matrix.bind();
  matrix.view.work = matrix.offsets.data();
  return nullptr;
}

void decode(const Matrix& matrix, float* dense) {
  const Encoded& a = matrix.view;
  for (std::int32_t j = 0; j < a.cols; ++j) {
    for (std::int32_t p = a.offsets[j]; p < a.offsets[j + 1]; ++p) {
      dense[static_cast<std::size_t>(a.indices[p]) * static_cast<std::size_t>(a.cols) +
            static_cast<std::size_t>(j)] = a.values[p];
    }
  }
}

}  // namespace

extern const Format csc = {"csc", encode, decode};

}  // namespace sparsemark::formats
