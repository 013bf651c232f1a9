// One float at a time, any CPU. See simd.h for the meaning of the names.
#pragma once

#include <cstdint>

namespace sparsemark::scalar {

using Vec = float;
inline constexpr int kLanes = 1;
inline constexpr int kRegisters = 16;

static inline Vec zero() { return 0.0f; }
static inline Vec broadcast(float x) { return x; }
static inline Vec load(const float* p) { return *p; }
static inline void store(float* p, Vec v) { *p = v; }
static inline void keep(Vec&) {}
static inline void stream(float* p, Vec v) { *p = v; }
static inline void end_stream() {}
static inline Vec load_first(const float* p, int count) { return count > 0 ? *p : 0.0f; }
static inline void store_first(float* p, Vec v, int count) {
  if (count > 0) *p = v;
}
static inline Vec load_where(const float* p, std::uint32_t mask) { return (mask & 1u) != 0 ? *p : 0.0f; }
static inline Vec add(Vec a, Vec b) { return a + b; }
static inline Vec fma(Vec a, Vec b, Vec c) { return a * b + c; }
static inline Vec even(Vec a, Vec) { return a; }
static inline float sum(Vec v) { return v; }
static inline Vec max(Vec a, Vec b) { return a > b ? a : b; }
static inline Vec select(std::uint32_t mask, Vec a, Vec b) { return (mask & 1u) != 0 ? a : b; }
static inline Vec scale(Vec v, Vec exponent) {
  std::uint32_t bits = 0;
  __builtin_memcpy(&bits, &v, sizeof(bits));
  bits += static_cast<std::uint32_t>(static_cast<std::int32_t>(exponent)) << 23;
  __builtin_memcpy(&v, &bits, sizeof(bits));
  return v;
}
static inline Vec lane_sums(const Vec* v) { return *v; }
static inline bool gathers() { return false; }
static inline Vec gather(const float* base, const std::int32_t* index) { return base[*index]; }
static inline Vec gather_first(const float* base, const std::int32_t* index, int count) {
  return count > 0 ? base[*index] : 0.0f;
}
template <int W>
static inline Vec gather_fields(const float* base, const std::int32_t* offset, std::uint64_t fields) {
  return base[*offset + static_cast<std::int32_t>(fields & ((1u << W) - 1u))];
}
template <int S>
static inline Vec gather_u16(const float* base, const std::int32_t* offset, const void* index) {
  std::uint16_t number = 0;
  __builtin_memcpy(&number, index, sizeof(number));
  return base[*offset + (number << S)];
}
static inline Vec expand(std::uint32_t mask, const float* p) { return (mask & 1u) != 0 ? *p : 0.0f; }
using Four = const float*;
static inline Four load_four(const float* p) { return p; }
template <int I>
static inline Vec pick(Four four) {
  return four[I];
}
template <int R>
static inline Vec spread(const float* p) {
  return *p;
}

using Ints = std::int32_t;
inline constexpr int kQuadBytes = 4;
struct Quad {
  std::int8_t of[4];
};

static inline Ints zero_ints() { return 0; }
static inline Ints load_ints(const std::int32_t* p) { return *p; }
static inline void store_ints(std::int32_t* p, Ints v) { *p = v; }
static inline void store_ints_first(std::int32_t* p, Ints v, int count) {
  if (count > 0) *p = v;
}
static inline void stream_ints(std::int32_t* p, Ints v) { *p = v; }
static inline void lay_quad(const std::uint8_t* const (&rows)[4], int, std::uint8_t* out) {
  for (int r = 0; r < 4; ++r) out[r] = *rows[r];
}
static inline Quad quad(const void* p) {
  Quad out;
  __builtin_memcpy(out.of, p, sizeof(out.of));
  return out;
}
static inline Ints dot(const std::uint8_t* tile, const Quad& q, Ints sum) {
  for (int r = 0; r < 4; ++r) sum += tile[r] * q.of[r];
  return sum;
}

}  // namespace sparsemark::scalar
