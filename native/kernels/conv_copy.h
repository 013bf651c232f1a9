// How the kernels of conv2d copy what a tile needs of the image (conv_tile.h). For kernel files only.
#pragma once

#include "conv_tile.h"

namespace sparsemark::SPARSEMARK_ISA {
namespace {

// The rows of one channel that a tile needs, in scratch behind the planes, with the zeros around the image.
// Where the stride is above 1 a row is split: all its floats x with x % stride = 0, then those of 1, and so
// on.
struct Lines {
  std::int32_t count;
  std::int32_t padded;  // floats of a row with its zeros
  std::int32_t phase;   // floats of a part of a split row
  std::int32_t pitch;
};
static inline Lines channel_lines(const Conv& g, const ConvTile& t) {
  Lines l;
  l.count = (t.plane_rows - 1) * g.stride + t.classes;
  l.padded = g.width + 2 * g.padding;
  l.phase = round_up(g.out_width + (g.kernel_width - 1) / g.stride, kLanes);
  l.pitch = g.stride == 1 ? l.padded : l.phase * (g.kernel_width < g.stride ? g.kernel_width : g.stride);
  return l;
}

// Floats of a tile's copy with that many channels, and of what is beside it: the lines, a row to be split,
// and what whole vectors reach beyond each.
static inline std::int64_t tile_floats(const Conv& g, const ConvTile& t, std::int32_t channels) {
  const Lines l = channel_lines(g, t);
  return channels * channel_floats(g, t) + static_cast<std::int64_t>(l.count) * l.pitch + l.padded +
         6 * kLanes;
}

// Whole vectors of zeros, at least count floats. A plain loop would become a call of memset, which costs more
// than the few floats beside a row.
static inline void clear(float* to, std::int32_t count) {
  for (std::int32_t x = 0; x < count; x += kLanes) store(to + x, zero());
}

// A row of the image between its zeros, with up to a vector of them more.
static inline void pad_row(const Conv& g, const float* from, float* to) {
  clear(to, g.padding);
  to += g.padding;
  std::int32_t x = 0;
  for (; x + kLanes <= g.width; x += kLanes) store(to + x, load(from + x));
  if (x < g.width) store_first(to + x, load_first(from + x, g.width - x), g.width - x);
  clear(to + g.width, g.padding);
}

// Every stride-th float of a padded row. With stride 2 the last vectors reach beyond it.
static inline void split_row(const Conv& g, const Lines& l, std::int32_t part, const float* row, float* to) {
  const float* from = row + part;
  if (g.stride == 2) {
    for (std::int32_t x = 0; x < l.phase; x += kLanes) {
      store(to + x, even(load(from + 2 * x), load(from + 2 * x + kLanes)));
    }
    return;
  }
  for (std::int32_t x = 0; x < l.phase && part + x * g.stride < l.padded; ++x) to[x] = from[x * g.stride];
}

// Where rows are long, their planes are copied from the image itself: a vector of a line that was just
// written across two stores waits until both are in L1 (Zen 3: 7 to 14 % of an evaluation, 56 columns at
// density 0.2 and 0.05). Shorter rows take longer so, 7 columns 10 % of an evaluation, and so did stride 2.
static inline bool copies_rows(const Conv& g) { return g.stride == 1 && g.width >= 3 * kLanes; }

// Column kx of the kernel for one channel: count rows of a plane from row y of the image on.
static inline void copy_plane(const Conv& g, const ConvTile& t, const float* channel, std::int32_t y,
                              std::int32_t kx, std::int32_t count, float* to) {
  const std::int32_t shift = kx - g.padding;
  const std::int32_t lead = shift < 0 ? (-shift < g.out_width ? -shift : g.out_width) : 0;
  const std::int32_t first = shift + lead;
  const std::int32_t left = g.width > first ? g.width - first : 0;
  const std::int32_t inside = left < g.out_width - lead ? left : g.out_width - lead;
  const std::int32_t end = lead + round_up(inside, kLanes);
  for (std::int32_t row = 0; row < count; ++row, ++y, to += t.pitch) {
    if (y < 0 || y >= g.height) {
      clear(to, g.out_width);
      continue;
    }
    clear(to, lead);
    const float* from = channel + static_cast<std::ptrdiff_t>(y) * g.width + first;
    float* at = to + lead;
    std::int32_t x = 0;
    for (; x + kLanes <= inside; x += kLanes) store(at + x, load(from + x));
    if (x < inside) store(at + x, load_first(from + x, inside - x));
    clear(to + end, g.out_width - end);
  }
}

// Bits of the lanes of a vector at column x of an image that lie inside of it.
static inline std::uint32_t lanes_inside(const Conv& g, std::int32_t x) {
  const auto lane_of = [&](std::int32_t column) {
    const std::int32_t lane = column - x;
    return lane < 0 ? 0 : lane < kLanes ? lane : kLanes;
  };
  return (1u << lane_of(g.width)) - (1u << lane_of(0));
}

// Planes of stride S whose rows take V vectors, straight from the image by masked loads.
template <int V, int S>
struct MaskedRows {
  static constexpr std::int32_t kMostPlanes = 8;
  const Conv& g;
  const ConvTile& t;
  std::uint32_t masks[kMostPlanes][V * S];

  MaskedRows(const Conv& conv, const ConvTile& tile) : g(conv), t(tile) {
    for (std::int32_t kx = 0; kx < g.kernel_width; ++kx) {
      for (int v = 0; v < V * S; ++v) masks[kx][v] = lanes_inside(g, kx - g.padding + v * kLanes);
    }
  }

  void clear_rows(std::int32_t count, float* to) const {
    for (std::int32_t kx = 0; kx < g.kernel_width; ++kx, to += t.plane) {
      for (std::int32_t row = 0; row < count; ++row) clear(to + row * t.pitch, V * kLanes);
    }
  }

  // A row of each plane after the other, while the row of the image is in L1: by planes it takes a quarter
  // longer (56 columns, a copy of 219 KiB: 7.0 instead of 5.4 cycles a vector, 3.9 of them for the store).
  void copy_rows(const float* from, std::int32_t count, float* to) const {
    for (std::int32_t row = 0; row < count; ++row, from += g.width * S, to += t.pitch) {
      float* out = to;
      for (std::int32_t kx = 0; kx < g.kernel_width; ++kx, out += t.plane) {
        for (int v = 0; v < V; ++v) {
          const float* x = from + kx + v * (kLanes * S);
          Vec part = load_where(x, masks[kx][v * S]);
          if constexpr (S == 2) part = even(part, load_where(x + kLanes, masks[kx][v * S + 1]));
          store(out + v * kLanes, part);
        }
      }
    }
  }

  // count rows of the planes of a class from row y of the image on.
  void copy_planes(const float* channel, std::int32_t y, std::int32_t count, float* to) const {
    const auto rows_before = [&](std::int32_t end) {
      const std::int32_t rows = y < end ? (end - y + S - 1) / S : 0;
      return rows < count ? rows : count;
    };
    const std::int32_t above = rows_before(0);
    const std::int32_t end = rows_before(g.height);
    clear_rows(above, to);
    const std::ptrdiff_t first = static_cast<std::ptrdiff_t>(y + above * S) * g.width - g.padding;
    copy_rows(channel + first, end - above, to + above * t.pitch);
    clear_rows(count - end, to + end * t.pitch);
  }

  void copy_channels(const float* image, std::int32_t channels, std::int32_t y, std::int32_t plane_rows,
                     float* copy) const {
    for (std::int32_t c = 0; c < channels; ++c, image += image_floats(g)) {
      for (std::int32_t of_class = 0; of_class < t.classes; ++of_class, copy += g.kernel_width * t.plane) {
        copy_planes(image, y + of_class, plane_rows, copy);
      }
    }
  }
};

static inline bool copies_masked(const Conv& g) {
  return kLanes >= 16 && g.stride <= 2 && g.out_width <= 4 * kLanes && g.kernel_width <= 8;
}

template <int V>
inline void copy_masked(const Conv& g, const ConvTile& t, const float* image, std::int32_t channels,
                        std::int32_t y, std::int32_t plane_rows, float* copy) {
  if constexpr (V > 1) {
    if (g.out_width <= (V - 1) * kLanes)
      return copy_masked<V - 1>(g, t, image, channels, y, plane_rows, copy);
  }
  if (g.stride == 1) return MaskedRows<V, 1>(g, t).copy_channels(image, channels, y, plane_rows, copy);
  MaskedRows<V, 2>(g, t).copy_channels(image, channels, y, plane_rows, copy);
}

// Copies what `rows` rows of outputs from out_row on need of channels [first, first + channels). Whole
// vectors are stored, each row over the excess of the one before; what stays of it belongs to no output.
static inline void fill_tile(const Conv& g, const ConvTile& t, const float* image, std::int32_t first,
                             std::int32_t channels, std::int32_t out_row, std::int32_t rows, float* copy) {
  const std::size_t area = image_floats(g);
  const std::int32_t plane_rows = t.plane_rows - (t.rows - rows);
  if (copies_masked(g)) {
    const float* from = image + static_cast<std::size_t>(first) * area;
    const std::int32_t y = out_row * g.stride - g.padding;
    return copy_masked<4>(g, t, from, channels, y, plane_rows, copy);
  }
  if (copies_rows(g)) {
    const float* from = image + static_cast<std::size_t>(first) * area;
    for (std::int32_t c = 0; c < channels; ++c, from += area) {
      for (std::int32_t of_class = 0; of_class < t.classes; ++of_class) {
        for (std::int32_t kx = 0; kx < g.kernel_width; ++kx, copy += t.plane) {
          copy_plane(g, t, from, out_row - g.padding + of_class, kx, plane_rows, copy);
        }
      }
    }
    return;
  }
  const Lines l = channel_lines(g, t);
  const std::int32_t count = l.count - (t.rows - rows) * g.stride;
  float* lines = copy + static_cast<std::size_t>(channels * channel_floats(g, t)) + kLanes;
  float* unsplit = lines + static_cast<std::size_t>(l.count) * static_cast<std::size_t>(l.pitch) + 2 * kLanes;
  const float* channel = image + static_cast<std::size_t>(first) * area;
  for (std::int32_t c = 0; c < channels; ++c, channel += area) {
    float* line = lines;
    std::int32_t y = out_row * g.stride - g.padding;
    for (std::int32_t row = 0; row < count; ++row, ++y, line += l.pitch) {
      if (y < 0 || y >= g.height) {
        clear(line, l.pitch);
        continue;
      }
      const float* from = channel + static_cast<std::ptrdiff_t>(y) * g.width;
      if (g.stride == 1) {
        pad_row(g, from, line);
        continue;
      }
      pad_row(g, from, unsplit);
      for (std::int32_t part = 0; part * l.phase < l.pitch; ++part) {
        split_row(g, l, part, unsplit, line + part * l.phase);
      }
    }
    for (std::int32_t of_class = 0; of_class < t.classes; ++of_class) {
      for (std::int32_t kx = 0; kx < g.kernel_width; ++kx, copy += t.plane) {
        const float* from = lines + of_class * l.pitch + kx % g.stride * l.phase + kx / g.stride;
        if (g.stride == 1) from = lines + of_class * l.pitch + kx;
        float* to = copy;
        for (std::int32_t row = 0; row < plane_rows; ++row, from += l.pitch * g.stride, to += t.pitch) {
          for (std::int32_t x = 0; x < g.out_width; x += kLanes) store(to + x, load(from + x));
        }
      }
    }
  }
}

}  // namespace
}  // namespace sparsemark::SPARSEMARK_ISA
