// AVX2 and FMA: 8 floats. See simd.h for the meaning of the names.
#pragma once

#include <immintrin.h>

#include <cstdint>

#include "inserts.h"

namespace sparsemark::avx2 {

using Vec = __m256;
inline constexpr int kLanes = 8;
inline constexpr int kRegisters = 16;

static inline __m256i first(int count) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(count), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

static inline __m256i where(std::uint32_t mask) {
  const __m256i bit = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
  return _mm256_cmpeq_epi32(_mm256_and_si256(_mm256_set1_epi32(static_cast<int>(mask)), bit), bit);
}

// For each mask of 8 bits and each lane, the number of set bits below it: which packed value the lane takes.
struct Ranks {
  std::uint8_t of[256][8];
  constexpr Ranks() : of() {
    for (int mask = 0; mask < 256; ++mask) {
      std::uint8_t rank = 0;
      for (int lane = 0; lane < 8; ++lane) {
        of[mask][lane] = rank;
        if ((mask >> lane & 1) != 0) ++rank;
      }
    }
  }
};
static constexpr Ranks kRanks;

static inline Vec zero() { return _mm256_setzero_ps(); }
static inline Vec broadcast(float x) { return _mm256_set1_ps(x); }
static inline Vec load(const float* p) { return _mm256_loadu_ps(p); }
static inline void store(float* p, Vec v) { _mm256_storeu_ps(p, v); }
static inline void keep(Vec& v) { __asm__("" : "+x"(v)); }
static inline void stream(float* p, Vec v) { _mm256_stream_ps(p, v); }
static inline void end_stream() { _mm_sfence(); }
static inline Vec load_first(const float* p, int count) { return _mm256_maskload_ps(p, first(count)); }
// A masked store of 8 floats is 42 operations of microcode on Zen 2 and 3, 12 cycles; halves are one each.
static inline void store_first(float* p, Vec v, int count) {
  if (count >= kLanes) return store(p, v);
  __m128 low = _mm256_castps256_ps128(v);
  if ((count & 4) != 0) {
    _mm_storeu_ps(p, low);
    low = _mm256_extractf128_ps(v, 1);
    p += 4;
  }
  if ((count & 2) != 0) {
    _mm_storel_pi(reinterpret_cast<__m64*>(p), low);
    low = _mm_movehl_ps(low, low);
    p += 2;
  }
  if ((count & 1) != 0) _mm_store_ss(p, low);
}
static inline Vec load_where(const float* p, std::uint32_t mask) {
  return _mm256_maskload_ps(p, where(mask));
}
static inline Vec add(Vec a, Vec b) { return _mm256_add_ps(a, b); }
static inline Vec fma(Vec a, Vec b, Vec c) { return _mm256_fmadd_ps(a, b, c); }
static inline Vec even(Vec a, Vec b) {
  const __m256d quarters = _mm256_castps_pd(_mm256_shuffle_ps(a, b, 0x88));
  return _mm256_castpd_ps(_mm256_permute4x64_pd(quarters, 0xd8));
}
static inline float sum(Vec v) {
  const __m128 half = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
  const __m128 quarter = _mm_add_ps(half, _mm_movehl_ps(half, half));
  return _mm_cvtss_f32(_mm_add_ss(quarter, _mm_movehdup_ps(quarter)));
}
static inline Vec max(Vec a, Vec b) { return _mm256_max_ps(a, b); }
static inline Vec select(std::uint32_t mask, Vec a, Vec b) {
  return _mm256_blendv_ps(b, a, _mm256_castsi256_ps(where(mask)));
}
static inline Vec scale(Vec v, Vec exponent) {
  const __m256i shifted = _mm256_slli_epi32(_mm256_cvtps_epi32(exponent), 23);
  return _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(v), shifted));
}
// Halves, pairs, single lanes: each step adds two vectors' halves into one vector.
static inline Vec lane_sums(const Vec* v) {
  Vec halves[4];
  for (int e = 0; e < 4; ++e) {
    halves[e] = _mm256_add_ps(_mm256_permute2f128_ps(v[e], v[4 + e], 0x20),
                              _mm256_permute2f128_ps(v[e], v[4 + e], 0x31));
  }
  const Vec even = _mm256_add_ps(_mm256_shuffle_ps(halves[0], halves[1], 0x44),
                                 _mm256_shuffle_ps(halves[0], halves[1], 0xee));
  const Vec odd = _mm256_add_ps(_mm256_shuffle_ps(halves[2], halves[3], 0x44),
                                _mm256_shuffle_ps(halves[2], halves[3], 0xee));
  return _mm256_add_ps(_mm256_shuffle_ps(even, odd, 0x88), _mm256_shuffle_ps(even, odd, 0xdd));
}
static inline bool gathers() { return !slow_gathers; }
static inline Vec gather(const float* base, const std::int32_t* index) {
  if (slow_gathers) return eight_floats(base, index);
  return _mm256_i32gather_ps(base, _mm256_loadu_si256(reinterpret_cast<const __m256i*>(index)), 4);
}
static inline Vec gather_at(const float* base, __m256i index) {
  if (!slow_gathers) return _mm256_i32gather_ps(base, index, 4);
  alignas(32) std::int32_t places[kLanes];
  _mm256_store_si256(reinterpret_cast<__m256i*>(places), index);
  return eight_floats(base, places);
}
static inline Vec gather_first(const float* base, const std::int32_t* index, int count) {
  const __m256i mask = first(count);
  const __m256i places = _mm256_maskload_epi32(index, mask);
  if (slow_gathers) return _mm256_and_ps(gather_at(base, places), _mm256_castsi256_ps(mask));
  return _mm256_mask_i32gather_ps(_mm256_setzero_ps(), base, places, _mm256_castsi256_ps(mask), 4);
}
template <int W>
static inline Vec gather_fields(const float* base, const std::int32_t* offset, std::uint64_t fields) {
  const __m256i shifts = _mm256_setr_epi32(0, W, 2 * W, 3 * W, 4 * W, 5 * W, 6 * W, 7 * W);
  const __m256i field =
      _mm256_and_si256(_mm256_srlv_epi32(_mm256_set1_epi32(static_cast<int>(fields)), shifts),
                       _mm256_set1_epi32((1 << W) - 1));
  const __m256i start = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(offset));
  return gather_at(base, _mm256_add_epi32(start, field));
}
template <int S>
static inline Vec gather_u16(const float* base, const std::int32_t* offset, const void* index) {
  const __m256i wide = _mm256_cvtepu16_epi32(_mm_loadu_si128(static_cast<const __m128i*>(index)));
  const __m256i start = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(offset));
  return gather_at(base, _mm256_add_epi32(start, _mm256_slli_epi32(wide, S)));
}
static inline Vec expand(std::uint32_t mask, const float* p) {
  const Vec packed = load_first(p, __builtin_popcount(mask & 0xffu));
  const __m128i ranks = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(kRanks.of[mask & 0xffu]));
  const Vec spread_out = _mm256_permutevar8x32_ps(packed, _mm256_cvtepu8_epi32(ranks));
  return _mm256_and_ps(spread_out, _mm256_castsi256_ps(where(mask)));
}
using Four = Vec;
static inline Four load_four(const float* p) {
  Four four = _mm256_broadcast_ps(reinterpret_cast<const __m128*>(p));
  keep(four);
  return four;
}
template <int I>
static inline Vec pick(Four four) {
  return _mm256_permute_ps(four, I * 0x55);
}
template <int R>
static inline Vec spread(const float* p) {
  if constexpr (R == 1) {
    return load(p);
  } else if constexpr (R == 4) {
    return _mm256_set_m128(_mm_set1_ps(p[1]), _mm_set1_ps(p[0]));
  } else {
    return broadcast(*p);
  }
}

using Ints = __m256i;
// Two halves of pairs of 16 bits: vpmaddubsw on the bytes themselves saturates, 2 x 255 x 127 > 32767.
inline constexpr int kQuadBytes = 8;
struct Quad {
  __m256i low;
  __m256i high;
};

static inline Ints zero_ints() { return _mm256_setzero_si256(); }
static inline Ints load_ints(const std::int32_t* p) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
}
static inline void store_ints(std::int32_t* p, Ints v) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), v);
}
static inline void store_ints_first(std::int32_t* p, Ints v, int count) {
  _mm256_maskstore_epi32(p, first(count), v);
}
static inline void stream_ints(std::int32_t* p, Ints v) {
  _mm256_stream_si256(reinterpret_cast<__m256i*>(p), v);
}
static inline __m128i load_bytes(const std::uint8_t* p, int count) {
  if (count >= kLanes) return _mm_loadl_epi64(reinterpret_cast<const __m128i*>(p));
  std::uint64_t bytes = 0;
  for (int i = 0; i < count; ++i) bytes |= static_cast<std::uint64_t>(p[i]) << (8 * i);
  return _mm_cvtsi64_si128(static_cast<long long>(bytes));
}
static inline void lay_quad(const std::uint8_t* const (&rows)[4], int count, std::uint8_t* out) {
  for (int half = 0; half < 2; ++half) {
    const __m128i one = load_bytes(rows[2 * half], count);
    const __m128i other = load_bytes(rows[2 * half + 1], count);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out) + half,
                        _mm256_cvtepu8_epi16(_mm_unpacklo_epi8(one, other)));
  }
}
static inline Quad quad(const void* p) {
  int bytes = 0;
  __builtin_memcpy(&bytes, p, sizeof(bytes));
  const __m128i wide = _mm_cvtepi8_epi16(_mm_cvtsi32_si128(bytes));
  return {_mm256_broadcastd_epi32(wide), _mm256_broadcastd_epi32(_mm_srli_epi64(wide, 32))};
}
static inline Ints dot(const std::uint8_t* tile, const Quad& q, Ints sum) {
  const __m256i* halves = reinterpret_cast<const __m256i*>(tile);
  sum = _mm256_add_epi32(sum, _mm256_madd_epi16(_mm256_loadu_si256(halves), q.low));
  return _mm256_add_epi32(sum, _mm256_madd_epi16(_mm256_loadu_si256(halves + 1), q.high));
}

}  // namespace sparsemark::avx2
