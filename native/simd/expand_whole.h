// expand(mask, p) of simd.h where all kLanes floats from p on may be read: expand_whole(mask, p). A file of
// its own, since one kernel alone asks for it.
#pragma once

#include "simd.h"

namespace sparsemark::SPARSEMARK_ISA {

#if defined(SPARSEMARK_ISA_avx2)
static inline Vec expand_whole(std::uint32_t mask, const float* p) {
  const __m128i ranks = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(kRanks.of[mask & 0xffu]));
  const Vec spread_out = _mm256_permutevar8x32_ps(load(p), _mm256_cvtepu8_epi32(ranks));
  return _mm256_and_ps(spread_out, _mm256_castsi256_ps(where(mask)));
}
#elif defined(SPARSEMARK_ISA_avx512)
static inline Vec expand_whole(std::uint32_t mask, const float* p) {
  if (slow_gathers) return _mm512_maskz_expand_ps(static_cast<__mmask16>(mask), load(p));
  return expand(mask, p);
}
#else
static inline Vec expand_whole(std::uint32_t mask, const float* p) { return expand(mask, p); }
#endif

}  // namespace sparsemark::SPARSEMARK_ISA
