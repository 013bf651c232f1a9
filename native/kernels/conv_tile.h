// What the kernels of conv2d share: a tile of some rows of outputs of an image and the part of the input that
// they need, copied so that every column of A is one contiguous run of the tile's outputs. A nonzero is then
// a value and an offset, as in the direct sparse convolution of Park et al., "Faster CNNs with direct sparse
// convolutions and guided pruning", ICLR 2017. For kernel files only.
//
// The copy of a tile, in scratch: for each channel, each class of rows, each column kx of the kernel a plane.
// A row of a plane holds the inputs x * stride + kx of all outputs x of a row, with the zeros outside of the
// image. A column of the kernel has a plane of its own because a vector that splits a cache line takes twice
// the time (AVX-512, from L1: 0.46 instead of 0.25 ns): the padded image itself, a third of these planes,
// has two of three loads that do.
//
// Rows of the kernel share planes where the part that one needs begins on a vector in the other's: row ky is
// in class ky % period, `period` a multiple of the stride. Rows of a plane either begin on vectors, with
// lanes left empty behind each, or two to a vector, or follow each other without a gap, with more classes or
// with loads that split lines. tile_cost chooses; conv_copy.h copies.
#pragma once

#include "panel.h"

namespace sparsemark::SPARSEMARK_ISA {
namespace {

struct ConvTile {
  std::int32_t rows;     // of outputs, the last tile may have fewer
  std::int32_t pitch;    // floats from a row of a plane to the next
  std::int32_t classes;  // of rows
  std::int32_t
      period;  // rows ky of the kernel from one class to the same class again, a multiple of the stride
  std::int32_t plane_rows;
  std::int32_t plane;  // floats
};

// Lanes that may stay empty, in parts of those in use, before rows are set apart.
constexpr std::int32_t kLanesPerEmpty = 4;

static inline std::int32_t round_up(std::int32_t size, std::int32_t step) {
  return (size + step - 1) / step * step;
}

static inline std::size_t image_floats(const Conv& g) {
  return static_cast<std::size_t>(g.height) * static_cast<std::size_t>(g.width);
}

static inline std::int64_t channel_floats(const Conv& g, const ConvTile& t) {
  return static_cast<std::int64_t>(t.classes) * g.kernel_width * t.plane;
}

// A tile of that many rows at the most; together: whether rows of the kernel share planes where that splits
// lines.
static inline ConvTile tile_of_rows(const Conv& g, std::int32_t rows, std::int32_t pitch, bool together) {
  ConvTile t;
  t.rows = rows < g.out_height ? rows : g.out_height;
  t.pitch = pitch;
  std::int32_t aligned = 1;  // rows of a plane from one that begins on a vector to the next
  while (!together && aligned * pitch % kLanes != 0) ++aligned;
  t.period = g.stride * aligned;
  t.classes = g.kernel_height < t.period ? g.kernel_height : t.period;
  t.plane_rows = t.rows + (g.kernel_height - 1) / t.period * aligned;
  // The last vector of a plane without gaps reaches into what follows it.
  constexpr std::int32_t kLine = 16;
  t.plane = round_up(t.plane_rows * pitch + (pitch % kLanes == 0 ? 0 : kLanes), kLine);
  // An odd number of lines, or planes of 4 KiB would all fall into the same sets of L1.
  if (t.plane / kLine % 2 == 0) t.plane += kLine;
  return t;
}

// Vectors of outputs of `rows` rows of a tile, gaps included.
static inline std::int32_t tile_vectors(const Conv& g, const ConvTile& t, std::int32_t rows) {
  const std::int32_t floats = t.pitch == g.out_width ? rows * g.out_width : rows * t.pitch;
  return round_up(floats, kLanes) / kLanes;
}

// How much longer a nonzero takes for loads that split lines, which some rows of the kernel do. What pairs of
// rows share hides a part of it. AVX2 (Zen 3), with 28 and 14 columns: nothing was lost at density 0.2, 14 %
// (a third of the rows) and 25 % (two thirds) at 0.05. AVX-512 (a Zen 5 with an L2 of 1 MiB), the same
// layers: 37 to 42 % (two thirds), 8 % at density 0.2 with 56 columns (a third).
static inline double split_cost(const Encoded& a, const Conv& g, const ConvTile& t) {
  if (t.period != g.stride || t.pitch % kLanes == 0 || g.kernel_height <= g.stride) return 1.0;
  if (kLanes < 16 && a.nnz >= 0.15 * a.rows * a.cols) return 1.0;
  std::int32_t apart = 0;
  for (std::int32_t ky = 0; ky < g.kernel_height; ++ky)
    apart += ky / g.stride * t.pitch % kLanes != 0 ? 1 : 0;
  return 1.0 + (kLanes < 16 ? 0.4 : 0.6) * apart / g.kernel_height;
}

// What a vector copied costs, in vectors loaded. AVX-512: the copy leaves L1, and a line that is written
// there takes as long as 8 loads of a product (4 cycles for its way to L2 and back, and its loads from the
// image). A row stored across lines counts more.
static inline double copy_cost(const ConvTile& t) {
  const bool whole = t.pitch % kLanes == 0;
  if (kLanes < 16) return whole ? 1.0 : 4.0;
  return whole ? 8.0 : 12.0;
}

// What an evaluation with the tile costs, in vectors loaded: by the nonzeros, of which each begins a panel of
// 8 vectors anew, and those copied.
static inline double tile_cost(const Encoded& a, const Conv& g, const ConvTile& t) {
  const std::int32_t vectors = tile_vectors(g, t, t.rows);
  const double loads = vectors + 2.0 * ((vectors + 7) / 8);
  const double of_nonzeros = 1.0 * a.nnz / g.channels * split_cost(a, g, t);
  const double copied =
      1.0 * t.classes * g.kernel_width * t.plane_rows * round_up(g.out_width, kLanes) / kLanes;
  const double tiles = (g.out_height + t.rows - 1) / t.rows;
  return tiles * (of_nonzeros * loads + copied * copy_cost(t));
}

// The cheapest tile whose copy of `channels` channels takes tile_bytes at the most and whose outputs of
// `filters` filters output_bytes, but one row at the least.
static inline ConvTile plan_tile(const Encoded& a, const Conv& g, std::int32_t channels,
                                 std::int64_t tile_bytes, std::int32_t filters, std::int64_t output_bytes) {
  ConvTile best = {};
  double least = 0.0;
  const auto consider = [&](std::int32_t pitch, bool together) {
    // The most rows that fit, then tiles of about equal height.
    std::int32_t fitting = 1;
    for (std::int32_t too_many = g.out_height + 1; too_many - fitting > 1;) {
      const std::int32_t rows = fitting + (too_many - fitting) / 2;
      const bool fits =
          channels * channel_floats(g, tile_of_rows(g, rows, pitch, together)) * 4 <= tile_bytes &&
          static_cast<std::int64_t>(filters) * rows * pitch * 4 <= output_bytes;
      (fits ? fitting : too_many) = rows;
    }
    const std::int32_t tiles = (g.out_height + fitting - 1) / fitting;
    const ConvTile t = tile_of_rows(g, (g.out_height + tiles - 1) / tiles, pitch, together);
    const double cost = tile_cost(a, g, t);
    if (best.rows == 0 || cost < least) {
      best = t;
      least = cost;
    }
  };
  consider(round_up(g.out_width, kLanes), false);
  consider(g.out_width, false);
  consider(g.out_width, true);
  if (kLanes >= 16 && g.out_width < kLanes / 2) consider(kLanes / 2, false);
  return best;
}

// Where in the copy a column of A begins, in floats; channels are counted from `first`.
static inline std::int32_t column_offset(const Conv& g, const ConvTile& t, std::int32_t first,
                                         std::int32_t column) {
  const std::int32_t kx = column % g.kernel_width;
  const std::int32_t ky = column / g.kernel_width % g.kernel_height;
  const std::int32_t channel = column / g.kernel_width / g.kernel_height - first;
  const std::int32_t of_class = ky % t.period;
  const std::int32_t row = ky / t.period * (t.period / g.stride);
  return ((channel * t.classes + of_class) * g.kernel_width + kx) * t.plane + row * t.pitch;
}

// Where the outputs of a panel of V vectors go: floats from the tile's first output, and how many are meant;
// behind them, where two rows share a vector, those of its second half.
template <int V>
struct Outputs {
  std::int32_t at[V];
  std::int32_t count[V];
  std::int32_t second[V];
};
template <int V>
inline Outputs<V> panel_outputs(const Conv& g, const ConvTile& t, std::int32_t rows, std::int32_t first) {
  Outputs<V> out;
  for (int v = 0; v < V; ++v) {
    const std::int32_t float_of_tile = (first + v) * kLanes;
    std::int32_t left = rows * g.out_width - float_of_tile;
    out.at[v] = float_of_tile;
    out.second[v] = 0;
    if (t.pitch != g.out_width) {
      const std::int32_t row = float_of_tile / t.pitch;
      const std::int32_t x = float_of_tile % t.pitch;
      out.at[v] = row * g.out_width + x;
      left = g.out_width - x;
      if (t.pitch < kLanes && row + 1 < rows) out.second[v] = g.out_width;
    }
    out.count[v] = left < kLanes ? left : kLanes;
  }
  return out;
}

// Vector v of a panel to the outputs from c on.
template <int V>
[[gnu::always_inline]] inline void store_outputs(const Outputs<V>& out, int v, float* c, Vec sums) {
  float* to = c + out.at[v];
  store_first(to, sums, out.count[v]);
  if (kLanes < 16 || out.second[v] == 0) return;
  alignas(kAlignment) float lanes[kLanes];
  store(lanes, sums);
  store_first(to + out.count[v], load_first(lanes + kLanes / 2, out.second[v]), out.second[v]);
}

// The tiles of a shard, of whole rows of outputs: calls work(image, first row, rows) for each.
template <typename Work>
inline void all_tiles(const Conv& g, const ConvTile& t, const Shard& s, Work work) {
  std::int32_t row = s.col_begin / g.out_width;
  const std::int32_t end = s.col_end / g.out_width;
  while (row < end) {
    const std::int32_t image = row / g.out_height;
    const std::int32_t out_row = row % g.out_height;
    std::int32_t rows = g.out_height - out_row;
    if (rows > end - row) rows = end - row;
    if (rows > t.rows) rows = t.rows;
    work(image, out_row, rows);
    row += rows;
  }
}

// Panels of a tile of so many vectors, all of about the same width and at most Body::kMost wide: calls
// body.panel<V>(first) for each.
template <typename Body, int V>
void panel_of_width(Body& body, std::int32_t first, std::int32_t width) {
  if constexpr (V > 1) {
    if (width < V) return panel_of_width<Body, V - 1>(body, first, width);
  }
  body.template panel<V>(first);
}
template <typename Body>
void panels_of_tile(Body& body, std::int32_t vectors, std::int32_t most) {
  std::int32_t first = 0;
  for (std::int32_t panels = (vectors + most - 1) / most; panels > 0; --panels) {
    const std::int32_t width = (vectors - first + panels - 1) / panels;
    panel_of_width<Body, Body::kMost>(body, first, width);
    first += width;
  }
}

// A pointwise convolution: each image is a product of its own, by the kernel for spmm.
static inline void multiply_images(const Kernel& spmm, const Operands& o, const Shard& s) {
  const Conv& g = *o.conv;
  const std::int32_t area = g.out_height * g.out_width;
  const std::size_t pixels = static_cast<std::size_t>(area);
  for (std::int32_t image = s.col_begin / area; image < g.batch && image * area < s.col_end; ++image) {
    Operands one = o;
    one.n = area;
    one.b = o.b + static_cast<std::size_t>(image) * static_cast<std::size_t>(g.channels) * pixels;
    one.c = o.c + static_cast<std::size_t>(image) * static_cast<std::size_t>(o.a->rows) * pixels;
    Shard part = s;
    part.col_begin = s.col_begin > image * area ? s.col_begin - image * area : 0;
    part.col_end = s.col_end - image * area < area ? s.col_end - image * area : area;
    spmm.run(one, part);
  }
}

static inline void say_tile(const Conv& g, const ConvTile& t, char* text) {
  text = append(append(text, t.rows), t.rows == 1 ? " row of " : " rows of ");
  text = append(append(text, t.pitch), " floats, ");
  text = append(append(text, tile_vectors(g, t, t.rows)), " vectors, ");
  append(append(text, t.classes * g.kernel_width), " copies of the input");
}

}  // namespace
}  // namespace sparsemark::SPARSEMARK_ISA
