// spmm of f16 on packed. The walk is spmm_packed's: for each panel of columns of C, for each batch of groups
// of rows, for each block of columns of A, the batch's rows pass by the tile of B. A row's products of a
// block are added up in f16, in registers, and these sums in f32, in scratch, where they wait for the last
// block: C has room for 16 bits alone. More than kHalfTerms products of a row in a block, which blocks of the
// usual width have above density 0.5 or where rows are uneven, are added to the sums in f32 a part at a time.
//
// Tiles are those of floats of as many bytes (plan.h), since a vector of twice the columns takes the same
// place in L1. Its speed is not measured: no CPU with arithmetic of 16 bits was at hand.
#include "half_panels.h"
#include "packed_runs.h"
#include "plan.h"
#include "unrolled.h"

namespace sparsemark::SPARSEMARK_ISA {
namespace {

struct HalfPlan {
  int vectors;         // of a panel
  std::int32_t units;  // of a batch
  bool copy;           // B's tile to scratch; where n ends within a vector it always is
};

HalfPlan plan_halves(const Encoded& a, std::int32_t n) {
  const std::int32_t floats =
      static_cast<std::int32_t>((static_cast<std::int64_t>(n) + kHalfLanes - 1) / kHalfLanes * kLanes);
  const PackedPlan plan = plan_packed(a, floats);
  const std::int64_t unit_bytes = static_cast<std::int64_t>(a.p1) * plan.vectors * kHalfLanes * 4;
  const std::int64_t units = kBatchBytes / unit_bytes;
  return {plan.vectors,
          static_cast<std::int32_t>(units > a.units ? a.units
                                    : units < 1     ? 1
                                                    : units),
          plan.copy || n % kHalfLanes != 0};
}

struct Tile {
  const char* b;         // the block's first row, the panel's first column
  std::size_t b_stride;  // bytes
  float* held;           // sums in f32 of the group's first row
  std::uint16_t* c;      // the group's first row, the panel's first column
  std::size_t c_stride;
  int last;   // columns of the last vector
  bool add;   // to the sums so far; else there are none
  bool ends;  // this block is the last one: sums go to C
};

// The tile of B. A copy, since stores may alias what is behind a reference and had it loaded again.
struct Rows {
  const char* b;
  std::size_t stride;

  template <int I>
  [[gnu::always_inline]] const std::uint16_t* at(std::uint64_t word) const {
    return reinterpret_cast<const std::uint16_t*>(b + number<I>(word) * stride);
  }
};

// The values of A in the order of the stream.
struct Values {
  const std::uint8_t* at;

  template <int I>
  [[gnu::always_inline]] Halves of() const {
    std::uint16_t bits = 0;
    __builtin_memcpy(&bits, at + 2 * I, sizeof(bits));
    return broadcast_half(bits);
  }
  [[gnu::always_inline]] void skip(int count) { at += 2 * count; }
};

struct HalfStream {
  Stream words;  // without its values
  Values values;
};

template <int V>
[[gnu::always_inline]] inline void set_zero(Halves (&sums)[V]) {
  unrolled<V>([&](auto v) __attribute__((always_inline)) { sums[v.value] = zero_halves(); });
}

template <int V>
[[gnu::always_inline]] inline void add_to(Halves (&sums)[V], const Halves (&more)[V]) {
  unrolled<V>([&](auto v) __attribute__((always_inline)) {
    sums[v.value] = add_halves(sums[v.value], more[v.value]);
  });
}

template <int V>
[[gnu::always_inline]] inline void step(Halves value, const std::uint16_t* row, Halves (&sums)[V]) {
  unrolled<V>([&](auto v) __attribute__((always_inline)) {
    sums[v.value] = fma_halves(value, load_halves(row + v.value * kHalfLanes), sums[v.value]);
  });
}

// A row of B for both rows of a pair.
template <int V>
[[gnu::always_inline]] inline void step_both(Halves of_x, Halves of_y, const std::uint16_t* row,
                                             Halves (&x)[V], Halves (&y)[V]) {
  unrolled<V>([&](auto v) __attribute__((always_inline)) {
    const Halves part = load_halves(row + v.value * kHalfLanes);
    x[v.value] = fma_halves(of_x, part, x[v.value]);
    y[v.value] = fma_halves(of_y, part, y[v.value]);
  });
}

// Four columns of one row.
template <int V>
[[gnu::always_inline]] inline void step_row(std::uint64_t word, const Rows& rows, Values& values,
                                            Halves (&x)[V]) {
  step<V>(values.of<0>(), rows.at<0>(word), x);
  step<V>(values.of<1>(), rows.at<1>(word), x);
  step<V>(values.of<2>(), rows.at<2>(word), x);
  step<V>(values.of<3>(), rows.at<3>(word), x);
  values.skip(4);
}

// Sums of at most kHalfTerms products to those in f32, of which there are none yet where not add.
template <int V>
[[gnu::always_inline]] inline void hold(float* held, bool add, const Halves (&sums)[V]) {
  unrolled<V>([&](auto v) __attribute__((always_inline)) {
    float* at = held + v.value * kHalfLanes;
    const HalfSums wide = widen(sums[v.value]);
    store_sums(at, add ? add_sums(load_sums(at), wide) : wide);
  });
}

template <int V>
[[gnu::always_inline]] inline void end_sums(const Tile& t, std::size_t row, bool add,
                                            const Halves (&sums)[V]) {
  float* held = t.held + row * V * kHalfLanes;
  if (!t.ends) return hold<V>(held, add, sums);
  std::uint16_t* c = t.c + row * t.c_stride;
  unrolled<V>([&](auto v) __attribute__((always_inline)) {
    Halves total = sums[v.value];
    if (add) total = rounded(add_sums(load_sums(held + v.value * kHalfLanes), widen(total)));
    std::uint16_t* at = c + v.value * kHalfLanes;
    if (v.value == V - 1 && t.last < kHalfLanes) {
      store_halves_first(at, total, t.last);
    } else {
      store_halves(at, total);
    }
  });
}

// Sets of sums of a row, as in spmm_packed: a narrow panel needs several chains of sums to be busy.
template <int V>
constexpr int kSets = V <= 2 ? 2 : 1;

// kLong: rows of more than kHalfTerms products.
template <int V, bool kLong>
[[gnu::noinline]] void run_pairs(const Tile& t, const Run& run, HalfStream& stream) {
  const Rows rows = {t.b, t.b_stride};
  const std::int32_t words_of_both = run.both / 4;
  const std::int32_t words_of_each = run.alternate / 2;
  const std::int32_t words_of_rest = run.rest / 4;
  const bool odd = run.alternate % 2 != 0;
  Words words(stream.words.at);
  Values values = stream.values;
  for (std::int32_t pair = run.pairs; pair > 0; --pair) {
    const std::uint64_t head = words.take();
    const std::size_t first = number<0>(head);
    const std::size_t second = number<1>(head);
    Halves sums_of_x[kSets<V>][V];
    Halves sums_of_y[kSets<V>][V];
    Halves(&x)[V] = sums_of_x[0];
    Halves(&y)[V] = sums_of_y[0];
    Halves(&x2)[V] = sums_of_x[kSets<V> - 1];
    Halves(&y2)[V] = sums_of_y[kSets<V> - 1];
    const auto begin = [&]() __attribute__((always_inline)) {
      set_zero(x);
      set_zero(y);
      set_zero(x2);
      set_zero(y2);
    };
    const auto together = [&]() __attribute__((always_inline)) {
      if constexpr (kSets<V> == 2) {
        add_to<V>(x, x2);
        add_to<V>(y, y2);
      }
    };
    begin();
    bool add = t.add;
    std::int32_t left = kHalfTerms;
    // Before so many products of a row.
    const auto make_room = [&](std::int32_t count) __attribute__((always_inline)) {
      if constexpr (kLong) {
        if (left < count) {
          together();
          hold<V>(t.held + first * V * kHalfLanes, add, x);
          hold<V>(t.held + second * V * kHalfLanes, add, y);
          begin();
          add = true;
          left = kHalfTerms;
        }
        left -= count;
      }
    };
    if (odd) {
      make_room(1);
      step<V>(values.of<0>(), rows.at<2>(head), x);
      step<V>(values.of<1>(), rows.at<3>(head), y);
      values.skip(2);
    }
    for (std::int32_t i = words_of_both; i > 0; --i) {
      make_room(4);
      const std::uint64_t word = words.take();
      step_both<V>(values.of<0>(), values.of<1>(), rows.at<0>(word), x, y);
      step_both<V>(values.of<2>(), values.of<3>(), rows.at<1>(word), x2, y2);
      step_both<V>(values.of<4>(), values.of<5>(), rows.at<2>(word), x, y);
      step_both<V>(values.of<6>(), values.of<7>(), rows.at<3>(word), x2, y2);
      values.skip(8);
    }
    for (std::int32_t i = words_of_each; i > 0; --i) {
      make_room(2);
      const std::uint64_t word = words.take();
      step<V>(values.of<0>(), rows.at<0>(word), x);
      step<V>(values.of<1>(), rows.at<1>(word), y);
      step<V>(values.of<2>(), rows.at<2>(word), x2);
      step<V>(values.of<3>(), rows.at<3>(word), y2);
      values.skip(4);
    }
    for (std::int32_t i = words_of_rest; i > 0; --i) {
      make_room(4);
      step_row<V>(words.take(), rows, values, x);
    }
    together();
    end_sums<V>(t, first, add, x);
    end_sums<V>(t, second, add, y);
  }
  stream = {{words.at(), nullptr}, values};
}

template <int V>
void run_single(const Tile& t, const Run& run, HalfStream& stream) {
  const Rows rows = {t.b, t.b_stride};
  Words words(stream.words.at);
  const std::size_t row = number<0>(words.take());
  Halves x[V];
  set_zero(x);
  bool add = t.add;
  std::int32_t left = kHalfTerms;
  for (std::int32_t i = run.rest / 4; i > 0; --i, left -= 4) {
    if (left == 0) {
      hold<V>(t.held + row * V * kHalfLanes, add, x);
      set_zero(x);
      add = true;
      left = kHalfTerms;
    }
    step_row<V>(words.take(), rows, stream.values, x);
  }
  end_sums<V>(t, row, add, x);
  stream.words.at = words.at();
}

// Rows [0, rows) of a tile of B to scratch, V whole vectors each; columns beyond the last are 0.
template <int V>
void copy_tile(const std::uint16_t* b, std::size_t n, std::int32_t rows, int last, std::uint16_t* out) {
  for (std::int32_t row = 0; row < rows; ++row) {
    unrolled<V>([&](auto v) __attribute__((always_inline)) {
      const std::uint16_t* at = b + v.value * kHalfLanes;
      store_halves(out + v.value * kHalfLanes,
                   v.value == V - 1 ? load_halves_first(at, last) : load_halves(at));
    });
    b += n;
    out += V * kHalfLanes;
  }
}

// Bytes of the sums in f32 of a batch, which begin scratch; the tile of B stands behind them.
std::int64_t held_bytes(const Encoded& a, const HalfPlan& plan) {
  return static_cast<std::int64_t>(a.p1) * plan.units * plan.vectors * kHalfLanes * 4;
}

struct Body {
  static constexpr int kMost = kMostVectors;

  template <int V>
  static void panel(const Operands& o, const Shard& s, std::int32_t col, int last) {
    const HalfPlan plan = plan_halves(*o.a, o.n);
    Shard batch = s;
    while (batch.unit_begin < s.unit_end) {
      batch.unit_end =
          s.unit_end - batch.unit_begin > plan.units ? batch.unit_begin + plan.units : s.unit_end;
      rows_of_panel<V>(o, batch, plan, col, last);
      batch.unit_begin = batch.unit_end;
    }
  }

  template <int V>
  static void rows_of_panel(const Operands& o, const Shard& s, const HalfPlan& plan, std::int32_t col,
                            int last) {
    const Encoded& a = *o.a;
    const std::size_t n = static_cast<std::size_t>(o.n);
    const std::uint8_t* values = reinterpret_cast<const std::uint8_t*>(a.values);
    float* held = static_cast<float*>(o.scratch);
    std::uint16_t* tile =
        reinterpret_cast<std::uint16_t*>(static_cast<std::uint8_t*>(o.scratch) + held_bytes(a, plan));
    Tile t;
    t.last = last;
    t.c_stride = n;
    std::size_t at = static_cast<std::size_t>(s.unit_begin) * 2;
    for (std::int32_t first = 0; first == 0 || first < a.cols; first += a.p0) {
      const std::uint16_t* b = halves_of_b(o) + static_cast<std::size_t>(first) * n + col;
      const std::int32_t rows = a.cols - first < a.p0 ? a.cols - first : a.p0;
      t.b = reinterpret_cast<const char*>(b);
      t.b_stride = n * sizeof(*b);
      // Vectors of B that are partial can only be read from the copy.
      if (last < kHalfLanes || plan.copy) {
        copy_tile<V>(b, n, rows, last, tile);
        t.b = reinterpret_cast<const char*>(tile);
        t.b_stride = V * kHalfLanes * sizeof(*tile);
      }
      t.add = first > 0;
      t.ends = first + rows >= a.cols;
      HalfStream stream = {{a.bytes + static_cast<std::size_t>(a.offsets[at]) * 2, nullptr},
                           {values + static_cast<std::size_t>(a.offsets[at + 1]) * 2}};
      for (std::int32_t unit = s.unit_begin; unit < s.unit_end; ++unit) {
        const std::size_t row = static_cast<std::size_t>(unit) * static_cast<std::size_t>(a.p1);
        const std::size_t unit_of_batch = static_cast<std::size_t>(unit - s.unit_begin);
        t.c = halves_of_c(o) + row * n + col;
        t.held = held + unit_of_batch * static_cast<std::size_t>(a.p1) * V * kHalfLanes;
        at += 2;
        const std::uint8_t* end = a.bytes + static_cast<std::size_t>(a.offsets[at]) * 2;
        while (stream.words.at < end) {
          const Run run = take_run(stream.words);
          if (run.pairs == 0) {
            run_single<V>(t, run, stream);
          } else if (run.both + run.alternate + run.rest <= kHalfTerms) {
            run_pairs<V, false>(t, run, stream);
          } else {
            run_pairs<V, true>(t, run, stream);
          }
        }
      }
      at += static_cast<std::size_t>(a.units - (s.unit_end - s.unit_begin)) * 2;
    }
  }
};

void run(const Operands& o, const Shard& s) noexcept {
  half_panels<Body>(o, s, plan_halves(*o.a, o.n).vectors);
}

std::int64_t scratch_bytes(const Encoded& a, std::int32_t n) {
  const HalfPlan plan = plan_halves(a, n);
  // The tile in any case: a thread's share of the columns may end within a vector where n does not.
  return held_bytes(a, plan) + static_cast<std::int64_t>(a.p0) * plan.vectors * kHalfLanes * 2;
}

void tiling(const Encoded& a, std::int32_t n, char* text) {
  const HalfPlan plan = plan_halves(a, n);
  text = say_half_tiling(text, 2, plan.vectors);
  text = append(append(text, ", k "), a.p0);
  text = append(append(text, ", groups of "), a.p1);
  if (plan.units < a.units) text = append(append(text, " by "), plan.units);
  append(text, plan.copy ? ", B copied" : "");
}

}  // namespace

extern const Kernel spmm_packed_f16 = {.op = "spmm",
                                       .name = "packed",
                                       .format = "packed",
                                       .isa = SPARSEMARK_ISA_NAME,
                                       .split = Split::kWide,
                                       .scratch_bytes = scratch_bytes,
                                       .tiling = tiling,
                                       .run = run,
                                       .dtype = "f16"};

}  // namespace sparsemark::SPARSEMARK_ISA
