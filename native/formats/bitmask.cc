// bitmask: bits = rows x ceil(cols / 64) words, bit j % 64 of word j / 64 of a row set where element j is
// stored; values = nnz, packed in row order; offsets = rows + 1, where a row's values begin. Units are rows;
// work = offsets.
#include <cstring>

#include "format.h"

namespace sparsemark::formats {
namespace {

const char* encode(const Csr& csr, Matrix& matrix) {
  const std::size_t rows = static_cast<std::size_t>(csr.rows);
  const std::size_t nnz = static_cast<std::size_t>(csr.nnz);
  const std::int64_t words = (csr.cols + 63LL) / 64;
  if (words * csr.rows > kMostStored / 2) return "more than 2^30 words of mask";
  matrix.values = Aligned<float>(nnz);
  matrix.bits = Aligned<std::uint64_t>(static_cast<std::size_t>(words) * rows);
  matrix.offsets = Aligned<std::int32_t>(rows + 1);
  for (std::size_t i = 0; i < rows; ++i) {
    std::uint64_t* row = matrix.bits.data() + i * static_cast<std::size_t>(words);
    for (std::int32_t p = csr.row_offsets[i]; p < csr.row_offsets[i + 1]; ++p) {
      row[csr.col_indices[p] / 64] |= std::uint64_t{1} << (csr.col_indices[p] % 64);
    }
  }
  if (nnz > 0) std::memcpy(matrix.values.data(), csr.values, nnz * sizeof(float));
  std::memcpy(matrix.offsets.data(), csr.row_offsets, (rows + 1) * sizeof(std::int32_t));
  matrix.footprint = {csr.nnz * 4LL, words * csr.rows * 8 + (csr.rows + 1LL) * 4, 0};
  matrix.view.units = csr.rows;
  matrix.bind();
  matrix.view.work = matrix.offsets.data();
  return nullptr;
}

void decode(const Matrix& matrix, float* dense) {
  const Encoded& a = matrix.view;
  const std::size_t cols = static_cast<std::size_t>(a.cols);
  const std::size_t words = (cols + 63) / 64;
  std::size_t at = 0;
  for (std::size_t i = 0; i < static_cast<std::size_t>(a.rows); ++i) {
    for (std::size_t j = 0; j < cols; ++j) {
      if ((a.bits[i * words + j / 64] >> (j % 64) & 1u) != 0) dense[i * cols + j] = a.values[at++];
    }
  }
}

}  // namespace

extern const Format bitmask = {"bitmask", encode, decode};

}  // namespace sparsemark::formats
