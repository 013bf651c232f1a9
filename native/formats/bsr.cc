// bsr, blocks of p0 x p1 = R x C elements on a grid: offsets = block rows + 1, in blocks; indices = a block
// column each, ascending within a block row; values = R * C a block, its columns one after the other (element
// (r, c) at c * R + r), since the kernels take R rows at once. A block is stored where it holds a nonzero;
// what else it holds, and what sticks out beyond the matrix's last row or column, is zero. Units are block
// rows; work = offsets.
#include <algorithm>
#include <vector>

#include "format.h"

namespace sparsemark::formats {
namespace {

template <int R, int C>
const char* encode(const Csr& csr, Matrix& matrix) {
  const std::int32_t block_rows =
      static_cast<std::int32_t>((csr.rows + static_cast<std::int64_t>(R) - 1) / R);
  const std::int32_t block_cols =
      static_cast<std::int32_t>((csr.cols + static_cast<std::int64_t>(C) - 1) / C);
  matrix.offsets = Aligned<std::int32_t>(static_cast<std::size_t>(block_rows) + 1);
  // Where the block at a block column lies; valid when it was found in the block row at hand.
  std::vector<std::int32_t> found_in(static_cast<std::size_t>(block_cols), -1);
  std::vector<std::int32_t> columns;  // of all blocks
  for (std::int32_t q = 0; q < block_rows; ++q) {
    const std::int32_t begin = csr.row_offsets[q * R];
    const std::int32_t end = csr.row_offsets[std::min<std::int64_t>(csr.rows, (q + 1LL) * R)];
    const std::size_t first = columns.size();
    for (std::int32_t p = begin; p < end; ++p) {
      const std::int32_t column = csr.col_indices[p] / C;
      if (std::exchange(found_in[static_cast<std::size_t>(column)], q) != q) columns.push_back(column);
    }
    std::sort(columns.begin() + static_cast<std::ptrdiff_t>(first), columns.end());
    if (static_cast<std::int64_t>(columns.size()) * R * C > kMostStored) {
      return "more than 2^31 - 1 stored elements, the zeros of its blocks among them";
    }
    matrix.offsets[static_cast<std::size_t>(q) + 1] = static_cast<std::int32_t>(columns.size());
  }

  matrix.values = Aligned<float>(columns.size() * R * C);
  matrix.indices = Aligned<std::int32_t>(columns.size());
  std::copy(columns.begin(), columns.end(), matrix.indices.begin());
  std::vector<std::size_t> block_at(static_cast<std::size_t>(block_cols));
  for (std::int32_t q = 0; q < block_rows; ++q) {
    const std::size_t end = static_cast<std::size_t>(matrix.offsets[static_cast<std::size_t>(q) + 1]);
    for (std::size_t block = static_cast<std::size_t>(matrix.offsets[static_cast<std::size_t>(q)]);
         block < end; ++block) {
      block_at[static_cast<std::size_t>(columns[block])] = block;
    }
    for (std::int32_t r = 0; r < R && q * R + r < csr.rows; ++r) {
      const std::int32_t i = q * R + r;
      for (std::int32_t p = csr.row_offsets[i]; p < csr.row_offsets[i + 1]; ++p) {
        const std::int32_t j = csr.col_indices[p];
        const std::size_t block = block_at[static_cast<std::size_t>(j / C)];
        matrix.values[block * R * C + static_cast<std::size_t>(j % C * R + r)] = csr.values[p];
      }
    }
  }
  const std::int64_t blocks = static_cast<std::int64_t>(columns.size());
  matrix.footprint = {csr.nnz * 4LL, (blocks + block_rows + 1) * 4, (blocks * R * C - csr.nnz) * 4};
  matrix.view.p0 = R;
  matrix.view.p1 = C;
  matrix.view.units = block_rows;
  matrix.bind();
  matrix.view.work = matrix.offsets.data();
  return nullptr;
}

template <int R, int C>
void decode(const Matrix& matrix, float* dense) {
  const Encoded& a = matrix.view;
  for (std::int32_t q = 0; q < a.units; ++q) {
    for (std::int32_t block = a.offsets[q]; block < a.offsets[q + 1]; ++block) {
      const float* values = a.values + static_cast<std::size_t>(block) * R * C;
      for (std::int32_t c = 0; c < C && a.indices[block] * C + c < a.cols; ++c) {
        for (std::int32_t r = 0; r < R && q * R + r < a.rows; ++r) {
          dense[static_cast<std::size_t>(q * R + r) * static_cast<std::size_t>(a.cols) +
                static_cast<std::size_t>(a.indices[block] * C + c)] = values[c * R + r];
        }
      }
    }
  }
}

}  // namespace

extern const Format bsr_1x4 = {"bsr-1x4", encode<1, 4>, decode<1, 4>};
extern const Format bsr_4x1 = {"bsr-4x1", encode<4, 1>, decode<4, 1>};
extern const Format bsr_4x4 = {"bsr-4x4", encode<4, 4>, decode<4, 4>};
extern const Format bsr_8x8 = {"bsr-8x8", encode<8, 8>, decode<8, 8>};
extern const Format bsr_16x1 = {"bsr-16x1", encode<16, 1>, decode<16, 1>};

}  // namespace sparsemark::formats
