// dense: every element. values = rows x cols, row-major. Units are rows.
#include "format.h"

namespace sparsemark::formats {
namespace {

const char* encode(const Csr& csr, Matrix& matrix) {
  const std::size_t rows = static_cast<std::size_t>(csr.rows);
  const std::size_t cols = static_cast<std::size_t>(csr.cols);
  if (static_cast<std::int64_t>(csr.rows) * csr.cols > kMostStored) {
    return "more than 2^31 - 1 elements";
  }
  matrix.values = Aligned<float>(rows * cols);
  matrix.work = Aligned<std::int32_t>(rows + 1);
  for (std::size_t i = 0; i < rows; ++i) {
    for (std::int32_t p = csr.row_offsets[i]; p < csr.row_offsets[i + 1]; ++p) {
      matrix.values[i * cols + static_cast<std::size_t>(csr.col_indices[p])] = csr.values[p];
    }
    matrix.work[i + 1] = static_cast<std::int32_t>(i + 1);
  }
  matrix.view.units = csr.rows;
  const std::int64_t all = static_cast<std::int64_t>(rows * cols) * 4;
  matrix.footprint = {csr.nnz * 4LL, 0, all - csr.nnz * 4LL};
  matrix.bind();
  return nullptr;
}

void decode(const Matrix& matrix, float* dense) {
  const std::size_t size = matrix.values.size();
  for (std::size_t i = 0; i < size; ++i) dense[i] = matrix.values[i];
}

}  // namespace

extern const Format dense = {"dense", encode, decode};

}  // namespace sparsemark::formats
