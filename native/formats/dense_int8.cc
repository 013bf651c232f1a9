// dense of int8: bytes = rows x p0 numbers of 8 bits, row-major; p0 is the number of columns, rounded up to a
// multiple of 4, since instructions take four at a time. Units are rows.
#include "int8.h"

namespace sparsemark::formats {
namespace {

const char* encode(const Csr& csr, Matrix& matrix) {
  const std::int64_t stride = (csr.cols + std::int64_t{3}) / 4 * 4;
  if (csr.rows * stride > kMostStored) return "more than 2^31 - 1 elements";
  if (const char* reason = refuse_int8(csr); reason != nullptr) return reason;
  const std::size_t rows = static_cast<std::size_t>(csr.rows);
  const std::size_t row_bytes = static_cast<std::size_t>(stride);
  matrix.bytes = Aligned<std::uint8_t>(rows * row_bytes);
  matrix.work = Aligned<std::int32_t>(rows + 1);
  for (std::size_t i = 0; i < rows; ++i) {
    for (std::int32_t p = csr.row_offsets[i]; p < csr.row_offsets[i + 1]; ++p) {
      matrix.bytes[i * row_bytes + static_cast<std::size_t>(csr.col_indices[p])] =
          static_cast<std::uint8_t>(static_cast<std::int8_t>(csr.values[p]));
    }
    matrix.work[i + 1] = static_cast<std::int32_t>(i + 1);
  }
  matrix.view.p0 = static_cast<std::int32_t>(stride);
  matrix.view.units = csr.rows;
  matrix.footprint = {csr.nnz, 0, csr.rows * stride - csr.nnz};
  matrix.bind();
  return nullptr;
}

void decode(const Matrix& matrix, float* dense) {
  const Encoded& a = matrix.view;
  const std::size_t cols = static_cast<std::size_t>(a.cols);
  for (std::size_t i = 0; i < static_cast<std::size_t>(a.rows); ++i) {
    const std::uint8_t* row = a.bytes + i * static_cast<std::size_t>(a.p0);
    for (std::size_t j = 0; j < cols; ++j) {
      dense[i * cols + j] = static_cast<float>(static_cast<std::int8_t>(row[j]));
    }
  }
}

}  // namespace

extern const Format dense_int8 = {"dense", encode, decode, "int8"};

}  // namespace sparsemark::formats
