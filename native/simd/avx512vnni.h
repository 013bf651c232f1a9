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
static inline Quad quad(const void* p) {
  int bytes = 0;
  __builtin_memcpy(&bytes, p, sizeof(bytes));
  return _mm512_set1_epi32(bytes);
}
static inline Ints dot(const std::uint8_t* tile, const Quad& q, Ints sum) {
  return _mm512_dpbusd_epi32(sum, _mm512_loadu_si512(tile), q);
}

}  // namespace sparsemark::avx512vnni
