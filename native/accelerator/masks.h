// Where the nonzeros of a layer's operands really lie, a bit a point: what counts are made from.
#pragma once

#include <bit>
#include <cstdint>
#include <vector>

#include "layer.h"

namespace sparsemark::accelerator {

// Rows of bits, each beginning at a word of its own; bits behind the last column are 0.
class BitMatrix {
 public:
  BitMatrix() = default;
  BitMatrix(std::int64_t rows, std::int64_t cols, bool full = false);

  std::int64_t rows() const { return rows_; }
  std::int64_t cols() const { return cols_; }
  const std::uint64_t* row(std::int64_t i) const { return bits_.data() + i * words_; }

  void set(std::int64_t i, std::int64_t j) {
    bits_[static_cast<std::size_t>(i * words_ + j / 64)] |= std::uint64_t{1} << (j % 64);
  }
  bool test(std::int64_t i, std::int64_t j) const { return (row(i)[j / 64] >> (j % 64) & 1) != 0; }

  // Nonzeros of a row, of its columns begin to end - 1, and of the matrix.
  std::int64_t count(std::int64_t i) const { return count(i, 0, cols_); }
  std::int64_t count(std::int64_t i, std::int64_t begin, std::int64_t end) const;
  std::int64_t count() const;

  // visit(column) for every nonzero of a row, rising, and for those of its columns begin to end - 1.
  template <typename Visit>
  void visit(std::int64_t i, Visit visit) const {
    for (std::int64_t w = 0; w < words_; ++w) {
      for (std::uint64_t left = row(i)[w]; left != 0; left &= left - 1) {
        visit(64 * w + std::countr_zero(left));
      }
    }
  }
  template <typename Visit>
  void visit(std::int64_t i, std::int64_t begin, std::int64_t end, Visit visit) const {
    for (std::int64_t w = begin / 64; 64 * w < end; ++w) {
      std::uint64_t left = row(i)[w];
      if (64 * w < begin) left &= ~std::uint64_t{0} << (begin - 64 * w);
      if (64 * (w + 1) > end) left &= ~std::uint64_t{0} >> (64 * (w + 1) - end);
      for (; left != 0; left &= left - 1) visit(64 * w + std::countr_zero(left));
    }
  }

  // `count` <= 64 points of row i from column j on, the first in bit 0.
  std::uint64_t bits(std::int64_t i, std::int64_t j, std::int64_t count) const {
    const std::uint64_t* const from = row(i) + j / 64;
    const std::int64_t shift = j % 64;
    std::uint64_t word = *from >> shift;
    if (shift + count > 64) word |= from[1] << (64 - shift);
    return count < 64 ? word & ((std::uint64_t{1} << count) - 1) : word;
  }
  // Makes points of row i from column j on nonzero that are nonzero in `word`, which has `count` <= 64.
  void put(std::int64_t i, std::int64_t j, std::int64_t count, std::uint64_t word) {
    std::uint64_t* const to = bits_.data() + i * words_ + j / 64;
    const std::int64_t shift = j % 64;
    *to |= word << shift;
    if (shift + count > 64) to[1] |= word >> (64 - shift);
  }
  // Row i out of its nonzeros' columns, which rise; it was empty.
  void fill(std::int64_t i, const std::int32_t* columns, std::int64_t count);

  // Each nonzero of row i becomes one of this matrix's row `into`.
  void merge(std::int64_t into, const BitMatrix& other, std::int64_t i);
  BitMatrix transposed() const;

 private:
  std::int64_t rows_ = 0;
  std::int64_t cols_ = 0;
  std::int64_t words_ = 0;
  std::vector<std::uint64_t> bits_;
};

// Positions that two rows share among the points begin to end - 1.
std::int64_t matches(const std::uint64_t* row, const std::uint64_t* other, std::int64_t begin,
                     std::int64_t end) noexcept;

// Places of nonzeros: rising columns of each row.
struct Places {
  const std::int32_t* row_offsets;
  const std::int32_t* col_indices;
};

// Both operands of a layer of one group.
struct Masks {
  BitMatrix weights;      // m x k
  BitMatrix by_input;     // k x m, the same weights
  BitMatrix planes;       // channels x (batch, height, width), of the padded input; of a product k x n
  BitMatrix activations;  // k x n, as the product sees them: a convolution's input once for each filter point
  BitMatrix by_output;    // n x k, the same activations

  std::int64_t effectual_macs() const;
};

// Most points of one operand that are counted: 1 GiB of bits.
inline constexpr std::int64_t kMostMaskPoints = std::int64_t{1} << 33;

// weights: m rows of k columns. activations: `channels` rows of batch * height * width columns, or nullptr
// where none is zero, those of the padding included. May throw std::bad_alloc.
Masks make_masks(const Layer& layer, const Places& weights, const Places* activations);

}  // namespace sparsemark::accelerator
