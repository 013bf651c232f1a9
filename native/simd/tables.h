// Floats picked from a short table. A file of its own, since one kernel alone asks for it.
//
//   Table<N>                 N floats, N = 64 or 128
//   kTablesInRegisters       whether that takes registers, so that a lookup is no load
//   table_of<N>(p, count)    N floats from p on, of which the first count may be read
//   look_up(table, places)   lane l = table[places[l]], kLanes places of 8 bits at any address
#pragma once

#include "simd.h"

namespace sparsemark::SPARSEMARK_ISA {

#if defined(SPARSEMARK_ISA_avx512)

// The table in registers: a permutation picks 16 of 32 floats at once, the places' upper bits choose among
// the permutations' results.
inline constexpr bool kTablesInRegisters = true;

template <int N>
struct Table {
  Vec parts[N / kLanes];
};

template <int N>
static inline Table<N> table_of(const float* p, std::int32_t count) {
  Table<N> table;
  for (int i = 0; i < N / kLanes; ++i) {
    const int left = count - i * kLanes;
    table.parts[i] = left >= kLanes ? load(p + i * kLanes)
                     : left > 0     ? load_first(p + i * kLanes, left)
                                    : zero();
  }
  return table;
}

template <int N>
[[gnu::always_inline]] static inline Vec permute_table(const Vec* parts, __m512i places) {
  if constexpr (N == 2 * kLanes) {
    return _mm512_permutex2var_ps(parts[0], places, parts[1]);
  } else {
    const __mmask16 upper = _mm512_test_epi32_mask(places, _mm512_set1_epi32(N / 2));
    return _mm512_mask_blend_ps(upper, permute_table<N / 2>(parts, places),
                                permute_table<N / 2>(parts + N / 2 / kLanes, places));
  }
}

template <int N>
[[gnu::always_inline]] static inline Vec look_up(const Table<N>& table, const std::uint8_t* places) {
  const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(places));
  return permute_table<N>(table.parts, _mm512_cvtepu8_epi32(bytes));
}

#else

inline constexpr bool kTablesInRegisters = false;

template <int N>
struct Table {
  const float* floats;
};

template <int N>
static inline Table<N> table_of(const float* p, std::int32_t) {
  return {p};
}

template <int N>
static inline Vec look_up(const Table<N>& table, const std::uint8_t* places) {
  alignas(64) std::int32_t index[kLanes];
  for (int lane = 0; lane < kLanes; ++lane) index[lane] = places[lane];
  return gather(table.floats, index);
}

#endif

}  // namespace sparsemark::SPARSEMARK_ISA
