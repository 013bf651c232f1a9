// encode and prune as timed ops: a dense matrix becomes an encoded one at each evaluation, as when weights
// are compressed anew on the device (LCS, arXiv 2110.04252). The same for every format.
#pragma once

#include <cstdint>
#include <vector>

#include "kernel.h"

namespace sparsemark {

// Positions and values of the nonzeros of a dense matrix, with the storage to find them in.
class Compression {
 public:
  // dense: rows x cols, row-major, valid as long as this. keep: the most nonzeros, or -1 for all. May throw
  // std::bad_alloc.
  Compression(const float* dense, std::int32_t rows, std::int32_t cols, std::int64_t keep);

  // What is nonzero, or the `keep` largest magnitudes, of equal ones the first in row-major order. Valid
  // until the next call.
  Csr run();

 private:
  void choose();
  std::size_t collect(std::size_t i, std::size_t kept);

  const float* dense_;
  std::int32_t rows_;
  std::int32_t cols_;
  std::int64_t keep_;
  // Kept are magnitudes, as bits of a float without its sign, of at least `least_` in the elements before
  // `edge_`, above it from there on.
  std::uint32_t least_ = 1;
  std::size_t edge_ = 0;
  std::vector<std::uint32_t> counts_;
  std::vector<std::int32_t> row_offsets_;
  std::vector<std::int32_t> col_indices_;
  std::vector<float> values_;
};

}  // namespace sparsemark
