// What gs-* promise beyond the contract of a format, on the arrays that they store.
#include "gather_scatter.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "../../native/formats/format.h"
#include "check.h"
#include "samples.h"

namespace sparsemark::test {
namespace {

const char* encode(const Format& format, const Sample& s, Matrix& matrix) {
  matrix.view.rows = s.rows;
  matrix.view.cols = s.cols;
  matrix.view.nnz = s.nnz();
  return format.encode(s.csr(), matrix);
}

// Column of a lane as it stands in the arrays, padding included.
std::int32_t column_of(const Encoded& a, std::int32_t bundle, std::int32_t lane) {
  std::uint16_t number = 0;
  std::memcpy(&number, a.bytes + (static_cast<std::size_t>(bundle * a.p0 + lane)) * 2, 2);
  return a.p0 == a.p1 ? number * a.p0 + lane : number;
}

// Times that a bank is asked beyond the first by one gather of these columns: cycles that a conflict costs.
std::int32_t conflicts(const std::vector<std::int32_t>& columns, std::int32_t banks) {
  std::vector<std::int32_t> asked(static_cast<std::size_t>(banks));
  std::int32_t worst = 0;
  for (const std::int32_t column : columns) {
    worst = std::max(worst, ++asked[static_cast<std::size_t>(column % banks)]);
  }
  return worst - 1;
}

std::vector<std::int32_t> columns_of(const Encoded& a, std::int32_t bundle) {
  std::vector<std::int32_t> columns;
  for (std::int32_t lane = 0; lane < a.p0; ++lane) columns.push_back(column_of(a, bundle, lane));
  return columns;
}

// Conflicts of all gathers of B that take the rows of an unstructured matrix from left to right.
std::int64_t conflicts_in_order(const Sample& s, std::int32_t banks, std::int64_t& gathers) {
  std::int64_t all = 0;
  for (std::size_t i = 0; i < static_cast<std::size_t>(s.rows); ++i) {
    for (std::int32_t p = s.row_offsets[i]; p + banks <= s.row_offsets[i + 1]; p += banks, ++gathers) {
      all += conflicts({s.col_indices.begin() + p, s.col_indices.begin() + p + banks}, banks);
    }
  }
  return all;
}

// Calls body(format, pattern) for each gs-*.
template <typename Body>
void for_all(Body body) {
  int found = 0;
  for (int f = 0; f < kFormatCount; ++f) {
    const GatherScatter pattern = gather_scatter_of(kFormats[f]->name);
    if (pattern.banks == 0) continue;
    ++found;
    body(*kFormats[f], pattern);
  }
  SPARSEMARK_EXPECT(found > 0, "no gs-* format");
}

void check_bundles(const Format& format, const GatherScatter& pattern, const Sample& s) {
  Matrix matrix;
  const char* reason = encode(format, s, matrix);
  SPARSEMARK_EXPECT(reason == nullptr, "%s refuses a matrix that keeps it, %d x %d: %s", format.name, s.rows,
                    s.cols, reason);
  if (reason != nullptr) return;
  const Encoded& a = matrix.view;
  SPARSEMARK_EXPECT(a.p0 == pattern.banks && a.p1 == pattern.per_row, "%s is GS(%d, %d)", format.name, a.p0,
                    a.p1);
  // Whatever is padding stands for a row beyond the last.
  const std::int64_t whole = s.rows % pattern.height() == 0 ? 0 : 1;
  SPARSEMARK_EXPECT(whole == 1 || matrix.footprint.padding_bytes == 0, "%s pads whole groups", format.name);
  for (std::int32_t group = 0; group < a.units; ++group) {
    std::vector<std::int32_t> in_bank(static_cast<std::size_t>(a.p0));
    for (std::int32_t bundle = a.offsets[group]; bundle < a.offsets[group + 1]; ++bundle) {
      const std::vector<std::int32_t> columns = columns_of(a, bundle);
      SPARSEMARK_EXPECT(conflicts(columns, a.p0) == 0, "%s: bundle %d has two columns in one bank",
                        format.name, bundle);
      for (const std::int32_t column : columns) {
        SPARSEMARK_EXPECT(column >= 0 && column < a.cols, "%s: column %d of %d", format.name, column, a.cols);
        ++in_bank[static_cast<std::size_t>(column % a.p0)];
      }
    }
    for (const std::int32_t count : in_bank) {
      SPARSEMARK_EXPECT(count == a.offsets[group + 1] - a.offsets[group], "%s: group %d is not balanced",
                        format.name, group);
    }
  }
  std::vector<float> decoded(s.dense().size(), 0.0f);
  format.decode(matrix, decoded.data());
  SPARSEMARK_EXPECT(decoded.empty() || std::memcmp(decoded.data(), s.dense().data(), decoded.size() * 4) == 0,
                    "%s changes %d x %d", format.name, s.rows, s.cols);
}

}  // namespace

void gather_scatter_bundles(const Options& options) {
  Random random(options.seed);
  for (int round = 0; round < options.samples / 10 + 1; ++round) {
    for_all([&](const Format& format, const GatherScatter& pattern) {
      check_bundles(format, pattern,
                    gather_scatter_sample(random, random.below(50), random.below(150), pattern));
    });
  }
}

void gather_scatter_dense(const Options& options) {
  Random random(options.seed);
  for_all([&](const Format& format, const GatherScatter& pattern) {
    // A full matrix whose columns fill the banks evenly keeps every pattern.
    const Sample full =
        sample_where(random, 2 * pattern.height(), pattern.banks, "full", [](int, int) { return true; });
    Matrix matrix;
    SPARSEMARK_EXPECT(encode(format, full, matrix) == nullptr, "%s refuses a full matrix", format.name);
    // 4 bytes a value, 2 a column, 4 for each of 2 groups and one more, 4 for a row that is moved.
    const std::int64_t metadata = full.nnz() * 2LL + 12 + (pattern.scatter ? full.rows * 4LL : 0);
    SPARSEMARK_EXPECT(matrix.footprint.payload_bytes == full.nnz() * 4LL &&
                          matrix.footprint.metadata_bytes == metadata && matrix.footprint.padding_bytes == 0,
                      "%s of a full matrix: wrong bytes", format.name);
    if (pattern.per_row != pattern.banks) return;
    // GS(B, B) with rows of B: nothing but the dense array.
    SPARSEMARK_EXPECT(std::memcmp(matrix.values.data(), full.values.data(), full.values.size() * 4) == 0,
                      "%s of full rows is not dense", format.name);
    for (const std::uint8_t byte : matrix.bytes) {
      SPARSEMARK_EXPECT(byte == 0, "%s of full rows: an index is not 0", format.name);
    }
  });
}

void gather_scatter_conflicts(const Options& options) {
  Random random(options.seed);
  for_all([&](const Format& format, const GatherScatter& pattern) {
    const Sample s = gather_scatter_sample(random, 64, 256, pattern);
    Matrix matrix;
    SPARSEMARK_EXPECT(encode(format, s, matrix) == nullptr, "%s refuses its pattern", format.name);
    std::int64_t all = 0;
    for (std::int32_t bundle = 0; bundle < matrix.view.offsets[matrix.view.units]; ++bundle) {
      all += conflicts(columns_of(matrix.view, bundle), pattern.banks);
    }
    SPARSEMARK_EXPECT(all == 0, "%s: %lld conflicts", format.name, static_cast<long long>(all));
    const double density = s.nnz() / (64.0 * 256.0);
    const Sample other =
        sample_where(random, 64, 256, "uniform", [&](int, int) { return random.unit() < density; });
    std::int64_t gathers = 0;
    SPARSEMARK_EXPECT(conflicts_in_order(other, pattern.banks, gathers) > 0, "no conflict in %lld gathers",
                      static_cast<long long>(gathers));
  });
  // The worst load of B random banks is 2.597 (B = 8) and 3.078 (B = 16) in expectation; a wide and very
  // sparse row is as good as random columns.
  const struct {
    std::int32_t banks;
    double load;
  } known[] = {{8, 2.597}, {16, 3.078}};
  for (const auto& one : known) {
    const Sample s =
        sample_where(random, 200, 20000, "uniform", [&](int, int) { return random.unit() < 0.005; });
    std::int64_t gathers = 0;
    const std::int64_t all = conflicts_in_order(s, one.banks, gathers);
    const double load = 1.0 + static_cast<double>(all) / static_cast<double>(gathers);
    // 1000 gathers and more, of standard deviation 0.7 and less: five times that of their mean.
    SPARSEMARK_EXPECT(gathers > 1000 && std::fabs(load - one.load) < 0.11, "B = %d: worst load %.3f in %lld",
                      one.banks, load, static_cast<long long>(gathers));
  }
}

void gather_scatter_refusals(const Options& options) {
  Random random(options.seed);
  for_all([&](const Format& format, const GatherScatter& pattern) {
    const auto refused = [&](const Sample& s, const char* expected, const char* what) {
      Matrix matrix;
      const char* reason = encode(format, s, matrix);
      SPARSEMARK_EXPECT(reason != nullptr && expected != nullptr && std::strstr(reason, expected) != nullptr,
                        "%s holds a matrix with %s, or says %s", format.name, what,
                        reason == nullptr ? "nothing" : reason);
    };
    for (int round = 0; round < 20; ++round) {
      const Sample s = gather_scatter_sample(random, 4 * pattern.height(), 6 * pattern.banks, pattern);
      if (s.nnz() == 0) continue;
      const std::int32_t victim = random.below(s.nnz());
      Sample fewer = s;
      fewer.col_indices.erase(fewer.col_indices.begin() + victim);
      fewer.values.erase(fewer.values.begin() + victim);
      for (std::int32_t& offset : fewer.row_offsets) offset -= offset > victim ? 1 : 0;
      refused(fewer, broken_rule(pattern, fewer), "a nonzero too few");

      // The last nonzero of a row, moved to the last column of the matrix, or the first to the first.
      Sample moved = s;
      const std::int32_t end = s.row_offsets[1];
      if (end == 0 || s.col_indices[static_cast<std::size_t>(end - 1)] % pattern.banks == pattern.banks - 1) {
        continue;
      }
      moved.col_indices[static_cast<std::size_t>(end - 1)] = s.cols - 1;
      refused(moved, "in bank", "a nonzero in another bank");
    }
    Sample wide;
    wide.rows = pattern.height();
    wide.cols = 65536 * (pattern.per_row == pattern.banks ? pattern.banks : 1);
    wide.row_offsets.assign(static_cast<std::size_t>(wide.rows) + 1, 0);
    Matrix matrix;
    SPARSEMARK_EXPECT(encode(format, wide, matrix) == nullptr, "%s refuses columns that it can number",
                      format.name);
    ++wide.cols;
    refused(wide, "more columns than", "too many columns");
  });

  // The reason says which row or group broke which rule.
  const auto reason_of = [&](const char* name, const Sample& s) {
    const char* reason = nullptr;
    Matrix matrix;
    for (int f = 0; f < kFormatCount; ++f) {
      if (std::strcmp(kFormats[f]->name, name) == 0) reason = encode(*kFormats[f], s, matrix);
    }
    return reason == nullptr ? "" : reason;
  };
  const auto says = [&](const char* reason, const char* expected) {
    SPARSEMARK_EXPECT(std::strcmp(reason, expected) == 0, "says \"%s\" instead of \"%s\"", reason, expected);
  };
  const Sample odd = sample_where(random, 8, 16, "odd", [](int i, int j) { return i == 3 && j < 7; });
  says(reason_of("gs-horizontal-8", odd), "row 3 holds 7 nonzeros, not a multiple of 8");
  says(reason_of("gs-vertical-8", odd), "row 0 holds 0 nonzeros and row 3, of the same group, 7");
  const Sample crowded =
      sample_where(random, 8, 16, "crowded", [](int i, int j) { return i == 3 && j % 8 < 4; });
  says(reason_of("gs-horizontal-8", crowded),
       "the group of row 3 holds 2 nonzeros in bank 0 (columns 0 mod 8) where exactly 1 fit");
  const Sample few = sample_where(random, 2, 16, "few", [](int, int j) { return j == 5; });
  says(reason_of("gs-vertical-8", few),
       "the group of row 0 holds 2 nonzeros in bank 5 (columns 5 mod 8) where at most 1 fit");
}

}  // namespace sparsemark::test
