// packed-1x4 of int8: four neighbouring columns of a row, a quad, is stored where it holds a nonzero. The
// layout is that of packed (packed.cc) with quads for columns and four numbers of 8 bits in the place of a
// value: an instruction that multiplies bytes adds four products at a time, so a quad takes it the time that
// a float takes an FMA, and the same tiles suit. p0 and p1 as there, p0 counted in quads.
#include <vector>

#include "int8.h"
#include "packed.h"

namespace sparsemark::formats {
namespace {

// One core of a Zen 5, geomean over dense of 7 layer shapes at sparsity 0.5 / 0.9: blocks of 64 quads 1.62
// / 4.2, 128 1.55 / 4.7, 192 1.40 / 5.0, 256 1.37 / 5.0. Loads of B are what limits, and a shared quad saves
// one of two: of 3 shapes, 32 candidates at 0.5 1.03 of 8, sharing from 8 quads on at 0.9 1.03 of 24.
PackedLayout layout_of(const Csr& quads) {
  const double density = density_of(quads);
  const std::int32_t most = density >= 0.4 ? 64 : density >= 0.15 ? 96 : density >= 0.03 ? 192 : 512;
  return {even_columns(quads.cols, most), 32, 8};
}

const char* encode(const Csr& csr, Matrix& matrix) {
  if (const char* reason = refuse_int8(csr); reason != nullptr) return reason;
  std::vector<std::int32_t> offsets(static_cast<std::size_t>(csr.rows) + 1, 0);
  std::vector<std::int32_t> columns;
  std::vector<float> values;
  columns.reserve(static_cast<std::size_t>(csr.nnz));
  values.reserve(static_cast<std::size_t>(csr.nnz));
  for (std::int32_t i = 0; i < csr.rows; ++i) {
    const std::int32_t end = csr.row_offsets[i + 1];
    for (std::int32_t p = csr.row_offsets[i]; p < end;) {
      const std::int32_t quad = csr.col_indices[p] / 4;
      std::int8_t four[4] = {};
      for (; p < end && csr.col_indices[p] / 4 == quad; ++p) {
        four[csr.col_indices[p] % 4] = static_cast<std::int8_t>(csr.values[p]);
      }
      float together = 0.0f;
      std::memcpy(&together, four, sizeof(together));
      columns.push_back(quad);
      values.push_back(together);
    }
    offsets[static_cast<std::size_t>(i) + 1] = static_cast<std::int32_t>(columns.size());
  }
  const std::int64_t stored = static_cast<std::int64_t>(columns.size());
  const Csr quads = {csr.rows,
                     static_cast<std::int32_t>((csr.cols + std::int64_t{3}) / 4),
                     static_cast<std::int32_t>(stored),
                     offsets.data(),
                     columns.data(),
                     values.data()};
  if (const char* reason = encode_packed(quads, layout_of(quads), matrix); reason != nullptr) return reason;
  matrix.footprint = {csr.nnz, matrix.footprint.metadata_bytes,
                      stored * 4 - csr.nnz + matrix.footprint.padding_bytes};
  return nullptr;
}

void decode(const Matrix& matrix, float* dense) {
  const Encoded& a = matrix.view;
  const std::size_t rows = static_cast<std::size_t>(a.rows);
  const std::size_t cols = static_cast<std::size_t>(a.cols);
  const std::size_t quads = (cols + 3) / 4;
  std::vector<float> together(rows * quads);
  decode_packed(a, quads, together.data());
  for (std::size_t i = 0; i < rows; ++i) {
    for (std::size_t j = 0; j < cols; ++j) {
      std::int8_t four[4];
      std::memcpy(four, &together[i * quads + j / 4], sizeof(four));
      dense[i * cols + j] = static_cast<float>(four[j % 4]);
    }
  }
}

}  // namespace

extern const Format packed_1x4_int8 = {"packed-1x4", encode, decode, "int8"};

}  // namespace sparsemark::formats
