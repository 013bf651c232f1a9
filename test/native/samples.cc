#include "samples.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <set>

#include "gather_scatter.h"

namespace sparsemark::test {

std::uint64_t Random::bits() {
  state_ += 0x9e3779b97f4a7c15u;
  std::uint64_t x = state_;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

std::int32_t Random::below(std::int32_t limit) {
  return static_cast<std::int32_t>((bits() >> 33) % static_cast<std::uint64_t>(limit));
}

double Random::unit() { return static_cast<double>(bits() >> 11) * 0x1p-53; }

float Random::value() {
  const float x = static_cast<float>(2.0 * unit() - 1.0);
  switch (below(24)) {
    case 0:
      return 0.0f;
    case 1:
      return -0.0f;
    case 2:
      return x * 0x1p-130f;
    case 3:
      return x * 0x1p20f;
    default:
      return x;
  }
}

Csr Sample::csr() const { return {rows, cols, nnz(), row_offsets.data(), col_indices.data(), values.data()}; }

sparsemark_csr Sample::c_csr() const {
  return {rows, cols, nnz(), row_offsets.data(), col_indices.data(), values.data()};
}

std::vector<float> Sample::dense() const {
  std::vector<float> all(static_cast<std::size_t>(rows) * static_cast<std::size_t>(cols), 0.0f);
  for (std::int32_t i = 0; i < rows; ++i) {
    for (std::int32_t p = row_offsets[static_cast<std::size_t>(i)];
         p < row_offsets[static_cast<std::size_t>(i) + 1]; ++p) {
      const std::size_t at = static_cast<std::size_t>(p);
      all[static_cast<std::size_t>(i) * static_cast<std::size_t>(cols) +
          static_cast<std::size_t>(col_indices[at])] = values[at];
    }
  }
  return all;
}

Sample sample(Random& random, std::int32_t most_rows, std::int32_t most_cols) {
  std::int32_t rows = random.below(most_rows + 1);
  std::int32_t cols = random.below(most_cols + 1);
  // 1 x n and n x 1 come up often enough by themselves only for small limits.
  if (random.below(16) == 0) rows = 1;
  if (random.below(16) == 0) cols = 1;
  return sample_of(random, rows, cols);
}

Sample tall_sample(Random& random) {
  return sample_of(random, 1000 + random.below(2000), 1 + random.below(4));
}

Sample wide_sample(Random& random) {
  return sample_of(random, 1 + random.below(3), 4000 + random.below(5000));
}

Sample sample_of(Random& random, std::int32_t rows, std::int32_t cols) {
  const double density = random.unit() * random.unit();
  const std::int32_t a = 1 + random.below(8);
  const std::int32_t b = 1 + random.below(8);
  const std::uint64_t salt = random.bits();
  const auto chance = [&](std::int32_t i, std::int32_t j) {
    return Random(salt ^ (static_cast<std::uint64_t>(i) << 32) ^ static_cast<std::uint64_t>(j)).unit();
  };
  // The places of a group of m columns that hold its `most` nonzeros: those of the smallest chances.
  // Of the groups, `whole` are not left with fewer.
  const auto n_of_m = [&](std::int32_t most, std::int32_t m, double whole = 0.9) {
    return [=](std::int32_t i, std::int32_t j) {
      std::int32_t before = 0;
      for (std::int32_t other = j / m * m; other < j / m * m + m; ++other) {
        if (other != j && chance(i, other) < chance(i, j)) ++before;
      }
      return before < most && chance(i + 1000, j / m) < whole;
    };
  };
  switch (random.below(17)) {
    case 0:
      return sample_where(random, rows, cols, "empty", [](int, int) { return false; });
    case 1:
      return sample_where(random, rows, cols, "full", [](int, int) { return true; });
    case 2:
      return sample_where(random, rows, cols, "banded", [=](int i, int j) { return std::abs(i - j) < a; });
    case 3:
      return sample_where(random, rows, cols, "blocks",
                          [&](int i, int j) { return chance(i / a, j / b) < density; });
    case 4:
      return sample_where(random, rows, cols, "every other row empty",
                          [&](int i, int j) { return i % 2 == 1 && chance(i, j) < density; });
    case 5:
      return sample_where(random, rows, cols, "one long row",
                          [&](int i, int j) { return i == a || chance(i, j) < 0.02; });
    case 6:
      return sample_where(random, rows, cols, "power-law rows",
                          [&](int i, int j) { return chance(i, j) < 1.0 / (1.0 + (i * 7) % 31); });
    case 7:
      return sample_where(random, rows, cols, "last element only",
                          [=](int i, int j) { return i + 1 == rows && j + 1 == cols; });
    case 8:
      return sample_where(random, rows, cols, "1:4", n_of_m(1, 4));
    case 9:
      return sample_where(random, rows, cols, "2:4", n_of_m(2, 4));
    case 10:
      return sample_where(random, rows, cols, "4:8", n_of_m(4, 8));
    case 11:
      return sample_where(random, rows, cols, "lower triangle",
                          [&](int i, int j) { return j <= i && chance(i, j) < density; });
    case 12:
      return sample_where(random, rows, cols, "few diagonals",
                          [&](int i, int j) { return chance(-1, j - i) < 0.1 && chance(i, j) < 0.9; });
    case 13: {
      // In each row, `kept` of every bank.
      const std::int32_t banks = 16 * (1 + a % 2);
      const std::int32_t width = cols / banks + 1;
      const std::int32_t kept = 1 + b % width;
      cols = cols / banks * banks;
      const auto of_bank = n_of_m(kept, std::max(1, cols / banks), 1.0);
      return sample_where(random, rows, cols, "bank-balanced", [&](int i, int j) { return of_bank(i, j); });
    }
    case 14:
      return gather_scatter_sample(random, rows, cols, {8, 1 << random.below(4), random.below(2) == 0});
    case 15:
      return gather_scatter_sample(random, rows, cols, {16, 1 << random.below(5), random.below(2) == 0});
    default:
      return sample_where(random, rows, cols, "uniform",
                          [&](int i, int j) { return chance(i, j) < density; });
  }
}

const char* expected_refusal(const char* format, const Sample& s) {
  int most = 0;
  int group = 0;
  if (std::sscanf(format, "nm-%d:%d", &most, &group) == 2) {
    std::vector<std::int32_t> in_group;
    for (std::int32_t i = 0; i < s.rows; ++i) {
      in_group.assign(static_cast<std::size_t>(s.cols / group) + 1, 0);
      for (std::int32_t p = s.row_offsets[static_cast<std::size_t>(i)];
           p < s.row_offsets[static_cast<std::size_t>(i) + 1]; ++p) {
        const std::size_t at = static_cast<std::size_t>(s.col_indices[static_cast<std::size_t>(p)] / group);
        if (++in_group[at] > most) return "neighbouring columns holds more than";
      }
    }
  }
  if (const GatherScatter pattern = gather_scatter_of(format); pattern.banks > 0) {
    return broken_rule(pattern, s);
  }
  if (std::strcmp(format, "ell") == 0) {
    std::int64_t longest = 0;
    for (std::size_t i = 0; i < static_cast<std::size_t>(s.rows); ++i) {
      longest = std::max<std::int64_t>(longest, s.row_offsets[i + 1] - s.row_offsets[i]);
    }
    if (longest * s.rows > 64LL * s.nnz()) return "rows too uneven";
  }
  if (std::strcmp(format, "diagonal") == 0 || std::strcmp(format, "triangular") == 0) {
    std::set<std::int32_t> diagonals;
    for (std::int32_t i = 0; i < s.rows; ++i) {
      for (std::int32_t p = s.row_offsets[static_cast<std::size_t>(i)];
           p < s.row_offsets[static_cast<std::size_t>(i) + 1]; ++p) {
        diagonals.insert(s.col_indices[static_cast<std::size_t>(p)] - i);
      }
    }
    if (std::strcmp(format, "triangular") == 0) {
      return diagonals.empty() || *diagonals.rbegin() <= 0 ? nullptr : "above the diagonal";
    }
    const std::int64_t stored = static_cast<std::int64_t>(diagonals.size()) * s.rows;
    if (stored > 8LL * s.nnz() && stored > static_cast<std::int64_t>(s.rows) * s.cols) {
      return "too many diagonals";
    }
  }
  return nullptr;
}

namespace {

// Nearest value with so many bits of fraction and no exponent below the least. No overflow is looked for.
float rounded(float x, int fraction_bits, int least_exponent) {
  if (x == 0.0f) return x;
  int exponent = 0;
  std::frexp(x, &exponent);
  const int step = std::max(exponent - 1, least_exponent) - fraction_bits;
  return static_cast<float>(std::ldexp(std::nearbyint(std::ldexp(static_cast<double>(x), -step)), step));
}

}  // namespace

Sample sample_of(const Sample& a, const char* dtype) {
  Sample out = a;
  for (float& x : out.values) {
    if (std::strcmp(dtype, "bf16") == 0) {
      x = rounded(x, 7, -126);
    } else if (std::strcmp(dtype, "f16") == 0) {
      // No number becomes infinite, and a sum of thousands neither.
      int exponent = 0;
      if (std::isfinite(x) && std::fabs(x) > 1024.0f) x = std::frexp(x, &exponent);
      if (std::isfinite(x)) x = rounded(x, 10, -14);
    } else if (std::strcmp(dtype, "int8") == 0) {
      std::uint32_t bits = 0;
      std::memcpy(&bits, &x, sizeof(bits));
      x = static_cast<float>(static_cast<int>(bits % 255u) - 127);
    }
  }
  return out;
}

}  // namespace sparsemark::test
