// libFuzzer: any bytes become a small matrix; a format must refuse it with a reason or give it back bit for
// bit, with every byte counted. SPARSEMARK_FUZZ_FORMAT names one symbol of formats.inc, so that the coverage
// of one format guides its inputs; without it every format takes each input. A format with a layout of its
// own for narrow vectors takes each input in both. Build with clang++ and -DSPARSEMARK_FUZZ=ON.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "../../native/formats/format.h"
#include "samples.h"

namespace {

using namespace sparsemark;

constexpr const char* kSymbols[] = {
#define SPARSEMARK_FORMAT(symbol) #symbol,
#include "../../native/formats/formats.inc"
#undef SPARSEMARK_FORMAT
};

int first = 0;
int last = 0;

// Bytes of the input over and over.
struct Bytes {
  const std::uint8_t* data;
  std::size_t size;
  bool bit(std::size_t at) const { return (data[at / 8 % size] >> (at % 8) & 1) != 0; }
};

// The values that arithmetic would change, and any others.
float value_of(const Bytes& bytes, std::size_t at) {
  constexpr std::uint32_t kSpecial[] = {0x00000000, 0x80000000, 0x00000001, 0x807fffff,
                                        0x7fc00000, 0xffa00001, 0x7f800000, 0xff800000};
  const std::uint8_t byte = bytes.data[at % bytes.size];
  std::uint32_t pattern = byte * 0x01000193u ^ static_cast<std::uint32_t>(at << 20);
  if (byte % 4 == 3) pattern = kSpecial[byte / 4 % 8];
  float value = 0.0f;
  std::memcpy(&value, &pattern, sizeof(value));
  return value;
}

// Whether element (i, j) is stored: the structures that formats are made for, and any bits.
bool kept(const Bytes& bytes, int structure, std::int32_t cols, std::int32_t i, std::int32_t j) {
  const auto at = [cols](std::int32_t row, std::int32_t col) {
    return static_cast<std::size_t>(row) * static_cast<std::size_t>(cols) + static_cast<std::size_t>(col);
  };
  switch (structure) {
    case 0:
      return bytes.bit(at(i / 4, j / 4));
    case 1:
      return bytes.bit(static_cast<std::size_t>(cols + j - i % cols));
    case 2:
      return j <= i && bytes.bit(at(i, j));
    case 3:
      return j % 4 < 2 && bytes.bit(at(i, j));
    case 4:
      return bytes.bit(static_cast<std::size_t>(j));
    default:
      return bytes.bit(at(i, j));
  }
}

test::Sample sample_from(const std::uint8_t* data, std::size_t size) {
  const Bytes bytes{data + 3, size - 3};
  const int structure = data[2] % 8;
  test::Sample s;
  if (structure == 7) {
    // A pattern of the other tests, balanced and bundled ones among them.
    std::uint64_t seed = 0;
    std::memcpy(&seed, bytes.data, bytes.size < sizeof(seed) ? bytes.size : sizeof(seed));
    test::Random random(seed);
    s = test::sample(random, data[0] % 100 + 1, data[1] % 40 + 1);
  } else {
    // More rows than the 64 elements a nonzero that ell bears; few columns, so that runs are short.
    s.rows = data[0] % 100;
    s.cols = data[1] % 40;
    // Now and then a column long enough for a gap of 16 at every 64th row, or banks of more than 256 columns.
    if (data[0] >= 248) {
      s.rows = 1024 + data[0] % 8 * 256;
      s.cols %= 3;
    } else if (data[1] >= 248) {
      s.rows %= 3;
      s.cols = 4000 + data[1] % 8 * 700;
    }
    s.row_offsets.push_back(0);
    for (std::int32_t i = 0; i < s.rows; ++i) {
      for (std::int32_t j = 0; j < s.cols; ++j) {
        if (!kept(bytes, structure, s.cols, i, j)) continue;
        s.col_indices.push_back(j);
        s.values.push_back(0.0f);
      }
      s.row_offsets.push_back(s.nnz());
    }
  }
  for (std::size_t at = 0; at < s.values.size(); ++at) s.values[at] = value_of(bytes, at);
  return s;
}

template <typename T>
std::int64_t bytes_of(const Aligned<T>& array) {
  return static_cast<std::int64_t>(array.size() * sizeof(T));
}

void demand(bool holds, const char* format, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "%s: %s\n", format, what);
  std::abort();
}

void check(const Format& format, decltype(Format::encode) encode, const char* symbol, const test::Sample& s) {
  test::Sample of = test::sample_of(s, format.dtype);
  const std::uint32_t payload = std::strcmp(format.dtype, "bf16") == 0  ? 0xffff0000u
                                : std::strcmp(format.dtype, "f16") == 0 ? 0xffffe000u
                                                                        : 0xffffffffu;
  if (payload != 0xffffffffu) {
    // Rounding keeps the payload of a NaN, and such a type rightly refuses one that is longer than its own.
    for (float& x : of.values) {
      std::uint32_t bits = 0;
      std::memcpy(&bits, &x, sizeof(bits));
      if (x != x) bits = (bits & payload) | 0x00400000u;
      std::memcpy(&x, &bits, sizeof(x));
    }
  }
  Matrix matrix;
  matrix.view.rows = s.rows;
  matrix.view.cols = s.cols;
  matrix.view.nnz = s.nnz();
  const bool refused = encode(of.csr(), matrix) != nullptr;
  const bool must_refuse = test::expected_refusal(format.name, s) != nullptr;
  demand(refused == must_refuse, symbol, refused ? "refuses what it holds" : "holds what it must refuse");
  if (refused) return;
  const std::vector<float> expected = of.dense();
  std::vector<float> decoded(expected.size(), 0.0f);
  format.decode(matrix, decoded.data());
  demand(
      expected.empty() || std::memcmp(expected.data(), decoded.data(), expected.size() * sizeof(float)) == 0,
      symbol, "decode(encode(x)) is not x");
  const Footprint& f = matrix.footprint;
  const std::int64_t stored = bytes_of(matrix.values) + bytes_of(matrix.offsets) + bytes_of(matrix.indices) +
                              bytes_of(matrix.bytes) + bytes_of(matrix.bits) + bytes_of(matrix.order);
  demand(f.payload_bytes >= 0 && f.metadata_bytes >= 0 && f.padding_bytes >= 0, symbol, "negative bytes");
  demand(f.payload_bytes + f.metadata_bytes + f.padding_bytes == stored, symbol,
         "the footprint is not the sum of the arrays");
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  last = kFormatCount;
  const char* wanted = std::getenv("SPARSEMARK_FUZZ_FORMAT");
  if (wanted == nullptr) return 0;
  for (int f = 0; f < kFormatCount; ++f) {
    if (std::strcmp(kSymbols[f], wanted) != 0) continue;
    first = f;
    last = f + 1;
    return 0;
  }
  std::fprintf(stderr,
               "Expected a symbol of native/formats/formats.inc for SPARSEMARK_FUZZ_FORMAT, received %s. "
               "Name one, or unset it for all.\n",
               wanted);
  std::exit(2);
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 4) return 0;
  const test::Sample s = sample_from(data, size);
  for (int f = first; f < last; ++f) {
    const Format& format = *kFormats[f];
    check(format, format.encode, kSymbols[f], s);
    if (format.encode_narrow != nullptr) check(format, format.encode_narrow, kSymbols[f], s);
  }
  return 0;
}
