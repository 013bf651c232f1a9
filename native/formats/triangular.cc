// triangular, the lower triangle with its diagonal, as autoregressive (causal) layers have it: values = row
// after row the elements of columns 0 to i, of all columns from row cols - 1 on; where a row begins follows
// from its number, and nothing else is stored. Zeros within the triangle are padding. Units are rows.
#include <algorithm>

#include "format.h"

namespace sparsemark::formats {
namespace {

// Where row i begins in a triangle of that many columns.
std::int64_t row_begin(std::int64_t i, std::int64_t cols) {
  const std::int64_t corner = std::min(i, cols);
  return corner * (corner + 1) / 2 + (i - corner) * cols;
}

const char* encode(const Csr& csr, Matrix& matrix) {
  const std::size_t rows = static_cast<std::size_t>(csr.rows);
  for (std::int32_t i = 0; i < csr.rows; ++i) {
    const std::int32_t end = csr.row_offsets[i + 1];
    if (end > csr.row_offsets[i] && csr.col_indices[end - 1] > i) return "a nonzero above the diagonal";
  }
  const std::int64_t slots = row_begin(csr.rows, csr.cols);
  if (slots > kMostStored) return "more than 2^31 - 1 elements in the triangle";
  matrix.values = Aligned<float>(static_cast<std::size_t>(slots));
  matrix.work = Aligned<std::int32_t>(rows + 1);
  for (std::size_t i = 0; i < rows; ++i) {
    float* row = matrix.values.data() + matrix.work[i];
    for (std::int32_t p = csr.row_offsets[i]; p < csr.row_offsets[i + 1]; ++p) {
      row[csr.col_indices[p]] = csr.values[p];
    }
    matrix.work[i + 1] = static_cast<std::int32_t>(row_begin(static_cast<std::int64_t>(i) + 1, csr.cols));
  }
  matrix.footprint = {csr.nnz * 4LL, 0, (slots - csr.nnz) * 4};
  matrix.view.units = csr.rows;
  matrix.bind();
  return nullptr;
}

void decode(const Matrix& matrix, float* dense) {
  const Encoded& a = matrix.view;
  for (std::int32_t i = 0; i < a.rows; ++i) {
    const float* row = a.values + row_begin(i, a.cols);
    const std::int64_t width = std::min<std::int64_t>(i + 1LL, a.cols);
    std::copy(row, row + width, dense + static_cast<std::int64_t>(i) * a.cols);
  }
}

}  // namespace

extern const Format triangular = {"triangular", encode, decode};

}  // namespace sparsemark::formats
