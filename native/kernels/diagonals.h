// What the kernels on diagonal share. For kernel files only.
#pragma once

#include "kernel.h"

namespace sparsemark::SPARSEMARK_ISA {
namespace {

// Lowers count, which starts at the number of diagonals, to that of the diagonals with an offset below limit.
// Limits fall with the rows, so that all steps together are one walk over the diagonals.
static inline void count_below(const Encoded& a, std::int64_t limit, std::int32_t& count) {
  while (count > 0 && a.indices[count - 1] >= limit) --count;
}

}  // namespace
}  // namespace sparsemark::SPARSEMARK_ISA
