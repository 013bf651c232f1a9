// One float at a time, any CPU. See simd.h for the meaning of the names.
#pragma once

#include <cstdint>

namespace sparsemark::scalar {

using Vec = float;
inline constexpr int kLanes = 1;

static inline Vec zero() { return 0.0f; }
static inline Vec broadcast(float x) { return x; }
static inline Vec load(const float* p) { return *p; }
static inline void store(float* p, Vec v) { *p = v; }
static inline Vec load_first(const float* p, int count) { return count > 0 ? *p : 0.0f; }
static inline void store_first(float* p, Vec v, int count) {
  if (count > 0) *p = v;
}
static inline Vec fma(Vec a, Vec b, Vec c) { return a * b + c; }
static inline float sum(Vec v) { return v; }
static inline Vec gather(const float* base, const std::int32_t* index) { return base[*index]; }
static inline Vec expand(std::uint32_t mask, const float* p) { return (mask & 1u) != 0 ? *p : 0.0f; }

}  // namespace sparsemark::scalar
