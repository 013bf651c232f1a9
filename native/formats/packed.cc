// packed, our own layout for unstructured pruning, made for spmm. Blocks of p0 columns, so that a kernel
// keeps a tile of B in L1 while all rows pass by; within a block, groups of p1 rows, what threads share out;
// within a group, rows in pairs. A pair splits its columns into `both`, `alternate` (one of the first row,
// one of the second, and so on) and `rest` (of the first row alone): a column of both is loaded once for two
// rows. Rows of equal length are paired by overlap and pairs of the same three lengths stand together as a
// run, so that a loop's trip count repeats.
//
// bytes: a stream of words of four 16-bit numbers, run after run, and one word of zeros at the end, which a
// kernel may load ahead:
//
//   run   pairs, both, alternate, rest, then its pairs; pairs = 0: one single row
//   pair  first row, second row (of the group), the first two alternate columns if alternate is odd, else
//         zeros; then both columns (of the block), the other alternate columns, two of each row a word, rest
//         columns. A single row has 0 for its second one and rest columns only
//
// both and rest are multiples of 4. What is shared beyond that is stored as alternate; what rows lack is
// padded: value 0 at a column that the pair reads anyway. values: in the order of the stream, two a column of
// both. offsets: for each block the groups in order, two numbers each: where its runs begin in bytes (counted
// in 16-bit numbers) and in values; at the end two more. A row that is empty in a block is left out, but for
// the first and the last block, where the kernel must write it. Units are groups.
#include "packed.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <vector>

namespace sparsemark::formats {
namespace {

// Rows of a group. Runs of equal lengths are longer in larger groups, and a loop that ends where the last one
// did is predicted: groups of 512 to 1023 rows measure 1.05 of groups of 128 to 255 at sparsity 0.9, 1.03 at
// 0.95, up to 1.12 for n = 32; with every row of equal length it is 1.07. But threads share groups out where
// n is small, hence two from 512 rows on, and a power of two.
std::int32_t group_rows(std::int32_t rows) {
  std::int32_t groups = rows >= 512 ? 2 : 1;
  while (rows / groups > 1023) groups *= 2;
  return std::max(1, (rows + groups - 1) / groups);
}

// A row's part in the block at hand.
struct Part {
  std::int32_t row;    // of the group
  std::int32_t begin;  // in the csr
  std::int32_t length;
};

// Blocks of more columns are so sparse that no overlap is worth a search.
constexpr std::int32_t kMostMasked = 256;
// Numbers of a word, and what `both` and `rest` are multiples of: a loop over whole words has no remainder.
constexpr std::int32_t kWord = 4;

struct Pair {
  std::int32_t first;   // positions among the parts
  std::int32_t second;  // -1: a single row
  std::int32_t both;
  std::int32_t alternate;
  std::int32_t rest;
  std::uint64_t key;  // of the order of pairs: by rest, then by length, longest first, then by both; unique
};

std::int32_t whole_words(std::int32_t count) { return (count + kWord - 1) / kWord * kWord; }

class Encoder {
 public:
  Encoder(const Csr& csr, const PackedLayout& layout, Matrix& matrix)
      : csr_(csr), layout_(layout), matrix_(matrix) {}

  void encode() {
    const std::int32_t width = layout_.block_columns;
    const std::int32_t height = group_rows(csr_.rows);
    const std::int32_t blocks = std::max(1, (csr_.cols + width - 1) / width);
    const std::int32_t groups = (csr_.rows + height - 1) / height;
    matrix_.view.p0 = width;
    matrix_.view.p1 = height;
    matrix_.view.units = groups;
    matrix_.offsets =
        Aligned<std::int32_t>((static_cast<std::size_t>(blocks) * static_cast<std::size_t>(groups) + 1) * 2);
    next_.assign(csr_.row_offsets, csr_.row_offsets + csr_.rows);
    values_.reserve(static_cast<std::size_t>(csr_.nnz) + static_cast<std::size_t>(csr_.nnz) / 16);
    stream_.reserve(static_cast<std::size_t>(csr_.nnz) + static_cast<std::size_t>(csr_.nnz) / 4 +
                    static_cast<std::size_t>(csr_.rows) * 4);
    std::size_t at = 0;
    for (std::int32_t block = 0; block < blocks; ++block) {
      for (std::int32_t group = 0; group < groups; ++group) {
        mark(at);
        at += 2;
        const std::int64_t end = (static_cast<std::int64_t>(block) + 1) * width;
        one_group(group * height, std::min(csr_.rows, (group + 1) * height), block * width,
                  static_cast<std::int32_t>(std::min<std::int64_t>(end, csr_.cols)));
      }
    }
    mark(at);
    put_word(0, 0, 0, 0);
    matrix_.bytes = Aligned<std::uint8_t>(stream_.size() * 2);
    std::memcpy(matrix_.bytes.data(), stream_.data(), stream_.size() * 2);
    matrix_.values = Aligned<float>(values_.size());
    std::copy(values_.begin(), values_.end(), matrix_.values.begin());
    matrix_.work = Aligned<std::int32_t>(static_cast<std::size_t>(groups) + 1);
    for (std::int32_t group = 0; group <= groups; ++group) {
      matrix_.work[static_cast<std::size_t>(group)] =
          csr_.row_offsets[std::min<std::int64_t>(csr_.rows, static_cast<std::int64_t>(group) * height)];
    }
    // A padded entry takes a column too.
    matrix_.footprint = {
        csr_.nnz * 4LL,
        static_cast<std::int64_t>(stream_.size() * 2 + matrix_.offsets.size() * 4) - padded_ * 2,
        padded_ * 6};
    matrix_.bind();
  }

 private:
  void mark(std::size_t at) {
    matrix_.offsets[at] = static_cast<std::int32_t>(stream_.size());
    matrix_.offsets[at + 1] = static_cast<std::int32_t>(values_.size());
  }

  void one_group(std::int32_t row_begin, std::int32_t row_end, std::int32_t col_begin, std::int32_t col_end) {
    parts_.clear();
    for (std::int32_t row = row_begin; row < row_end; ++row) {
      std::int32_t& next = next_[static_cast<std::size_t>(row)];
      const std::int32_t begin = next;
      const std::int32_t end = csr_.row_offsets[row + 1];
      while (next < end && csr_.col_indices[next] < col_end) ++next;
      if (next > begin || col_begin == 0 || col_end == csr_.cols)
        parts_.push_back({row - row_begin, begin, next - begin});
    }
    sort_parts(col_end - col_begin);
    col_begin_ = col_begin;
    const bool masked = col_end - col_begin <= kMostMasked;
    words_ = masked ? (static_cast<std::size_t>(col_end - col_begin) + 63) / 64 : 0;
    make_pairs(masked);
    write_runs();
  }

  // Longest first, equal ones as they stand: by counting, a quarter of the time of std::stable_sort.
  void sort_parts(std::int32_t longest) {
    begins_.assign(static_cast<std::size_t>(longest) + 2, 0);
    for (const Part& part : parts_) ++begins_[static_cast<std::size_t>(longest - part.length) + 1];
    for (std::size_t i = 1; i < begins_.size(); ++i) begins_[i] += begins_[i - 1];
    sorted_.resize(parts_.size());
    for (const Part& part : parts_) {
      sorted_[static_cast<std::size_t>(begins_[static_cast<std::size_t>(longest - part.length)]++)] = part;
    }
    parts_.swap(sorted_);
  }

  std::int32_t overlap(std::size_t x, std::size_t y) const {
    std::int32_t count = 0;
    for (std::size_t w = 0; w < words_; ++w) {
      count += std::popcount(masks_[x * words_ + w] & masks_[y * words_ + w]);
    }
    return count;
  }

  // Each row with the later row of its length that shares most columns; what a length leaves over, with the
  // next one of what is left over.
  void make_pairs(bool masked) {
    const std::size_t count = parts_.size();
    masks_.assign(count * words_, 0);
    taken_.assign(count, 0);
    pairs_.clear();
    if (masked) {
      for (std::size_t i = 0; i < count; ++i) {
        for (std::int32_t p = parts_[i].begin; p < parts_[i].begin + parts_[i].length; ++p) {
          const std::size_t col = static_cast<std::size_t>(csr_.col_indices[p] - col_begin_);
          masks_[i * words_ + col / 64] |= std::uint64_t{1} << col % 64;
        }
      }
    }
    std::int32_t left = -1;
    for (std::size_t i = 0; i < count; ++i) {
      if (taken_[i] != 0) continue;
      std::int32_t best = -1;
      std::int32_t most = -1;
      const bool share = masked && parts_[i].length >= layout_.share_from;
      int candidates = share ? layout_.candidates : 1;
      for (std::size_t j = i + 1; candidates > 0 && j < count && parts_[j].length == parts_[i].length; ++j) {
        if (taken_[j] != 0) continue;
        --candidates;
        const std::int32_t shared = share ? overlap(i, j) : 0;
        if (shared <= most) continue;
        most = shared;
        best = static_cast<std::int32_t>(j);
        if (shared == parts_[i].length) break;
      }
      if (best < 0 && left < 0) {
        left = static_cast<std::int32_t>(i);
        continue;
      }
      const std::int32_t self = static_cast<std::int32_t>(i);
      const std::int32_t first = best >= 0 ? self : left;
      const std::int32_t second = best >= 0 ? best : self;
      if (best >= 0) {
        taken_[static_cast<std::size_t>(best)] = 1;
      } else {
        left = -1;
      }
      pair_up(first, second, masked);
    }
    if (left >= 0) add_pair(left, -1, 0, 0, whole_words(parts_[static_cast<std::size_t>(left)].length));
    std::sort(pairs_.begin(), pairs_.end(), [](const Pair& x, const Pair& y) { return x.key < y.key; });
  }

  // The first one is at least as long as the second. One that is little longer is taken for equal: padding
  // costs less than a loop of its own that ends where no other did.
  void pair_up(std::int32_t first, std::int32_t second, bool masked) {
    const std::int32_t longer = parts_[static_cast<std::size_t>(first)].length;
    const std::int32_t shorter = parts_[static_cast<std::size_t>(second)].length;
    const bool share = masked && shorter >= layout_.share_from;
    const std::int32_t both =
        share ? overlap(static_cast<std::size_t>(first), static_cast<std::size_t>(second)) / kWord * kWord
              : 0;
    const bool even = longer - shorter <= std::max(2, longer / 4);
    const std::int32_t length = even ? longer : shorter;
    add_pair(first, second, both, length - both, whole_words(longer - length));
  }

  void add_pair(std::int32_t first, std::int32_t second, std::int32_t both, std::int32_t alternate,
                std::int32_t rest) {
    // Lengths are at most the columns of a block and there are fewer than 1024 pairs: 12 bits are enough. Odd
    // ones apart, since they take a branch.
    const std::uint64_t key = static_cast<std::uint64_t>(alternate % 2) << 48 |
                              static_cast<std::uint64_t>(rest) << 36 |
                              static_cast<std::uint64_t>(2047 - both - alternate) << 24 |
                              static_cast<std::uint64_t>(2047 - both) << 12 | pairs_.size();
    pairs_.push_back({first, second, both, alternate, rest, key});
  }

  void put(std::int32_t number) { stream_.push_back(static_cast<std::uint16_t>(number)); }
  void put_word(std::int32_t a, std::int32_t b, std::int32_t c, std::int32_t d) {
    put(a);
    put(b);
    put(c);
    put(d);
  }
  // Entry i of those at hand, or padding at the column that was put before.
  void put_entry(const std::vector<std::int32_t>& positions, std::size_t i) {
    if (i < positions.size()) {
      const std::int32_t p = positions[i];
      column_ = csr_.col_indices[p] - col_begin_;
      values_.push_back(csr_.values[p]);
    } else {
      values_.push_back(0.0f);
      ++padded_;
    }
    put(column_);
  }

  void write_runs() {
    for (std::size_t begin = 0; begin < pairs_.size();) {
      const Pair& head = pairs_[begin];
      std::size_t end = begin;
      while (end < pairs_.size() && pairs_[end].second >= 0 && pairs_[end].both == head.both &&
             pairs_[end].alternate == head.alternate && pairs_[end].rest == head.rest) {
        ++end;
      }
      put_word(static_cast<std::int32_t>(end - begin), head.both, head.alternate, head.rest);
      if (end == begin) {
        write_pair(parts_[static_cast<std::size_t>(head.first)], {}, head);
        ++begin;
      }
      for (; begin < end; ++begin) {
        write_pair(parts_[static_cast<std::size_t>(pairs_[begin].first)],
                   parts_[static_cast<std::size_t>(pairs_[begin].second)], pairs_[begin]);
      }
    }
  }

  // Sorts the columns of two rows into the first `both` that they share, and what is left of each.
  void split(const Part& first, const Part& second, std::int32_t both) {
    shared_.clear();
    only_first_.clear();
    only_second_.clear();
    std::int32_t x = first.begin;
    std::int32_t y = second.begin;
    const std::int32_t x_end = x + first.length;
    const std::int32_t y_end = y + second.length;
    while (both > 0) {
      if (csr_.col_indices[x] == csr_.col_indices[y]) {
        shared_.push_back(x++);
        shared_.push_back(y++);
        --both;
      } else if (csr_.col_indices[x] < csr_.col_indices[y]) {
        only_first_.push_back(x++);
      } else {
        only_second_.push_back(y++);
      }
    }
    while (x < x_end) only_first_.push_back(x++);
    while (y < y_end) only_second_.push_back(y++);
  }

  void write_pair(const Part& first, const Part& second, const Pair& pair) {
    split(first, second, pair.both);
    column_ = 0;
    put(first.row);
    put(second.row);
    const std::size_t alternate = static_cast<std::size_t>(pair.alternate);
    std::size_t i = 0;
    if (alternate % 2 != 0) {
      put_entry(only_first_, i);
      put_entry(only_second_, i++);
    } else {
      put(0);
      put(0);
    }
    for (std::size_t j = 0; j < shared_.size(); j += 2) {
      put_entry(shared_, j);
      values_.push_back(csr_.values[shared_[j + 1]]);
    }
    for (; i < alternate; ++i) {
      put_entry(only_first_, i);
      put_entry(only_second_, i);
    }
    for (const std::size_t end = i + static_cast<std::size_t>(pair.rest); i < end; ++i)
      put_entry(only_first_, i);
  }

  const Csr& csr_;
  const PackedLayout layout_;
  Matrix& matrix_;
  std::int32_t col_begin_ = 0;
  std::size_t words_ = 0;              // of a part's mask
  std::int32_t column_ = 0;            // of the entry put last
  std::int64_t padded_ = 0;            // entries
  std::vector<float> values_;          // what becomes values
  std::vector<std::uint16_t> stream_;  // what becomes bytes
  std::vector<std::int32_t> next_;     // a row's first position at or after the block
  std::vector<Part> parts_;            // of the group, longest first
  std::vector<Part> sorted_;
  std::vector<std::int32_t> begins_;  // of each length among the sorted parts
  std::vector<std::uint64_t> masks_;  // columns of a part
  std::vector<std::uint8_t> taken_;   // parts that have a partner
  std::vector<Pair> pairs_;
  std::vector<std::int32_t> shared_;  // positions in the csr, of each row in turn
  std::vector<std::int32_t> only_first_;
  std::vector<std::int32_t> only_second_;
};

}  // namespace

const char* encode_packed(const Csr& csr, const PackedLayout& layout, Matrix& matrix) {
  // Positions in the stream, which holds headers and row numbers too, and ends of blocks are counted in 32
  // bits.
  if (csr.nnz > INT32_MAX / 4 || csr.rows > INT32_MAX / 8 || csr.cols > INT32_MAX / 2) {
    return "more than 2^29 nonzeros, 2^28 rows or 2^30 columns";
  }
  Encoder(csr, layout, matrix).encode();
  return nullptr;
}

void decode_packed(const Encoded& a, std::size_t cols, float* dense) {
  const std::uint8_t* at = a.bytes;
  const float* value = a.values;
  const auto take = [&] {
    std::uint16_t number = 0;
    std::memcpy(&number, at, 2);
    at += 2;
    return static_cast<std::size_t>(number);
  };
  // Padding may stand at a column that the row has: a zero is not written. It is -0 that must be.
  const auto write = [&](float* to) {
    if (*value != 0.0f || std::signbit(*value)) *to = *value;
    ++value;
  };
  std::size_t of = 0;
  for (std::size_t col = 0; col == 0 || col < cols; col += static_cast<std::size_t>(a.p0)) {
    for (std::size_t unit = 0; unit < static_cast<std::size_t>(a.units); ++unit, of += 2) {
      const std::uint8_t* end = a.bytes + static_cast<std::size_t>(a.offsets[of + 2]) * 2;
      float* corner = dense + unit * static_cast<std::size_t>(a.p1) * cols + col;
      while (at < end) {
        const std::size_t pairs = take();
        const std::size_t both = take();
        const std::size_t alternate = take();
        const std::size_t rest = take();
        for (std::size_t pair = 0; pair == 0 || pair < pairs; ++pair) {
          float* first = corner + take() * cols;
          float* second = corner + take() * cols;
          const std::size_t x = take();
          const std::size_t y = take();
          if (alternate % 2 != 0) {
            write(first + x);
            write(second + y);
          }
          for (std::size_t i = 0; i < both; ++i) {
            const std::size_t j = take();
            write(first + j);
            write(second + j);
          }
          for (std::size_t i = alternate % 2; i < alternate; ++i) {
            write(first + take());
            write(second + take());
          }
          for (std::size_t i = 0; i < rest; ++i) write(first + take());
        }
      }
    }
  }
}

namespace {

const char* encode(const Csr& csr, Matrix& matrix) {
  return encode_packed(csr, packed_layout(csr, false), matrix);
}

const char* encode_narrow(const Csr& csr, Matrix& matrix) {
  return encode_packed(csr, packed_layout(csr, true), matrix);
}

// Columns of a block, made even.
constexpr const char* kKnobs = "columns=64|96|128|192|256|384|512|1024";

const char* encode_chosen(const Csr& csr, const std::int32_t* chosen, Matrix& matrix) {
  if (chosen[0] == kNotChosen) return encode(csr, matrix);
  PackedLayout layout = packed_layout(csr, false);
  layout.block_columns = even_columns(csr.cols, chosen[0]);
  return encode_packed(csr, layout, matrix);
}

void decode(const Matrix& matrix, float* dense) {
  decode_packed(matrix.view, static_cast<std::size_t>(matrix.view.cols), dense);
}

}  // namespace

extern const Format packed = {"packed", encode, decode, "f32", kKnobs, encode_chosen, encode_narrow};

}  // namespace sparsemark::formats
