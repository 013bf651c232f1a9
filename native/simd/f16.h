// Numbers of 16 bits (float16), of the instruction set that this file is being compiled for; in place of
// simd.h for the kernels of f16 alone. Every such instruction set has the operations of simd.h, and:
//
//   Halves, kHalfLanes            a vector of float16 and its number of lanes, a multiple of kLanes
//   zero_halves()                 all lanes
//   broadcast_half(x)             the 16 bits x in all lanes
//   broadcast_pair(pair)          the same for a word of twice x: one load from memory, without the shuffle
//                                 that 16 bits take on x86
//   load_halves(p) store_halves(p, v)  kHalfLanes at any address
//   load_halves_first(p, count) store_halves_first(p, v, count)  the first count lanes, those loaded beyond
//                                 them are 0; touches nothing beyond them
//   add_halves(a, b)
//   fma_halves(a, b, c)           a * b + c, rounded once, to float16
//   load_widened(p)               kLanes float16 at any address as floats
//   HalfSums                      kHalfLanes floats
//   widen(v) rounded(sums)        floats of float16, and back: the nearest
//   load_sums(p) store_sums(p, s) add_sums(a, b)  kHalfLanes floats
//   total(sums)                   of all lanes
#pragma once

#if defined(SPARSEMARK_ISA_scalar)
#include "scalar_f16.h"
#include "simd.h"
#elif defined(SPARSEMARK_ISA_avx512fp16)
#include "avx512fp16.h"
#elif defined(SPARSEMARK_ISA_neonfp16)
#include "neonfp16.h"
#else
#error "SPARSEMARK_ISA_<name> must be defined: scalar, avx512fp16 or neonfp16"
#endif

// As in simd.h, which knows the instruction sets of all kernels.
#if !defined(SPARSEMARK_ISA_NAME)
#define SPARSEMARK_STRING_(x) #x
#define SPARSEMARK_STRING(x) SPARSEMARK_STRING_(x)
#define SPARSEMARK_ISA_NAME SPARSEMARK_STRING(SPARSEMARK_ISA)
#endif

namespace sparsemark::SPARSEMARK_ISA {
namespace {

// Products that are added up in f16 at the most; such sums are added up in f32. It bounds the error: 64
// roundings to 11 bits are 0.03 of what is added up, whatever k. Widening, adding and storing a tile's sums
// is 1/16 of the FMAs of 64 steps on AVX-512.
constexpr int kHalfTerms = 64;

#if defined(SPARSEMARK_ISA_scalar)
static inline HalfSums load_sums(const float* p) { return {load(p)}; }
static inline void store_sums(float* p, HalfSums s) { store(p, s.low); }
static inline HalfSums add_sums(HalfSums a, HalfSums b) { return {add(a.low, b.low)}; }
static inline float total(HalfSums s) { return s.low; }
#else
static inline HalfSums load_sums(const float* p) { return {load(p), load(p + kLanes)}; }
static inline void store_sums(float* p, HalfSums s) {
  store(p, s.low);
  store(p + kLanes, s.high);
}
static inline HalfSums add_sums(HalfSums a, HalfSums b) { return {add(a.low, b.low), add(a.high, b.high)}; }
static inline float total(HalfSums s) { return sum(add(s.low, s.high)); }
#endif

}  // namespace
}  // namespace sparsemark::SPARSEMARK_ISA
