// spmm on packed: for each panel of columns of C, for each batch of groups of rows, for each block of columns
// of A, the batch's rows pass by the tile of B, which stays in or near L1; rows of C are added to in L2.
// Tiles are chosen in plan.h.
#include "packed_runs.h"
#include "packed_steps.h"
#include "panel.h"
#include "plan.h"
#include "unrolled.h"

namespace sparsemark::SPARSEMARK_ISA {
namespace {

// Floats of a cache line.
constexpr int kLine = 16;

struct Tile {
  const char* b;         // the block's first row, the panel's first column
  std::size_t b_stride;  // bytes
  // Sums so far and where they go, each C or the aligned copy of the panel in scratch: the group's first row,
  // the panel's first column.
  const float* from;
  std::size_t from_stride;
  float* to;
  std::size_t to_stride;
  int last;  // columns of the last vector
  bool add;  // to the sums so far; else there are none
  // Past the caches: the first row of a pair, the second one.
  bool stream_first;
  bool stream_second;
  // Rows of the tile of B that comes next, of which each pair brings `ahead` into L2.
  std::size_t ahead_stride;
  std::int32_t ahead;
};

template <int V>
[[gnu::always_inline]] inline void set_zero(Vec (&sums)[V]) {
  unrolled<V>([&](auto v) __attribute__((always_inline)) { sums[v.value] = zero(); });
}

template <int V, bool kTail>
[[gnu::always_inline]] inline void begin_sums(const Tile& t, const float* row, Vec (&sums)[V]) {
  if (t.add) {
    unrolled<V>([&](auto v) __attribute__((always_inline)) {
      sums[v.value] = load_part<V, kTail>(row, v.value, t.last);
    });
  } else {
    unrolled<V>([&](auto v) __attribute__((always_inline)) { sums[v.value] = zero(); });
  }
}

// The tile of B. A copy, since stores of vectors may alias what is behind a reference and had it loaded
// again.
struct Rows {
  const char* b;
  std::size_t stride;

  template <int I>
  [[gnu::always_inline]] const float* at(std::uint64_t word) const {
    return reinterpret_cast<const float*>(b + number<I>(word) * stride);
  }
};

// Columns of one row, words of them. Values come four at a time, one load where a broadcast of each takes
// four: loads are what limits the kernel. 8 % for 4 vectors, 5 % for 6.
template <int V>
[[gnu::always_inline]] inline void step_row(Words& words, std::int32_t count, const Rows& rows,
                                            const float*& value, Vec (&x)[V]) {
  for (; count > 0; --count) {
    const std::uint64_t word = words.take();
    const Four four = load_four(value);
    step<V>(pick<0>(four), rows.at<0>(word), x);
    step<V>(pick<1>(four), rows.at<1>(word), x);
    step<V>(pick<2>(four), rows.at<2>(word), x);
    step<V>(pick<3>(four), rows.at<3>(word), x);
    value += 4;
  }
}

// Where a row of C goes to the caches while others stream: its lines come while its sums are made. At
// sparsity 0.95, 64 x 64 x 3136 to 256 x 64 x 3136 gain 1 to 4 %; with vectors of 8 floats they lose 5 to 8
// %.
template <int V>
[[gnu::always_inline]] inline void fetch_to_write(const Tile& t, const float* row) {
  if (kLanes != kLine || !t.stream_first || t.stream_second) return;
  unrolled<V>([&](auto v)
                  __attribute__((always_inline)) { __builtin_prefetch(row + v.value * kLine, 1, 3); });
}

template <int V, bool kTail>
[[gnu::always_inline]] inline void end_sums(const Tile& t, bool past_caches, float* row, Vec (&sums)[V]) {
  if (!kTail && past_caches) {
    unrolled<V>([&](auto v)
                    __attribute__((always_inline)) { stream(row + v.value * kLanes, sums[v.value]); });
  } else {
    unrolled<V>([&](auto v) __attribute__((always_inline)) {
      store_part<V, kTail>(row, v.value, sums[v.value], t.last);
    });
  }
}

// A tile of B that is to come, row by row.
struct Ahead {
  const float* row;
  std::int32_t left;
};

template <int V>
[[gnu::always_inline]] inline void fetch(const Tile& t, Ahead& ahead) {
  for (std::int32_t i = t.ahead; i > 0 && ahead.left > 0; --i, --ahead.left) {
    unrolled<(V * kLanes + kLine - 1) / kLine>([&](auto v) __attribute__((always_inline)) {
      __builtin_prefetch(ahead.row + v.value * kLine, 0, 2);
    });
    ahead.row += t.ahead_stride;
  }
}

// Sets of sums of a row, added up at the end: with one or two vectors the next FMA into a sum waits for the
// last one. Two sets run at 1.4 for n = 8 and 16 at sparsity 0.5, 1.05 at 0.9; 1.25 and 1.04 for n = 32; 4
// vectors gain nothing.
template <int V>
constexpr int kSets = V <= 2 ? 2 : 1;

template <int V, bool kTail>
[[gnu::noinline]] void run_pairs(const Tile& t, const Run& run, Stream& stream, Ahead& ahead) {
  const Rows rows = {t.b, t.b_stride};
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
    fetch<V>(t, ahead);
    fetch_to_write<V>(t, t.to + second * t.to_stride);
    Vec sums_of_x[kSets<V>][V];
    Vec sums_of_y[kSets<V>][V];
    Vec(&x)[V] = sums_of_x[0];
    Vec(&y)[V] = sums_of_y[0];
    Vec(&x2)[V] = sums_of_x[kSets<V> - 1];
    Vec(&y2)[V] = sums_of_y[kSets<V> - 1];
    set_zero(x2);
    set_zero(y2);
    begin_sums<V, kTail>(t, t.from + first * t.from_stride, x);
    begin_sums<V, kTail>(t, t.from + second * t.from_stride, y);
    if (odd) {
      step<V>(broadcast(value[0]), rows.at<2>(head), x);
      step<V>(broadcast(value[1]), rows.at<3>(head), y);
      value += 2;
    }
    for (std::int32_t i = words_of_both; i > 0; --i) {
      const std::uint64_t word = words.take();
      const Four low = load_four(value);
      step_both<V>(pick<0>(low), pick<1>(low), rows.at<0>(word), x, y);
      step_both<V>(pick<2>(low), pick<3>(low), rows.at<1>(word), x2, y2);
      const Four high = load_four(value + 4);
      step_both<V>(pick<0>(high), pick<1>(high), rows.at<2>(word), x, y);
      step_both<V>(pick<2>(high), pick<3>(high), rows.at<3>(word), x2, y2);
      value += 8;
    }
    for (std::int32_t i = words_of_each; i > 0; --i) {
      const std::uint64_t word = words.take();
      const Four four = load_four(value);
      step<V>(pick<0>(four), rows.at<0>(word), x);
      step<V>(pick<1>(four), rows.at<1>(word), y);
      step<V>(pick<2>(four), rows.at<2>(word), x2);
      step<V>(pick<3>(four), rows.at<3>(word), y2);
      value += 4;
    }
    step_row<V>(words, words_of_rest, rows, value, x);
    if constexpr (kSets<V> == 2) {
      unrolled<V>([&](auto v) __attribute__((always_inline)) {
        x[v.value] = add(x[v.value], x2[v.value]);
        y[v.value] = add(y[v.value], y2[v.value]);
      });
    }
    end_sums<V, kTail>(t, t.stream_first, t.to + first * t.to_stride, x);
    end_sums<V, kTail>(t, t.stream_second, t.to + second * t.to_stride, y);
  }
  stream = {words.at(), value};
}

template <int V, bool kTail>
void run_single(const Tile& t, const Run& run, Stream& stream) {
  Words words(stream.at);
  const std::size_t row = number<0>(words.take());
  Vec x[V];
  begin_sums<V, kTail>(t, t.from + row * t.from_stride, x);
  step_row<V>(words, run.rest / 4, {t.b, t.b_stride}, stream.value, x);
  end_sums<V, kTail>(t, t.stream_first, t.to + row * t.to_stride, x);
  stream.at = words.at();
}

// Rows [0, rows) of a tile of B to scratch, V whole vectors each; columns beyond the last are 0.
template <int V, bool kTail>
void copy_tile(const float* b, std::size_t n, std::int32_t rows, int last, float* out) {
  for (std::int32_t row = 0; row < rows; ++row) {
    unrolled<V>([&](auto v) __attribute__((always_inline)) {
      store(out + v.value * kLanes, load_part<V, kTail>(b, v.value, last));
    });
    b += n;
    out += V * kLanes;
  }
}

// Where in scratch the copy of a panel of C begins, behind the tile of B; in floats.
std::int64_t held_at(const Encoded& a, const PackedPlan& plan) {
  return static_cast<std::int64_t>(a.p0) * plan.vectors * kLanes;
}

// The job's own plan where one was chosen.
PackedPlan plan_of(const Operands& o) {
  return o.plan == nullptr ? plan_packed(*o.a, o.n) : *static_cast<const PackedPlan*>(o.plan);
}

struct Body {
  static constexpr int kMost = kMostVectors;

  // A panel of C, V vectors from column col on.
  template <int V, bool kTail>
  static void panel(const Operands& o, const Shard& s, std::int32_t col, int last) {
    const PackedPlan plan = plan_of(o);
    Shard batch = s;
    while (batch.unit_begin < s.unit_end) {
      batch.unit_end =
          s.unit_end - batch.unit_begin > plan.units ? batch.unit_begin + plan.units : s.unit_end;
      rows_of_panel<V, kTail>(o, batch, plan, col, last);
      batch.unit_begin = batch.unit_end;
    }
  }

  template <int V, bool kTail>
  static void rows_of_panel(const Operands& o, const Shard& s, const PackedPlan& plan, std::int32_t col,
                            int last) {
    const Encoded& a = *o.a;
    const std::size_t n = static_cast<std::size_t>(o.n);
    // Vectors of B that are partial can only be read from the copy.
    const bool copy = kTail || plan.copy;
    Tile t;
    t.last = last;
    float* tile = static_cast<float*>(o.scratch);
    float* held = tile + held_at(a, plan);
    t.ahead_stride = n;
    t.ahead = plan.ahead;
    const std::size_t first_row = static_cast<std::size_t>(s.unit_begin) * static_cast<std::size_t>(a.p1);
    std::size_t at = static_cast<std::size_t>(s.unit_begin) * 2;
    for (std::int32_t first = 0; first == 0 || first < a.cols; first += a.p0) {
      const float* b = o.b + static_cast<std::size_t>(first) * n + col;
      t.b = reinterpret_cast<const char*>(b);
      t.b_stride = n * sizeof(float);
      t.add = first > 0;
      const std::int32_t rows = a.cols - first < a.p0 ? a.cols - first : a.p0;
      Ahead ahead = {b + static_cast<std::size_t>(rows) * n, a.cols - first - rows};
      if (ahead.left == 0 && o.n - col > V * kLanes) ahead = {o.b + col + V * kLanes, a.cols};
      if (ahead.left > a.p0) ahead.left = a.p0;
      if (copy) {
        copy_tile<V, kTail>(b, n, rows, last, tile);
        t.b = reinterpret_cast<const char*>(tile);
        t.b_stride = V * kLanes * sizeof(float);
      }
      const bool from_held = plan.hold;
      const bool to_held = plan.hold && first + rows < a.cols;
      t.from_stride = from_held ? V * kLanes : n;
      t.to_stride = to_held ? V * kLanes : n;
      t.stream_first = plan.stream != Streamed::kNone && !to_held;
      t.stream_second = plan.stream == Streamed::kAll && !to_held;
      Stream stream = {a.bytes + static_cast<std::size_t>(a.offsets[at]) * 2, a.values + a.offsets[at + 1]};
      for (std::int32_t unit = s.unit_begin; unit < s.unit_end; ++unit) {
        const std::size_t row = static_cast<std::size_t>(unit) * static_cast<std::size_t>(a.p1);
        float* c = o.c + row * n + col;
        float* sums = held + (row - first_row) * V * kLanes;
        t.from = from_held ? sums : c;
        t.to = to_held ? sums : c;
        at += 2;
        const std::uint8_t* end = a.bytes + static_cast<std::size_t>(a.offsets[at]) * 2;
        while (stream.at < end) {
          const Run run = take_run(stream);
          if (run.pairs > 0) {
            run_pairs<V, kTail>(t, run, stream, ahead);
          } else {
            run_single<V, kTail>(t, run, stream);
          }
        }
      }
      at += static_cast<std::size_t>(a.units - (s.unit_end - s.unit_begin)) * 2;
    }
  }
};

void run(const Operands& o, const Shard& s) noexcept {
  // Panels of equal width, or one vector less.
  const std::int64_t most = plan_of(o).vectors;
  std::int64_t needed = (static_cast<std::int64_t>(s.col_end) - s.col_begin + kLanes - 1) / kLanes;
  Shard part = s;
  for (std::int64_t panels = (needed + most - 1) / most; panels > 0; --panels) {
    const std::int64_t vectors = (needed + panels - 1) / panels;
    needed -= vectors;
    const std::int64_t col_end = part.col_begin + vectors * kLanes;
    part.col_end = col_end < s.col_end ? static_cast<std::int32_t>(col_end) : s.col_end;
    panels_of_width<Body>(o, part, vectors * kLanes);
    part.col_begin = part.col_end;
  }
  end_stream();
}

std::int64_t scratch_of(const Encoded& a, const PackedPlan& plan) {
  const std::int64_t rows = static_cast<std::int64_t>(a.p1) * plan.units;
  const std::int64_t held = plan.hold ? rows * plan.vectors * kLanes : 0;
  return (held_at(a, plan) + held) * 4;
}

void say_plan(const Encoded& a, const PackedPlan& plan, char* text) {
  say_tiling(text, 2, plan.vectors);
  while (*text != '\0') ++text;
  text = append(append(text, ", k "), a.p0);
  text = append(append(text, ", groups of "), a.p1);
  if (plan.units < a.units) text = append(append(text, " by "), plan.units);
  text = append(text, plan.copy ? ", B copied" : "");
  text = append(text, plan.ahead > 0 ? ", B fetched ahead" : "");
  text = append(text, plan.hold ? ", C held" : "");
  append(text, say_streamed(plan.stream));
}

std::int64_t scratch_bytes(const Encoded& a, std::int32_t n) { return scratch_of(a, plan_packed(a, n)); }

void tiling(const Encoded& a, std::int32_t n, char* text) { say_plan(a, plan_packed(a, n), text); }

const char* chosen_plan(const Encoded& a, std::int32_t n, const std::int32_t* chosen, void* storage) {
  if (const char* reason = misfit_of(a, n, chosen); reason != nullptr) return reason;
  *static_cast<PackedPlan*>(storage) = plan_packed(a, n, chosen);
  return nullptr;
}

std::int64_t chosen_scratch(const Encoded& a, std::int32_t, const void* plan) {
  return scratch_of(a, *static_cast<const PackedPlan*>(plan));
}

void chosen_tiling(const Encoded& a, std::int32_t, const void* plan, char* text) {
  say_plan(a, *static_cast<const PackedPlan*>(plan), text);
}

}  // namespace

extern const Kernel spmm_packed = {.op = "spmm",
                                   .name = "packed",
                                   .format = "packed",
                                   .isa = SPARSEMARK_ISA_NAME,
                                   .split = Split::kWide,
                                   .scratch_bytes = scratch_bytes,
                                   .tiling = tiling,
                                   .run = run};

extern const Tunable tunable_spmm_packed = {&spmm_packed, kPackedKnobs,   sizeof(PackedPlan),
                                            chosen_plan,  chosen_scratch, chosen_tiling};

}  // namespace sparsemark::SPARSEMARK_ISA
