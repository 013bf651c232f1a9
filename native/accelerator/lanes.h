// Four numbers at once, by vector extensions: what they are added and multiplied up to does not depend on the
// processor, since nothing is fused and the order is written down. Functions are inlined always, so that a
// caller compiled for AVX2 gets its instructions, and take references, so that no calling convention matters.
#pragma once

#include <cstring>

namespace sparsemark::accelerator {

inline constexpr int kLanes = 4;
using Four = double __attribute__((vector_size(kLanes * sizeof(double))));

[[gnu::always_inline]] inline void load(const double* from, Four& to) { std::memcpy(&to, from, sizeof to); }
[[gnu::always_inline]] inline void store(const Four& from, double* to) {
  std::memcpy(to, &from, sizeof from);
}

// Each lane times those before it.
[[gnu::always_inline]] inline void multiply_up(Four& of) {
  constexpr Four kOnes = {1.0, 1.0, 1.0, 1.0};
  of *= __builtin_shufflevector(kOnes, of, 0, 4, 5, 6);
  of *= __builtin_shufflevector(kOnes, of, 0, 1, 4, 5);
}

// Each lane plus those behind it.
[[gnu::always_inline]] inline void add_down(Four& of) {
  constexpr Four kNone = {};
  of += __builtin_shufflevector(kNone, of, 5, 6, 7, 0);
  of += __builtin_shufflevector(kNone, of, 6, 7, 0, 1);
}

[[gnu::always_inline]] inline double sum_of(const Four& of) { return (of[0] + of[1]) + (of[2] + of[3]); }

#if defined(__x86_64__)
inline const bool kHasAvx2 = __builtin_cpu_supports("avx2") != 0;
#endif

}  // namespace sparsemark::accelerator
