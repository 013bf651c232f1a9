#include "masks.h"

namespace sparsemark::accelerator {
namespace {

// The points begin % 64 and up of a word, and those below end.
std::uint64_t from(std::int64_t begin) { return ~std::uint64_t{0} << (begin % 64); }
std::uint64_t below(std::int64_t end) {
  return end % 64 == 0 ? ~std::uint64_t{0} : ~(~std::uint64_t{0} << (end % 64));
}

// Bits of the words word(begin / 64) and on that lie in begin to end - 1.
template <typename Word>
[[gnu::always_inline]] inline std::int64_t bits_between(std::int64_t begin, std::int64_t end, Word word) {
  const std::int64_t first = begin / 64;
  const std::int64_t last = (end - 1) / 64;
  if (first == last) return __builtin_popcountll(word(first) & from(begin) & below(end));
  std::int64_t sum = __builtin_popcountll(word(first) & from(begin));
  for (std::int64_t w = first + 1; w < last; ++w) sum += __builtin_popcountll(word(w));
  return sum + __builtin_popcountll(word(last) & below(end));
}

[[gnu::always_inline]] inline std::int64_t count_of(const std::uint64_t* row, std::int64_t begin,
                                                    std::int64_t end) {
  return bits_between(begin, end, [row](std::int64_t w) { return row[w]; });
}
[[gnu::always_inline]] inline std::int64_t matches_of(const std::uint64_t* row, const std::uint64_t* other,
                                                      std::int64_t begin, std::int64_t end) {
  return bits_between(begin, end, [row, other](std::int64_t w) { return row[w] & other[w]; });
}

#if defined(__x86_64__)
// Without the instruction a popcount is a call.
[[gnu::target("popcnt")]] std::int64_t count_by_popcnt(const std::uint64_t* row, std::int64_t begin,
                                                       std::int64_t end) {
  return count_of(row, begin, end);
}
[[gnu::target("popcnt")]] std::int64_t matches_by_popcnt(const std::uint64_t* row, const std::uint64_t* other,
                                                         std::int64_t begin, std::int64_t end) {
  return matches_of(row, other, begin, end);
}
const bool kHasPopcnt = __builtin_cpu_supports("popcnt") != 0;
#endif

std::int64_t count_by_cpu(const std::uint64_t* row, std::int64_t begin, std::int64_t end) {
#if defined(__x86_64__)
  if (kHasPopcnt) return count_by_popcnt(row, begin, end);
#endif
  return count_of(row, begin, end);
}

// Bit j of words[i] becomes bit i of words[j]: halves, quarters and so on change places. While masks were
// made and turned round a bit at a time, SIGMA's count took 0.85 ns for 64 pairs of density 0.9, now 0.43.
void transpose(std::uint64_t* words) {
  std::uint64_t mask = 0xffffffff;
  for (int size = 32; size != 0; size >>= 1, mask ^= mask << size) {
    for (int first = 0; first < 64; first += 2 * size) {
      for (int i = first; i < first + size; ++i) {
        const std::uint64_t differ = ((words[i] >> size) ^ words[i + size]) & mask;
        words[i] ^= differ << size;
        words[i + size] ^= differ;
      }
    }
  }
}

BitMatrix bits_of(std::int64_t rows, std::int64_t cols, const Places& places) {
  BitMatrix made(rows, cols);
  for (std::int64_t i = 0; i < rows; ++i) {
    const std::int32_t first = places.row_offsets[i];
    made.fill(i, places.col_indices + first, places.row_offsets[i + 1] - first);
  }
  return made;
}

// `count` <= 64 points of a row, `stride` apart.
std::uint64_t every(const BitMatrix& of, std::int64_t row, std::int64_t first, std::int64_t stride,
                    std::int64_t count) {
  if (stride == 1) return of.bits(row, first, count);
  std::uint64_t word = 0;
  for (std::int64_t b = 0; b < count; ++b) {
    word |= std::uint64_t{of.test(row, first + b * stride)} << b;
  }
  return word;
}

// The k x n matrix that a convolution multiplies by; what lies outside of the planes is zero. Word by word:
// every filter point has the same lines of the plane, from another one on.
BitMatrix unrolled(const Layer& layer, const BitMatrix& planes) {
  const bool is_product = layer.kernel_height == 1 && layer.kernel_width == 1 && layer.stride == 1 &&
                          layer.out_height == layer.height && layer.out_width == layer.width;
  if (is_product) return planes;
  BitMatrix made(layer.k, layer.n);
  const std::int64_t words = (layer.out_width + 63) / 64;
  std::vector<std::uint64_t> lines(static_cast<std::size_t>(layer.batch * layer.height * words));
  const auto line = [&](std::int64_t image, std::int64_t y) {
    return lines.data() + (image * layer.height + y) * words;
  };
  for (std::int64_t r = 0; r < layer.channels * layer.kernel_width; ++r) {
    const std::int64_t channel = r / layer.kernel_width;
    const std::int64_t dx = r % layer.kernel_width;
    // Outputs whose input lies inside.
    const std::int64_t inside = dx < layer.width ? (layer.width - dx - 1) / layer.stride + 1 : 0;
    const std::int64_t wide = inside < layer.out_width ? inside : layer.out_width;
    const auto points_of = [&](std::int64_t x) { return wide - x < 64 ? wide - x : std::int64_t{64}; };
    for (std::int64_t y = 0; y < layer.batch * layer.height; ++y) {
      for (std::int64_t x = 0; x < wide; x += 64) {
        line(0, y)[x / 64] =
            every(planes, channel, y * layer.width + x * layer.stride + dx, layer.stride, points_of(x));
      }
    }
    for (std::int64_t dy = 0; dy < layer.kernel_height; ++dy) {
      const std::int64_t row = (channel * layer.kernel_height + dy) * layer.kernel_width + dx;
      for (std::int64_t image = 0; image < layer.batch; ++image) {
        for (std::int64_t out = 0; out < layer.out_height; ++out) {
          const std::int64_t y = out * layer.stride + dy;
          if (y >= layer.height) break;
          const std::int64_t at = (image * layer.out_height + out) * layer.out_width;
          for (std::int64_t x = 0; x < wide; x += 64) {
            made.put(row, at + x, points_of(x), line(image, y)[x / 64]);
          }
        }
      }
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
  return begin < end ? count_by_cpu(row(i), begin, end) : 0;
}

std::int64_t BitMatrix::count() const {
  return bits_.empty() ? 0 : count_by_cpu(bits_.data(), 0, 64 * static_cast<std::int64_t>(bits_.size()));
}

void BitMatrix::fill(std::int64_t i, const std::int32_t* columns, std::int64_t count) {
  std::uint64_t* const to = bits_.data() + i * words_;
  std::uint64_t word = 0;
  std::uint32_t last = 0;
  constexpr std::int64_t kBeside = 16;
  for (std::int64_t p = 0; p < count; ++p) {
    const auto column = static_cast<std::uint32_t>(columns[p]);
    const std::uint32_t w = column / 64;
    // Begun anew and stored for every nonzero: nothing is read back.
    word = (w == last ? word : 0) | std::uint64_t{1} << (column % 64);
    // Of many neighbours in one word the bits are gathered without a store between.
    if (p + kBeside < count && static_cast<std::uint32_t>(columns[p + kBeside]) / 64 == w) {
      std::uint64_t more = 0;
      for (std::int64_t b = 1; b <= kBeside; ++b) more |= std::uint64_t{1} << (columns[p + b] % 64);
      word |= more;
      p += kBeside;
    }
    to[w] = word;
    last = w;
  }
}

void BitMatrix::merge(std::int64_t into, const BitMatrix& other, std::int64_t i) {
  for (std::int64_t w = 0; w < words_; ++w) {
    bits_[static_cast<std::size_t>(into * words_ + w)] |= other.row(i)[w];
  }
}

BitMatrix BitMatrix::transposed() const {
  BitMatrix made(cols_, rows_);
  std::uint64_t block[64];
  for (std::int64_t i = 0; i < rows_; i += 64) {
    const std::int64_t high = rows_ - i < 64 ? rows_ - i : 64;
    for (std::int64_t w = 0; w < words_; ++w) {
      std::uint64_t any = 0;
      for (std::int64_t r = 0; r < 64; ++r) any |= block[r] = r < high ? row(i + r)[w] : 0;
      if (any == 0) continue;
      transpose(block);
      const std::int64_t wide = cols_ - 64 * w < 64 ? cols_ - 64 * w : 64;
      std::uint64_t* to = made.bits_.data() + 64 * w * made.words_ + i / 64;
      for (std::int64_t c = 0; c < wide; ++c, to += made.words_) *to = block[c];
    }
  }
  return made;
}

std::int64_t matches(const std::uint64_t* row, const std::uint64_t* other, std::int64_t begin,
                     std::int64_t end) noexcept {
  if (begin >= end) return 0;
#if defined(__x86_64__)
  if (kHasPopcnt) return matches_by_popcnt(row, other, begin, end);
#endif
  return matches_of(row, other, begin, end);
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
