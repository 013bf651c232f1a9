// Which operands an op has and how long they are: the table at the head of sparsemark.h as code. Knows no
// Node.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "sparsemark.h"

namespace sparsemark {

// Type of the elements of an operand; kNone: the op has no such operand.
enum class Element : std::uint8_t { kNone, kFloat32, kFloat16, kUint8, kInt32 };

std::size_t bytes_of(Element element);

struct OperandSize {
  Element element = Element::kNone;
  std::size_t length = 0;  // elements
};

// What the sizes of operands follow from.
struct ProductSizes {
  std::int32_t m = 0;
  std::int32_t k = 0;
  std::int32_t n = 0;
  std::int32_t nnz = 0;
  const sparsemark_conv* conv = nullptr;  // of conv2d, else nullptr
};

struct OperandSizes {
  OperandSize b, b2, b3, c;
  bool sparse_b = false;
  std::int32_t sparse_rows = 0;
  std::int32_t sparse_cols = 0;
  bool makes_matrix = false;  // encode and prune: no A comes in, the answer is a matrix
};

// Empty, or why these sizes do not fit the op: the two middle parts of "Expected ..., received ...".
struct SizesRefusal {
  std::string expected;
  std::string received;
};

// False, with the reason, for an unknown op or type and for sizes that do not belong together or overflow.
bool operand_sizes(const std::string& op, const std::string& dtype, const ProductSizes& product,
                   OperandSizes& sizes, SizesRefusal& refusal);

}  // namespace sparsemark
