// sell-16-128, SELL-C-sigma with C = p0 = 16 and sigma = p1 = 128: within each window of 128 rows the rows
// are sorted by length, longest first; 16 neighbours make a slice, as wide as its longest row. order = rows,
// the row of A that a stored row is. offsets = slices + 1, in elements; values and columns: a slice slot by
// slot, slot s of its row r at offsets[slice] + s * 16 + r. Columns have 16 bits and lie in bytes where A has
// at most 65536, and else 32 bits in indices; the other array is missing. Padding is a 0 at the last column
// of the row (column 0 in an empty row), also in the rows that the last slice lacks. Units are slices; work =
// offsets. Kreutzer et al., A unified sparse matrix data format, SIAM J. Sci. Comput. 36(5), 2014.
#include <algorithm>
#include <numeric>

#include "format.h"

namespace sparsemark::formats {
namespace {

constexpr std::int32_t kHeight = 16;
constexpr std::int32_t kWindow = 128;
// What a column of 16 bits can tell apart.
constexpr std::int32_t kShortColumns = 65536;

void put_column(Matrix& matrix, std::size_t at, std::int32_t column) {
  if (matrix.indices.data() != nullptr) {
    matrix.indices[at] = column;
  } else {
    const std::uint16_t number = static_cast<std::uint16_t>(column);
    std::memcpy(matrix.bytes.data() + at * 2, &number, 2);
  }
}

std::int32_t column_at(const Encoded& a, std::int32_t at) {
  if (a.indices != nullptr) return a.indices[at];
  std::uint16_t number = 0;
  std::memcpy(&number, a.bytes + static_cast<std::size_t>(at) * 2, 2);
  return number;
}

std::int32_t length_of(const Csr& csr, std::int32_t i) { return csr.row_offsets[i + 1] - csr.row_offsets[i]; }

const char* encode(const Csr& csr, Matrix& matrix) {
  const std::int32_t slices =
      static_cast<std::int32_t>((csr.rows + static_cast<std::int64_t>(kHeight) - 1) / kHeight);
  matrix.order = Aligned<std::int32_t>(static_cast<std::size_t>(csr.rows));
  std::int32_t* order = matrix.order.data();
  std::iota(matrix.order.begin(), matrix.order.end(), 0);
  for (std::int64_t first = 0; first < csr.rows; first += kWindow) {
    std::stable_sort(order + first, order + std::min<std::int64_t>(csr.rows, first + kWindow),
                     [&](std::int32_t x, std::int32_t y) { return length_of(csr, x) > length_of(csr, y); });
  }

  matrix.offsets = Aligned<std::int32_t>(static_cast<std::size_t>(slices) + 1);
  std::int64_t slots = 0;
  for (std::int32_t slice = 0; slice < slices; ++slice) {
    // The first row of a slice is its longest, since windows are a whole number of slices.
    slots += static_cast<std::int64_t>(length_of(csr, order[slice * kHeight])) * kHeight;
    if (slots > kMostStored)
      return "more than 2^31 - 1 stored elements, the padding of its slices among them";
    matrix.offsets[static_cast<std::size_t>(slice) + 1] = static_cast<std::int32_t>(slots);
  }

  matrix.values = Aligned<float>(static_cast<std::size_t>(slots));
  const bool is_short = csr.cols <= kShortColumns;
  if (is_short) {
    matrix.bytes = Aligned<std::uint8_t>(static_cast<std::size_t>(slots) * 2);
  } else {
    matrix.indices = Aligned<std::int32_t>(static_cast<std::size_t>(slots));
  }
  for (std::int32_t stored = 0; stored < csr.rows; ++stored) {
    const std::int32_t slice = stored / kHeight;
    const std::int32_t begin = csr.row_offsets[order[stored]];
    const std::int32_t length = length_of(csr, order[stored]);
    const std::int32_t end = matrix.offsets[static_cast<std::size_t>(slice) + 1];
    std::int32_t slot = 0;
    for (std::int32_t at = matrix.offsets[static_cast<std::size_t>(slice)] + stored % kHeight; at < end;
         at += kHeight, ++slot) {
      const std::size_t to = static_cast<std::size_t>(at);
      if (slot < length) {
        matrix.values[to] = csr.values[begin + slot];
        put_column(matrix, to, csr.col_indices[begin + slot]);
      } else if (length > 0) {
        put_column(matrix, to, csr.col_indices[begin + length - 1]);
      }
    }
  }
  const std::int64_t column_bytes = is_short ? 2 : 4;
  matrix.footprint = {csr.nnz * 4LL, csr.nnz * column_bytes + (slices + 1LL + csr.rows) * 4,
                      (slots - csr.nnz) * (4 + column_bytes)};
  matrix.view.p0 = kHeight;
  matrix.view.p1 = kWindow;
  matrix.view.units = slices;
  matrix.bind();
  matrix.view.work = matrix.offsets.data();
  return nullptr;
}

void decode(const Matrix& matrix, float* dense) {
  const Encoded& a = matrix.view;
  for (std::int32_t stored = 0; stored < a.rows; ++stored) {
    const std::int32_t slice = stored / kHeight;
    float* row = dense + static_cast<std::size_t>(a.order[stored]) * static_cast<std::size_t>(a.cols);
    // From the end: padding repeats the last column, whose value must have the last word.
    for (std::int32_t end = a.offsets[slice + 1]; end > a.offsets[slice]; end -= kHeight) {
      const std::int32_t at = end - kHeight + stored % kHeight;
      row[column_at(a, at)] = a.values[at];
    }
  }
}

}  // namespace

extern const Format sell_16_128 = {"sell-16-128", encode, decode};

}  // namespace sparsemark::formats
