// csr of bf16: offsets and indices as in csr; bytes = nnz values of 2 bytes. Units are rows; work = offsets.
#include "bf16.h"

namespace sparsemark::formats {
namespace {

const char* encode(const Csr& csr, Matrix& matrix) {
  const std::size_t rows = static_cast<std::size_t>(csr.rows);
  const std::size_t nnz = static_cast<std::size_t>(csr.nnz);
  matrix.bytes = Aligned<std::uint8_t>(nnz * 2);
  if (const char* reason = narrow_bf16(csr.values, nnz, matrix.bytes.data()); reason != nullptr)
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

void decode(const Matrix& matrix, float* dense) {
  const Encoded& a = matrix.view;
  for (std::int32_t i = 0; i < a.rows; ++i) {
    float* row = dense + static_cast<std::size_t>(i) * static_cast<std::size_t>(a.cols);
    for (std::int32_t p = a.offsets[i]; p < a.offsets[i + 1]; ++p) {
      row[a.indices[p]] = widen_bf16(a.bytes + 2 * static_cast<std::size_t>(p));
    }
  }
}

}  // namespace

extern const Format csr_bf16 = {"csr", encode, decode, "bf16"};

}  // namespace sparsemark::formats
