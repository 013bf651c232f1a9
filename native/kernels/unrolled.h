// Loops that are unrolled by the language, not by the optimiser's leave.
#pragma once

#include <utility>

namespace sparsemark::SPARSEMARK_ISA {
namespace {

template <int I>
struct At {
  static constexpr int value = I;
};

// Calls f(At<0>{}) ... f(At<Count - 1>{}), f being a lambda marked always_inline. Arrays indexed by value
// alone live in registers. With plain loops of constant bounds g++ 12 unrolls too late for that: a 14 x 2
// tile of AVX-512 vectors stays on the stack, 79 loads and stores for 28 FMAs.
template <typename F, int... I>
[[gnu::always_inline]] inline void unrolled_indices(F& f, std::integer_sequence<int, I...>) {
  (f(At<I>{}), ...);
}

template <int Count, typename F>
[[gnu::always_inline]] inline void unrolled(F&& f) {
  unrolled_indices(f, std::make_integer_sequence<int, Count>{});
}

}  // namespace
}  // namespace sparsemark::SPARSEMARK_ISA
