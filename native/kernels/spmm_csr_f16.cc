// spmm of f16 on csr: a row at a time, products and sums in f16. After kHalfTerms nonzeros their sums are
// added up in f32, which stays in registers too; a row of fewer needs no f32 at all.
//
// A vector has twice the lanes of floats, so twice the columns pass by for each value and column that is
// read. n below the lanes leaves the vector partly empty, here and in the dense product alike.
#include "half_panels.h"
#include "unrolled.h"

namespace sparsemark::SPARSEMARK_ISA {
namespace {

struct Body {
  // With the sums in f32 behind them 24 of 32 registers.
  static constexpr int kMost = kRegisters >= 32 ? 8 : 4;

  // The sums of count products, at most kHalfTerms.
  template <int V, bool kTail>
  [[gnu::always_inline]] static inline void sum_block(const std::uint8_t* values, const std::int32_t* columns,
                                                      std::int32_t count, const std::uint16_t* b,
                                                      std::size_t n, int last, Halves (&sums)[V]) {
    // FMA latency is 4 at 2 a cycle: a narrow panel needs several chains of sums to be busy.
    constexpr int kChains = V >= 4 ? 1 : V >= 2 ? 2 : 4;
    Halves c[kChains][V];
    unrolled<kChains * V>([&](auto x) __attribute__((always_inline)) {
      c[x.value / V][x.value % V] = zero_halves();
    });
    std::int32_t p = 0;
    const auto step = [&](auto u) __attribute__((always_inline)) {
      std::uint16_t bits = 0;
      __builtin_memcpy(&bits, values + 2 * static_cast<std::size_t>(p + u.value), sizeof(bits));
      const Halves value = broadcast_half(bits);
      const std::uint16_t* row = b + static_cast<std::size_t>(columns[p + u.value]) * n;
      unrolled<V>([&](auto v) __attribute__((always_inline)) {
        const std::uint16_t* at = row + v.value * kHalfLanes;
        const Halves part = kTail && v.value == V - 1 ? load_halves_first(at, last) : load_halves(at);
        c[u.value][v.value] = fma_halves(value, part, c[u.value][v.value]);
      });
    };
    for (; p + kChains <= count; p += kChains) unrolled<kChains>(step);
    if constexpr (kChains > 1) {
      for (; p < count; ++p) step(At<0>{});
    }
    unrolled<V>([&](auto v) __attribute__((always_inline)) {
      Halves total = c[0][v.value];
      unrolled<kChains - 1>([&](auto u) __attribute__((always_inline)) {
        total = add_halves(total, c[u.value + 1][v.value]);
      });
      sums[v.value] = total;
    });
  }

  template <int V, bool kTail>
  static void rows(const Operands& o, const Shard& s, std::int32_t col, int last) {
    const Encoded& a = *o.a;
    const std::size_t n = static_cast<std::size_t>(o.n);
    const std::uint16_t* b = halves_of_b(o) + col;
    std::uint16_t* out = halves_of_c(o) + static_cast<std::size_t>(s.unit_begin) * n + col;
    for (std::int32_t i = s.unit_begin; i < s.unit_end; ++i, out += n) {
      std::int32_t p = a.offsets[i];
      const std::int32_t end = a.offsets[i + 1];
      Halves block[V];
      const auto next_block = [&](std::int32_t count) __attribute__((always_inline)) {
        sum_block<V, kTail>(a.bytes + 2 * static_cast<std::size_t>(p), a.indices + p, count, b, n, last,
                            block);
        p += count;
      };
      next_block(end - p < kHalfTerms ? end - p : kHalfTerms);
      if (p < end) {
        HalfSums sums[V];
        unrolled<V>([&](auto v) __attribute__((always_inline)) { sums[v.value] = widen(block[v.value]); });
        while (p < end) {
          next_block(end - p < kHalfTerms ? end - p : kHalfTerms);
          unrolled<V>([&](auto v) __attribute__((always_inline)) {
            sums[v.value] = add_sums(sums[v.value], widen(block[v.value]));
          });
        }
        unrolled<V>([&](auto v) __attribute__((always_inline)) { block[v.value] = rounded(sums[v.value]); });
      }
      unrolled<V>([&](auto v) __attribute__((always_inline)) {
        std::uint16_t* at = out + v.value * kHalfLanes;
        if (kTail && v.value == V - 1) {
          store_halves_first(at, block[v.value], last);
        } else {
          store_halves(at, block[v.value]);
        }
      });
    }
  }

  template <int V>
  static void panel(const Operands& o, const Shard& s, std::int32_t col, int last) {
    if (last == kHalfLanes) {
      rows<V, false>(o, s, col, last);
    } else {
      rows<V, true>(o, s, col, last);
    }
  }
};

// Vectors of a panel: as many as keep its part of B in L1, else in L2, as for floats.
std::int64_t most_vectors(const Encoded& a) { return cached_vectors(a.cols, kHalfLanes * 2, Body::kMost); }

void run(const Operands& o, const Shard& s) noexcept { half_panels<Body>(o, s, most_vectors(*o.a)); }

void tiling(const Encoded& a, std::int32_t n, char* text) {
  say_half_tiling(text, 1, even_width(n, kHalfLanes, most_vectors(a)));
}

}  // namespace

extern const Kernel spmm_csr_f16 = {.op = "spmm",
                                    .name = "csr",
                                    .format = "csr",
                                    .isa = SPARSEMARK_ISA_NAME,
                                    .split = Split::kUnits,
                                    .tiling = tiling,
                                    .run = run,
                                    .dtype = "f16"};

}  // namespace sparsemark::SPARSEMARK_ISA
