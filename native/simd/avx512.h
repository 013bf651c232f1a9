// AVX-512 F, BW, DQ, VL: 16 floats. See simd.h for the meaning of the names.
#pragma once

#include <immintrin.h>

#include <cstdint>

namespace sparsemark::avx512 {

using Vec = __m512;
inline constexpr int kLanes = 16;

static inline __mmask16 first(int count) {
  return static_cast<__mmask16>(count >= 16 ? 0xffffu : (1u << count) - 1u);
}

static inline Vec zero() { return _mm512_setzero_ps(); }
static inline Vec broadcast(float x) { return _mm512_set1_ps(x); }
static inline Vec load(const float* p) { return _mm512_loadu_ps(p); }
static inline void store(float* p, Vec v) { _mm512_storeu_ps(p, v); }
static inline Vec load_first(const float* p, int count) { return _mm512_maskz_loadu_ps(first(count), p); }
static inline void store_first(float* p, Vec v, int count) { _mm512_mask_storeu_ps(p, first(count), v); }
static inline Vec fma(Vec a, Vec b, Vec c) { return _mm512_fmadd_ps(a, b, c); }
static inline float sum(Vec v) { return _mm512_reduce_add_ps(v); }
static inline Vec gather(const float* base, const std::int32_t* index) {
  return _mm512_i32gather_ps(_mm512_loadu_si512(index), base, 4);
}
static inline Vec expand(std::uint32_t mask, const float* p) {
  return _mm512_maskz_expandloadu_ps(static_cast<__mmask16>(mask), p);
}

}  // namespace sparsemark::avx512
