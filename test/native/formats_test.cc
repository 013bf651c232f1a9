// Every entry of formats.inc, over random matrices.
#include <cmath>
#include <cstring>
#include <vector>

#include "../../native/formats/format.h"
#include "check.h"
#include "samples.h"

namespace sparsemark::test {
namespace {

// Encodes s, whose values are of the format's type; false where the format refuses, which must be when it
// should.
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

// Calls body(format, sample, matrix) for every format and `rounds` matrices from next(random), where it holds
// them.
template <typename Next, typename Body>
void for_all(const Options& options, int rounds, Next next, Body body) {
  Random random(options.seed);
  std::vector<int> held(static_cast<std::size_t>(kFormatCount), 0);
  for (int round = 0; round < rounds; ++round) {
    const Sample any = next(random);
    for (int f = 0; f < kFormatCount; ++f) {
      const Sample s = sample_of(any, kFormats[f]->dtype);
      Matrix matrix;
      if (!encode(*kFormats[f], s, matrix)) continue;
      ++held[static_cast<std::size_t>(f)];
      body(*kFormats[f], s, matrix);
      if (kFormats[f]->encode_narrow == nullptr) continue;
      // What holds it for one CPU holds it for another.
      Matrix narrow;
      narrow.view.rows = s.rows;
      narrow.view.cols = s.cols;
      narrow.view.nnz = s.nnz();
      const char* reason = kFormats[f]->encode_narrow(s.csr(), narrow);
      SPARSEMARK_EXPECT(reason == nullptr, "%s for narrow vectors refuses %s %d x %d: %s", kFormats[f]->name,
                        s.pattern, s.rows, s.cols, reason);
      if (reason == nullptr) body(*kFormats[f], s, narrow);
    }
  }
  // A format that refuses nearly all of them would not be tested.
  for (int f = 0; f < kFormatCount && rounds >= 100; ++f) {
    SPARSEMARK_EXPECT(held[static_cast<std::size_t>(f)] >= rounds / 10, "%s holds %d of %d matrices",
                      kFormats[f]->name, held[static_cast<std::size_t>(f)], rounds);
  }
}

// The same over small matrices, some larger ones and some very long or wide ones.
template <typename Body>
void for_all(const Options& options, Body body) {
  const int few = options.samples / 50 + 1;
  for_all(
      options, options.samples, [](Random& random) { return sample(random, 40, 40); }, body);
  for_all(
      options, few, [](Random& random) { return sample(random, 300, 300); }, body);
  for_all(options, few, tall_sample, body);
  for_all(options, few, wide_sample, body);
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
  const int bytes = std::strcmp(format.dtype, "int8") == 0  ? 1
                    : std::strcmp(format.dtype, "f32") == 0 ? 4
                                                            : 2;
  SPARSEMARK_EXPECT(m.footprint.payload_bytes == static_cast<std::int64_t>(bytes) * s.nnz(),
                    "%s of %s: payload is not %d bytes a nonzero", format.name, format.dtype, bytes);
  SPARSEMARK_EXPECT(m.footprint.metadata_bytes >= 0 && m.footprint.padding_bytes >= 0,
                    "%s: negative bytes for %s %d x %d", format.name, s.pattern, s.rows, s.cols);
}

const Format* format_named(const char* name, const char* dtype = "f32") {
  for (int f = 0; f < kFormatCount; ++f) {
    if (std::strcmp(kFormats[f]->name, name) == 0 && std::strcmp(kFormats[f]->dtype, dtype) == 0) {
      return kFormats[f];
    }
  }
  return nullptr;
}

}  // namespace

void round_trips(const Options& options) {
  for_all(options, round_trip);
  // Columns that 16 bits just hold, and one more: the last ones are there.
  Random random(options.seed);
  for (const std::int32_t cols : {65536, 65537}) {
    const Sample s = sample_where(random, 21, cols, "wide",
                                  [&](int i, int j) { return i % 5 > 0 && (j % 977 == i || j >= cols - 2); });
    Matrix matrix;
    if (!encode(*format_named("sell-16-128"), s, matrix)) continue;
    round_trip(*format_named("sell-16-128"), s, matrix);
    footprint(*format_named("sell-16-128"), s, matrix);
    SPARSEMARK_EXPECT((matrix.view.indices == nullptr) == (cols == 65536),
                      "sell: %d columns of a wrong width", cols);
  }
}

void footprints(const Options& options) {
  for_all(options, footprint);
  // Known by hand: 4 x 8 with row i full up to column i: 1 + 2 + 3 + 4 nonzeros.
  Random random(options.seed);
  const Sample s = sample_where(random, 4, 8, "staircase", [](int i, int j) { return j <= i; });
  const struct {
    const char* format;
    Footprint footprint;
    const char* dtype = "f32";
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
      {"sell-16-128", {40, 20 + 8 + 16, (64 - 10) * 6}},
      // A window's place of each of 16 rows, the width of its slice, two offsets.
      {"sell-16-128x64", {40, 10 + 16 + 1 + 8, (64 - 10) * 5}},
      {"bitmask", {40, 32 + 20, 0}},
      // Two runs of a pair each, two words and those of 4 + 4 columns, then of 2 + 2, two of them padding; a
      // word at the end; 4 offsets.
      {"packed", {40, (2 * 2 + 2 + 1 + 1) * 8 + 4 * 4 - 2 * 2, 2 * 6}},
      {"run-length-4", {40, 5 + 9 * 4, 0}},
      {"run-length-4x64", {40, 5 + (64 * 8 + 1) * 4, 0}},
      // One round a row.
      {"bank-balanced-16", {40, 10 + 20, (4 * 16 - 10) * 5}},
      {"bank-balanced-32", {40, 10 + 20, (4 * 32 - 10) * 5}},
      {"diagonal", {40, 4 * 4, 6 * 4}},
      {"triangular", {40, 0, 0}},
      {"packed", {20, (2 * 2 + 2 + 1 + 1) * 8 + 4 * 4 - 2 * 2, 2 * 4}, "f16"},
      {"dense", {20, 0, 44}, "bf16"},
      {"csr", {20, 60, 0}, "bf16"},
      {"dense", {20, 0, 44}, "f16"},
      {"csr", {20, 60, 0}, "f16"},
      {"dense", {10, 0, 22}, "int8"},
      // One run of two pairs, each row of one quad, which stands beside the rows; a word at the end; 4
      // offsets.
      {"packed-1x4", {10, (1 + 2 + 1) * 8 + 4 * 4, 6}, "int8"},
  };
  for (const auto& one : known) {
    const Format* format = format_named(one.format, one.dtype);
    SPARSEMARK_EXPECT(format != nullptr, "no format %s of %s", one.format, one.dtype);
    if (format == nullptr) continue;
    Matrix matrix;
    if (!encode(*format, sample_of(s, one.dtype), matrix)) continue;
    SPARSEMARK_EXPECT(matrix.footprint.payload_bytes == one.footprint.payload_bytes &&
                          matrix.footprint.metadata_bytes == one.footprint.metadata_bytes &&
                          matrix.footprint.padding_bytes == one.footprint.padding_bytes,
                      "%s of %s: %lld + %lld + %lld bytes", one.format, one.dtype,
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
  // 2:4 on 3 x 6: two groups a row, the second cut off; 4 values and 4 places of 2 bits a row; 16 bytes
  // beyond.
  const Sample pairs = sample_where(random, 3, 6, "pairs", [](int, int j) { return j % 4 < 2; });
  Matrix matrix;
  if (encode(*format_named("nm-2:4"), pairs, matrix)) {
    SPARSEMARK_EXPECT(matrix.footprint.payload_bytes == 48 && matrix.footprint.metadata_bytes == 3 &&
                          matrix.footprint.padding_bytes == 16,
                      "nm-2:4 of 3 x 6: wrong bytes");
  }
  // Balanced banks, 2 of 3 columns each: nothing is padded.
  const Sample banks = sample_where(random, 5, 48, "2 of 3", [](int, int j) { return j % 3 > 0; });
  Matrix balanced;
  if (encode(*format_named("bank-balanced-16"), banks, balanced)) {
    SPARSEMARK_EXPECT(
        balanced.footprint.metadata_bytes == 5 * 32 + 6 * 4 && balanced.footprint.padding_bytes == 0,
        "bank-balanced-16 of 5 x 48: wrong bytes");
  }
}

void run_lengths(const Options& options) {
  Random random(options.seed);
  // The EIE paper's column: 2 zeros, 1, 2, 18 zeros, 3 has the runs 2, 0, 15, 2, the third of them padding.
  const Sample s = sample_where(random, 23, 1, "EIE", [](int i, int) { return i == 2 || i == 3 || i == 22; });
  Matrix matrix;
  if (encode(*format_named("run-length-4"), s, matrix)) {
    SPARSEMARK_EXPECT(matrix.values.size() == 4 && matrix.bytes[0] == 0x02 && matrix.bytes[1] == 0x2f &&
                          matrix.values[2] == 0.0f && matrix.footprint.padding_bytes == 4,
                      "run-length-4: %zu entries, runs %02x %02x", matrix.values.size(), matrix.bytes[0],
                      matrix.bytes[1]);
  }
  // Every 64th row: gaps of 0, 15, 16 and 48 rows before a nonzero cost 0, 0, 1 and 3 entries.
  const Sample far = sample_where(random, 64 * 84, 1, "every 64th row", [](int i, int) {
    return i % 64 == 5 && (i / 64 == 0 || i / 64 == 16 || i / 64 == 33 || i / 64 == 82);
  });
  Matrix elements;
  if (encode(*format_named("run-length-4x64"), far, elements)) {
    SPARSEMARK_EXPECT(elements.values.size() == 8 && elements.footprint.padding_bytes == 4 * 4 + 2,
                      "run-length-4x64: %zu entries", elements.values.size());
  }
  // Long columns at density d hold d / (1 - (1 - d)^16) entries a row on average: 2.08 entries a nonzero
  // here.
  const Sample column =
      sample_where(random, 400000, 1, "column", [&](int, int) { return random.unit() < 0.04; });
  Matrix long_runs;
  if (encode(*format_named("run-length-4"), column, long_runs)) {
    const double ratio = static_cast<double>(long_runs.values.size()) / column.nnz();
    const double expected = 1.0 / (1.0 - std::pow(1.0 - 0.04, 16.0));
    SPARSEMARK_EXPECT(std::fabs(ratio - expected) < 0.03, "run-length-4: %.3f entries a nonzero, not %.3f",
                      ratio, expected);
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
      sample_where(random, 200, 30, "one a row", [](int i, int j) { return j == i * 7 % 30; }),
  };
  int refused = 0;
  for (const Sample& s : cases) {
    for (int f = 0; f < kFormatCount; ++f) {
      Matrix matrix;
      if (!encode(*kFormats[f], sample_of(s, kFormats[f]->dtype), matrix)) ++refused;
    }
  }
  SPARSEMARK_EXPECT(refused == 88, "%d refusals of these matrices", refused);

  // 2^31 elements fit no 32-bit position; refused before anything of that size is allocated.
  const std::vector<std::int32_t> offsets((1u << 16) + 1, 0);
  const Csr huge = {1 << 16, 1 << 15, 0, offsets.data(), nullptr, nullptr};
  Matrix matrix;
  const char* reason = format_named("dense")->encode(huge, matrix);
  SPARSEMARK_EXPECT(reason != nullptr, "dense holds 2^31 elements");

  const std::int32_t none[] = {0, 0};
  const Csr wide = {1, (16 << 16) + 1, 0, none, nullptr, nullptr};
  Matrix banks;
  banks.view.rows = 1;
  banks.view.cols = wide.cols;
  reason = format_named("bank-balanced-16")->encode(wide, banks);
  SPARSEMARK_EXPECT(reason != nullptr, "bank-balanced-16 has columns of more than 16 bits in a bank");
  reason = format_named("bank-balanced-32")->encode(wide, banks);
  SPARSEMARK_EXPECT(reason == nullptr, "bank-balanced-32 refuses banks of 32769 columns");
}

}  // namespace sparsemark::test
