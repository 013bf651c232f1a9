#include "stored.h"

#include <algorithm>
#include <cstdio>
#include <cstring>

#include "gather_scatter.h"

namespace sparsemark::test {
namespace {

// Calls visit(i, j) for each nonzero.
template <typename Visit>
void each(const Sample& s, Visit visit) {
  for (std::int32_t i = 0; i < s.rows; ++i) {
    for (std::int32_t p = s.row_offsets[static_cast<std::size_t>(i)];
         p < s.row_offsets[static_cast<std::size_t>(i) + 1]; ++p) {
      visit(i, s.col_indices[static_cast<std::size_t>(p)]);
    }
  }
}

void take(std::vector<bool>& places, std::int64_t begin, std::int64_t end) {
  end = std::min<std::int64_t>(end, static_cast<std::int64_t>(places.size()));
  for (std::int64_t at = std::max<std::int64_t>(0, begin); at < end; ++at) {
    places[static_cast<std::size_t>(at)] = true;
  }
}

// A part of a row without a nonzero is filled at its first column; `parts` says where each begins. Rows
// without any nonzero are filled too, where `also_empty`.
void take_first_columns(const Sample& s, const std::vector<std::int32_t>& parts, bool also_empty,
                        std::vector<bool>& cols) {
  std::vector<std::vector<bool>> filled(static_cast<std::size_t>(s.rows),
                                        std::vector<bool>(parts.size(), false));
  each(s, [&](std::int32_t i, std::int32_t j) {
    const auto part = std::upper_bound(parts.begin(), parts.end(), j) - parts.begin() - 1;
    filled[static_cast<std::size_t>(i)][static_cast<std::size_t>(part)] = true;
  });
  for (const std::vector<bool>& row : filled) {
    const bool any = std::find(row.begin(), row.end(), true) != row.end();
    for (std::size_t part = 0; part < parts.size() && (any || also_empty); ++part) {
      if (!row[part]) take(cols, parts[part], parts[part] + 1);
    }
  }
}

}  // namespace

Stored stored_by(const char* format, const Sample& s) {
  const auto size = [](std::int32_t count) { return static_cast<std::size_t>(count); };
  Stored stored = {std::vector<bool>(size(s.rows)), std::vector<bool>(size(s.cols))};
  each(s, [&](std::int32_t i, std::int32_t j) { stored.rows[size(i)] = stored.cols[size(j)] = true; });
  int first = 0;
  int second = 0;
  if (std::strcmp(format, "dense") == 0) {
    take(stored.rows, 0, s.rows);
    take(stored.cols, 0, s.cols);
  } else if (std::sscanf(format, "bsr-%dx%d", &first, &second) == 2) {
    each(s, [&](std::int32_t, std::int32_t j) {
      take(stored.cols, j / second * second, static_cast<std::int64_t>(j / second + 1) * second);
    });
  } else if (std::strcmp(format, "ell") == 0 || std::strcmp(format, "sell-16-128") == 0) {
    const bool lacks = format[0] == 's' && s.rows % 16 != 0;
    const bool empty = std::find(stored.rows.begin(), stored.rows.end(), false) != stored.rows.end();
    if (s.nnz() > 0 && (lacks || empty)) take(stored.cols, 0, 1);
  } else if (std::strcmp(format, "sell-16-128x64") == 0) {
    // Rows without a nonzero in a block, where others of their slice have some.
    each(s, [&](std::int32_t, std::int32_t j) { take(stored.cols, j / 64 * 64, j / 64 * 64 + 1); });
  } else if (std::sscanf(format, "nm-%d:%d", &first, &second) == 2) {
    std::vector<std::int32_t> groups;
    for (std::int32_t j = 0; j < s.cols; j += second) groups.push_back(j);
    take_first_columns(s, groups, true, stored.cols);
  } else if (std::sscanf(format, "bank-balanced-%d", &first) == 1) {
    std::vector<std::int32_t> banks;
    for (std::int64_t bank = 0; bank < first; ++bank) {
      banks.push_back(static_cast<std::int32_t>(bank * s.cols / first));
    }
    take_first_columns(s, banks, false, stored.cols);
  } else if (std::strcmp(format, "diagonal") == 0) {
    std::vector<bool> seen(size(s.rows) + size(s.cols));
    each(s, [&](std::int32_t i, std::int32_t j) {
      if (seen[size(s.rows + j - i)]) return;
      seen[size(s.rows + j - i)] = true;
      take(stored.cols, j - i, static_cast<std::int64_t>(s.rows) + j - i);
    });
  } else if (std::strcmp(format, "triangular") == 0) {
    take(stored.cols, 0, s.rows);
  } else if (const GatherScatter pattern = gather_scatter_of(format); pattern.banks > 0) {
    if (s.rows % pattern.height() != 0) take(stored.cols, 0, pattern.banks);
  }
  return stored;
}

}  // namespace sparsemark::test
