// diagonal (DIA): every diagonal that holds a nonzero, whole. indices = their p0 = D offsets j - i,
// ascending; values = D x rows, diagonal after diagonal: element (i, i + indices[d]) at d * rows + i. Zeros
// on a stored diagonal, and the places where it has left the matrix, are padding. Units are rows; their work
// is the number of diagonals that cross them.
#include <algorithm>
#include <vector>

#include "format.h"

namespace sparsemark::formats {
namespace {

// Stored elements a nonzero above which a matrix is refused, if that is also more than dense: unstructured
// matrices have nonzeros on nearly all of their rows + cols - 1 diagonals.
constexpr std::int64_t kMostFill = 8;

const char* encode(const Csr& csr, Matrix& matrix) {
  const std::size_t rows = static_cast<std::size_t>(csr.rows);
  const std::size_t cols = static_cast<std::size_t>(csr.cols);
  // diagonal_at[rows + j - i]: first whether it is stored, then its number.
  std::vector<std::int32_t> diagonal_at(rows + cols, -1);
  for (std::size_t i = 0; i < rows; ++i) {
    for (std::int32_t p = csr.row_offsets[i]; p < csr.row_offsets[i + 1]; ++p) {
      diagonal_at[rows + static_cast<std::size_t>(csr.col_indices[p]) - i] = 0;
    }
  }
  const std::int64_t diagonals = std::count(diagonal_at.begin(), diagonal_at.end(), 0);
  const std::int64_t slots = diagonals * csr.rows;
  if (slots > std::max(kMostFill * csr.nnz, static_cast<std::int64_t>(csr.rows) * csr.cols)) {
    return "nonzeros on too many diagonals: they would store more than a dense matrix and more than 8 "
           "elements "
           "a nonzero";
  }
  if (slots > kMostStored)
    return "more than 2^31 - 1 stored elements, the padding of its diagonals among them";

  matrix.values = Aligned<float>(static_cast<std::size_t>(slots));
  matrix.indices = Aligned<std::int32_t>(static_cast<std::size_t>(diagonals));
  std::int32_t d = 0;
  for (std::size_t at = 0; at < diagonal_at.size(); ++at) {
    if (diagonal_at[at] < 0) continue;
    matrix.indices[static_cast<std::size_t>(d)] =
        static_cast<std::int32_t>(static_cast<std::int64_t>(at) - csr.rows);
    diagonal_at[at] = d++;
  }
  matrix.work = Aligned<std::int32_t>(rows + 1);
  std::size_t first = 0;  // diagonals [first, end) cross row i
  std::size_t end = 0;
  for (std::size_t i = rows; i-- > 0;) {
    const std::int32_t row = static_cast<std::int32_t>(i);
    while (first < matrix.indices.size() && matrix.indices[first] < -row) ++first;
    while (end < matrix.indices.size() && matrix.indices[end] < csr.cols - row) ++end;
    matrix.work[i + 1] = static_cast<std::int32_t>(end - first);
  }
  for (std::size_t i = 0; i < rows; ++i) {
    matrix.work[i + 1] += matrix.work[i];
    for (std::int32_t p = csr.row_offsets[i]; p < csr.row_offsets[i + 1]; ++p) {
      const std::int32_t number = diagonal_at[rows + static_cast<std::size_t>(csr.col_indices[p]) - i];
      matrix.values[static_cast<std::size_t>(number) * rows + i] = csr.values[p];
    }
  }
  matrix.footprint = {csr.nnz * 4LL, diagonals * 4, (slots - csr.nnz) * 4};
  matrix.view.p0 = static_cast<std::int32_t>(diagonals);
  matrix.view.units = csr.rows;
  matrix.bind();
  return nullptr;
}

void decode(const Matrix& matrix, float* dense) {
  const Encoded& a = matrix.view;
  for (std::int32_t d = 0; d < a.p0; ++d) {
    const float* values = a.values + static_cast<std::size_t>(d) * static_cast<std::size_t>(a.rows);
    for (std::int32_t i = std::max(0, -a.indices[d]); i < a.rows && a.indices[d] < a.cols - i; ++i) {
      dense[static_cast<std::size_t>(i) * static_cast<std::size_t>(a.cols) +
            static_cast<std::size_t>(i + a.indices[d])] = values[i];
    }
  }
}

}  // namespace

extern const Format diagonal = {"diagonal", encode, decode};

}  // namespace sparsemark::formats
