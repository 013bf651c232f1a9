// gs-<variant>-B or -BxK, load-balanced gather-scatter patterns: B = p0 banks, column j in bank j mod B; K =
// p1. Rows come in groups of B / K, as their nonzeros come in bundles of B, K from each row of the group, no
// two from the same bank: B numbers of a vector that a scratchpad of B banks delivers at once. So the rows of
// a group are of equal length and its banks equally full. horizontal: K = B, a group is a row; vertical: K =
// 1; hybrid: in between; scatter: the rows are sorted by length first, longest first, and grouped then.
// offsets = groups + 1, in bundles; values = B a bundle; bytes = as many column numbers of 16 bits. Lane l of
// a bundle: horizontal: bank l, the number being column / B; else row l / K of the group, the number being
// the column. order = rows, the row of A that a stored row is, for scatter only. Where the last group lacks
// rows their lanes are zeros at the lowest columns of the banks that are left. Units are groups; work =
// offsets. gather-scatter.md has the source, and what to know before it is put into a product.
#include <algorithm>
#include <cstdio>
#include <cstring>
#include <numeric>
#include <vector>

#include "format.h"

namespace sparsemark::formats {
namespace {

constexpr int kMostBanks = 16;

struct Shape {
  int banks;
  int per_row;   // nonzeros of a bundle in one row
  bool scatter;  // rows are sorted by length
  int height() const { return banks / per_row; }
  bool horizontal() const { return per_row == banks; }
};

// The last refusal; Format::encode returns a pointer to it.
thread_local char reason[200];

std::int32_t length_of(const Csr& csr, std::int32_t i) { return csr.row_offsets[i + 1] - csr.row_offsets[i]; }

// Takes the nonzeros of one group apart into bundles. Its rows become B strands of equal length, K a row, and
// the strands and banks a bipartite graph with a nonzero an edge, as many at each strand as at each bank;
// such a graph is a sum of perfect matchings (D. König, 1916), and a matching is a bundle. Cells of strand x
// bank are counted, so that equal matchings are found once: at most B^2 searches a group, however long its
// rows.
class Bundles {
 public:
  Bundles(const Csr& csr, const Shape& shape) : csr_(csr), shape_(shape) {}

  // Takes in `rows` rows of A, `stored` of them or fewer there; nullptr or the rule that they break.
  const char* read(const std::int32_t* rows, int there) {
    rows_ = rows;
    there_ = there;
    const std::int32_t length = there > 0 ? length_of(csr_, rows[0]) : 0;
    if (length % shape_.per_row != 0) {
      std::snprintf(reason, sizeof(reason), "row %d holds %d nonzeros, not a multiple of %d", rows[0], length,
                    shape_.per_row);
      return reason;
    }
    count_ = length / shape_.per_row;
    std::int32_t in_bank[kMostBanks] = {};
    for (int r = 0; r < there; ++r) {
      if (length_of(csr_, rows[r]) != length) {
        std::snprintf(reason, sizeof(reason), "row %d holds %d nonzeros and row %d, of the same group, %d",
                      rows[0], length, rows[r], length_of(csr_, rows[r]));
        return reason;
      }
      for (std::int32_t p = csr_.row_offsets[rows[r]]; p < csr_.row_offsets[rows[r] + 1]; ++p) {
        ++in_bank[csr_.col_indices[p] % shape_.banks];
      }
    }
    for (int bank = 0; bank < shape_.banks; ++bank) {
      const bool whole = there == shape_.height();
      // Rows that are not there take what is missing, where the bank has a column at all.
      const bool fits = in_bank[bank] < count_ ? !whole && bank < csr_.cols : in_bank[bank] == count_;
      if (fits) continue;
      std::snprintf(reason, sizeof(reason),
                    "the group of row %d holds %d nonzeros in bank %d (columns %d mod %d) where %s %d fit",
                    rows[0], in_bank[bank], bank, bank, shape_.banks, whole ? "exactly" : "at most", count_);
      return reason;
    }
    return nullptr;
  }

  std::int32_t count() const { return count_; }

  // Writes count() bundles. After read() without a refusal.
  void write(float* values, std::uint8_t* bytes) {
    sort_into_strands();
    for (int bank = 0; bank < shape_.banks; ++bank) strand_of_[bank] = -1;
    for (std::int32_t done = 0; done < count_;) {
      for (int strand = 0; strand < shape_.banks; ++strand) {
        if (bank_of(strand) < 0) {
          tried_ = 0;
          augment(strand);
        }
      }
      std::int32_t times = count_ - done;
      for (int bank = 0; bank < shape_.banks; ++bank) {
        times = std::min(times, cells_[strand_of_[bank]][bank].left);
      }
      for (int bank = 0; bank < shape_.banks; ++bank) {
        Cell& cell = cells_[strand_of_[bank]][bank];
        for (std::int32_t t = 0; t < times; ++t) {
          put(strand_of_[bank], bank, cell.begin, values, bytes, done + t);
          if (cell.begin >= 0) ++cell.begin;
        }
        cell.left -= times;
        if (cell.left == 0) strand_of_[bank] = -1;
      }
      done += times;
    }
  }

 private:
  // Nonzeros of a strand in a bank: a run of sorted_, or of nothing (begin < 0) in a row that is not there.
  struct Cell {
    std::int32_t begin;
    std::int32_t left;
  };

  // Fills sorted_ and cells_. Sorted by bank, a row is cut into K strands of count_ nonzeros.
  void sort_into_strands() {
    const int banks = shape_.banks;
    for (auto& strand : cells_) std::fill(std::begin(strand), std::end(strand), Cell{-1, 0});
    sorted_.clear();
    std::int32_t missing[kMostBanks];
    std::fill(std::begin(missing), std::end(missing), count_);
    for (int r = 0; r < there_; ++r) {
      const std::int32_t begin = csr_.row_offsets[rows_[r]];
      const std::int32_t end = csr_.row_offsets[rows_[r] + 1];
      const std::size_t first = sorted_.size();
      for (std::int32_t p = begin; p < end; ++p) sorted_.push_back(p);
      std::stable_sort(sorted_.begin() + static_cast<std::ptrdiff_t>(first), sorted_.end(),
                       [&](std::int32_t x, std::int32_t y) {
                         return csr_.col_indices[x] % banks < csr_.col_indices[y] % banks;
                       });
      for (std::int32_t at = 0; at < end - begin; ++at) {
        const std::size_t place = first + static_cast<std::size_t>(at);
        const int bank = csr_.col_indices[sorted_[place]] % banks;
        Cell& cell = cells_[r * shape_.per_row + at / count_][bank];
        if (cell.left++ == 0) cell.begin = static_cast<std::int32_t>(place);
        --missing[bank];
      }
    }
    for (int strand = there_ * shape_.per_row, bank = 0; strand < banks; ++strand) {
      for (std::int32_t left = count_; left > 0;) {
        while (missing[bank] == 0) ++bank;
        const std::int32_t taken = std::min(left, missing[bank]);
        cells_[strand][bank].left = taken;
        missing[bank] -= taken;
        left -= taken;
      }
    }
  }

  int bank_of(int strand) const {
    for (int bank = 0; bank < shape_.banks; ++bank) {
      if (strand_of_[bank] == strand) return bank;
    }
    return -1;
  }

  // Gives the strand a bank, moving others to other banks if need be; no bank of tried_ is tried again.
  bool augment(int strand) {
    for (int bank = 0; bank < shape_.banks; ++bank) {
      if (cells_[strand][bank].left == 0 || (tried_ >> bank & 1u) != 0) continue;
      tried_ |= 1u << bank;
      if (strand_of_[bank] < 0 || augment(strand_of_[bank])) {
        strand_of_[bank] = strand;
        return true;
      }
    }
    return false;
  }

  void put(int strand, int bank, std::int32_t place, float* values, std::uint8_t* bytes,
           std::int32_t bundle) {
    const std::size_t lane = static_cast<std::size_t>(shape_.horizontal() ? bank : strand);
    const std::size_t to = static_cast<std::size_t>(bundle) * static_cast<std::size_t>(shape_.banks) + lane;
    const std::int32_t p = place < 0 ? -1 : sorted_[static_cast<std::size_t>(place)];
    if (p >= 0) values[to] = csr_.values[p];
    const std::int32_t column = p < 0 ? bank : csr_.col_indices[p];
    const std::uint16_t number =
        static_cast<std::uint16_t>(shape_.horizontal() ? column / shape_.banks : column);
    std::memcpy(bytes + to * sizeof(number), &number, sizeof(number));
  }

  const Csr& csr_;
  const Shape shape_;
  const std::int32_t* rows_ = nullptr;
  int there_ = 0;
  std::int32_t count_ = 0;
  std::vector<std::int32_t> sorted_;  // positions in A, row after row of the group, by bank
  Cell cells_[kMostBanks][kMostBanks];
  int strand_of_[kMostBanks];  // of each bank in the matching, or -1
  std::uint32_t tried_ = 0;
};

const char* encode(const Shape& shape, const Csr& csr, Matrix& matrix) {
  const std::int64_t widest = std::int64_t{65536} * (shape.horizontal() ? shape.banks : 1);
  if (csr.cols > widest) return "more columns than its numbers of 16 bits can tell apart";
  const std::int32_t height = shape.height();
  const std::int32_t groups =
      static_cast<std::int32_t>((csr.rows + static_cast<std::int64_t>(height) - 1) / height);
  std::vector<std::int32_t> order(static_cast<std::size_t>(csr.rows));
  std::iota(order.begin(), order.end(), 0);
  if (shape.scatter) {
    std::stable_sort(order.begin(), order.end(),
                     [&](std::int32_t x, std::int32_t y) { return length_of(csr, x) > length_of(csr, y); });
  }

  Bundles bundles(csr, shape);
  const auto read = [&](std::int32_t group) {
    return bundles.read(order.data() + static_cast<std::size_t>(group) * static_cast<std::size_t>(height),
                        std::min(height, csr.rows - group * height));
  };
  matrix.offsets = Aligned<std::int32_t>(static_cast<std::size_t>(groups) + 1);
  std::int64_t count = 0;
  for (std::int32_t group = 0; group < groups; ++group) {
    if (const char* broken = read(group); broken != nullptr) return broken;
    count += bundles.count();
    if (count * shape.banks > kMostStored) {
      return "more than 2^31 - 1 stored elements, the padding of its last group among them";
    }
    matrix.offsets[static_cast<std::size_t>(group) + 1] = static_cast<std::int32_t>(count);
  }

  const std::size_t banks = static_cast<std::size_t>(shape.banks);
  const std::size_t stored = static_cast<std::size_t>(count) * banks;
  matrix.values = Aligned<float>(stored);
  matrix.bytes = Aligned<std::uint8_t>(stored * sizeof(std::uint16_t));
  for (std::int32_t group = 0; group < groups; ++group) {
    read(group);
    const std::size_t at = static_cast<std::size_t>(matrix.offsets[static_cast<std::size_t>(group)]) * banks;
    bundles.write(matrix.values.data() + at, matrix.bytes.data() + at * sizeof(std::uint16_t));
  }
  if (shape.scatter) {
    matrix.order = Aligned<std::int32_t>(order.size());
    std::copy(order.begin(), order.end(), matrix.order.begin());
  }
  matrix.footprint = {csr.nnz * 4LL, csr.nnz * 2LL + (groups + 1LL + (shape.scatter ? csr.rows : 0)) * 4,
                      (static_cast<std::int64_t>(stored) - csr.nnz) * 6};
  matrix.view.p0 = shape.banks;
  matrix.view.p1 = shape.per_row;
  matrix.view.units = groups;
  matrix.bind();
  matrix.view.work = matrix.offsets.data();
  return nullptr;
}

template <int B, int K, bool kScatter>
const char* encode_as(const Csr& csr, Matrix& matrix) {
  static_assert(B <= kMostBanks && B % K == 0);
  return encode({B, K, kScatter}, csr, matrix);
}

void decode(const Matrix& matrix, float* dense) {
  const Encoded& a = matrix.view;
  const std::int32_t height = a.p0 / a.p1;
  for (std::int32_t group = 0; group < a.units; ++group) {
    for (std::int32_t bundle = a.offsets[group]; bundle < a.offsets[group + 1]; ++bundle) {
      for (std::int32_t lane = 0; lane < a.p0; ++lane) {
        const std::int32_t stored = group * height + lane / a.p1;
        if (stored >= a.rows) break;
        const std::size_t at = static_cast<std::size_t>(bundle) * static_cast<std::size_t>(a.p0) +
                               static_cast<std::size_t>(lane);
        std::uint16_t number = 0;
        std::memcpy(&number, a.bytes + at * sizeof(number), sizeof(number));
        const std::int32_t column = height == 1 ? number * a.p0 + lane : number;
        const std::int32_t i = matrix.order.size() > 0 ? a.order[stored] : stored;
        dense[static_cast<std::size_t>(i) * static_cast<std::size_t>(a.cols) +
              static_cast<std::size_t>(column)] = a.values[at];
      }
    }
  }
}

}  // namespace

extern const Format gs_horizontal_8 = {"gs-horizontal-8", encode_as<8, 8, false>, decode};
extern const Format gs_horizontal_16 = {"gs-horizontal-16", encode_as<16, 16, false>, decode};
extern const Format gs_vertical_8 = {"gs-vertical-8", encode_as<8, 1, false>, decode};
extern const Format gs_vertical_16 = {"gs-vertical-16", encode_as<16, 1, false>, decode};
extern const Format gs_hybrid_8x2 = {"gs-hybrid-8x2", encode_as<8, 2, false>, decode};
extern const Format gs_hybrid_16x4 = {"gs-hybrid-16x4", encode_as<16, 4, false>, decode};
extern const Format gs_scatter_8x2 = {"gs-scatter-8x2", encode_as<8, 2, true>, decode};
extern const Format gs_scatter_16x1 = {"gs-scatter-16x1", encode_as<16, 1, true>, decode};
extern const Format gs_scatter_16x4 = {"gs-scatter-16x4", encode_as<16, 4, true>, decode};

}  // namespace sparsemark::formats
