// nm-N:M, at most N = p0 nonzeros in each M = p1 neighbouring columns of a row: values = rows x groups x N,
// groups = ceil(cols / M), the last one cut off where M does not divide cols; bytes = the place of each value
// in its group, 2 bits (M = 4) or 4 bits (M = 8; 3 would straddle bytes), lowest bits first, a row beginning
// on a byte. Packed, because at n = 1 the matrix is streamed: 4.25 or 4.5 bytes a value instead of the 5 of
// whole bytes, for one shift and one mask. A group with fewer than N nonzeros is filled with zeros at the
// place of its last nonzero (place 0 in an empty group). Behind the last row lie kBeyond bytes of nothing,
// for a kernel that reads two words of 8 bytes from where a row's places are. Units are rows.
#include "format.h"

namespace sparsemark::formats {
namespace {

constexpr std::size_t kBeyond = 16;

template <int N, int M>
const char* encode(const Csr& csr, Matrix& matrix) {
  constexpr std::size_t kBits = M == 4 ? 2 : 4;
  static const char* const kRefusal = N == 1 ? "a group of 4 neighbouring columns holds more than 1 nonzero"
                                      : N == 2
                                          ? "a group of 4 neighbouring columns holds more than 2 nonzeros"
                                          : "a group of 8 neighbouring columns holds more than 4 nonzeros";
  const std::size_t rows = static_cast<std::size_t>(csr.rows);
  const std::size_t row_slots = (static_cast<std::size_t>(csr.cols) + M - 1) / M * N;
  const std::size_t row_bytes = (row_slots * kBits + 7) / 8;
  if (row_slots * rows > static_cast<std::size_t>(kMostStored)) {
    return "more than 2^31 - 1 stored elements, the padding of its groups among them";
  }
  for (std::size_t i = 0; i < rows; ++i) {
    for (std::int32_t p = csr.row_offsets[i]; p + N < csr.row_offsets[i + 1]; ++p) {
      if (csr.col_indices[p] / M == csr.col_indices[p + N] / M) return kRefusal;
    }
  }

  matrix.values = Aligned<float>(rows * row_slots);
  matrix.bytes = Aligned<std::uint8_t>(rows * row_bytes + kBeyond);
  matrix.work = Aligned<std::int32_t>(rows + 1);
  for (std::size_t i = 0; i < rows; ++i) {
    float* values = matrix.values.data() + i * row_slots;
    std::uint8_t* bytes = matrix.bytes.data() + i * row_bytes;
    std::int32_t p = csr.row_offsets[i];
    std::uint32_t place = 0;
    for (std::size_t slot = 0; slot < row_slots; ++slot) {
      if (slot % N == 0) place = 0;
      if (p < csr.row_offsets[i + 1] && static_cast<std::size_t>(csr.col_indices[p]) / M == slot / N) {
        place = static_cast<std::uint32_t>(csr.col_indices[p]) % M;
        values[slot] = csr.values[p++];
      }
      const std::size_t bit = slot * kBits;
      bytes[bit / 8] = static_cast<std::uint8_t>(bytes[bit / 8] | place << bit % 8);
    }
    matrix.work[i + 1] = static_cast<std::int32_t>((i + 1) * row_slots);
  }
  const std::int64_t slots = static_cast<std::int64_t>(rows * row_slots);
  const std::int64_t used = (csr.nnz * static_cast<std::int64_t>(kBits) + 7) / 8;
  matrix.footprint = {csr.nnz * 4LL, used,
                      (slots - csr.nnz) * 4 + static_cast<std::int64_t>(rows * row_bytes + kBeyond) - used};
  matrix.view.p0 = N;
  matrix.view.p1 = M;
  matrix.view.units = csr.rows;
  matrix.bind();
  return nullptr;
}

template <int N, int M>
void decode(const Matrix& matrix, float* dense) {
  constexpr std::size_t kBits = M == 4 ? 2 : 4;
  const Encoded& a = matrix.view;
  const std::size_t cols = static_cast<std::size_t>(a.cols);
  const std::size_t row_slots = (cols + M - 1) / M * N;
  const std::size_t row_bytes = (row_slots * kBits + 7) / 8;
  for (std::size_t i = 0; i < static_cast<std::size_t>(a.rows); ++i) {
    // From the end: padding repeats the last place, whose value must have the last word.
    for (std::size_t slot = row_slots; slot-- > 0;) {
      const std::size_t bit = slot * kBits;
      const std::size_t place = a.bytes[i * row_bytes + bit / 8] >> bit % 8 & (M - 1);
      dense[i * cols + slot / N * M + place] = a.values[i * row_slots + slot];
    }
  }
}

}  // namespace

extern const Format nm_1_4 = {"nm-1:4", encode<1, 4>, decode<1, 4>};
extern const Format nm_2_4 = {"nm-2:4", encode<2, 4>, decode<2, 4>};
extern const Format nm_4_8 = {"nm-4:8", encode<4, 8>, decode<4, 8>};

}  // namespace sparsemark::formats
