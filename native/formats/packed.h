// The layout of packed (its description stands in packed.cc), for elements of 4 bytes: floats, or four bytes
// side by side in the place of one.
#pragma once

#include "format.h"

namespace sparsemark::formats {

// Columns of a block, all blocks about as wide.
std::int32_t packed_block_columns(const Csr& csr);

// Fills matrix, whose view has its rows, in blocks of `width` columns, at most 1024; calls bind(). Values are
// copied as they are. Returns nullptr, or why it cannot.
const char* encode_packed(const Csr& csr, std::int32_t width, Matrix& matrix);

// Writes the elements into dense, rows x cols.
void decode_packed(const Encoded& a, std::size_t cols, float* dense);

}  // namespace sparsemark::formats
