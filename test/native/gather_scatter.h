// Matrices that keep, and the rules that make, the load-balanced gather-scatter patterns of gs-*.
#pragma once

#include <cstdint>

#include "samples.h"

namespace sparsemark::test {

// GS(B, K) of a format's name: B banks, K nonzeros of a bundle in one row.
struct GatherScatter {
  std::int32_t banks = 0;
  std::int32_t per_row = 0;
  bool scatter = false;  // rows are sorted by length before they are grouped
  std::int32_t height() const { return banks / per_row; }
};

// What "gs-hybrid-16x4" and its like say; banks = 0 for other names.
GatherScatter gather_scatter_of(const char* format);

// A random matrix that keeps the pattern; its last group may lack rows. Empty where there are fewer columns
// than banks.
Sample gather_scatter_sample(Random& random, std::int32_t rows, std::int32_t cols,
                             const GatherScatter& pattern);

// nullptr where s keeps the pattern, otherwise a part of the reason that the format must give.
const char* broken_rule(const GatherScatter& pattern, const Sample& s);

}  // namespace sparsemark::test
