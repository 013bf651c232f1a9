// spmm on bsr: for each panel of columns of C, all block rows pass by the panel's part of B, which stays in
// L2. A row of B is loaded once for the 4 or 8 rows of a block whose sums are in registers, so that 4 x 6 or
// 8 x 3 vectors take 24 FMAs for 10 or 11 loads; L2 has to deliver 32 or 16 bytes a cycle for that.
//
// Percentages are measured on one core of a Zen 5 with an L2 of 1 MiB, on 128x1152x784, 256x2304x196,
// 512x512x196, 3072x768x32 and 3072x768x128 at sparsity 0.5 and 0.9 (products of others are named):
//
// fetch A ahead (kAhead): the rows of B at hand keep the hardware from seeing that the values are read in
//   order. Blocks 4x4 at 0.5 gain 27 %, 3072x768x32 alone 60 %; twice or four times as far is the same.
// copy B: where its rows do not begin on vectors or their stride is a multiple of kBadStride; and each row of
//   it is used kWorthCopy times. At 0.5, 256x2304x196 gains 20 %, 768x3072x512 40 %; with 26 uses
//   256x2304x196 loses 6 %. Where rows lie well copying is 0 to 40 % slower: B comes from L3 as it is needed,
//   and the copy waits for it.
//   On AVX2 also where a panel is a part of B's rows, leaves L1, and each row of it is used kNarrowCopy
//   times: a row of 3 vectors is one and a half lines, and 512 bytes apart they have a quarter of the sets of
//   L2. On a Zen 3 with an L2 of 512 KiB, fastest of 21 rounds in turns, 4x4 and 16x1: 768x3072x128 gains
//   1.52 and 1.49 times at 0.5, 1.12 and 1.08 at 0.9; 3072x768x128 1.13 and 1.19, 1.06 and 1.22; 768x3072x32
//   1.11 and 1.12, 1.10 and 1.09; 128x1152x784 at 0.5 1.08 and 1.14. With 13 and 32 uses 128x1152x784
//   at 0.9 ran at 0.94 and 0.98, 64x576x3136 at 0.5 at 1.00 and 1.03.
// stream C, all of it or every other row: where it begins on vectors' boundaries; see streamed.h.
//   On the Zen 3 streaming all of it costs at 0.9: without, 64x64x3136 runs at 2.0, 256x64x3136 at 1.7
//   to 2.1, 512x128x784 at 1.3 to 1.6; at 0.5 at 0.98, 0.85 and 1.0. A line that is half of one panel's and
//   half of the next's leaves in two parts.
//
// What did not help: tiles of B of fewer rows, in L1, which add to C (384 rows 0.90 at 0.5 and at 0.9, 192
// rows 0.8 at 0.9); fetching the next panel of B (0.98 to 1.00); the next block's rows of B into L1 (0.94);
// huge pages for the copy (0.99). On the Zen 3: blocks of 256 or 512 rows of a copied B, in L1 or half of L2,
// which add to C. 4x4 at 0.5 run at 0.91 to 0.98 of the copy of all rows, at 0.9 at 0.63 to 0.98; 16x1 gain
// at 0.5, 1.13 and 1.19 in 768x3072x128, and lose as much at 0.9; the loop that looks for its block's end
// takes 15 % of 16x1.
#include "panel.h"
#include "streamed.h"
#include "unrolled.h"
#include "vector_rows.h"

namespace sparsemark::SPARSEMARK_ISA {
namespace {

// Registers for sums: three quarters; the rest holds a row of B and values.
constexpr int kSums = kRegisters / 4 * 3;
// Floats from the values at hand to those that are fetched.
constexpr int kAhead = 512;
constexpr std::int32_t kWorthCopy = 32;
constexpr std::int64_t kBadStride = 2048;
// Vectors of 8 floats: a panel narrower than B that leaves L1 is copied where its rows are used so often.
constexpr bool kCopiesNarrow = kLanes == 8;
constexpr std::int32_t kNarrowCopy = 48;
constexpr std::int64_t kNearBytes = 32 * 1024;
// Of a private L2 of 1 MiB: a panel of B.
constexpr std::int64_t kPanelBytes = 896 * 1024;

template <int R, int C>
struct Tiling {
  static constexpr int kRows = R <= 4 ? R : kRegisters >= 32 ? 8 : 4;  // rows at once
  static constexpr int kMost = kSums / kRows < 8 ? kSums / kRows : 8;  // vectors
  static_assert(R % kRows == 0);
};

struct Panel {
  const float* b;  // first row
  std::size_t stride;
  std::int32_t col;
  int last;    // columns of the last vector
  bool whole;  // B has a row for every column of the last blocks
  // Past the caches: even rows of C, odd ones.
  bool stream_even;
  bool stream_odd;
};

// kTail: B's last vector is partial.
template <int R, int C, int V, bool kTail>
void multiply_rows(const Operands& o, const Panel& p, std::int32_t q, int first) {
  constexpr int kRows = Tiling<R, C>::kRows;
  // FMA latency is 4 at 2 a cycle: few sums take turns with a second set.
  constexpr int kChains = C > 1 && 2 * kRows * V <= kSums ? 2 : 1;
  const Encoded& a = *o.a;
  Vec c[kChains][kRows][V];
  unrolled<kChains * kRows * V>([&](auto x) __attribute__((always_inline)) {
    c[x.value / (kRows * V)][x.value / V % kRows][x.value % V] = zero();
  });
  const std::int32_t end = a.offsets[q + 1];
  const float* value = a.values + static_cast<std::size_t>(a.offsets[q]) * R * C + first;
  for (std::int32_t block = a.offsets[q]; block < end; ++block, value += R * C) {
    const std::int32_t j = a.indices[block] * C;
    const float* row = p.b + static_cast<std::size_t>(j) * p.stride;
    if (first == 0) {
      unrolled<(R * C + 15) / 16>([&](auto line) __attribute__((always_inline)) {
        __builtin_prefetch(value + kAhead + line.value * 16);
      });
    }
    auto add_row = [&](auto k) __attribute__((always_inline)) {
      Vec b[V];
      unrolled<V>([&](auto v) __attribute__((always_inline)) {
        b[v.value] = load_part<V, kTail>(row, v.value, p.last);
        keep(b[v.value]);
      });
      unrolled<kRows>([&](auto r) __attribute__((always_inline)) {
        const Vec x = broadcast(value[k.value * R + r.value]);
        add_products(c[k.value % kChains][r.value], x, b);
      });
      row += p.stride;
    };
    if (p.whole || a.cols - j >= C) {
      unrolled<C>(add_row);
    } else {
      unrolled<C>([&](auto k) __attribute__((always_inline)) {
        if (k.value < a.cols - j) add_row(k);
      });
    }
  }
  const std::int32_t i = q * R + first;
  float* out = o.c + static_cast<std::size_t>(i) * static_cast<std::size_t>(o.n) + p.col;
  unrolled<kRows>([&](auto r) __attribute__((always_inline)) {
    if (i + r.value >= a.rows) return;
    unrolled<V>([&](auto v) __attribute__((always_inline)) {
      Vec total = c[0][r.value][v.value];
      if constexpr (kChains > 1) total = add(total, c[1][r.value][v.value]);
      if (r.value % 2 == 0 ? p.stream_even : p.stream_odd) {
        stream(out + v.value * kLanes, total);
      } else if (v.value == V - 1) {
        store_first(out + v.value * kLanes, total, p.last);
      } else {
        store(out + v.value * kLanes, total);
      }
    });
    out += o.n;
  });
}

// Vectors a panel for so many columns, at most.
template <int R, int C>
int most_vectors(const Encoded& a) {
  const std::int64_t fit = kPanelBytes / ((a.cols < 1 ? 1 : a.cols) * std::int64_t{kLanes} * 4);
  const int most = Tiling<R, C>::kMost;
  const int least = (most + 1) / 2;
  return fit < least ? least : fit > most ? most : static_cast<int>(fit);
}

// vectors: of the widest panel.
static inline bool copies(const Encoded& a, std::int32_t n, int vectors) {
  const bool apart = n % kLanes != 0 || (n > kLanes && n * 4LL % kBadStride == 0);
  if (apart && a.nnz / kWorthCopy >= a.cols) return true;
  const std::int64_t width = static_cast<std::int64_t>(vectors) * kLanes;
  return kCopiesNarrow && n > width && a.cols * width * 4 > kNearBytes && a.nnz / kNarrowCopy >= a.cols;
}

template <int R, int C>
bool copies(const Encoded& a, std::int32_t n) {
  return copies(a, n, even_vectors(n, most_vectors<R, C>(a)));
}

template <int R, int C>
struct Body {
  static constexpr int kMost = Tiling<R, C>::kMost;

  template <int V, bool kTail>
  static void multiply(const Operands& o, const Shard& s, const Panel& p) {
    for (std::int32_t q = s.unit_begin; q < s.unit_end; ++q) {
      for (int first = 0; first < R && q * R + first < o.a->rows; first += Tiling<R, C>::kRows) {
        multiply_rows<R, C, V, kTail>(o, p, q, first);
      }
    }
  }

  template <int V, bool kTail>
  static void panel(const Operands& o, const Shard& s, std::int32_t col, int last) {
    const Encoded& a = *o.a;
    const std::int64_t n = o.n;
    Panel p = {o.b + col, static_cast<std::size_t>(n), col, last, a.cols % C == 0, false, false};
    // What rows share of B makes products 1.5 times as fast as those of packed.
    const Streamed stream =
        n % kLanes == 0 ? streamed(a.rows, a.cols, std::int64_t{a.nnz} * 2 / 3, o.n) : Streamed::kNone;
    p.stream_even = stream != Streamed::kNone;
    // Not of 1x4 and 8x8, which run at 0.77 to 0.91 then: many of their rows are empty, and a Zen 5 streams
    // zeros at 70 GB/s, other floats at 44.
    constexpr bool kManyEmpty = R == 1 || R * C == 64;
    p.stream_odd = kManyEmpty ? p.stream_even : stream == Streamed::kAll;
    if (!copies<R, C>(a, o.n)) return multiply<V, kTail>(o, s, p);
    float* out = static_cast<float*>(o.scratch);
    for (std::int32_t j = 0; j < a.cols; ++j, out += V * kLanes) {
      const float* row = p.b + static_cast<std::size_t>(j) * p.stride;
      unrolled<V>([&](auto v) __attribute__((always_inline)) {
        store(out + v.value * kLanes, load_part<V, kTail>(row, v.value, last));
      });
    }
    p.b = static_cast<const float*>(o.scratch);
    p.stride = V * kLanes;
    multiply<V, false>(o, s, p);
  }
};

template <int R, int C>
void run(const Operands& o, const Shard& s) noexcept {
  even_panels<Body<R, C>>(o, s, most_vectors<R, C>(*o.a));
  end_stream();
}

template <int R, int C>
std::int64_t scratch_bytes(const Encoded& a, std::int32_t n) {
  return copies<R, C>(a, n) ? static_cast<std::int64_t>(a.cols) * most_vectors<R, C>(a) * kLanes * 4 : 0;
}

template <int R, int C>
void tiling(const Encoded& a, std::int32_t n, char* text) {
  say_tiling(text, Tiling<R, C>::kRows, even_vectors(n, most_vectors<R, C>(a)));
  while (*text != '\0') ++text;
  append(text, copies<R, C>(a, n) ? ", B copied" : "");
}

template <int R, int C>
constexpr Kernel kernel_named(const char* name) {
  return {.op = "spmm",
          .name = name,
          .format = name,
          .isa = SPARSEMARK_ISA_NAME,
          .split = Split::kUnits,
          .scratch_bytes = scratch_bytes<R, C>,
          .tiling = tiling<R, C>,
          .run = run<R, C>};
}

}  // namespace

extern const Kernel spmm_bsr_1x4 = kernel_named<1, 4>("bsr-1x4");
extern const Kernel spmm_bsr_4x1 = kernel_named<4, 1>("bsr-4x1");
extern const Kernel spmm_bsr_4x4 = kernel_named<4, 4>("bsr-4x4");
extern const Kernel spmm_bsr_8x8 = kernel_named<8, 8>("bsr-8x8");
extern const Kernel spmm_bsr_16x1 = kernel_named<16, 1>("bsr-16x1");

}  // namespace sparsemark::SPARSEMARK_ISA
