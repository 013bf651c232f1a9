// AVX2 and FMA: 8 floats. See simd.h for the meaning of the names.
#pragma once

#include <immintrin.h>

#include <cstdint>

namespace sparsemark::avx2 {

using Vec = __m256;
inline constexpr int kLanes = 8;

static inline __m256i first(int count) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(count), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

static inline Vec zero() { return _mm256_setzero_ps(); }
static inline Vec broadcast(float x) { return _mm256_set1_ps(x); }
static inline Vec load(const float* p) { return _mm256_loadu_ps(p); }
static inline void store(float* p, Vec v) { _mm256_storeu_ps(p, v); }
static inline Vec load_first(const float* p, int count) { return _mm256_maskload_ps(p, first(count)); }
static inline void store_first(float* p, Vec v, int count) { _mm256_maskstore_ps(p, first(count), v); }
static inline Vec fma(Vec a, Vec b, Vec c) { return _mm256_fmadd_ps(a, b, c); }
static inline float sum(Vec v) {
  const __m128 half = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
  const __m128 quarter = _mm_add_ps(half, _mm_movehl_ps(half, half));
  return _mm_cvtss_f32(_mm_add_ss(quarter, _mm_movehdup_ps(quarter)));
}
static inline Vec gather(const float* base, const std::int32_t* index) {
  return _mm256_i32gather_ps(base, _mm256_loadu_si256(reinterpret_cast<const __m256i*>(index)), 4);
}
// No expand instruction: the positions of the set bits are spread by a prefix count, 8 short steps.
static inline Vec expand(std::uint32_t mask, const float* p) {
  alignas(32) float lanes[8];
  for (int lane = 0; lane < 8; ++lane) {
    lanes[lane] = (mask >> lane & 1u) != 0 ? *p++ : 0.0f;
  }
  return _mm256_load_ps(lanes);
}

}  // namespace sparsemark::avx2
