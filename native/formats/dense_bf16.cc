// dense of bf16: bytes = rows x cols values of 2 bytes, row-major. Units are rows.
#include "bf16.h"

namespace sparsemark::formats {
namespace {

const char* encode(const Csr& csr, Matrix& matrix) {
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
      if (const char* reason = narrow_bf16(csr.values + p, 1, to); reason != nullptr) return reason;
    }
    matrix.work[i + 1] = static_cast<std::int32_t>(i + 1);
  }
  matrix.view.units = csr.rows;
  matrix.footprint = {csr.nnz * 2LL, 0, static_cast<std::int64_t>(rows * cols) * 2 - csr.nnz * 2LL};
  matrix.bind();
  return nullptr;
}

void decode(const Matrix& matrix, float* dense) {
  const std::size_t size = matrix.bytes.size() / 2;
  for (std::size_t i = 0; i < size; ++i) dense[i] = widen_bf16(matrix.bytes.data() + 2 * i);
}

}  // namespace

extern const Format dense_bf16 = {"dense", encode, decode, "bf16"};

}  // namespace sparsemark::formats
