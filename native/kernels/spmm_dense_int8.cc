// spmm of int8 on dense: the baseline. For each panel of columns of C all of B's panel is laid out as quads
// in scratch, where it stays in L2, and all rows pass by, as many at once as there are registers. C is
// written once, and A's bytes are few enough to come from wherever they are: 8 rows x 3 vectors take 24
// products of 64 bytes for each 32 bytes of A.
#include "quad_tile.h"
#include "unrolled.h"

namespace sparsemark::SPARSEMARK_ISA {
namespace {

// Registers for sums; others hold B, weights and, without VNNI, products.
constexpr int kSums = kRegisters >= 32 ? 24 : 8;

template <int V>
constexpr int kRows = kSums / V < 12 ? kSums / V : 12;

template <int R, int V>
[[gnu::always_inline]] inline void multiply_rows(const Operands& o, std::int32_t i, std::int32_t col,
                                                 int last) {
  const Encoded& a = *o.a;
  const std::size_t stride = static_cast<std::size_t>(a.p0);
  const std::uint8_t* b = static_cast<const std::uint8_t*>(o.scratch);
  const std::uint8_t* weights = a.bytes + static_cast<std::size_t>(i) * stride;
  Ints sums[R][V];
  unrolled<R * V>([&](auto x)
                      __attribute__((always_inline)) { sums[x.value / V][x.value % V] = zero_ints(); });
  for (std::int32_t q = quads_of(a); q > 0; --q) {
    unrolled<R>([&](auto r) __attribute__((always_inline)) {
      const Quad four = quad(weights + r.value * stride);
      unrolled<V>([&](auto v) __attribute__((always_inline)) {
        sums[r.value][v.value] = dot(b + v.value * kStep, four, sums[r.value][v.value]);
      });
    });
    b += V * kStep;
    weights += 4;
  }
  std::int32_t* out = o.c_integers + static_cast<std::size_t>(i) * static_cast<std::size_t>(o.n) + col;
  unrolled<R>([&](auto r) __attribute__((always_inline)) {
    unrolled<V - 1>([&](auto v) __attribute__((always_inline)) {
      store_ints(out + v.value * kLanes, sums[r.value][v.value]);
    });
    store_ints_first(out + (V - 1) * kLanes, sums[r.value][V - 1], last);
    out += o.n;
  });
}

struct Body {
  static constexpr int kMost = kRegisters >= 32 ? 4 : 2;

  template <int V, bool kTail>
  static void panel(const Operands& o, const Shard& s, std::int32_t col, int last) {
    constexpr int R = kRows<V>;
    lay_tile<V>(o, 0, quads_of(*o.a), col, last, static_cast<std::uint8_t*>(o.scratch));
    std::int32_t i = s.unit_begin;
    for (; i + R <= s.unit_end; i += R) multiply_rows<R, V>(o, i, col, last);
    if (i == s.unit_end) return;
    if (s.unit_end - s.unit_begin >= R) {
      // The last rows together with some that are done already.
      multiply_rows<R, V>(o, s.unit_end - R, col, last);
    } else {
      for (; i < s.unit_end; ++i) multiply_rows<1, V>(o, i, col, last);
    }
  }
};

void run(const Operands& o, const Shard& s) noexcept { even_panels<Body>(o, s, Body::kMost); }

// Panels of the widest, since a thread's columns may be other ones than all of n divide into.
std::int64_t scratch_bytes(const Encoded& a, std::int32_t) {
  return static_cast<std::int64_t>(quads_of(a)) * Body::kMost * static_cast<std::int64_t>(kStep);
}

void tiling(const Encoded&, std::int32_t n, char* text) {
  const int vectors = even_vectors(n, Body::kMost);
  say_tiling(text, kSums / vectors < 12 ? kSums / vectors : 12, vectors);
}

}  // namespace

extern const Kernel spmm_dense_int8 = {.op = "spmm",
                                       .name = "dense",
                                       .format = "dense",
                                       .isa = SPARSEMARK_ISA_NAME,
                                       .split = Split::kWide,
                                       .dense = true,
                                       .scratch_bytes = scratch_bytes,
                                       .tiling = tiling,
                                       .run = run,
                                       .dtype = "int8"};

}  // namespace sparsemark::SPARSEMARK_ISA
