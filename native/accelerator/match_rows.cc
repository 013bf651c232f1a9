#include "match_rows.h"

#include "lanes.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace sparsemark::accelerator {
namespace {

using Bits = std::uint64_t __attribute__((vector_size(kLanes * sizeof(std::uint64_t))));

// Bits of each lane; a multiplication of 64 bits, which would add the bytes up, is no vector instruction.
void count_lanes(Bits& of) {
  of -= (of >> 1) & 0x5555555555555555ull;
  of = (of & 0x3333333333333333ull) + ((of >> 2) & 0x3333333333333333ull);
  of = (of + (of >> 4)) & 0x0f0f0f0f0f0f0f0full;
  of += of >> 8;
  of += of >> 16;
  of = (of + (of >> 32)) & 0xff;
}

std::int64_t most_by_lanes(const std::uint64_t* words, std::int64_t fours, std::int64_t rows,
                           std::int64_t width, const std::uint64_t* other) {
  std::uint64_t most = 0;
  for (std::int64_t four = 0; four < fours; ++four) {
    Bits sum = {};
    for (std::int64_t t = 0; t < rows; ++t) {
      for (std::int64_t w = 0; w < width; ++w, words += kLanes) {
        Bits both;
        std::memcpy(&both, words, sizeof both);
        both &= other[w];
        count_lanes(both);
        sum += both;
      }
    }
    for (int lane = 0; lane < kLanes; ++lane) most = sum[lane] > most ? sum[lane] : most;
  }
  return static_cast<std::int64_t>(most);
}

#if defined(__x86_64__)
// A table of 16 counts looked up for each half of a byte. SparTen's whole count of density 0.9 takes 0.9 ns
// for 64 pairs, by count_lanes compiled for AVX2 1.2, by the popcnt instruction row by row 1.8. kRows,
// kWidth: as many as are known when this is compiled; 0 for any.
template <int kRows, int kWidth>
[[gnu::target("avx2")]] std::int64_t most_by_avx2(const std::uint64_t* words, std::int64_t fours,
                                                  std::int64_t rows, std::int64_t width,
                                                  const std::uint64_t* other) {
  if (kRows > 0) rows = kRows;
  if (kWidth > 0) width = kWidth;
  const __m256i counts =
      _mm256_broadcastsi128_si256(_mm_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4));
  const __m256i low = _mm256_set1_epi8(15);
  const __m256i none = _mm256_setzero_si256();
  __m256i most = none;
  for (std::int64_t four = 0; four < fours; ++four) {
    __m256i sum = none;
    for (std::int64_t t = 0; t < rows; ++t) {
      for (std::int64_t w = 0; w < width; ++w, words += kLanes) {
        const __m256i both = _mm256_and_si256(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(words)),
                                              _mm256_set1_epi64x(static_cast<long long>(other[w])));
        const __m256i of_low = _mm256_shuffle_epi8(counts, _mm256_and_si256(both, low));
        const __m256i of_high =
            _mm256_shuffle_epi8(counts, _mm256_and_si256(_mm256_srli_epi16(both, 4), low));
        const __m256i bytes = _mm256_add_epi8(of_low, of_high);
        // Bytes are added up for each word where they could overflow, else at the end.
        sum = kRows * kWidth > 0 ? _mm256_add_epi8(sum, bytes)
                                 : _mm256_add_epi64(sum, _mm256_sad_epu8(bytes, none));
      }
    }
    if (kRows * kWidth > 0) sum = _mm256_sad_epu8(sum, none);
    most = _mm256_max_epi32(most, sum);
  }
  const __m128i two = _mm_max_epi32(_mm256_castsi256_si128(most), _mm256_extracti128_si256(most, 1));
  return _mm_cvtsi128_si64(_mm_max_epi32(two, _mm_unpackhi_epi64(two, two)));
}
#endif

}  // namespace

void MatchRows::take(const std::vector<const std::uint64_t*>& rows, std::int64_t together, std::int64_t begin,
                     std::int64_t end) {
  const auto sets = static_cast<std::int64_t>(rows.size()) / together;
  fours_ = (sets + kLanes - 1) / kLanes;
  together_ = together;
  first_ = begin / 64;
  width_ = (end + 63) / 64 - first_;
  words_.assign(static_cast<std::size_t>(fours_ * kLanes * together * width_), 0);
  for (std::int64_t at = 0; at < sets * together; ++at) {
    const std::uint64_t* const row = rows[static_cast<std::size_t>(at)];
    if (row == nullptr) continue;
    const std::int64_t set = at / together;
    std::uint64_t* to =
        words_.data() + (set / kLanes * together + at % together) * width_ * kLanes + set % kLanes;
    for (std::int64_t w = 0; w < width_; ++w, to += kLanes) {
      std::uint64_t word = row[first_ + w];
      if (w == 0) word &= ~std::uint64_t{0} << (begin % 64);
      if (w == width_ - 1 && end % 64 != 0) word &= ~(~std::uint64_t{0} << (end % 64));
      *to = word;
    }
  }
}

std::int64_t MatchRows::most(const std::uint64_t* other) const noexcept {
  other += first_;
#if defined(__x86_64__)
  if (kHasAvx2) {
    // Chunks of SparTen have 2 words, of one filter or of two.
    const auto most_of = width_ != 2      ? most_by_avx2<0, 0>
                         : together_ == 2 ? most_by_avx2<2, 2>
                         : together_ == 1 ? most_by_avx2<1, 2>
                                          : most_by_avx2<0, 0>;
    return most_of(words_.data(), fours_, together_, width_, other);
  }
#endif
  return most_by_lanes(words_.data(), fours_, together_, width_, other);
}

}  // namespace sparsemark::accelerator
