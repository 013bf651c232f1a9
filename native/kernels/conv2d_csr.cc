// conv2d on csr: for each tile of outputs, all channels of the input are copied (conv_tile.h), then one
// filter at a time, up to 8 vectors of outputs in registers. A pointwise convolution is spmm as it stands.
#include "conv_copy.h"
#include "pairs.h"

namespace sparsemark::SPARSEMARK_ISA {

extern const Kernel spmm_csr;

namespace {

// The copy of a tile stays in L2, of which C, A and the image take the rest.
constexpr std::int64_t kTileBytes = 512 * 1024;

ConvTile tile_of(const Encoded& a, const Conv& g) { return plan_tile(a, g, g.channels, kTileBytes, 0, 0); }

std::int64_t plan_bytes(const Encoded& a, const Conv& g) { return pointwise(g) ? 0 : a.nnz * 4LL; }

// Where each nonzero's column begins in a tile.
void plan(const Encoded& a, const Conv& g, void* storage) {
  if (pointwise(g)) return;
  const ConvTile t = tile_of(a, g);
  std::int32_t* offsets = static_cast<std::int32_t*>(storage);
  for (std::int32_t p = 0; p < a.nnz; ++p) offsets[p] = column_offset(g, t, 0, a.indices[p]);
}

std::int64_t scratch_bytes(const Encoded& a, const Conv& g) {
  return pointwise(g) ? 0 : tile_floats(g, tile_of(a, g), g.channels) * 4;
}

struct Body {
  static constexpr int kMost = 8;
  const Operands& o;
  const Shard& s;
  const ConvTile& t;
  std::int32_t rows;
  float* c;  // of filter 0, the tile's first output
  std::size_t area;

  template <int V>
  void panel(std::int32_t first) {
    const Encoded& a = *o.a;
    const std::int32_t* columns = static_cast<const std::int32_t*>(o.plan);
    const Outputs<V> outputs = panel_outputs<V>(*o.conv, t, rows, first);
    const float* copy = static_cast<const float*>(o.scratch) + first * kLanes;
    alignas(kAlignment) float sums[V * kLanes];
    for (std::int32_t i = s.unit_begin; i < s.unit_end; ++i) {
      const std::int32_t begin = a.offsets[i];
      combine_rows<V, false>(a.values + begin, columns + begin, a.offsets[i + 1] - begin, copy, 1, sums,
                             kLanes);
      float* out = c + static_cast<std::size_t>(i) * area;
      for (int v = 0; v < V; ++v) store_outputs<V>(outputs, v, out, load(sums + v * kLanes));
    }
  }
};

void run(const Operands& o, const Shard& s) noexcept {
  const Conv& g = *o.conv;
  if (pointwise(g)) return multiply_images(spmm_csr, o, s);
  const ConvTile t = tile_of(*o.a, g);
  const std::size_t area = static_cast<std::size_t>(g.out_height) * static_cast<std::size_t>(g.out_width);
  all_tiles(g, t, s, [&](std::int32_t image, std::int32_t out_row, std::int32_t rows) {
    fill_tile(g, t,
              o.b + static_cast<std::size_t>(image) * static_cast<std::size_t>(g.channels) * image_floats(g),
              0, g.channels, out_row, rows, static_cast<float*>(o.scratch));
    float* c = o.c + static_cast<std::size_t>(image) * static_cast<std::size_t>(o.a->rows) * area +
               out_row * g.out_width;
    Body body = {o, s, t, rows, c, area};
    panels_of_tile(body, tile_vectors(g, t, rows), Body::kMost);
  });
}

void tiling(const Encoded& a, const Conv& g, char* text) {
  if (pointwise(g)) return spmm_csr.tiling(a, g.out_height * g.out_width, text);
  const ConvTile t = tile_of(a, g);
  say_tile(g, t, text);
}

constexpr ConvPlanning kPlanning = {plan_bytes, plan, scratch_bytes, tiling};

}  // namespace

extern const Kernel conv2d_csr = {.op = "conv2d",
                                  .name = "csr",
                                  .format = "csr",
                                  .isa = SPARSEMARK_ISA_NAME,
                                  .split = Split::kWide,
                                  .run = run,
                                  .conv = &kPlanning};

}  // namespace sparsemark::SPARSEMARK_ISA
