// run-length-4, EIE's layout (S. Han et al., ISCA 2016): rows are dealt out in turn to p0 = P processing
// elements, row i being row i / P of element i % P, and each element holds its rows as compressed columns. An
// entry is a value and the number of zeros between it and the entry before it in its column (or the column's
// start), 4 bits. Where there are more than 15, a 0 is stored as the 16th, as often as is needed: a gap of g
// zeros costs g / 16 padding entries. None follow a column's last nonzero, since the next pointer ends it.
//
// values: the entries, element after element, column after column. bytes: their runs, two a byte, the lower
// half first. offsets = P * cols + 1: column j of element e has entries offsets[e * cols + j] and on; the
// last of one element is the first of the next. Units are elements.
//
// run-length-4 has one element: plain columns, what a single core would store. run-length-4x64 is EIE's own
// division, with more pointers and, each element seeing every 64th row, hardly any gap of 16 where a column
// of all rows has many.
#include <vector>

#include "format.h"

namespace sparsemark::formats {
namespace {

constexpr std::int32_t kReach = 16;  // rows that one entry can move on

template <std::int32_t P>
const char* encode(const Csr& csr, Matrix& matrix) {
  const std::int64_t columns = static_cast<std::int64_t>(csr.cols) * P;
  if (columns > kMostStored) return "more than 2^31 - 1 columns over all processing elements";
  const std::size_t cols = static_cast<std::size_t>(csr.cols);
  matrix.offsets = Aligned<std::int32_t>(static_cast<std::size_t>(columns) + 1);
  // Calls entry(column of an element, zeros before it, position in the csr) for every nonzero, rows
  // ascending.
  const auto each = [&](auto entry) {
    std::vector<std::int32_t> next(static_cast<std::size_t>(columns), 0);  // row that a run of 0 would mean
    for (std::int32_t i = 0; i < csr.rows; ++i) {
      for (std::int32_t p = csr.row_offsets[i]; p < csr.row_offsets[i + 1]; ++p) {
        const std::size_t column =
            static_cast<std::size_t>(i % P) * cols + static_cast<std::size_t>(csr.col_indices[p]);
        entry(column, i / P - next[column], p);
        next[column] = i / P + 1;
      }
    }
  };
  std::int64_t entries = 0;
  std::vector<std::int32_t> lengths(static_cast<std::size_t>(columns), 0);
  each([&](std::size_t column, std::int32_t zeros, std::int32_t) {
    lengths[column] += 1 + zeros / kReach;
    entries += 1 + zeros / kReach;
  });
  if (entries > kMostStored) return "more than 2^31 - 1 entries, the padding of its runs among them";

  for (std::size_t column = 0; column < lengths.size(); ++column) {
    matrix.offsets[column + 1] = matrix.offsets[column] + lengths[column];
  }
  matrix.values = Aligned<float>(static_cast<std::size_t>(entries));
  matrix.bytes = Aligned<std::uint8_t>(static_cast<std::size_t>((entries + 1) / 2));
  std::vector<std::int32_t> at(matrix.offsets.begin(), matrix.offsets.end());
  each([&](std::size_t column, std::int32_t zeros, std::int32_t p) {
    const auto store = [&](std::int32_t run, float value) {
      const std::size_t entry = static_cast<std::size_t>(at[column]++);
      matrix.values[entry] = value;
      matrix.bytes[entry / 2] = static_cast<std::uint8_t>(matrix.bytes[entry / 2] | run << entry % 2 * 4);
    };
    for (; zeros >= kReach; zeros -= kReach) store(kReach - 1, 0.0f);
    store(zeros, csr.values[p]);
  });
  matrix.work = Aligned<std::int32_t>(P + 1);
  for (std::size_t e = 0; e <= P; ++e) matrix.work[e] = matrix.offsets[e * cols];

  const std::int64_t used = (csr.nnz + 1LL) / 2;
  matrix.footprint = {csr.nnz * 4LL, used + (columns + 1) * 4,
                      (entries - csr.nnz) * 4 + (entries + 1) / 2 - used};
  matrix.view.p0 = P;
  matrix.view.units = P;
  matrix.bind();
  return nullptr;
}

void decode(const Matrix& matrix, float* dense) {
  const Encoded& a = matrix.view;
  const std::size_t cols = static_cast<std::size_t>(a.cols);
  for (std::int32_t e = 0; e < a.p0; ++e) {
    for (std::size_t j = 0; j < cols; ++j) {
      const std::int32_t* range = a.offsets + static_cast<std::size_t>(e) * cols + j;
      std::int32_t next = 0;
      for (std::int32_t p = range[0]; p < range[1]; ++p) {
        const std::int32_t row = next + (a.bytes[p / 2] >> p % 2 * 4 & 15);
        dense[(static_cast<std::size_t>(row) * static_cast<std::size_t>(a.p0) + static_cast<std::size_t>(e)) *
                  cols +
              j] = a.values[p];
        next = row + 1;
      }
    }
  }
}

}  // namespace

extern const Format run_length_4 = {"run-length-4", encode<1>, decode};
extern const Format run_length_4x64 = {"run-length-4x64", encode<64>, decode};

}  // namespace sparsemark::formats
