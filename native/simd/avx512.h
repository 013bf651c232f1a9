// AVX-512 F, BW, DQ, VL: 16 floats. See simd.h for the meaning of the names.
#pragma once

#include <immintrin.h>

#include <cstdint>

#include "inserts.h"

namespace sparsemark::avx512 {

using Vec = __m512;
inline constexpr int kLanes = 16;
inline constexpr int kRegisters = 32;

static inline __mmask16 first(int count) {
  return static_cast<__mmask16>(count >= 16 ? 0xffffu : (1u << count) - 1u);
}

static inline Vec zero() { return _mm512_setzero_ps(); }
static inline Vec broadcast(float x) { return _mm512_set1_ps(x); }
static inline Vec load(const float* p) { return _mm512_loadu_ps(p); }
static inline void store(float* p, Vec v) { _mm512_storeu_ps(p, v); }
static inline void keep(Vec& v) { __asm__("" : "+v"(v)); }
static inline void stream(float* p, Vec v) { _mm512_stream_ps(p, v); }
static inline void end_stream() { _mm_sfence(); }
static inline Vec load_first(const float* p, int count) { return _mm512_maskz_loadu_ps(first(count), p); }
static inline void store_first(float* p, Vec v, int count) { _mm512_mask_storeu_ps(p, first(count), v); }
static inline Vec load_where(const float* p, std::uint32_t mask) {
  return _mm512_maskz_loadu_ps(static_cast<__mmask16>(mask), p);
}
static inline Vec add(Vec a, Vec b) { return _mm512_add_ps(a, b); }
static inline Vec fma(Vec a, Vec b, Vec c) { return _mm512_fmadd_ps(a, b, c); }
static inline Vec even(Vec a, Vec b) {
  const __m512i lane = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
  return _mm512_permutex2var_ps(a, lane, b);
}
static inline float sum(Vec v) { return _mm512_reduce_add_ps(v); }
static inline Vec max(Vec a, Vec b) { return _mm512_max_ps(a, b); }
static inline Vec select(std::uint32_t mask, Vec a, Vec b) {
  return _mm512_mask_blend_ps(static_cast<__mmask16>(mask), b, a);
}
static inline Vec scale(Vec v, Vec exponent) { return _mm512_scalef_ps(v, exponent); }
// Halves, quarters, pairs, single lanes: each step adds two vectors' halves into one vector.
static inline Vec lane_sums(const Vec* v) {
  Vec quarters[4];
  for (int e = 0; e < 4; ++e) {
    const Vec low =
        _mm512_add_ps(_mm512_shuffle_f32x4(v[e], v[4 + e], 0x44), _mm512_shuffle_f32x4(v[e], v[4 + e], 0xee));
    const Vec high = _mm512_add_ps(_mm512_shuffle_f32x4(v[8 + e], v[12 + e], 0x44),
                                   _mm512_shuffle_f32x4(v[8 + e], v[12 + e], 0xee));
    quarters[e] = _mm512_add_ps(_mm512_shuffle_f32x4(low, high, 0x88), _mm512_shuffle_f32x4(low, high, 0xdd));
  }
  const Vec even = _mm512_add_ps(_mm512_shuffle_ps(quarters[0], quarters[1], 0x44),
                                 _mm512_shuffle_ps(quarters[0], quarters[1], 0xee));
  const Vec odd = _mm512_add_ps(_mm512_shuffle_ps(quarters[2], quarters[3], 0x44),
                                _mm512_shuffle_ps(quarters[2], quarters[3], 0xee));
  return _mm512_add_ps(_mm512_shuffle_ps(even, odd, 0x88), _mm512_shuffle_ps(even, odd, 0xdd));
}
static inline Vec sixteen_floats(const float* base, const std::int32_t* index) {
  const __m512 low = _mm512_castps256_ps512(eight_floats(base, index));
  return _mm512_insertf32x8(low, eight_floats(base, index + 8), 1);
}
static inline bool gathers() { return !slow_gathers; }
static inline Vec gather(const float* base, const std::int32_t* index) {
  if (slow_gathers) return sixteen_floats(base, index);
  return _mm512_i32gather_ps(_mm512_loadu_si512(index), base, 4);
}
static inline Vec gather_at(const float* base, __m512i index) {
  if (!slow_gathers) return _mm512_i32gather_ps(index, base, 4);
  alignas(64) std::int32_t places[kLanes];
  _mm512_store_si512(places, index);
  return sixteen_floats(base, places);
}
static inline Vec gather_first(const float* base, const std::int32_t* index, int count) {
  const __mmask16 mask = first(count);
  const __m512i places = _mm512_maskz_loadu_epi32(mask, index);
  if (slow_gathers) return _mm512_maskz_mov_ps(mask, gather_at(base, places));
  return _mm512_mask_i32gather_ps(_mm512_setzero_ps(), mask, places, base, 4);
}
template <int W>
static inline Vec gather_fields(const float* base, const std::int32_t* offset, std::uint64_t fields) {
  // Lanes 0-7 shift the lower half of the fields, lanes 8-15 the upper one, which may not fit 32 bits with
  // it.
  const __m512i halves = _mm512_inserti64x4(_mm512_set1_epi32(static_cast<int>(fields)),
                                            _mm256_set1_epi32(static_cast<int>(fields >> (8 * W))), 1);
  const __m512i shifts = _mm512_setr_epi32(0, W, 2 * W, 3 * W, 4 * W, 5 * W, 6 * W, 7 * W, 0, W, 2 * W, 3 * W,
                                           4 * W, 5 * W, 6 * W, 7 * W);
  const __m512i field = _mm512_and_si512(_mm512_srlv_epi32(halves, shifts), _mm512_set1_epi32((1 << W) - 1));
  return gather_at(base, _mm512_add_epi32(_mm512_loadu_si512(offset), field));
}
template <int S>
static inline Vec gather_u16(const float* base, const std::int32_t* offset, const void* index) {
  const __m512i wide = _mm512_cvtepu16_epi32(_mm256_loadu_si256(static_cast<const __m256i*>(index)));
  return gather_at(base, _mm512_add_epi32(_mm512_loadu_si512(offset), _mm512_slli_epi32(wide, S)));
}
static inline Vec expand(std::uint32_t mask, const float* p) {
  const __mmask16 lanes = static_cast<__mmask16>(mask);
  if (slow_gathers) return _mm512_maskz_expand_ps(lanes, load_first(p, __builtin_popcount(lanes)));
  return _mm512_maskz_expandloadu_ps(lanes, p);
}
using Four = Vec;
static inline Four load_four(const float* p) {
  Four four = _mm512_broadcast_f32x4(_mm_loadu_ps(p));
  keep(four);
  return four;
}
template <int I>
static inline Vec pick(Four four) {
  return _mm512_permute_ps(four, I * 0x55);
}
template <int R>
static inline Vec spread(const float* p) {
  if constexpr (R == 1) {
    return load(p);
  } else if constexpr (R == 4) {
    const __m512i lane = _mm512_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3);
    return _mm512_permutexvar_ps(lane, _mm512_castps128_ps512(_mm_loadu_ps(p)));
  } else if constexpr (R == 8) {
    return _mm512_mask_blend_ps(0xff00, broadcast(p[0]), broadcast(p[1]));
  } else {
    return broadcast(*p);
  }
}

using Ints = __m512i;
// Two halves of pairs of 16 bits, as in avx2.h; with VNNI it goes without (avx512vnni.h).
inline constexpr int kQuadBytes = 8;
struct Quad {
  __m512i low;
  __m512i high;
};

static inline Ints zero_ints() { return _mm512_setzero_si512(); }
static inline Ints load_ints(const std::int32_t* p) { return _mm512_loadu_si512(p); }
static inline void store_ints(std::int32_t* p, Ints v) { _mm512_storeu_si512(p, v); }
static inline void store_ints_first(std::int32_t* p, Ints v, int count) {
  _mm512_mask_storeu_epi32(p, first(count), v);
}
static inline void stream_ints(std::int32_t* p, Ints v) {
  _mm512_stream_si512(reinterpret_cast<__m512i*>(p), v);
}
static inline void lay_quad(const std::uint8_t* const (&rows)[4], int count, std::uint8_t* out) {
  for (int half = 0; half < 2; ++half) {
    const __m128i one = _mm_maskz_loadu_epi8(first(count), rows[2 * half]);
    const __m128i other = _mm_maskz_loadu_epi8(first(count), rows[2 * half + 1]);
    const __m256i pairs = _mm256_set_m128i(_mm_unpackhi_epi8(one, other), _mm_unpacklo_epi8(one, other));
    _mm512_storeu_si512(out + 64 * half, _mm512_cvtepu8_epi16(pairs));
  }
}
static inline Quad quad(const void* p) {
  int bytes = 0;
  __builtin_memcpy(&bytes, p, sizeof(bytes));
  const __m128i wide = _mm_cvtepi8_epi16(_mm_cvtsi32_si128(bytes));
  return {_mm512_broadcastd_epi32(wide), _mm512_broadcastd_epi32(_mm_srli_epi64(wide, 32))};
}
static inline Ints dot(const std::uint8_t* tile, const Quad& q, Ints sum) {
  sum = _mm512_add_epi32(sum, _mm512_madd_epi16(_mm512_loadu_si512(tile), q.low));
  return _mm512_add_epi32(sum, _mm512_madd_epi16(_mm512_loadu_si512(tile + 64), q.high));
}

}  // namespace sparsemark::avx512
