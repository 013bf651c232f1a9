// ell, rows padded to the longest: p0 = that width; values and indices = rows x p0, row after row. (The other
// order, slot after slot, is what sell does, and without this waste.) Padding is a 0 at the last column of
// the row, or at column 0 in an empty row, so that it points to a row of B that exists. Units are rows.
#include <algorithm>

#include "format.h"

namespace sparsemark::formats {
namespace {

// Stored entries a nonzero above which a matrix is refused: one long row must not cost all memory.
constexpr std::int64_t kMostFill = 64;

const char* encode(const Csr& csr, Matrix& matrix) {
  const std::size_t rows = static_cast<std::size_t>(csr.rows);
  std::int32_t width = 0;
  for (std::size_t i = 0; i < rows; ++i) {
    width = std::max(width, csr.row_offsets[i + 1] - csr.row_offsets[i]);
  }
  const std::int64_t slots = static_cast<std::int64_t>(csr.rows) * width;
  if (slots > kMostStored) return "more than 2^31 - 1 stored elements, the padding of its rows among them";
  if (slots > kMostFill * csr.nnz) {
    return "rows too uneven: padded to the longest they would store more than 64 elements a nonzero";
  }
  matrix.values = Aligned<float>(static_cast<std::size_t>(slots));
  matrix.indices = Aligned<std::int32_t>(static_cast<std::size_t>(slots));
  matrix.work = Aligned<std::int32_t>(rows + 1);
  std::size_t at = 0;
  for (std::size_t i = 0; i < rows; ++i) {
    const std::int32_t begin = csr.row_offsets[i];
    const std::int32_t length = csr.row_offsets[i + 1] - begin;
    for (std::int32_t slot = 0; slot < width; ++slot, ++at) {
      if (slot < length) {
        matrix.values[at] = csr.values[begin + slot];
        matrix.indices[at] = csr.col_indices[begin + slot];
      } else if (length > 0) {
        matrix.indices[at] = csr.col_indices[begin + length - 1];
      }
    }
    matrix.work[i + 1] = static_cast<std::int32_t>(at);
  }
  matrix.footprint = {csr.nnz * 4LL, csr.nnz * 4LL, (slots - csr.nnz) * 8};
  matrix.view.p0 = width;
  matrix.view.units = csr.rows;
  matrix.bind();
  return nullptr;
}

void decode(const Matrix& matrix, float* dense) {
  const Encoded& a = matrix.view;
  const std::size_t width = static_cast<std::size_t>(a.p0);
  for (std::int32_t i = 0; i < a.rows; ++i) {
    float* row = dense + static_cast<std::size_t>(i) * static_cast<std::size_t>(a.cols);
    const std::size_t first = static_cast<std::size_t>(i) * width;
    // From the end: padding repeats the last column, whose value must have the last word.
    for (std::size_t slot = width; slot-- > 0;) row[a.indices[first + slot]] = a.values[first + slot];
  }
}

}  // namespace

extern const Format ell = {"ell", encode, decode};

}  // namespace sparsemark::formats
