// conv2d on packed: spmm on packed with the tile of B made from the image (conv_tile.h), a block of columns
// of A, and so of channels, at a time. For each tile of outputs, for each block its channels are copied, then
// all pairs of filters pass by; sums stay in scratch until the last block.
//
// plan() writes the stream of the format (formats/packed.cc) anew as numbers of 32 bits, with offsets in the
// tile instead of columns. Before it stands where each block's groups begin.
//
// Against spmm on the product that im2col would make, its making left out, ResNet-50's 3 x 3 at densities 0.2
// to 0.05. Zen 3, AVX2: 0.86 to 2.0 of its rate at stride 1, 0.58 to 1.04 at stride 2. A Zen 5 with an L2 of
// 1 MiB, AVX-512: 0.87 to 1.18 at stride 1, 0.62 to 0.73 at stride 2. What limits it there: one lane in eight
// stays empty in rows of 28, 14 and 7 outputs; and the copy of the tile, a tenth of an evaluation at stride 1
// and density 0.2, a fifth to two fifths at stride 2, whose every line is written to L2 at 4 cycles. One
// plane for all columns of the kernel would be a third of it, but two of three loads would split lines: 1.45
// times as long for a row alone, 1.14 for a pair.
#include "conv_copy.h"
#include "packed_runs.h"
#include "packed_steps.h"
#include "unrolled.h"

namespace sparsemark::SPARSEMARK_ISA {

extern const Kernel spmm_packed;

namespace {

// Of a block: the whole tile in L2, the rows that a panel needs in L1 (14 channels of 3 x 3 x 256 floats are
// 43 of 48 KiB at density 0.1).
// AVX-512's CPUs have an L2 of 1 MiB at the least, and fewer tiles copy fewer rows twice (a Zen 5: up to 11 %
// with 56 columns, 2 % with 28; 512 KiB are no faster).
constexpr std::int64_t kTileBytes = (kLanes >= 16 ? 384 : 256) * 1024;
// Sums of a tile of outputs.
constexpr std::int64_t kSumsBytes = kTileBytes;
constexpr std::int32_t kRunNumbers = 4;
constexpr std::int32_t kPairNumbers = 4;

// Channels that a block of columns may touch.
std::int32_t block_channels(const Encoded& a, const Conv& g) {
  const std::int32_t most = (a.p0 - 2) / (g.kernel_height * g.kernel_width) + 2;
  return most < g.channels ? most : g.channels;
}

ConvTile tile_of(const Encoded& a, const Conv& g) {
  return plan_tile(a, g, block_channels(a, g), kTileBytes, a.rows, kSumsBytes);
}

std::int32_t blocks_of(const Encoded& a) { return (a.cols + a.p0 - 1) / a.p0; }

// Writes the stream behind `starts`, or where out is nullptr counts its numbers.
std::int64_t write_stream(const Encoded& a, const Conv& g, std::int32_t* out) {
  const ConvTile t = tile_of(a, g);
  const std::int32_t parts = blocks_of(a) * a.units;
  std::int64_t count = parts + 1;
  const auto put = [&](std::int32_t number) {
    if (out != nullptr) out[count] = number;
    ++count;
  };
  for (std::int32_t part = 0; part < parts; ++part) {
    const std::int32_t first = part / a.units * a.p0;
    const std::int32_t channel = first / (g.kernel_height * g.kernel_width);
    if (out != nullptr) out[part] = static_cast<std::int32_t>(count);
    Stream stream = {a.bytes + static_cast<std::size_t>(a.offsets[2 * part]) * 2, nullptr};
    const std::uint8_t* end = a.bytes + static_cast<std::size_t>(a.offsets[2 * part + 2]) * 2;
    while (stream.at < end) {
      const Run run = take_run(stream);
      put(run.pairs);
      put(run.both);
      put(run.alternate);
      put(run.rest);
      for (std::int32_t pair = 0; pair == 0 || pair < run.pairs; ++pair) {
        const std::uint64_t head = word_at(stream.at);
        const auto put_column = [&](std::size_t column) {
          put(column_offset(g, t, channel, first + static_cast<std::int32_t>(column)));
        };
        put(static_cast<std::int32_t>(number<0>(head)));
        put(static_cast<std::int32_t>(number<1>(head)));
        put_column(number<2>(head));
        put_column(number<3>(head));
        stream.at += kWordBytes;
        for (std::int32_t i = run.both + run.alternate / 2 * 4 + run.rest; i > 0; i -= 4) {
          const std::uint64_t word = word_at(stream.at);
          stream.at += kWordBytes;
          put_column(number<0>(word));
          put_column(number<1>(word));
          put_column(number<2>(word));
          put_column(number<3>(word));
        }
      }
    }
  }
  if (out != nullptr) out[parts] = static_cast<std::int32_t>(count);
  return count;
}

std::int64_t plan_bytes(const Encoded& a, const Conv& g) {
  return pointwise(g) ? 0 : write_stream(a, g, nullptr) * 4;
}

void plan(const Encoded& a, const Conv& g, void* storage) {
  if (!pointwise(g)) write_stream(a, g, static_cast<std::int32_t*>(storage));
}

// Where in scratch the sums begin, behind the tile's copy; in floats.
std::int64_t sums_at(const Encoded& a, const Conv& g, const ConvTile& t) {
  const std::int64_t floats = tile_floats(g, t, block_channels(a, g));
  return (floats + kLanes - 1) / kLanes * kLanes;
}

std::int64_t scratch_bytes(const Encoded& a, const Conv& g) {
  if (pointwise(g)) return spmm_packed.scratch_bytes(a, g.out_height * g.out_width);
  const ConvTile t = tile_of(a, g);
  const std::int64_t sums = static_cast<std::int64_t>(a.rows) * tile_vectors(g, t, t.rows) * kLanes;
  return (sums_at(a, g, t) + sums) * 4;
}

// A panel of outputs and a block of A.
template <int V>
struct Panel {
  const float* copy;  // of the block's channels, from the panel's first output on
  float* sums;        // so far, of the group's first row
  float* c;           // of the group's first row, the tile's first output
  std::size_t area;
  bool add;    // to sums so far
  bool final;  // the answer, to c
  Outputs<V> outputs;
};

template <int V>
[[gnu::always_inline]] inline void begin_sums(const Panel<V>& p, std::int32_t row, Vec (&sums)[V]) {
  const float* from = p.sums + static_cast<std::ptrdiff_t>(row) * (V * kLanes);
  unrolled<V>([&](auto v) __attribute__((always_inline)) {
    sums[v.value] = p.add ? load(from + v.value * kLanes) : zero();
  });
}

template <int V>
[[gnu::always_inline]] inline void end_sums(const Panel<V>& p, std::int32_t row, Vec (&sums)[V]) {
  if (p.final) {
    float* to = p.c + static_cast<std::size_t>(row) * p.area;
    unrolled<V>([&](auto v) __attribute__((always_inline)) {
      store_outputs<V>(p.outputs, v.value, to, sums[v.value]);
    });
  } else {
    float* to = p.sums + static_cast<std::ptrdiff_t>(row) * (V * kLanes);
    unrolled<V>([&](auto v) __attribute__((always_inline)) { store(to + v.value * kLanes, sums[v.value]); });
  }
}

// Columns of one row, fours of them.
template <int V>
[[gnu::always_inline]] inline void step_row(const float* copy, std::int32_t count, const std::int32_t*& at,
                                            const float*& value, Vec (&x)[V]) {
  for (; count > 0; --count) {
    const Four four = load_four(value);
    step<V>(pick<0>(four), copy + at[0], x);
    step<V>(pick<1>(four), copy + at[1], x);
    step<V>(pick<2>(four), copy + at[2], x);
    step<V>(pick<3>(four), copy + at[3], x);
    at += 4;
    value += 4;
  }
}

// The runs of a group: numbers [at, end) of the stream.
template <int V>
[[gnu::noinline]] void run_group(const Panel<V>& p, const std::int32_t* at, const std::int32_t* end,
                                 const float* value) {
  const float* copy = p.copy;
  while (at < end) {
    const std::int32_t pairs = at[0];
    const std::int32_t fours_of_both = at[1] / 4;
    const bool odd = at[2] % 2 != 0;
    const std::int32_t fours_of_each = at[2] / 2;
    const std::int32_t fours_of_rest = at[3] / 4;
    at += kRunNumbers;
    if (pairs == 0) {
      Vec x[V];
      const std::int32_t row = at[0];
      at += kPairNumbers;
      begin_sums<V>(p, row, x);
      step_row<V>(copy, fours_of_rest, at, value, x);
      end_sums<V>(p, row, x);
    }
    for (std::int32_t pair = pairs; pair > 0; --pair) {
      const std::int32_t first = at[0];
      const std::int32_t second = at[1];
      Vec x[V];
      Vec y[V];
      begin_sums<V>(p, first, x);
      begin_sums<V>(p, second, y);
      if (odd) {
        step<V>(broadcast(value[0]), copy + at[2], x);
        step<V>(broadcast(value[1]), copy + at[3], y);
        value += 2;
      }
      at += kPairNumbers;
      for (std::int32_t i = fours_of_both; i > 0; --i) {
        const Four low = load_four(value);
        step_both<V>(pick<0>(low), pick<1>(low), copy + at[0], x, y);
        step_both<V>(pick<2>(low), pick<3>(low), copy + at[1], x, y);
        const Four high = load_four(value + 4);
        step_both<V>(pick<0>(high), pick<1>(high), copy + at[2], x, y);
        step_both<V>(pick<2>(high), pick<3>(high), copy + at[3], x, y);
        at += 4;
        value += 8;
      }
      for (std::int32_t i = fours_of_each; i > 0; --i) {
        const Four four = load_four(value);
        step<V>(pick<0>(four), copy + at[0], x);
        step<V>(pick<1>(four), copy + at[1], y);
        step<V>(pick<2>(four), copy + at[2], x);
        step<V>(pick<3>(four), copy + at[3], y);
        at += 4;
        value += 4;
      }
      step_row<V>(copy, fours_of_rest, at, value, x);
      end_sums<V>(p, first, x);
      end_sums<V>(p, second, y);
    }
  }
}

struct Body {
  // A pair takes two accumulators a vector, and a register or two for the tile and the values.
  static constexpr int kMost = kRegisters >= 32 ? 8 : 6;
  const Operands& o;
  const Shard& s;
  const ConvTile& t;
  std::int32_t rows;
  std::int32_t block;
  float* c;  // of filter 0, the tile's first output
  float* sums;
  std::size_t area;

  template <int V>
  void panel(std::int32_t first) {
    const Encoded& a = *o.a;
    const std::int32_t* stream = static_cast<const std::int32_t*>(o.plan);
    Panel<V> p;
    p.copy = static_cast<const float*>(o.scratch) + first * kLanes;
    p.area = area;
    p.add = block > 0;
    p.final = block + 1 == blocks_of(a);
    p.outputs = panel_outputs<V>(*o.conv, t, rows, first);
    // A panel's sums lie together: all rows of the vectors before it, then its own.
    float* of_panel = sums + static_cast<std::size_t>(first) * kLanes * static_cast<std::size_t>(a.rows);
    for (std::int32_t unit = s.unit_begin; unit < s.unit_end; ++unit) {
      const std::size_t row = static_cast<std::size_t>(unit) * static_cast<std::size_t>(a.p1);
      const std::int32_t part = block * a.units + unit;
      p.sums = of_panel + row * (V * kLanes);
      p.c = c + row * area;
      run_group<V>(p, stream + stream[part], stream + stream[part + 1], a.values + a.offsets[2 * part + 1]);
    }
  }
};

void run(const Operands& o, const Shard& s) noexcept {
  const Conv& g = *o.conv;
  const Encoded& a = *o.a;
  if (pointwise(g)) {
    // What plan() wrote is nothing that spmm knows.
    Operands plain = o;
    plain.plan = nullptr;
    return multiply_images(spmm_packed, plain, s);
  }
  const ConvTile t = tile_of(a, g);
  const std::size_t area = static_cast<std::size_t>(g.out_height) * static_cast<std::size_t>(g.out_width);
  const std::int32_t window = g.kernel_height * g.kernel_width;
  float* copy = static_cast<float*>(o.scratch);
  float* sums = copy + sums_at(a, g, t);
  all_tiles(g, t, s, [&](std::int32_t image, std::int32_t out_row, std::int32_t rows) {
    const float* in =
        o.b + static_cast<std::size_t>(image) * static_cast<std::size_t>(g.channels) * image_floats(g);
    float* c = o.c + static_cast<std::size_t>(image) * static_cast<std::size_t>(a.rows) * area +
               out_row * g.out_width;
    for (std::int32_t block = 0; block < blocks_of(a); ++block) {
      const std::int32_t first = block * a.p0;
      const std::int32_t end = first + a.p0 < a.cols ? first + a.p0 : a.cols;
      const std::int32_t channel = first / window;
      fill_tile(g, t, in, channel, (end - 1) / window + 1 - channel, out_row, rows, copy);
      Body body = {o, s, t, rows, block, c, sums, area};
      panels_of_tile(body, tile_vectors(g, t, rows), Body::kMost);
    }
  });
}

void tiling(const Encoded& a, const Conv& g, char* text) {
  if (pointwise(g)) return spmm_packed.tiling(a, g.out_height * g.out_width, text);
  const ConvTile t = tile_of(a, g);
  say_tile(g, t, text);
  while (*text != '\0') ++text;
  append(append(text, ", k "), a.p0);
}

constexpr ConvPlanning kPlanning = {plan_bytes, plan, scratch_bytes, tiling};

}  // namespace

extern const Kernel conv2d_packed = {.op = "conv2d",
                                     .name = "packed",
                                     .format = "packed",
                                     .isa = SPARSEMARK_ISA_NAME,
                                     .split = Split::kWide,
                                     .run = run,
                                     .conv = &kPlanning};

}  // namespace sparsemark::SPARSEMARK_ISA
