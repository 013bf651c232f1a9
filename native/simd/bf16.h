// Values of bf16 as floats, of the instruction set that this file is being compiled for; beside simd.h for
// the kernels of bf16 alone.
//
//   widen(p)               the float of the 2 bytes at p
//   load_bf16(p)           kLanes of them at any address
//   load_bf16_first(p, count)  the first count of them, the other lanes 0; reads nothing beyond them
#pragma once

#include "simd.h"

namespace sparsemark::SPARSEMARK_ISA {
namespace {

static inline float widen(const std::uint8_t* p) {
  std::uint16_t upper = 0;
  __builtin_memcpy(&upper, p, sizeof(upper));
  const std::uint32_t bits = static_cast<std::uint32_t>(upper) << 16;
  float value = 0.0f;
  __builtin_memcpy(&value, &bits, sizeof(value));
  return value;
}

static inline Vec load_bf16(const std::uint8_t* p) {
#if defined(SPARSEMARK_ISA_avx512)
  const __m256i upper = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(upper), 16));
#elif defined(SPARSEMARK_ISA_avx2)
  const __m128i upper = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(upper), 16));
#elif defined(SPARSEMARK_ISA_neon)
  return vreinterpretq_f32_u32(vshll_n_u16(vreinterpret_u16_u8(vld1_u8(p)), 16));
#else
  return widen(p);
#endif
}

static inline Vec load_bf16_first(const std::uint8_t* p, int count) {
  float lanes[kLanes] = {};
  for (int lane = 0; lane < count && lane < kLanes; ++lane) lanes[lane] = widen(p + 2 * lane);
  return load(lanes);
}

}  // namespace
}  // namespace sparsemark::SPARSEMARK_ISA
