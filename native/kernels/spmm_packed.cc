// spmm on packed: for each panel of columns of C, for each block of columns of A, all of the shard's rows
// pass by the tile of B, which stays in L1; rows of C are added to in L2. Tiles are chosen in plan.h.
#include "packed_runs.h"
#include "plan.h"
#include "unrolled.h"

namespace sparsemark::SPARSEMARK_ISA {
namespace {

// Floats of a cache line.
constexpr int kLine = 16;

struct Tile {
  const char* b;         // the block's first row, the panel's first column
  std::size_t b_stride;  // bytes
  float* c;              // the group's first row, the panel's first column
  std::size_t c_stride;
  int last;     // columns of the last vector of C
  bool add;     // to C; else C is overwritten
  bool stream;  // C past the caches
  // Rows of the tile of B that comes next, of which each pair brings `ahead` into L2.
  std::size_t ahead_stride;
  std::int32_t ahead;
};

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

template <int V>
[[gnu::always_inline]] inline const float* row_of_b(const Tile& t, const std::uint8_t* at) {
  return reinterpret_cast<const float*>(t.b + half(at) * t.b_stride);
}

template <int V>
[[gnu::always_inline]] inline void step(float value, const float* row, Vec (&sums)[V]) {
  const Vec wide = broadcast(value);
  unrolled<V>([&](auto v) __attribute__((always_inline)) {
    sums[v.value] = fma(wide, load(row + v.value * kLanes), sums[v.value]);
  });
}

template <int V, bool kTail>
[[gnu::always_inline]] inline void end_sums(const Tile& t, float* row, Vec (&sums)[V]) {
  if (!kTail && t.stream) {
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

template <int V, bool kTail>
[[gnu::noinline]] void run_pairs(const Tile& t, const Run& run, Stream& stream, Ahead& ahead) {
  const std::uint8_t* at = stream.at;
  const float* value = stream.value;
  for (std::int32_t pair = run.pairs; pair > 0; --pair) {
    float* first = t.c + half(at) * t.c_stride;
    float* second = t.c + half(at + 2) * t.c_stride;
    at += 4;
    fetch<V>(t, ahead);
    Vec x[V];
    Vec y[V];
    begin_sums<V, kTail>(t, first, x);
    begin_sums<V, kTail>(t, second, y);
    for (std::int32_t i = run.both; i > 0; --i) {
      const float* row = row_of_b<V>(t, at);
      const Vec of_x = broadcast(value[0]);
      const Vec of_y = broadcast(value[1]);
      at += 2;
      value += 2;
      unrolled<V>([&](auto v) __attribute__((always_inline)) {
        Vec part = load(row + v.value * kLanes);
        keep(part);
        x[v.value] = fma(of_x, part, x[v.value]);
        y[v.value] = fma(of_y, part, y[v.value]);
      });
    }
    for (std::int32_t i = run.alternate; i > 0; --i) {
      step<V>(value[0], row_of_b<V>(t, at), x);
      step<V>(value[1], row_of_b<V>(t, at + 2), y);
      at += 4;
      value += 2;
    }
    for (std::int32_t i = run.rest; i > 0; --i) {
      step<V>(*value++, row_of_b<V>(t, at), x);
      at += 2;
    }
    end_sums<V, kTail>(t, first, x);
    end_sums<V, kTail>(t, second, y);
  }
  stream.at = at;
  stream.value = value;
}

template <int V, bool kTail>
void run_single(const Tile& t, const Run& run, Stream& stream) {
  float* out = t.c + half(stream.at) * t.c_stride;
  stream.at += 2;
  Vec x[V];
  begin_sums<V, kTail>(t, out, x);
  for (std::int32_t i = run.rest; i > 0; --i) {
    step<V>(*stream.value++, row_of_b<V>(t, stream.at), x);
    stream.at += 2;
  }
  unrolled<V>([&](auto v)
                  __attribute__((always_inline)) { store_part<V, kTail>(out, v.value, x[v.value], t.last); });
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

struct Body {
  static constexpr int kMost = kMostVectors;

  template <int V, bool kTail>
  static void panel(const Operands& o, const Shard& s, std::int32_t col, int last) {
    const Encoded& a = *o.a;
    const std::size_t n = static_cast<std::size_t>(o.n);
    const PackedPlan plan = plan_packed(a, o.n);
    // Vectors of B that are partial can only be read from the copy.
    const bool copy = kTail || plan.copy;
    Tile t;
    t.c_stride = n;
    t.last = last;
    t.stream = plan.stream;
    t.ahead_stride = n;
    t.ahead = plan.ahead;
    std::size_t at = static_cast<std::size_t>(s.unit_begin) * 2;
    for (std::int32_t first = 0; first == 0 || first < a.cols; first += a.p0) {
      const float* b = o.b + static_cast<std::size_t>(first) * n + col;
      t.b = reinterpret_cast<const char*>(b);
      t.b_stride = n * sizeof(float);
      t.add = first > 0;
      const std::int32_t rows = a.cols - first < a.p0 ? a.cols - first : a.p0;
      Ahead ahead = {b + static_cast<std::size_t>(rows) * n, a.cols - first - rows};
      if (ahead.left == 0 && s.col_end - col > V * kLanes) ahead = {o.b + col + V * kLanes, a.cols};
      if (ahead.left > a.p0) ahead.left = a.p0;
      if (copy) {
        float* to = static_cast<float*>(o.scratch);
        copy_tile<V, kTail>(b, n, rows, last, to);
        t.b = reinterpret_cast<const char*>(to);
        t.b_stride = V * kLanes * sizeof(float);
      }
      Stream stream = {a.bytes + static_cast<std::size_t>(a.offsets[at]) * 2, a.values + a.offsets[at + 1]};
      for (std::int32_t unit = s.unit_begin; unit < s.unit_end; ++unit) {
        t.c = o.c + static_cast<std::size_t>(unit) * static_cast<std::size_t>(a.p1) * n + col;
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
  const std::int64_t most = plan_packed(*o.a, o.n).vectors;
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
}

std::int64_t scratch_bytes(const Encoded& a, std::int32_t n) {
  return static_cast<std::int64_t>(a.p0) * plan_packed(a, n).vectors * kLanes * 4;
}

void tiling(const Encoded& a, std::int32_t n, char* text) {
  const PackedPlan plan = plan_packed(a, n);
  say_tiling(text, 2, plan.vectors);
  while (*text != '\0') ++text;
  text = append(append(text, ", k "), a.p0);
  text = append(append(text, ", groups of "), a.p1);
  text = append(text, plan.copy ? ", B copied" : "");
  text = append(text, plan.ahead > 0 ? ", B fetched ahead" : "");
  append(text, plan.stream ? ", C streamed" : "");
}

}  // namespace

extern const Kernel spmm_packed = {"spmm",        "packed", "packed", SPARSEMARK_ISA_NAME,
                                   Split::kUnits, false,    nullptr,  nullptr,
                                   scratch_bytes, tiling,   run};

}  // namespace sparsemark::SPARSEMARK_ISA
