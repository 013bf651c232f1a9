// spmm of int8 on packed-1x4. The walk is spmm_packed's with quads of rows of B for rows: for each panel of
// columns of C, for each block of quads, all of the shard's rows pass by the tile of B. The tile is always
// laid out anew, four rows of B side by side, inside the clock.
//
// What limits it, measured on one core of a Zen 5, 512 x 512 x 256. Products of bytes from registers alone
// run at 880 GOP/s, dense at 860 to 890. With a load of B for each product and a broadcast of weights for
// eight, tiles of up to 48 KiB give 625, of 64 KiB 550, of 128 KiB 435: two loads a cycle are not reached.
// Hence quads that a pair shares, one load for two products: at sparsity 0.5 these are half of all, 740
// useful GOP/s. At 0.9 few are: 480. There C takes 10 % (its stores left out: 1.1 times as fast) and laying
// the tile 5 to 10 %; rows of equal length gain nothing, so it is not the branches. Numbers of columns loaded
// a word ahead are 1.1 of loading each before its quad. What did not help: 4 or 6 vectors (0.8 to 0.95).
#include "packed_runs.h"
#include "panel.h"
#include "plan.h"
#include "quad_tile.h"
#include "unrolled.h"

namespace sparsemark::SPARSEMARK_ISA {
namespace {

// Integers in registers: a pair of rows of as many vectors, the rest for B and weights.
constexpr int kMostInts = kRegisters >= 32 ? 8 : 4;

PackedPlan plan_quads(const Encoded& a, std::int32_t n) {
  Encoded quads = a;
  quads.cols = quads_of(a);
  quads.nnz = a.nnz / 4;
  PackedPlan plan = plan_packed(quads, n);
  if (plan.vectors > kMostInts) plan.vectors = kMostInts;
  return plan;
}

struct Tile {
  const std::uint8_t* b;  // the block's first quad
  // Sums so far and where they go, each C or the aligned copy of the panel in scratch: the group's first row,
  // the panel's first column.
  const std::int32_t* from;
  std::size_t from_stride;
  std::int32_t* to;
  std::size_t to_stride;
  int last;     // columns of the last vector
  bool add;     // to the sums so far; else there are none
  bool masked;  // the last vector goes to C and is partial
  // Past the caches: the first row of a pair, the second one.
  bool stream_first;
  bool stream_second;
};

template <int V>
[[gnu::always_inline]] inline void begin_sums(const Tile& t, const std::int32_t* row, Ints (&sums)[V]) {
  if (t.add) {
    unrolled<V>([&](auto v)
                    __attribute__((always_inline)) { sums[v.value] = load_ints(row + v.value * kLanes); });
  } else {
    unrolled<V>([&](auto v) __attribute__((always_inline)) { sums[v.value] = zero_ints(); });
  }
}

template <int V>
[[gnu::always_inline]] inline void end_sums(const Tile& t, bool past_caches, std::int32_t* row,
                                            const Ints (&sums)[V]) {
  if (past_caches) {
    unrolled<V>([&](auto v)
                    __attribute__((always_inline)) { stream_ints(row + v.value * kLanes, sums[v.value]); });
    return;
  }
  unrolled<V - 1>([&](auto v)
                      __attribute__((always_inline)) { store_ints(row + v.value * kLanes, sums[v.value]); });
  if (t.masked) {
    store_ints_first(row + (V - 1) * kLanes, sums[V - 1], t.last);
  } else {
    store_ints(row + (V - 1) * kLanes, sums[V - 1]);
  }
}

template <int V, int I>
[[gnu::always_inline]] inline const std::uint8_t* quads_of_b(const std::uint8_t* b, std::uint64_t word) {
  return b + number<I>(word) * (V * kStep);
}

template <int V>
[[gnu::always_inline]] inline void step(const float* value, const std::uint8_t* b, Ints (&sums)[V]) {
  const Quad weights = quad(value);
  unrolled<V>([&](auto v) __attribute__((always_inline)) {
    sums[v.value] = dot(b + v.value * kStep, weights, sums[v.value]);
  });
}

// A row of quads of B for both rows of a pair.
template <int V>
[[gnu::always_inline]] inline void step_both(const float* value, const std::uint8_t* b, Ints (&x)[V],
                                             Ints (&y)[V]) {
  const Quad of_x = quad(value);
  const Quad of_y = quad(value + 1);
  unrolled<V>([&](auto v) __attribute__((always_inline)) {
    const std::uint8_t* part = b + v.value * kStep;
    x[v.value] = dot(part, of_x, x[v.value]);
    y[v.value] = dot(part, of_y, y[v.value]);
  });
}

// Columns of one row, words of them.
template <int V>
[[gnu::always_inline]] inline void step_row(Words& words, std::int32_t count, const std::uint8_t* b,
                                            const float*& value, Ints (&x)[V]) {
  for (; count > 0; --count) {
    const std::uint64_t word = words.take();
    step<V>(value, quads_of_b<V, 0>(b, word), x);
    step<V>(value + 1, quads_of_b<V, 1>(b, word), x);
    step<V>(value + 2, quads_of_b<V, 2>(b, word), x);
    step<V>(value + 3, quads_of_b<V, 3>(b, word), x);
    value += 4;
  }
}

template <int V>
[[gnu::noinline]] void run_pairs(const Tile& t, const Run& run, Stream& stream) {
  const std::uint8_t* b = t.b;
  const std::int32_t words_of_both = run.both / 4;
  const std::int32_t words_of_each = run.alternate / 2;
  const std::int32_t words_of_rest = run.rest / 4;
  const bool odd = run.alternate % 2 != 0;
  Words words(stream.at);
  const float* value = stream.value;
  for (std::int32_t pair = run.pairs; pair > 0; --pair) {
    const std::uint64_t head = words.take();
    const std::size_t first = number<0>(head);
    const std::size_t second = number<1>(head);
    Ints x[V];
    Ints y[V];
    begin_sums<V>(t, t.from + first * t.from_stride, x);
    begin_sums<V>(t, t.from + second * t.from_stride, y);
    if (odd) {
      step<V>(value, quads_of_b<V, 2>(b, head), x);
      step<V>(value + 1, quads_of_b<V, 3>(b, head), y);
      value += 2;
    }
    for (std::int32_t i = words_of_both; i > 0; --i) {
      const std::uint64_t word = words.take();
      step_both<V>(value, quads_of_b<V, 0>(b, word), x, y);
      step_both<V>(value + 2, quads_of_b<V, 1>(b, word), x, y);
      step_both<V>(value + 4, quads_of_b<V, 2>(b, word), x, y);
      step_both<V>(value + 6, quads_of_b<V, 3>(b, word), x, y);
      value += 8;
    }
    for (std::int32_t i = words_of_each; i > 0; --i) {
      const std::uint64_t word = words.take();
      step<V>(value, quads_of_b<V, 0>(b, word), x);
      step<V>(value + 1, quads_of_b<V, 1>(b, word), y);
      step<V>(value + 2, quads_of_b<V, 2>(b, word), x);
      step<V>(value + 3, quads_of_b<V, 3>(b, word), y);
      value += 4;
    }
    step_row<V>(words, words_of_rest, b, value, x);
    end_sums<V>(t, t.stream_first, t.to + first * t.to_stride, x);
    end_sums<V>(t, t.stream_second, t.to + second * t.to_stride, y);
  }
  stream = {words.at(), value};
}

template <int V>
void run_single(const Tile& t, const Run& run, Stream& stream) {
  Words words(stream.at);
  const std::size_t row = number<0>(words.take());
  Ints x[V];
  begin_sums<V>(t, t.from + row * t.from_stride, x);
  step_row<V>(words, run.rest / 4, t.b, stream.value, x);
  end_sums<V>(t, t.stream_first, t.to + row * t.to_stride, x);
  stream.at = words.at();
}

// Where in scratch the copy of a panel of C begins, behind the tile of B; in bytes.
std::int64_t held_at(const Encoded& a, const PackedPlan& plan) {
  return static_cast<std::int64_t>(a.p0) * plan.vectors * static_cast<std::int64_t>(kStep);
}

struct Body {
  static constexpr int kMost = kMostInts;

  template <int V, bool kTail>
  static void panel(const Operands& o, const Shard& s, std::int32_t col, int last) {
    const Encoded& a = *o.a;
    const std::size_t n = static_cast<std::size_t>(o.n);
    const PackedPlan plan = plan_quads(a, o.n);
    const std::int32_t all = quads_of(a);
    Tile t;
    t.last = last;
    std::uint8_t* tile = static_cast<std::uint8_t*>(o.scratch);
    std::int32_t* held = reinterpret_cast<std::int32_t*>(tile + held_at(a, plan));
    t.b = tile;
    const std::size_t first_row = static_cast<std::size_t>(s.unit_begin) * static_cast<std::size_t>(a.p1);
    std::size_t at = static_cast<std::size_t>(s.unit_begin) * 2;
    for (std::int32_t first = 0; first == 0 || first < all; first += a.p0) {
      const std::int32_t quads = all - first < a.p0 ? all - first : a.p0;
      lay_tile<V>(o, first, quads, col, last, tile);
      const bool to_held = plan.hold && first + quads < all;
      t.add = first > 0;
      t.from_stride = plan.hold ? V * kLanes : n;
      t.to_stride = to_held ? V * kLanes : n;
      t.masked = kTail && !to_held;
      t.stream_first = plan.stream != Streamed::kNone && !to_held;
      t.stream_second = plan.stream == Streamed::kAll && !to_held;
      Stream stream = {a.bytes + static_cast<std::size_t>(a.offsets[at]) * 2, a.values + a.offsets[at + 1]};
      for (std::int32_t unit = s.unit_begin; unit < s.unit_end; ++unit) {
        const std::size_t row = static_cast<std::size_t>(unit) * static_cast<std::size_t>(a.p1);
        std::int32_t* c = o.c_integers + row * n + col;
        std::int32_t* sums = held + (row - first_row) * V * kLanes;
        t.from = plan.hold ? sums : c;
        t.to = to_held ? sums : c;
        at += 2;
        const std::uint8_t* end = a.bytes + static_cast<std::size_t>(a.offsets[at]) * 2;
        while (stream.at < end) {
          const Run run = take_run(stream);
          if (run.pairs > 0) {
            run_pairs<V>(t, run, stream);
          } else {
            run_single<V>(t, run, stream);
          }
        }
      }
      at += static_cast<std::size_t>(a.units - (s.unit_end - s.unit_begin)) * 2;
    }
  }
};

void run(const Operands& o, const Shard& s) noexcept {
  even_panels<Body>(o, s, plan_quads(*o.a, o.n).vectors);
  end_stream();
}

std::int64_t scratch_bytes(const Encoded& a, std::int32_t n) {
  const PackedPlan plan = plan_quads(a, n);
  const std::int64_t held = plan.hold ? static_cast<std::int64_t>(a.rows) * plan.vectors * kLanes * 4 : 0;
  return held_at(a, plan) + held;
}

void tiling(const Encoded& a, std::int32_t n, char* text) {
  const PackedPlan plan = plan_quads(a, n);
  say_tiling(text, 2, even_vectors(n, plan.vectors));
  while (*text != '\0') ++text;
  text = append(append(text, ", k "), a.p0 * 4);
  text = append(append(text, ", groups of "), a.p1);
  text = append(text, plan.hold ? ", C held" : "");
  append(text, say_streamed(plan.stream));
}

}  // namespace

extern const Kernel spmm_packed_1x4_int8 = {.op = "spmm",
                                            .name = "packed-1x4",
                                            .format = "packed-1x4",
                                            .isa = SPARSEMARK_ISA_NAME,
                                            .split = Split::kWide,
                                            .scratch_bytes = scratch_bytes,
                                            .tiling = tiling,
                                            .run = run,
                                            .dtype = "int8"};

}  // namespace sparsemark::SPARSEMARK_ISA
