// libFuzzer: any bytes become a small matrix; each format must refuse it with a reason or give it back bit
// for bit. Build with clang++ and -DSPARSEMARK_FUZZ=ON, run fuzz-formats -max_total_time=60.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "../../native/formats/format.h"
#include "samples.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sparsemark;
  if (size < 3) return 0;
  // More rows than the 64 elements a nonzero that ell bears; few columns, so that runs are short.
  std::int32_t rows = data[0] % 100;
  std::int32_t cols = data[1] % 40;
  // Now and then a column long enough for a gap of 16 at every 64th row, or banks of more than 256 columns.
  if (data[0] >= 248) {
    rows = 1024 + data[0] % 8 * 256;
    cols %= 3;
  } else if (data[1] >= 248) {
    rows %= 3;
    cols = 4000 + data[1] % 8 * 700;
  }
  // The rest: one bit an element, over and over, every stored value a bit pattern of its own.
  const std::uint8_t* bits = data + 2;
  const std::size_t count = (size - 2) * 8;
  test::Sample s;
  s.rows = rows;
  s.cols = cols;
  s.row_offsets.push_back(0);
  std::size_t at = 0;
  for (std::int32_t i = 0; i < rows; ++i) {
    for (std::int32_t j = 0; j < cols; ++j, ++at) {
      if ((bits[at % count / 8] >> (at % 8) & 1) == 0) continue;
      const std::uint32_t pattern = bits[at % count / 8] * 0x01000193u ^ static_cast<std::uint32_t>(at << 20);
      float value = 0.0f;
      std::memcpy(&value, &pattern, sizeof(value));
      s.col_indices.push_back(j);
      s.values.push_back(value);
    }
    s.row_offsets.push_back(s.nnz());
  }
  for (int f = 0; f < kFormatCount; ++f) {
    const test::Sample of = test::sample_of(s, kFormats[f]->dtype);
    const std::vector<float> expected = of.dense();
    Matrix matrix;
    matrix.view.rows = rows;
    matrix.view.cols = cols;
    matrix.view.nnz = s.nnz();
    const bool refused = kFormats[f]->encode(of.csr(), matrix) != nullptr;
    if (refused != (test::expected_refusal(kFormats[f]->name, s) != nullptr)) std::abort();
    if (refused) continue;
    std::vector<float> decoded(expected.size(), 0.0f);
    kFormats[f]->decode(matrix, decoded.data());
    if (!expected.empty() &&
        std::memcmp(expected.data(), decoded.data(), expected.size() * sizeof(float)) != 0) {
      std::abort();
    }
  }
  return 0;
}
