// Every entry of formats.inc, over random matrices.
#include <cstring>
#include <vector>

#include "../../native/formats/format.h"
#include "check.h"
#include "samples.h"

namespace sparsemark::test {
namespace {

// Encodes s; false where the format refuses, which must be when it should.
bool encode(const Format& format, const Sample& s, Matrix& matrix) {
  matrix.view.rows = s.rows;
  matrix.view.cols = s.cols;
  matrix.view.nnz = s.nnz();
  const char* reason = format.encode(s.csr(), matrix);
  const char* expected = expected_refusal(format.name, s);
  if (expected == nullptr) {
    SPARSEMARK_EXPECT(reason == nullptr, "%s refuses %s %d x %d: %s", format.name, s.pattern, s.rows, s.cols,
                      reason);
  } else {
    SPARSEMARK_EXPECT(reason != nullptr && std::strstr(reason, expected) != nullptr,
                      "%s holds %s %d x %d or gives a strange reason: %s", format.name, s.pattern, s.rows,
                      s.cols, reason == nullptr ? "none" : reason);
  }
  return reason == nullptr;
}

// Calls body(format, sample, matrix) for every format and many matrices that it holds.
template <typename Body>
void for_all(const Options& options, std::int32_t most, Body body) {
  Random random(options.seed);
  for (int round = 0; round < options.samples; ++round) {
    const Sample s = sample(random, most, most);
    for (int f = 0; f < kFormatCount; ++f) {
      Matrix matrix;
      if (encode(*kFormats[f], s, matrix)) body(*kFormats[f], s, matrix);
    }
  }
}

void round_trip(const Format& format, const Sample& s, const Matrix& matrix) {
  const std::vector<float> expected = s.dense();
  std::vector<float> decoded(expected.size(), 0.0f);
  format.decode(matrix, decoded.data());
  // Bit by bit: a stored -0 is not 0.
  const bool same =
      expected.empty() || std::memcmp(expected.data(), decoded.data(), expected.size() * sizeof(float)) == 0;
  SPARSEMARK_EXPECT(same, "%s changes %s %d x %d", format.name, s.pattern, s.rows, s.cols);
  const Encoded& a = matrix.view;
  SPARSEMARK_EXPECT(a.rows == s.rows && a.cols == s.cols && a.nnz == s.nnz(), "%s changes the sizes",
                    format.name);
  bool ascending = a.work[0] == 0;
  for (std::int32_t u = 0; u < a.units; ++u) ascending = ascending && a.work[u] <= a.work[u + 1];
  SPARSEMARK_EXPECT(ascending, "%s: work is not a running sum for %s %d x %d", format.name, s.pattern, s.rows,
                    s.cols);
}

template <typename T>
std::int64_t bytes_of(const Aligned<T>& array) {
  return static_cast<std::int64_t>(array.size() * sizeof(T));
}

void footprint(const Format& format, const Sample& s, const Matrix& m) {
  const std::int64_t stored = bytes_of(m.values) + bytes_of(m.offsets) + bytes_of(m.indices) +
                              bytes_of(m.bytes) + bytes_of(m.bits) + bytes_of(m.order);
  const std::int64_t counted =
      m.footprint.payload_bytes + m.footprint.metadata_bytes + m.footprint.padding_bytes;
  SPARSEMARK_EXPECT(stored == counted, "%s counts %lld bytes of %lld for %s %d x %d", format.name,
                    static_cast<long long>(counted), static_cast<long long>(stored), s.pattern, s.rows,
                    s.cols);
  SPARSEMARK_EXPECT(m.footprint.payload_bytes == 4LL * s.nnz(), "%s: payload is not 4 bytes a nonzero",
                    format.name);
  SPARSEMARK_EXPECT(m.footprint.metadata_bytes >= 0 && m.footprint.padding_bytes >= 0,
                    "%s: negative bytes for %s %d x %d", format.name, s.pattern, s.rows, s.cols);
}

const Format* format_named(const char* name) {
  for (int f = 0; f < kFormatCount; ++f) {
    if (std::strcmp(kFormats[f]->name, name) == 0) return kFormats[f];
  }
  return nullptr;
}

}  // namespace

void round_trips(const Options& options) {
  for_all(options, 40, round_trip);
  Options few = options;
  few.samples = options.samples / 50 + 1;
  for_all(few, 300, round_trip);
}

void footprints(const Options& options) {
  for_all(options, 40, footprint);
  // Known by hand: 4 x 8 with row i full up to column i: 1 + 2 + 3 + 4 nonzeros.
  Random random(options.seed);
  const Sample s = sample_where(random, 4, 8, "staircase", [](int i, int j) { return j <= i; });
  const struct {
    const char* format;
    Footprint footprint;
  } known[] = {
      {"dense", {40, 0, 88}},
      {"coo", {40, 80, 0}},
      {"csr", {40, 60, 0}},
      {"csc", {40, 76, 0}},
      {"bsr-1x4", {40, 36, 24}},
      {"bsr-4x1", {40, 24, 24}},
      {"bsr-4x4", {40, 12, 24}},
      {"bsr-8x8", {40, 12, 216}},
      {"bsr-16x1", {40, 24, 216}},
      {"ell", {40, 40, 48}},
      {"sell-16-128", {40, 40 + 8 + 16, (64 - 10) * 8}},
      {"bitmask", {40, 32 + 20, 0}},
      // Two runs of a pair each: 4 + 2 numbers and the columns 3 + 1, then 1 + 1; 4 offsets.
      {"packed", {40, (10 + 8) * 2 + 4 * 4, 0}},
  };
  for (const auto& one : known) {
    const Format* format = format_named(one.format);
    SPARSEMARK_EXPECT(format != nullptr, "no format %s", one.format);
    if (format == nullptr) continue;
    Matrix matrix;
    if (!encode(*format, s, matrix)) continue;
    SPARSEMARK_EXPECT(matrix.footprint.payload_bytes == one.footprint.payload_bytes &&
                          matrix.footprint.metadata_bytes == one.footprint.metadata_bytes &&
                          matrix.footprint.padding_bytes == one.footprint.padding_bytes,
                      "%s: %lld + %lld + %lld bytes", one.format,
                      static_cast<long long>(matrix.footprint.payload_bytes),
                      static_cast<long long>(matrix.footprint.metadata_bytes),
                      static_cast<long long>(matrix.footprint.padding_bytes));
  }
  // What packed promises where pruning is worth it: at most 6.6 bytes a nonzero at density 0.1.
  const Sample pruned =
      sample_where(random, 300, 400, "pruned", [&](int, int) { return random.unit() < 0.1; });
  Matrix packed;
  if (encode(*format_named("packed"), pruned, packed)) {
    const Footprint& f = packed.footprint;
    const double bytes = static_cast<double>(f.payload_bytes + f.metadata_bytes + f.padding_bytes);
    SPARSEMARK_EXPECT(bytes <= 6.6 * pruned.nnz(), "packed: %.2f bytes a nonzero at density 0.1",
                      bytes / pruned.nnz());
  }
  // 2:4 on 3 x 6: two groups a row, the second cut off; 4 values and 4 places of 2 bits a row.
  const Sample pairs = sample_where(random, 3, 6, "pairs", [](int, int j) { return j % 4 < 2; });
  Matrix matrix;
  if (encode(*format_named("nm-2:4"), pairs, matrix)) {
    SPARSEMARK_EXPECT(matrix.footprint.payload_bytes == 48 && matrix.footprint.metadata_bytes == 3 &&
                          matrix.footprint.padding_bytes == 0,
                      "nm-2:4 of 3 x 6: wrong bytes");
  }
}

void refusals(const Options& options) {
  Random random(options.seed);
  // encode() compares each answer with the expected one.
  const Sample cases[] = {
      sample_where(random, 1, 4, "two in a group", [](int, int j) { return j < 2; }),
      sample_where(random, 2, 9, "three in a group", [](int i, int j) { return i == 1 && j >= 5 && j < 8; }),
      sample_where(random, 1, 16, "five of eight", [](int, int j) { return j >= 8 && j < 13; }),
      sample_where(random, 1, 8, "two across groups", [](int, int j) { return j >= 3 && j < 5; }),
      sample_where(random, 200, 300, "one long row", [](int i, int) { return i == 3; }),
      sample_where(random, 200, 3, "one element", [](int i, int j) { return i == 3 && j == 1; }),
      sample_where(random, 60, 300, "one long row", [](int i, int) { return i == 3; }),
  };
  int refused = 0;
  for (const Sample& s : cases) {
    for (int f = 0; f < kFormatCount; ++f) {
      Matrix matrix;
      if (!encode(*kFormats[f], s, matrix)) ++refused;
    }
  }
  SPARSEMARK_EXPECT(refused == 14, "%d refusals of these matrices", refused);

  // 2^31 elements fit no 32-bit position; refused before anything of that size is allocated.
  const std::vector<std::int32_t> offsets((1u << 16) + 1, 0);
  const Csr huge = {1 << 16, 1 << 15, 0, offsets.data(), nullptr, nullptr};
  Matrix matrix;
  const char* reason = format_named("dense")->encode(huge, matrix);
  SPARSEMARK_EXPECT(reason != nullptr, "dense holds 2^31 elements");
}

}  // namespace sparsemark::test
