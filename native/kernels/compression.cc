#include "compression.h"

#include <algorithm>
#include <cstring>

namespace sparsemark {
namespace {

// A magnitude's bits order as the magnitudes do. They are counted by their upper 16 bits, then, among those
// that share the threshold's, by their lower 15: two passes over the matrix, the second of which touches few
// counts.
constexpr int kLowBits = 15;
constexpr std::size_t kHighCounts = std::size_t{1} << (31 - kLowBits);
constexpr std::size_t kLowCounts = std::size_t{1} << kLowBits;

std::uint32_t magnitude_of(float x) {
  std::uint32_t bits = 0;
  std::memcpy(&bits, &x, sizeof(bits));
  return bits & 0x7fffffffu;
}

// The highest count at which at least `wanted` are counted from above; wanted falls by those above it.
std::size_t from_above(const std::uint32_t* counts, std::size_t size, std::int64_t& wanted) {
  std::size_t at = size;
  while (at-- > 0) {
    if (counts[at] >= wanted) return at;
    wanted -= counts[at];
  }
  return 0;
}

}  // namespace

Compression::Compression(const float* dense, std::int32_t rows, std::int32_t cols, std::int64_t keep)
    : dense_(dense), rows_(rows), cols_(cols), keep_(keep) {
  const std::size_t size = static_cast<std::size_t>(rows) * static_cast<std::size_t>(cols);
  const std::size_t most =
      keep < 0 || keep > static_cast<std::int64_t>(size) ? size : static_cast<std::size_t>(keep);
  row_offsets_.resize(static_cast<std::size_t>(rows) + 1);
  // One more than can be kept: the place after the last is written before it is known that it is not kept.
  col_indices_.resize(most + 1);
  values_.resize(most + 1);
  if (keep >= 0) counts_.resize(kHighCounts + kLowCounts);
}

Csr Compression::run() {
  const std::size_t size = static_cast<std::size_t>(rows_) * static_cast<std::size_t>(cols_);
  edge_ = size;
  if (keep_ >= 0) choose();
  row_offsets_[0] = 0;
  std::size_t kept = 0;
  for (std::size_t i = 0; i < static_cast<std::size_t>(rows_); ++i) {
    kept = collect(i, kept);
    row_offsets_[i + 1] = static_cast<std::int32_t>(kept);
  }
  return {rows_, cols_, row_offsets_.back(), row_offsets_.data(), col_indices_.data(), values_.data()};
}

void Compression::choose() {
  const std::size_t size = static_cast<std::size_t>(rows_) * static_cast<std::size_t>(cols_);
  if (keep_ == 0 || keep_ >= static_cast<std::int64_t>(size)) {
    least_ = keep_ == 0 ? 0x80000000u : 0u;
    return;
  }
  std::fill(counts_.begin(), counts_.end(), 0u);
  for (std::size_t i = 0; i < size; ++i) ++counts_[magnitude_of(dense_[i]) >> kLowBits];
  std::int64_t wanted = keep_;
  const auto high = static_cast<std::uint32_t>(from_above(counts_.data(), kHighCounts, wanted));
  std::uint32_t* low_counts = counts_.data() + kHighCounts;
  for (std::size_t i = 0; i < size; ++i) {
    const std::uint32_t magnitude = magnitude_of(dense_[i]);
    if (magnitude >> kLowBits == high) ++low_counts[magnitude & (kLowCounts - 1)];
  }
  const auto low = static_cast<std::uint32_t>(from_above(low_counts, kLowCounts, wanted));
  least_ = high << kLowBits | low;
  if (wanted == low_counts[low]) return;
  // Of equal magnitudes not all are kept: the edge lies behind the last one that is.
  for (edge_ = 0; wanted > 0; ++edge_) wanted -= magnitude_of(dense_[edge_]) == least_;
}

// Appends row i to the `kept` elements so far; returns how many there are then.
std::size_t Compression::collect(std::size_t i, std::size_t kept) {
  const std::size_t cols = static_cast<std::size_t>(cols_);
  const float* row = dense_ + i * cols;
  std::int32_t* col_indices = col_indices_.data();
  float* values = values_.data();
  // Without a branch on what is kept: at density 0.1 one in ten would be guessed wrongly.
  const auto take = [&](std::size_t begin, std::size_t end, std::uint32_t least) {
    for (std::size_t j = begin; j < end; ++j) {
      col_indices[kept] = static_cast<std::int32_t>(j);
      values[kept] = row[j];
      kept += static_cast<std::size_t>(magnitude_of(row[j]) >= least);
    }
  };
  const std::size_t before = edge_ > i * cols ? edge_ - i * cols : 0;
  const std::size_t edge = before < cols ? before : cols;
  take(0, edge, least_);
  take(edge, cols, least_ + 1);
  return kept;
}

}  // namespace sparsemark
