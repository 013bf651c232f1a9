// Advanced SIMD of AArch64: 4 floats. See simd.h for the meaning of the names.
#pragma once

#include <arm_neon.h>

#include <cstdint>

namespace sparsemark::neon {

using Vec = float32x4_t;
inline constexpr int kLanes = 4;
inline constexpr int kRegisters = 32;

static inline Vec zero() { return vdupq_n_f32(0.0f); }
static inline Vec broadcast(float x) { return vdupq_n_f32(x); }
static inline Vec load(const float* p) { return vld1q_f32(p); }
static inline void store(float* p, Vec v) { vst1q_f32(p, v); }
static inline void keep(Vec& v) { __asm__("" : "+w"(v)); }
static inline void stream(float* p, Vec v) { vst1q_f32(p, v); }
static inline void end_stream() {}
static inline Vec load_first(const float* p, int count) {
  float lanes[4] = {0.0f, 0.0f, 0.0f, 0.0f};
  for (int lane = 0; lane < count && lane < 4; ++lane) lanes[lane] = p[lane];
  return vld1q_f32(lanes);
}
static inline void store_first(float* p, Vec v, int count) {
  float lanes[4];
  vst1q_f32(lanes, v);
  for (int lane = 0; lane < count && lane < 4; ++lane) p[lane] = lanes[lane];
}
static inline Vec load_where(const float* p, std::uint32_t mask) {
  float lanes[4];
  for (int lane = 0; lane < 4; ++lane) lanes[lane] = (mask >> lane & 1u) != 0 ? p[lane] : 0.0f;
  return vld1q_f32(lanes);
}
static inline Vec add(Vec a, Vec b) { return vaddq_f32(a, b); }
static inline Vec fma(Vec a, Vec b, Vec c) { return vfmaq_f32(c, a, b); }
static inline Vec even(Vec a, Vec b) { return vuzp1q_f32(a, b); }
static inline float sum(Vec v) { return vaddvq_f32(v); }
static inline Vec max(Vec a, Vec b) { return vmaxq_f32(a, b); }
static inline Vec select(std::uint32_t mask, Vec a, Vec b) {
  const std::uint32_t bits[4] = {1, 2, 4, 8};
  return vbslq_f32(vtstq_u32(vdupq_n_u32(mask), vld1q_u32(bits)), a, b);
}
static inline Vec scale(Vec v, Vec exponent) {
  const int32x4_t shifted = vshlq_n_s32(vcvtq_s32_f32(exponent), 23);
  return vreinterpretq_f32_s32(vaddq_s32(vreinterpretq_s32_f32(v), shifted));
}
static inline Vec lane_sums(const Vec* v) {
  return vpaddq_f32(vpaddq_f32(v[0], v[1]), vpaddq_f32(v[2], v[3]));
}
static inline bool gathers() { return false; }
static inline Vec gather(const float* base, const std::int32_t* index) {
  const float lanes[4] = {base[index[0]], base[index[1]], base[index[2]], base[index[3]]};
  return vld1q_f32(lanes);
}
static inline Vec gather_first(const float* base, const std::int32_t* index, int count) {
  float lanes[4] = {0.0f, 0.0f, 0.0f, 0.0f};
  for (int lane = 0; lane < count && lane < 4; ++lane) lanes[lane] = base[index[lane]];
  return vld1q_f32(lanes);
}
template <int W>
static inline Vec gather_fields(const float* base, const std::int32_t* offset, std::uint64_t fields) {
  float lanes[4];
  for (int lane = 0; lane < 4; ++lane) {
    lanes[lane] = base[offset[lane] + static_cast<std::int32_t>(fields >> (lane * W) & ((1u << W) - 1u))];
  }
  return vld1q_f32(lanes);
}
template <int S>
static inline Vec gather_u16(const float* base, const std::int32_t* offset, const void* index) {
  std::uint16_t number[4];
  __builtin_memcpy(number, index, sizeof(number));
  float lanes[4];
  for (int lane = 0; lane < 4; ++lane) lanes[lane] = base[offset[lane] + (number[lane] << S)];
  return vld1q_f32(lanes);
}
static inline Vec expand(std::uint32_t mask, const float* p) {
  float lanes[4];
  for (int lane = 0; lane < 4; ++lane) lanes[lane] = (mask >> lane & 1u) != 0 ? *p++ : 0.0f;
  return vld1q_f32(lanes);
}
using Four = Vec;
static inline Four load_four(const float* p) { return vld1q_f32(p); }
template <int I>
static inline Vec pick(Four four) {
  return vdupq_laneq_f32(four, I);
}
template <int R>
static inline Vec spread(const float* p) {
  if constexpr (R == 1) return load(p);
  return broadcast(*p);
}

using Ints = int32x4_t;
// Four rows of 4 numbers of 16 bits: the products of bytes in one instruction are an extension of Armv8.2.
inline constexpr int kQuadBytes = 8;
using Quad = int16x4_t;

static inline Ints zero_ints() { return vdupq_n_s32(0); }
static inline Ints load_ints(const std::int32_t* p) { return vld1q_s32(p); }
static inline void store_ints(std::int32_t* p, Ints v) { vst1q_s32(p, v); }
static inline void store_ints_first(std::int32_t* p, Ints v, int count) {
  std::int32_t lanes[4];
  vst1q_s32(lanes, v);
  for (int lane = 0; lane < count && lane < 4; ++lane) p[lane] = lanes[lane];
}
static inline void stream_ints(std::int32_t* p, Ints v) { vst1q_s32(p, v); }
static inline void lay_quad(const std::uint8_t* const (&rows)[4], int count, std::uint8_t* out) {
  std::int16_t wide[16] = {};
  for (int r = 0; r < 4; ++r) {
    for (int lane = 0; lane < count && lane < 4; ++lane) wide[4 * r + lane] = rows[r][lane];
  }
  __builtin_memcpy(out, wide, sizeof(wide));
}
static inline Quad quad(const void* p) {
  std::int8_t bytes[8] = {};
  __builtin_memcpy(bytes, p, 4);
  return vget_low_s16(vmovl_s8(vld1_s8(bytes)));
}
static inline Ints dot(const std::uint8_t* tile, const Quad& q, Ints sum) {
  const std::int16_t* rows = reinterpret_cast<const std::int16_t*>(tile);
  sum = vmlal_lane_s16(sum, vld1_s16(rows), q, 0);
  sum = vmlal_lane_s16(sum, vld1_s16(rows + 4), q, 1);
  sum = vmlal_lane_s16(sum, vld1_s16(rows + 8), q, 2);
  return vmlal_lane_s16(sum, vld1_s16(rows + 12), q, 3);
}

}  // namespace sparsemark::neon
