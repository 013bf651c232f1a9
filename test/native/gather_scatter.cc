#include "gather_scatter.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <numeric>
#include <vector>

namespace sparsemark::test {
namespace {

std::size_t index_of(std::int32_t i) { return static_cast<std::size_t>(i); }

// A random order of 0 ... count - 1.
std::vector<std::int32_t> shuffled(Random& random, std::int32_t count) {
  std::vector<std::int32_t> order(index_of(count));
  std::iota(order.begin(), order.end(), 0);
  for (std::int32_t last = count - 1; last > 0; --last) {
    std::swap(order[index_of(last)], order[index_of(random.below(last + 1))]);
  }
  return order;
}

// Rows by a falling number each, ties in the order of the rows.
std::vector<std::int32_t> sorted_rows(const std::vector<std::int32_t>& number) {
  std::vector<std::int32_t> order(number.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](std::int32_t x, std::int32_t y) { return number[index_of(x)] > number[index_of(y)]; });
  return order;
}

}  // namespace

GatherScatter gather_scatter_of(const char* format) {
  GatherScatter pattern;
  char variant[16] = {};
  const int found = std::sscanf(format, "gs-%10[a-z]-%dx%d", variant, &pattern.banks, &pattern.per_row);
  if (found < 2) return {};
  if (found == 2) pattern.per_row = std::strcmp(variant, "horizontal") == 0 ? pattern.banks : 1;
  pattern.scatter = std::strcmp(variant, "scatter") == 0;
  return pattern;
}

Sample gather_scatter_sample(Random& random, std::int32_t rows, std::int32_t cols,
                             const GatherScatter& pattern) {
  const std::int32_t banks = pattern.banks;
  const std::int32_t height = pattern.height();
  const std::int32_t most = cols / banks * banks / pattern.per_row;  // bundles of a group
  const std::int32_t groups = (rows + height - 1) / height;
  std::vector<std::int32_t> bundles(index_of(groups));
  for (std::int32_t& count : bundles) count = random.below(most + 1);
  std::vector<std::int32_t> rank(index_of(rows));
  std::iota(rank.begin(), rank.end(), 0);
  if (pattern.scatter) {
    // Any rows may make a group; the one that lacks rows is the last, so the shortest.
    std::sort(bundles.rbegin(), bundles.rend());
    const std::vector<std::int32_t> place = shuffled(random, rows);
    std::vector<std::int32_t> length(index_of(rows));
    for (std::int32_t i = 0; i < rows; ++i)
      length[index_of(i)] = bundles[index_of(place[index_of(i)] / height)];
    const std::vector<std::int32_t> order = sorted_rows(length);
    for (std::int32_t at = 0; at < rows; ++at) rank[index_of(order[index_of(at)])] = at;
  }

  // Row r of a group has the banks (turn[r] + x * height + bundle) mod B, x = 0 ... K - 1, of each bundle:
  // every cell of row and bank is used once in `height` bundles, so none runs out of columns before the group
  // is full.
  std::vector<bool> kept(index_of(rows) * index_of(cols));
  std::vector<std::int32_t> row_at(index_of(rows));
  for (std::int32_t i = 0; i < rows; ++i) row_at[index_of(rank[index_of(i)])] = i;
  for (std::int32_t group = 0; group < groups; ++group) {
    const std::vector<std::int32_t> turn = shuffled(random, height);
    std::vector<std::int32_t> used(index_of(height * banks));
    for (std::int32_t bundle = 0; bundle < bundles[index_of(group)]; ++bundle) {
      for (std::int32_t strand = 0; strand < banks; ++strand) {
        const std::int32_t row = strand / pattern.per_row;
        const std::int32_t stored = group * height + row;
        const std::int32_t spread = strand % pattern.per_row * height;
        const std::int32_t bank = (turn[index_of(row)] + spread + bundle) % banks;
        const std::int32_t nth = used[index_of(row * banks + bank)]++;
        if (stored >= rows) continue;
        const std::int32_t column = (nth + row) % (cols / banks) * banks + bank;
        kept[index_of(row_at[index_of(stored)]) * index_of(cols) + index_of(column)] = true;
      }
    }
  }
  return sample_where(random, rows, cols, "gather-scatter", [&](std::int32_t i, std::int32_t j) {
    return static_cast<bool>(kept[index_of(i) * index_of(cols) + index_of(j)]);
  });
}

const char* broken_rule(const GatherScatter& pattern, const Sample& s) {
  std::vector<std::int32_t> length(index_of(s.rows));
  for (std::size_t i = 0; i < length.size(); ++i) length[i] = s.row_offsets[i + 1] - s.row_offsets[i];
  std::vector<std::int32_t> order(length.size());
  std::iota(order.begin(), order.end(), 0);
  if (pattern.scatter) order = sorted_rows(length);
  for (std::int32_t first = 0; first < s.rows; first += pattern.height()) {
    const std::int32_t end = std::min(s.rows, first + pattern.height());
    const std::int32_t expected = length[index_of(order[index_of(first)])];
    if (expected % pattern.per_row != 0) return "nonzeros, not a multiple of";
    std::vector<std::int32_t> in_bank(index_of(pattern.banks));
    for (std::int32_t at = first; at < end; ++at) {
      const std::size_t i = index_of(order[index_of(at)]);
      if (length[i] != expected) return "of the same group";
      for (std::int32_t p = s.row_offsets[i]; p < s.row_offsets[i + 1]; ++p) {
        ++in_bank[index_of(s.col_indices[index_of(p)] % pattern.banks)];
      }
    }
    for (std::int32_t bank = 0; bank < pattern.banks; ++bank) {
      const std::int32_t count = in_bank[index_of(bank)];
      const std::int32_t most = expected / pattern.per_row;
      if (end - first == pattern.height() && count != most) return "where exactly";
      if (count > most || (count < most && bank >= s.cols)) return "where at most";
    }
  }
  return nullptr;
}

}  // namespace sparsemark::test
