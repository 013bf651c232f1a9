#include "masks.h"

namespace sparsemark::accelerator {
namespace {

// The points begin % 64 and up of a word, and those below end.
std::uint64_t from(std::int64_t begin) { return ~std::uint64_t{0} << (begin % 64); }
std::uint64_t below(std::int64_t end) {
  return end % 64 == 0 ? ~std::uint64_t{0} : ~(~std::uint64_t{0} << (end % 64));
}

// Of whole words, as many as are known when this is compiled: nothing but and, popcount and add.
template <int kWords, int kTogether>
[[gnu::always_inline]] inline std::int64_t most_of_words(const std::uint64_t* rows, std::int64_t count,
                                                         std::int64_t stride, const std::uint64_t* other) {
  std::int64_t most = 0;
  for (std::int64_t r = 0; r < count; ++r) {
    std::int64_t matches = 0;
    for (int t = 0; t < kTogether; ++t, rows += stride) {
      for (int w = 0; w < kWords; ++w) matches += __builtin_popcountll(rows[w] & other[w]);
    }
    most = matches > most ? matches : most;
  }
  return most;
}

// The most of `count` sums of kTogether rows.
template <int kTogether>
[[gnu::always_inline]] inline std::int64_t most_of(const std::uint64_t* rows, std::int64_t count,
                                                   std::int64_t stride, const std::uint64_t* other,
                                                   std::int64_t begin, std::int64_t end) {
  const std::int64_t first = begin / 64;
  const std::int64_t last = (end - 1) / 64;
  const std::uint64_t head = from(begin);
  const std::uint64_t tail = below(end);
  if (begin % 64 == 0 && end % 64 == 0) {
    // Chunks of SparTen have 2 words and windows of Cambricon-S 4.
    if (last == first) return most_of_words<1, kTogether>(rows + first, count, stride, other + first);
    if (last == first + 1) return most_of_words<2, kTogether>(rows + first, count, stride, other + first);
    if (last == first + 3) return most_of_words<4, kTogether>(rows + first, count, stride, other + first);
  }
  const std::uint64_t only = first == last ? head & tail : head;
  std::int64_t most = 0;
  for (std::int64_t r = 0; r < count; ++r) {
    std::int64_t matches = 0;
    for (int t = 0; t < kTogether; ++t, rows += stride) {
      matches += __builtin_popcountll(rows[first] & other[first] & only);
      for (std::int64_t w = first + 1; w < last; ++w) matches += __builtin_popcountll(rows[w] & other[w]);
      if (last > first) matches += __builtin_popcountll(rows[last] & other[last] & tail);
    }
    most = matches > most ? matches : most;
  }
  return most;
}

#if defined(__x86_64__)
// Without the instruction a popcount is a dozen others.
template <int kTogether>
[[gnu::target("popcnt")]] std::int64_t most_by_popcnt(const std::uint64_t* rows, std::int64_t count,
                                                      std::int64_t stride, const std::uint64_t* other,
                                                      std::int64_t begin, std::int64_t end) {
  return most_of<kTogether>(rows, count, stride, other, begin, end);
}
const bool kHasPopcnt = __builtin_cpu_supports("popcnt") != 0;
#endif

template <int kTogether>
std::int64_t most_by_cpu(const std::uint64_t* rows, std::int64_t count, std::int64_t stride,
                         const std::uint64_t* other, std::int64_t begin, std::int64_t end) {
  if (begin >= end) return 0;
#if defined(__x86_64__)
  if (kHasPopcnt) return most_by_popcnt<kTogether>(rows, count, stride, other, begin, end);
#endif
  return most_of<kTogether>(rows, count, stride, other, begin, end);
}

BitMatrix bits_of(std::int64_t rows, std::int64_t cols, const Places& places) {
  BitMatrix made(rows, cols);
  for (std::int64_t i = 0; i < rows; ++i) {
    for (std::int32_t p = places.row_offsets[i]; p < places.row_offsets[i + 1]; ++p) {
      made.set(i, places.col_indices[p]);
    }
  }
  return made;
}

// The k x n matrix that a convolution multiplies by; what lies outside of the planes is zero.
BitMatrix unrolled(const Layer& layer, const BitMatrix& planes) {
  const bool is_product = layer.kernel_height == 1 && layer.kernel_width == 1 && layer.stride == 1 &&
                          layer.out_height == layer.height && layer.out_width == layer.width;
  if (is_product) return planes;
  BitMatrix made(layer.k, layer.n);
  for (std::int64_t r = 0; r < layer.k; ++r) {
    const std::int64_t dx = r % layer.kernel_width;
    const std::int64_t dy = r / layer.kernel_width % layer.kernel_height;
    const std::int64_t channel = r / (layer.kernel_width * layer.kernel_height);
    for (std::int64_t j = 0; j < layer.n; ++j) {
      const std::int64_t x = j % layer.out_width * layer.stride + dx;
      const std::int64_t y = j / layer.out_width % layer.out_height * layer.stride + dy;
      const std::int64_t image = j / (layer.out_width * layer.out_height);
      if (x >= layer.width || y >= layer.height) continue;
      if (planes.test(channel, (image * layer.height + y) * layer.width + x)) made.set(r, j);
    }
  }
  return made;
}

}  // namespace

BitMatrix::BitMatrix(std::int64_t rows, std::int64_t cols, bool full)
    : rows_(rows),
      cols_(cols),
      words_((cols + 63) / 64),
      bits_(static_cast<std::size_t>(rows * words_), full ? ~std::uint64_t{0} : 0) {
  for (std::int64_t i = 0; full && i < rows; ++i) {
    bits_[static_cast<std::size_t>((i + 1) * words_ - 1)] = below(cols);
  }
}

std::int64_t BitMatrix::count(std::int64_t i, std::int64_t begin, std::int64_t end) const {
  if (begin >= end) return 0;
  std::int64_t sum = 0;
  for (std::int64_t w = begin / 64; w <= (end - 1) / 64; ++w) {
    std::uint64_t word = row(i)[w];
    if (w == begin / 64) word &= from(begin);
    if (w == (end - 1) / 64) word &= below(end);
    sum += std::popcount(word);
  }
  return sum;
}

std::int64_t BitMatrix::count() const {
  std::int64_t sum = 0;
  for (const std::uint64_t word : bits_) sum += std::popcount(word);
  return sum;
}

void BitMatrix::merge(std::int64_t into, const BitMatrix& other, std::int64_t i) {
  for (std::int64_t w = 0; w < words_; ++w) {
    bits_[static_cast<std::size_t>(into * words_ + w)] |= other.row(i)[w];
  }
}

BitMatrix BitMatrix::transposed() const {
  BitMatrix made(cols_, rows_);
  for (std::int64_t i = 0; i < rows_; ++i) {
    visit(i, [&](std::int64_t j) { made.set(j, i); });
  }
  return made;
}

std::int64_t most_matches(const std::uint64_t* rows, std::int64_t count, std::int64_t stride,
                          const std::uint64_t* other, std::int64_t begin, std::int64_t end) noexcept {
  return most_by_cpu<1>(rows, count, stride, other, begin, end);
}

std::int64_t most_pair_matches(const std::uint64_t* rows, std::int64_t count, std::int64_t stride,
                               const std::uint64_t* other, std::int64_t begin, std::int64_t end) noexcept {
  return most_by_cpu<2>(rows, count, stride, other, begin, end);
}

std::int64_t Masks::effectual_macs() const {
  std::int64_t sum = 0;
  for (std::int64_t r = 0; r < by_input.rows(); ++r) sum += by_input.count(r) * activations.count(r);
  return sum;
}

Masks make_masks(const Layer& layer, const Places& weights, const Places* activations) {
  Masks made;
  made.weights = bits_of(layer.m, layer.k, weights);
  made.by_input = made.weights.transposed();
  const std::int64_t points = layer.batch * layer.height * layer.width;
  if (activations == nullptr) {
    made.planes = BitMatrix(layer.channels, points, true);
    made.activations = BitMatrix(layer.k, layer.n, true);
    made.by_output = BitMatrix(layer.n, layer.k, true);
    return made;
  }
  made.planes = bits_of(layer.channels, points, *activations);
  made.activations = unrolled(layer, made.planes);
  made.by_output = made.activations.transposed();
  return made;
}

}  // namespace sparsemark::accelerator
