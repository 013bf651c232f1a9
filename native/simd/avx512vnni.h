// AVX-512 with VNNI: four products of bytes a lane in one instruction. All else is AVX-512's.
#pragma once

#include "avx512.h"

namespace sparsemark::avx512vnni {

using namespace avx512;

inline constexpr int kQuadBytes = 4;
using Quad = __m512i;

static inline void lay_quad(const std::uint8_t* const (&rows)[4], int count, std::uint8_t* out) {
  const __mmask16 mask = first(count);
  __m512i quarters = _mm512_castsi128_si512(_mm_maskz_loadu_epi8(mask, rows[0]));
  quarters = _mm512_inserti32x4(quarters, _mm_maskz_loadu_epi8(mask, rows[1]), 1);
  quarters = _mm512_inserti32x4(quarters, _mm_maskz_loadu_epi8(mask, rows[2]), 2);
  quarters = _mm512_inserti32x4(quarters, _mm_maskz_loadu_epi8(mask, rows[3]), 3);
  // A quarter of each row beside those of the others, then byte by byte.
  const __m512i words = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
  const __m512i bytes =
      _mm512_broadcast_i32x4(_mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15));
  _mm512_storeu_si512(out, _mm512_shuffle_epi8(_mm512_permutexvar_epi32(words, quarters), bytes));
}
// Four vectors of columns at once: 12 shuffles instead of 20.
static inline void lay_four_quads(const std::uint8_t* const (&rows)[4], std::uint8_t* out) {
  // Word 4 j + l of a row to quarter l, where unpacking finds it with those of the other rows.
  const __m512i words = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
  const __m512i row0 = _mm512_permutexvar_epi32(words, _mm512_loadu_si512(rows[0]));
  const __m512i row1 = _mm512_permutexvar_epi32(words, _mm512_loadu_si512(rows[1]));
  const __m512i row2 = _mm512_permutexvar_epi32(words, _mm512_loadu_si512(rows[2]));
  const __m512i row3 = _mm512_permutexvar_epi32(words, _mm512_loadu_si512(rows[3]));
  const __m512i low01 = _mm512_unpacklo_epi8(row0, row1);
  const __m512i high01 = _mm512_unpackhi_epi8(row0, row1);
  const __m512i low23 = _mm512_unpacklo_epi8(row2, row3);
  const __m512i high23 = _mm512_unpackhi_epi8(row2, row3);
  _mm512_storeu_si512(out, _mm512_unpacklo_epi16(low01, low23));
  _mm512_storeu_si512(out + 64, _mm512_unpackhi_epi16(low01, low23));
  _mm512_storeu_si512(out + 128, _mm512_unpacklo_epi16(high01, high23));
  _mm512_storeu_si512(out + 192, _mm512_unpackhi_epi16(high01, high23));
}
static inline Quad quad(const void* p) {
  int bytes = 0;
  __builtin_memcpy(&bytes, p, sizeof(bytes));
  return _mm512_set1_epi32(bytes);
}
static inline Ints dot(const std::uint8_t* tile, const Quad& q, Ints sum) {
  return _mm512_dpbusd_epi32(sum, _mm512_loadu_si512(tile), q);
}

}  // namespace sparsemark::avx512vnni
