// sell-16-128x64: sell-16-128 within each block of 64 columns, so that a column is a place of 8 bits in a
// part of B that fits into registers. A window is 128 rows; in each of its blocks the rows are sorted anew by
// their nonzeros there, longest first, and 16 neighbours make a slice, as wide as its longest row.
//
// values: window by window, block by block, slice by slice, slot by slot, 16 rows a slot. offsets = windows +
// 1, where a window's values begin. bytes: for each block of a window the place of each row in the sorted
// order, rows rounded up to whole slices; the width of each slice; then a column for each value, counted from
// the block's first. Padding is a 0 at the row's last column in the block, or at the block's first where it
// has none, also in the rows that the last slice lacks. p0 = 16, p1 = 128. Units are windows; work = offsets.
#include <algorithm>
#include <numeric>

#include "format.h"

namespace sparsemark::formats {
namespace {

constexpr std::int32_t kHeight = 16;
constexpr std::int32_t kWindow = 128;
constexpr std::int32_t kBlock = 64;

std::int64_t blocks_of(std::int32_t cols) { return (static_cast<std::int64_t>(cols) + kBlock - 1) / kBlock; }

std::int32_t windows_of(std::int32_t rows) {
  return static_cast<std::int32_t>((static_cast<std::int64_t>(rows) + kWindow - 1) / kWindow);
}

std::int32_t rows_of(std::int32_t rows, std::int32_t window) {
  return std::min(kWindow, rows - window * kWindow);
}

std::int32_t slices_of(std::int32_t rows) { return (rows + kHeight - 1) / kHeight; }

// The rows of a window in one block. Rows that the last slice lacks have no nonzeros.
struct Part {
  std::int64_t first_column;
  std::int32_t begin[kWindow];  // of a row's nonzeros in the canonical arrays
  std::int32_t length[kWindow];
  std::int32_t order[kWindow];  // of the rows, longest first
};

// Calls visit(part) for each block of a window, from left to right.
template <typename Visit>
void each_part(const Csr& csr, std::int32_t window, Visit visit) {
  const std::int32_t rows = rows_of(csr.rows, window);
  const std::int32_t* ends = csr.row_offsets + static_cast<std::size_t>(window) * kWindow;
  const std::int32_t stored = slices_of(rows) * kHeight;
  Part part = {};
  std::copy(ends, ends + rows, part.begin);
  for (std::int64_t block = 0; block < blocks_of(csr.cols); ++block) {
    part.first_column = block * kBlock;
    for (std::int32_t r = 0; r < rows; ++r) {
      std::int32_t p = part.begin[r] += part.length[r];
      while (p < ends[r + 1] && csr.col_indices[p] < part.first_column + kBlock) ++p;
      part.length[r] = p - part.begin[r];
    }
    std::iota(part.order, part.order + stored, 0);
    std::stable_sort(part.order, part.order + stored,
                     [&](std::int32_t x, std::int32_t y) { return part.length[x] > part.length[y]; });
    visit(part);
  }
}

const char* encode(const Csr& csr, Matrix& matrix) {
  const std::int32_t windows = windows_of(csr.rows);
  const std::int64_t blocks = blocks_of(csr.cols);
  // A slice has a byte for its width and one for each row.
  const std::int64_t head_bytes = blocks * slices_of(csr.rows) * (kHeight + 1);
  if (head_bytes > kMostStored) return "more than 2^31 - 1 bytes of places of rows";
  matrix.offsets = Aligned<std::int32_t>(static_cast<std::size_t>(windows) + 1);
  std::int64_t slots = 0;
  for (std::int32_t window = 0; window < windows; ++window) {
    const std::int32_t slices = slices_of(rows_of(csr.rows, window));
    each_part(csr, window, [&](const Part& part) {
      for (std::int32_t s = 0; s < slices; ++s) slots += part.length[part.order[s * kHeight]] * kHeight;
    });
    if (slots > kMostStored)
      return "more than 2^31 - 1 stored elements, the padding of its slices among them";
    matrix.offsets[static_cast<std::size_t>(window) + 1] = static_cast<std::int32_t>(slots);
  }

  matrix.values = Aligned<float>(static_cast<std::size_t>(slots));
  matrix.bytes = Aligned<std::uint8_t>(static_cast<std::size_t>(slots + head_bytes));
  float* value = matrix.values.data();
  std::uint8_t* byte = matrix.bytes.data();
  for (std::int32_t window = 0; window < windows; ++window) {
    const std::int32_t slices = slices_of(rows_of(csr.rows, window));
    each_part(csr, window, [&](const Part& part) {
      for (std::int32_t at = 0; at < slices * kHeight; ++at)
        byte[part.order[at]] = static_cast<std::uint8_t>(at);
      byte += slices * kHeight;
      for (std::int32_t s = 0; s < slices; ++s)
        *byte++ = static_cast<std::uint8_t>(part.length[part.order[s * kHeight]]);
      for (std::int32_t s = 0; s < slices; ++s) {
        const std::int32_t* order = part.order + s * kHeight;
        for (std::int32_t slot = 0; slot < part.length[order[0]]; ++slot) {
          for (std::int32_t r = 0; r < kHeight; ++r, ++value, ++byte) {
            const std::int32_t length = part.length[order[r]];
            const std::int32_t begin = part.begin[order[r]];
            if (slot < length) *value = csr.values[begin + slot];
            if (length == 0) continue;
            const std::int32_t column = csr.col_indices[begin + std::min(slot, length - 1)];
            *byte = static_cast<std::uint8_t>(column - part.first_column);
          }
        }
      }
    });
  }
  matrix.footprint = {csr.nnz * 4LL, csr.nnz + head_bytes + (windows + 1LL) * 4, (slots - csr.nnz) * 5};
  matrix.view.p0 = kHeight;
  matrix.view.p1 = kWindow;
  matrix.view.units = windows;
  matrix.bind();
  matrix.view.work = matrix.offsets.data();
  return nullptr;
}

void decode(const Matrix& matrix, float* dense) {
  const Encoded& a = matrix.view;
  const std::size_t cols = static_cast<std::size_t>(a.cols);
  const float* value = a.values;
  const std::uint8_t* byte = a.bytes;
  for (std::int32_t window = 0; window < a.units; ++window) {
    const std::int32_t rows = rows_of(a.rows, window);
    const std::int32_t slices = slices_of(rows);
    for (std::int64_t block = 0; block < blocks_of(a.cols); ++block) {
      const std::uint8_t* places = byte;
      const std::uint8_t* widths = places + slices * kHeight;
      byte = widths + slices;
      std::int32_t row_at[kWindow];
      for (std::int32_t r = 0; r < slices * kHeight; ++r) row_at[places[r]] = r;
      for (std::int32_t s = 0; s < slices; ++s) {
        const std::int32_t slots = widths[s] * kHeight;
        // From the end: padding repeats the last column, whose value must have the last word.
        for (std::int32_t at = slots - 1; at >= 0; --at) {
          const std::int32_t r = row_at[s * kHeight + at % kHeight];
          if (r >= rows) continue;
          float* row =
              dense + (static_cast<std::size_t>(window) * kWindow + static_cast<std::size_t>(r)) * cols;
          row[block * kBlock + byte[at]] = value[at];
        }
        value += slots;
        byte += slots;
      }
    }
  }
}

}  // namespace

extern const Format sell_16_128x64 = {"sell-16-128x64", encode, decode};

}  // namespace sparsemark::formats
