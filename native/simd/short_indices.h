// gather(base, index) of simd.h for indices of 16 bits: base[index[lane]]. A file of its own, since one
// kernel alone asks for it.
#pragma once

#include "simd.h"

namespace sparsemark::SPARSEMARK_ISA {

#if defined(SPARSEMARK_ISA_avx2) || defined(SPARSEMARK_ISA_avx512)

// base[index[0..3]], for CPUs whose gathers are microcode. Two places a word: on a Zen 3 with A in L2 that
// fetches 3.6e9 floats a second, four places a word 3.4e9, one load a place 3.2e9, vpmovzxwd through
// memory 2.6e9, and places of 32 bits 3.2e9; where A comes from L3 3.5e9, and with 32 bits 2.7e9.
static inline __m128 four_floats(const float* base, const std::uint16_t* index) {
  std::uint32_t low = 0;
  std::uint32_t high = 0;
  __builtin_memcpy(&low, index, sizeof(low));
  __builtin_memcpy(&high, index + 2, sizeof(high));
  __m128 floats = _mm_load_ss(base + static_cast<std::uint16_t>(low));
  floats = _mm_insert_ps(floats, _mm_load_ss(base + (low >> 16)), 0x10);
  floats = _mm_insert_ps(floats, _mm_load_ss(base + static_cast<std::uint16_t>(high)), 0x20);
  return _mm_insert_ps(floats, _mm_load_ss(base + (high >> 16)), 0x30);
}

static inline __m256 eight_floats(const float* base, const std::uint16_t* index) {
  return _mm256_insertf128_ps(_mm256_castps128_ps256(four_floats(base, index)), four_floats(base, index + 4),
                              1);
}

#endif

#if defined(SPARSEMARK_ISA_avx2)
static inline Vec gather(const float* base, const std::uint16_t* index) {
  if (slow_gathers) return eight_floats(base, index);
  const __m128i places = _mm_loadu_si128(reinterpret_cast<const __m128i*>(index));
  return _mm256_i32gather_ps(base, _mm256_cvtepu16_epi32(places), 4);
}
#elif defined(SPARSEMARK_ISA_avx512)
static inline Vec gather(const float* base, const std::uint16_t* index) {
  if (slow_gathers) {
    const __m512 low = _mm512_castps256_ps512(eight_floats(base, index));
    return _mm512_insertf32x8(low, eight_floats(base, index + 8), 1);
  }
  const __m256i places = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(index));
  return _mm512_i32gather_ps(_mm512_cvtepu16_epi32(places), base, 4);
}
#else
static inline Vec gather(const float* base, const std::uint16_t* index) {
  alignas(16) float lanes[kLanes];
  for (int lane = 0; lane < kLanes; ++lane) lanes[lane] = base[index[lane]];
  return load(lanes);
}
#endif

}  // namespace sparsemark::SPARSEMARK_ISA
