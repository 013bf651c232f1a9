// AVX-512 with FP16: 32 numbers of 16 bits a vector, twice the FMAs of floats. All else is AVX-512's.
#pragma once

#include "avx512.h"

namespace sparsemark::avx512fp16 {

using namespace avx512;

using Halves = __m512h;
inline constexpr int kHalfLanes = 32;
struct HalfSums {
  Vec low;
  Vec high;
};

static inline __mmask32 first_halves(int count) {
  return count >= kHalfLanes ? ~__mmask32{0} : (__mmask32{1} << count) - 1;
}

static inline Halves zero_halves() { return _mm512_setzero_ph(); }
// By way of a register: a broadcast of 16 bits from memory is a load and a shuffle in any case.
static inline Halves broadcast_half(std::uint16_t x) {
  return _mm512_castsi512_ph(_mm512_set1_epi16(static_cast<short>(x)));
}
static inline Halves broadcast_pair(std::uint32_t pair) {
  return _mm512_castsi512_ph(_mm512_set1_epi32(static_cast<int>(pair)));
}
static inline Halves load_halves(const std::uint16_t* p) { return _mm512_loadu_ph(p); }
static inline Halves load_halves_first(const std::uint16_t* p, int count) {
  return _mm512_castsi512_ph(_mm512_maskz_loadu_epi16(first_halves(count), p));
}
static inline void store_halves(std::uint16_t* p, Halves v) { _mm512_storeu_ph(p, v); }
static inline void store_halves_first(std::uint16_t* p, Halves v, int count) {
  _mm512_mask_storeu_epi16(p, first_halves(count), _mm512_castph_si512(v));
}
static inline Halves add_halves(Halves a, Halves b) { return _mm512_add_ph(a, b); }
static inline Halves fma_halves(Halves a, Halves b, Halves c) { return _mm512_fmadd_ph(a, b, c); }
static inline Vec load_widened(const std::uint16_t* p) {
  return _mm512_cvtxph_ps(_mm256_castsi256_ph(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p))));
}
static inline HalfSums widen(Halves v) {
  const __m512i bits = _mm512_castph_si512(v);
  return {_mm512_cvtxph_ps(_mm256_castsi256_ph(_mm512_castsi512_si256(bits))),
          _mm512_cvtxph_ps(_mm256_castsi256_ph(_mm512_extracti64x4_epi64(bits, 1)))};
}
static inline Halves rounded(HalfSums s) {
  const __m512i low = _mm512_castsi256_si512(_mm256_castph_si256(_mm512_cvtxps_ph(s.low)));
  return _mm512_castsi512_ph(_mm512_inserti64x4(low, _mm256_castph_si256(_mm512_cvtxps_ph(s.high)), 1));
}

}  // namespace sparsemark::avx512fp16
