// NEON with arithmetic of 16 bits, an extension of Armv8.2 (FEAT_FP16): 8 numbers a vector. All else is
// NEON's.
#pragma once

#include "neon.h"

namespace sparsemark::neonfp16 {

using namespace neon;

using Halves = float16x8_t;
inline constexpr int kHalfLanes = 8;
struct HalfSums {
  Vec low;
  Vec high;
};

static inline Halves zero_halves() { return vreinterpretq_f16_u16(vdupq_n_u16(0)); }
static inline Halves broadcast_half(std::uint16_t x) { return vreinterpretq_f16_u16(vdupq_n_u16(x)); }
static inline Halves broadcast_pair(std::uint32_t pair) { return vreinterpretq_f16_u32(vdupq_n_u32(pair)); }
static inline Halves load_halves(const std::uint16_t* p) { return vreinterpretq_f16_u16(vld1q_u16(p)); }
static inline Halves load_halves_first(const std::uint16_t* p, int count) {
  std::uint16_t lanes[8] = {};
  for (int lane = 0; lane < count && lane < 8; ++lane) lanes[lane] = p[lane];
  return load_halves(lanes);
}
static inline void store_halves(std::uint16_t* p, Halves v) { vst1q_u16(p, vreinterpretq_u16_f16(v)); }
static inline void store_halves_first(std::uint16_t* p, Halves v, int count) {
  std::uint16_t lanes[8];
  store_halves(lanes, v);
  for (int lane = 0; lane < count && lane < 8; ++lane) p[lane] = lanes[lane];
}
static inline Halves add_halves(Halves a, Halves b) { return vaddq_f16(a, b); }
static inline Halves fma_halves(Halves a, Halves b, Halves c) { return vfmaq_f16(c, a, b); }
static inline Vec load_widened(const std::uint16_t* p) {
  return vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p)));
}
static inline HalfSums widen(Halves v) {
  return {vcvt_f32_f16(vget_low_f16(v)), vcvt_f32_f16(vget_high_f16(v))};
}
static inline Halves rounded(HalfSums s) { return vcombine_f16(vcvt_f16_f32(s.low), vcvt_f16_f32(s.high)); }

}  // namespace sparsemark::neonfp16
