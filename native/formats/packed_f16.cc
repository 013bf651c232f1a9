// packed of f16: the layout of packed (packed.cc), whose values take 2 bytes each, two in the place of a
// float: `values` is a list of numbers of 16 bits, and offsets count these. Blocks are as wide as those of
// floats: a vector of twice the columns takes the same bytes of the tile of B.
#include <vector>

#include "f16.h"
#include "packed.h"

namespace sparsemark::formats {
namespace {

// Entries of `values`, padding included: the last of the offsets.
std::size_t count_of(const Matrix& matrix) {
  return static_cast<std::size_t>(matrix.offsets[matrix.offsets.size() - 1]);
}

const char* encode(const Csr& csr, Matrix& matrix) {
  if (const char* reason = encode_packed(csr, packed_layout(csr, false), matrix); reason != nullptr)
    return reason;
  const std::size_t count = count_of(matrix);
  Aligned<float> halves((count + 1) / 2);
  std::uint8_t* out = reinterpret_cast<std::uint8_t*>(halves.data());
  if (const char* reason = F16::narrow(matrix.values.data(), count, out); reason != nullptr) return reason;
  matrix.values = std::move(halves);
  const std::int64_t padded = static_cast<std::int64_t>(count) - csr.nnz;
  matrix.footprint = {csr.nnz * 2LL, matrix.footprint.metadata_bytes, padded * 4};
  matrix.bind();
  return nullptr;
}

void decode(const Matrix& matrix, float* dense) {
  Encoded wide = matrix.view;
  std::vector<float> values(count_of(matrix));
  const std::uint8_t* halves = reinterpret_cast<const std::uint8_t*>(wide.values);
  for (std::size_t p = 0; p < values.size(); ++p) values[p] = F16::widen(halves + 2 * p);
  wide.values = values.data();
  decode_packed(wide, static_cast<std::size_t>(wide.cols), dense);
}

}  // namespace

extern const Format packed_f16 = {"packed", encode, decode, "f16"};

}  // namespace sparsemark::formats
