// A layer as the cost model sees it: a product or a convolution, and where its operands are zero. Includes
// nothing of ours.
#pragma once

#include <cstdint>

namespace sparsemark::accelerator {

// Share of nonzeros in an operand, by its statistics.
struct Density {
  double density = 1.0;
  // Intra-class correlation of a beta-binomial: variance of a tile of n points is n d (1 - d) (1 + (n - 1)
  // rho). 0: uniform, which no pruned network is.
  double rho = 0.0;
};

// Z[m x n] = W[m x k] A[k x n]: m outputs (filters), n output pixels or columns, k inputs a sum. A
// convolution has m = filters, k = channels * kernel_height * kernel_width, n = batch * out_height *
// out_width, all of one group; counts of the layer are those of one group times groups. A product is a
// convolution of 1 x 1.
struct Layer {
  std::int64_t m = 1;
  std::int64_t n = 1;
  std::int64_t k = 1;
  std::int64_t channels = 1;
  std::int64_t height = 1;
  std::int64_t width = 1;
  std::int64_t kernel_height = 1;
  std::int64_t kernel_width = 1;
  std::int64_t stride = 1;
  std::int64_t out_height = 1;
  std::int64_t out_width = 1;
  std::int64_t batch = 1;
  std::int64_t groups = 1;
  Density weights;
  Density activations;
};

}  // namespace sparsemark::accelerator
