// Where the numbers that a format stores stand: the nonzeros, and the zeros that it pads them with. A kernel
// multiplies no other place of A, so that NaN in an operand there must not reach the answer.
#pragma once

#include <vector>

#include "samples.h"

namespace sparsemark::test {

struct Stored {
  std::vector<bool> rows;
  std::vector<bool> cols;
  bool operator==(const Stored&) const = default;
};

// Rows and columns of s that the format stores something in, by the description at the head of its file.
Stored stored_by(const char* format, const Sample& s);

}  // namespace sparsemark::test
