// bank-balanced-L, compressed sparse banks (S. Cao et al., FPGA 2019): each row is split into p0 = L banks of
// neighbouring columns, bank b holding columns b * cols / L to (b + 1) * cols / L, so that widths differ by
// one at most; each bank of a row stores equally many entries. values: a row in rounds of L, the first entry
// of each bank, then the second of each, so that a vector reads every bank once. bytes: in the same order the
// column within its bank, in p1 = 1 byte where no bank is wider than 256 columns, else in 2, lower one first.
// offsets = rows + 1, where a row's values begin. Units are rows; work = offsets.
//
// A row stores as many rounds as its fullest bank has nonzeros. (Rounds of the whole matrix, as the paper has
// them, would save the offsets, 4 bytes a row, and cost every row the padding of the worst.) Padding is a 0
// at the column of the bank's last nonzero, or at the bank's first column where it has none; in a matrix of
// fewer than L columns that may be the next bank's.
//
// 16 banks are the lanes of the widest vector here and fit one byte up to 4096 columns; 32 banks, two such
// vectors, fit it up to 8192 and ask for the balance over half as many columns.
#include <algorithm>

#include "format.h"

namespace sparsemark::formats {
namespace {

// First column of bank b.
template <std::int64_t L>
std::int32_t bank_begin(std::int32_t cols, std::int64_t b) {
  return static_cast<std::int32_t>(b * cols / L);
}

template <std::int64_t L>
const char* encode(const Csr& csr, Matrix& matrix) {
  const std::int64_t width = (csr.cols + L - 1) / L;
  if (width > 65536) return "banks of more than 65536 columns";
  const std::size_t rows = static_cast<std::size_t>(csr.rows);
  matrix.offsets = Aligned<std::int32_t>(rows + 1);
  std::int32_t begins[L + 1];
  for (std::int64_t b = 0; b <= L; ++b) begins[b] = bank_begin<L>(csr.cols, b);
  // Calls bank(b, first position, end) for each bank of row i.
  const auto each_bank = [&](std::size_t i, auto bank) {
    std::int32_t p = csr.row_offsets[i];
    for (std::int64_t b = 0; b < L; ++b) {
      const std::int32_t first = p;
      while (p < csr.row_offsets[i + 1] && csr.col_indices[p] < begins[b + 1]) ++p;
      bank(static_cast<std::size_t>(b), first, p);
    }
  };
  std::int64_t slots = 0;
  for (std::size_t i = 0; i < rows; ++i) {
    std::int32_t rounds = 0;
    each_bank(i, [&](std::size_t, std::int32_t first, std::int32_t end) {
      rounds = std::max(rounds, end - first);
    });
    slots += rounds * L;
    if (slots > kMostStored) return "more than 2^31 - 1 stored elements, the padding of its banks among them";
    matrix.offsets[i + 1] = static_cast<std::int32_t>(slots);
  }

  const std::size_t place_bytes = width <= 256 ? 1 : 2;
  matrix.values = Aligned<float>(static_cast<std::size_t>(slots));
  matrix.bytes = Aligned<std::uint8_t>(static_cast<std::size_t>(slots) * place_bytes);
  for (std::size_t i = 0; i < rows; ++i) {
    const std::size_t row_end = static_cast<std::size_t>(matrix.offsets[i + 1]);
    each_bank(i, [&](std::size_t b, std::int32_t first, std::int32_t end) {
      std::int32_t p = first;
      std::uint32_t place = 0;
      for (std::size_t slot = static_cast<std::size_t>(matrix.offsets[i]) + b; slot < row_end; slot += L) {
        if (p < end) {
          place = static_cast<std::uint32_t>(csr.col_indices[p] - begins[b]);
          matrix.values[slot] = csr.values[p++];
        }
        matrix.bytes[slot * place_bytes] = static_cast<std::uint8_t>(place);
        if (place_bytes == 2) matrix.bytes[slot * 2 + 1] = static_cast<std::uint8_t>(place >> 8);
      }
    });
  }
  const std::int64_t entry_bytes = 4 + static_cast<std::int64_t>(place_bytes);
  matrix.footprint = {csr.nnz * 4LL, csr.nnz * (entry_bytes - 4) + (csr.rows + 1LL) * 4,
                      (slots - csr.nnz) * entry_bytes};
  matrix.view.p0 = L;
  matrix.view.p1 = static_cast<std::int32_t>(place_bytes);
  matrix.view.units = csr.rows;
  matrix.bind();
  matrix.view.work = matrix.offsets.data();
  return nullptr;
}

template <std::int64_t L>
void decode(const Matrix& matrix, float* dense) {
  const Encoded& a = matrix.view;
  const std::size_t place_bytes = static_cast<std::size_t>(a.p1);
  for (std::int32_t i = 0; i < a.rows; ++i) {
    float* row = dense + static_cast<std::size_t>(i) * static_cast<std::size_t>(a.cols);
    const std::size_t begin = static_cast<std::size_t>(a.offsets[i]);
    // From the end: padding repeats the last place, whose value must have the last word.
    for (std::size_t slot = static_cast<std::size_t>(a.offsets[i + 1]); slot-- > begin;) {
      const std::int64_t b = static_cast<std::int64_t>(slot) % L;
      const std::int32_t first = bank_begin<L>(a.cols, b);
      if (first == bank_begin<L>(a.cols, b + 1)) continue;  // a bank without columns holds padding alone
      std::int32_t place = a.bytes[slot * place_bytes];
      if (place_bytes == 2) place |= a.bytes[slot * 2 + 1] << 8;
      row[first + place] = a.values[slot];
    }
  }
}

}  // namespace

extern const Format bank_balanced_16 = {"bank-balanced-16", encode<16>, decode<16>};
extern const Format bank_balanced_32 = {"bank-balanced-32", encode<32>, decode<32>};

}  // namespace sparsemark::formats
