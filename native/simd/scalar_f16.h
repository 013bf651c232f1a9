// Numbers of 16 bits one at a time on CPUs without arithmetic for them: bit for bit what such a CPU answers,
// and slow, so that every machine can test the kernels. It is no speed to compare anything with.
#pragma once

#include "scalar.h"

namespace sparsemark::scalar {

// A number of f16 as the float that it is.
using Halves = float;
inline constexpr int kHalfLanes = 1;
struct HalfSums {
  Vec low;
};

// The float of 16 bits. Infinity and NaN keep their fraction.
static inline float float_of(std::uint16_t half) {
  std::uint32_t bits = static_cast<std::uint32_t>(half & 0x7fff) << 13;
  if (bits >= 0x0f800000u) {
    bits += 0x70000000u;
  } else if (bits >= 0x00800000u) {
    bits += 0x38000000u;
  } else {
    const float denormal = static_cast<float>(half & 0x3ff) * 0x1p-24f;
    __builtin_memcpy(&bits, &denormal, sizeof(bits));
  }
  bits |= static_cast<std::uint32_t>(half & 0x8000) << 16;
  float value = 0.0f;
  __builtin_memcpy(&value, &bits, sizeof(value));
  return value;
}

// The 16 bits of a float that is a number of f16. A NaN is some NaN.
static inline std::uint16_t half_of(float value) {
  std::uint32_t bits = 0;
  __builtin_memcpy(&bits, &value, sizeof(bits));
  const std::uint32_t sign = bits >> 16 & 0x8000u;
  const std::uint32_t magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) return static_cast<std::uint16_t>(sign | 0x7e00u);
  if (magnitude >= 0x47800000u) return static_cast<std::uint16_t>(sign | 0x7c00u);
  if (magnitude >= 0x38800000u) return static_cast<std::uint16_t>(sign | (magnitude - 0x38000000u) >> 13);
  const float steps = (value < 0.0f ? -value : value) * 0x1p24f;
  return static_cast<std::uint16_t>(sign | static_cast<std::uint32_t>(steps));
}

// The number of f16 nearest to exact + rest, ties to even, |rest| being less than half a step of exact.
[[gnu::noinline]] static float nearest_half(double exact, double rest) {
  std::uint64_t bits = 0;
  __builtin_memcpy(&bits, &exact, sizeof(bits));
  const int exponent = static_cast<int>(bits >> 52 & 0x7ff) - 1023;
  if (exponent > 16) return static_cast<float>(exact) * 0x1p127f;  // infinity and NaN, and what becomes it
  // An odd last bit keeps a number between two others from looking like one of them or the middle of them:
  // double precision has enough bits beyond those of f16 that the second rounding is then right.
  if (rest != 0.0 && (bits & 1) == 0) {
    bits = (rest < 0.0) == (exact < 0.0) ? bits + 1 : bits - 1;
    __builtin_memcpy(&exact, &bits, sizeof(exact));
  }
  // 1.5 * 2^52 steps of f16 at this exponent: what is added to it is rounded to whole steps.
  const std::uint64_t step = static_cast<std::uint64_t>((exponent < -14 ? -14 : exponent) - 10 + 52 + 1023);
  const std::uint64_t shift_bits = step << 52 | std::uint64_t{1} << 51;
  double shift = 0.0;
  __builtin_memcpy(&shift, &shift_bits, sizeof(shift));
  const double whole = (exact + shift) - shift;
  const double result = whole >= 65536.0 || whole <= -65536.0 ? whole * 0x1p1000 : whole;
  return __builtin_copysignf(static_cast<float>(result), static_cast<float>(exact));
}

static inline Halves zero_halves() { return 0.0f; }
static inline Halves broadcast_half(std::uint16_t x) { return float_of(x); }
static inline Halves broadcast_pair(std::uint32_t pair) { return float_of(static_cast<std::uint16_t>(pair)); }
static inline Halves load_halves(const std::uint16_t* p) { return float_of(*p); }
static inline Halves load_halves_first(const std::uint16_t* p, int count) {
  return count > 0 ? float_of(*p) : 0.0f;
}
static inline void store_halves(std::uint16_t* p, Halves v) { *p = half_of(v); }
static inline void store_halves_first(std::uint16_t* p, Halves v, int count) {
  if (count > 0) *p = half_of(v);
}
// The sum of two numbers of double precision and what its rounding left (Knuth's TwoSum): as one, exact.
static inline Halves add_exactly(double x, double y) {
  const double sum = x + y;
  const double of_y = sum - x;
  const double rest = (x - (sum - of_y)) + (y - of_y);
  return nearest_half(sum, rest);
}
static inline Halves add_halves(Halves a, Halves b) {
  return add_exactly(static_cast<double>(a), static_cast<double>(b));
}
// A product of two numbers of 11 bits is exact in double precision.
static inline Halves fma_halves(Halves a, Halves b, Halves c) {
  return add_exactly(static_cast<double>(a) * static_cast<double>(b), static_cast<double>(c));
}
static inline Vec load_widened(const std::uint16_t* p) { return float_of(*p); }
static inline HalfSums widen(Halves v) { return {v}; }
static inline Halves rounded(HalfSums s) { return nearest_half(static_cast<double>(s.low), 0.0); }

}  // namespace sparsemark::scalar
