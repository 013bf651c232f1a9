// The layout of packed (its description stands in packed.cc), for elements of 4 bytes: floats, or four bytes
// side by side in the place of one. Floats may be narrowed afterwards, in their order.
#pragma once

#include <algorithm>

#include "format.h"

namespace sparsemark::formats {

struct PackedLayout {
  std::int32_t block_columns;  // at most 1024
  int candidates;              // rows that a row is compared with, to find the one that it shares most with
  std::int32_t share_from;     // nonzeros of a row in a block from which on columns are shared
};

inline double density_of(const Csr& csr) {
  return csr.rows == 0 || csr.cols == 0
             ? 0.0
             : static_cast<double>(csr.nnz) / (static_cast<double>(csr.rows) * csr.cols);
}

// Columns of a block, at most `most`, where all blocks are about as wide.
inline std::int32_t even_columns(std::int32_t cols, std::int32_t most) {
  const std::int32_t blocks = std::max(1, (cols + most - 1) / most);
  return std::max(1, (cols + blocks - 1) / blocks);
}

// What packed of floats takes, by density; narrow: for a CPU whose widest vectors are AVX2's.
PackedLayout packed_layout(const Csr& csr, bool narrow);

// Fills matrix, whose view has its rows, and calls bind(). Values are copied as they are. Returns nullptr, or
// why it cannot.
const char* encode_packed(const Csr& csr, const PackedLayout& layout, Matrix& matrix);

// Writes the elements into dense, rows x cols.
void decode_packed(const Encoded& a, std::size_t cols, float* dense);

}  // namespace sparsemark::formats
