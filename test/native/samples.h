// Random matrices for the tests: many patterns, sizes from zero, values that include zeros of both signs and
// denormals.
#pragma once

#include <cstdint>
#include <vector>

#include "../../native/matrix.h"
#include "../../native/sparsemark.h"

namespace sparsemark::test {

// splitmix64: small, seedable, the same everywhere.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  std::uint64_t bits();
  // Uniform in [0, below); below >= 1.
  std::int32_t below(std::int32_t limit);
  // Uniform in [0, 1).
  double unit();
  // Mostly in [-1, 1]; now and then 0, -0, a denormal or a number near 2^20.
  float value();

 private:
  std::uint64_t state_;
};

struct Sample {
  std::int32_t rows = 0;
  std::int32_t cols = 0;
  const char* pattern = "";
  std::vector<std::int32_t> row_offsets;
  std::vector<std::int32_t> col_indices;
  std::vector<float> values;

  std::int32_t nnz() const { return static_cast<std::int32_t>(values.size()); }
  Csr csr() const;
  sparsemark_csr c_csr() const;
  std::vector<float> dense() const;
};

// A matrix of a random pattern with up to most_rows x most_cols elements, zero rows and columns included.
Sample sample(Random& random, std::int32_t most_rows, std::int32_t most_cols);

// A matrix of a random pattern with that many rows and about as many columns.
Sample sample_of(Random& random, std::int32_t rows, std::int32_t cols);

// What only large sizes bring out: gaps of 16 rows where every 64th row counts, banks of more than 256
// columns.
Sample tall_sample(Random& random);
Sample wide_sample(Random& random);

// The matrix whose element (i, j) is stored where kept(i, j).
template <typename Kept>
Sample sample_where(Random& random, std::int32_t rows, std::int32_t cols, const char* pattern, Kept kept) {
  Sample s;
  s.rows = rows;
  s.cols = cols;
  s.pattern = pattern;
  s.row_offsets.push_back(0);
  for (std::int32_t i = 0; i < rows; ++i) {
    for (std::int32_t j = 0; j < cols; ++j) {
      if (!kept(i, j)) continue;
      s.col_indices.push_back(j);
      s.values.push_back(random.value());
    }
    s.row_offsets.push_back(s.nnz());
  }
  return s;
}

// nullptr where the format must hold the matrix, otherwise a part of the reason that it must give.
const char* expected_refusal(const char* format, const Sample& s);

// The same matrix with values of a type of sparsemark.h: rounded to bf16 or f16, or integers in -127..127.
Sample sample_of(const Sample& a, const char* dtype);

}  // namespace sparsemark::test
