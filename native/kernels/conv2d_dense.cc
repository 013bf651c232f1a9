// conv2d on dense, the baseline: the packed GEMM's register tiles (dense_tiles.h) on slivers of the matrix
// that a convolution multiplies with (im2col), which are gathered from the image as they are needed: a block
// of depth x columns at a time, within the evaluation. A is packed as for spmm. A pointwise convolution is
// spmm as it stands.
#include "conv_tile.h"
#include "dense_tiles.h"

namespace sparsemark::SPARSEMARK_ISA {

extern const Kernel spmm_dense;

namespace {

// As in dense_gemm.cc.
constexpr std::int32_t kMaxDepth = 384;
// Half of L2's share: gathered slivers stay there while all of A passes by.
constexpr std::int64_t kBlockBytes = kResidentBytes / 2;

std::int32_t block_depth(const Encoded& a) {
  const std::int32_t blocks = (a.cols + kMaxDepth - 1) / kMaxDepth;
  return (a.cols + blocks - 1) / blocks;
}

// Columns of a block, in whole slivers.
std::int32_t block_columns(const Encoded& a, const Conv& g) {
  const std::int64_t most = kBlockBytes / (static_cast<std::int64_t>(block_depth(a)) * kWidth * 4);
  const std::int64_t all = (static_cast<std::int64_t>(g.out_height) * g.out_width + kWidth - 1) / kWidth;
  return static_cast<std::int32_t>((most < all ? most : all) * kWidth);
}

// A product of so few columns that spmm_dense would pack A in another way has none here.
std::int32_t planned_columns(const Conv& g) {
  const std::int32_t columns = g.out_height * g.out_width;
  return pointwise(g) || columns > kMaxSlim ? columns : kMaxSlim + 1;
}

std::int64_t plan_bytes(const Encoded& a, const Conv& g) {
  return spmm_dense.plan_bytes(a, planned_columns(g));
}

void plan(const Encoded& a, const Conv& g, void* storage) { spmm_dense.plan(a, planned_columns(g), storage); }

std::int64_t scratch_bytes(const Encoded& a, const Conv& g) {
  if (pointwise(g)) return spmm_dense.scratch_bytes(a, planned_columns(g));
  return static_cast<std::int64_t>(block_depth(a)) * block_columns(a, g) * 4;
}

// Outputs [begin, end) of a row of outputs for which column kx of the kernel is inside of the image.
struct Inside {
  std::int32_t begin;
  std::int32_t end;
};
static inline Inside inside_columns(const Conv& g, std::int32_t kx) {
  const std::int32_t before = g.padding - kx;  // columns of zeros before the image
  const std::int32_t begin = before <= 0 ? 0 : (before + g.stride - 1) / g.stride;
  const std::int32_t last = g.width - 1 + before;
  const std::int32_t end = last < 0 ? 0 : last / g.stride + 1;
  const std::int32_t most = end < g.out_width ? end : g.out_width;
  return {begin < most ? begin : most, most};
}

// Columns [col, col + count) of rows [first, first + depth) of what the image is multiplied as, kWidth a row.
void gather_sliver(const Conv& g, const float* image, std::int32_t first, std::int32_t depth,
                   std::int32_t col, std::int32_t count, float* sliver) {
  const std::ptrdiff_t area = static_cast<std::ptrdiff_t>(image_floats(g));
  for (std::int32_t p = first; p < first + depth; ++p, sliver += kWidth) {
    const std::int32_t kx = p % g.kernel_width;
    const std::int32_t ky = p / g.kernel_width % g.kernel_height;
    const float* channel = image + p / g.kernel_width / g.kernel_height * area;
    const Inside inside = inside_columns(g, kx);
    std::int32_t out_row = col / g.out_width;
    std::int32_t x = col % g.out_width;
    for (std::int32_t at = 0; at < count; ++out_row, x = 0) {
      const std::int32_t left = g.out_width - x < count - at ? g.out_width - x : count - at;
      const std::int32_t y = out_row * g.stride + ky - g.padding;
      const bool row_inside = y >= 0 && y < g.height;
      const std::int32_t begin = !row_inside ? x + left : inside.begin < x ? x : inside.begin;
      const std::int32_t end = !row_inside ? x + left : inside.end < x + left ? inside.end : x + left;
      float* to = sliver + at - x;
      for (std::int32_t i = x; i < begin && i < x + left; ++i) to[i] = 0.0f;
      const float* from = channel + static_cast<std::ptrdiff_t>(y) * g.width + kx - g.padding;
      if (g.stride == 1) {
        for (std::int32_t i = begin; i < end; i += kLanes) {
          store_first(to + i, load_first(from + i, end - i), end - i);
        }
      } else {
        for (std::int32_t i = begin; i < end; ++i) to[i] = from[static_cast<std::ptrdiff_t>(i) * g.stride];
      }
      for (std::int32_t i = end > x ? end : x; i < x + left; ++i) to[i] = 0.0f;
      at += left;
    }
    for (std::int32_t at = count; at < kWidth; ++at) sliver[at] = 0.0f;
  }
}

// Columns [col, col + columns) of one image's C, for rows [first, first + depth) of the matrix.
struct Block {
  const float* image;
  float* c;  // of filter 0
  std::int32_t first;
  std::int32_t depth;
  std::int32_t col;
  std::int32_t columns;
};

void multiply_block(const Operands& o, const Shard& s, const Block& block) {
  const Conv& g = *o.conv;
  const std::size_t area = static_cast<std::size_t>(g.out_height) * static_cast<std::size_t>(g.out_width);
  const std::size_t k = static_cast<std::size_t>(o.a->cols);
  const std::size_t depth = static_cast<std::size_t>(block.depth);
  float* packed_b = static_cast<float*>(o.scratch);
  for (std::int32_t col = 0; col < block.columns; col += kWidth) {
    const std::int32_t count = block.columns - col < kWidth ? block.columns - col : kWidth;
    gather_sliver(g, block.image, block.first, block.depth, block.col + col, count,
                  packed_b + static_cast<std::size_t>(col) * depth);
  }
  Tile t;
  t.b_stride = 0;
  t.pack = nullptr;
  t.c_stride = area;
  t.depth = block.depth;
  t.add = block.first > 0;
  std::int32_t rows = 0;
  for (std::int32_t row = s.unit_begin; row < s.unit_end; row += rows) {
    // A shard may begin and end inside a panel.
    const std::int32_t inside = row % kRows;
    rows = kRows - inside < s.unit_end - row ? kRows - inside : s.unit_end - row;
    t.a = static_cast<const float*>(o.plan) + static_cast<std::size_t>(row - inside) * k +
          static_cast<std::size_t>(block.first) * kRows + inside;
    for (std::int32_t col = 0; col < block.columns; col += kWidth) {
      const std::int32_t left = block.columns - col < kWidth ? block.columns - col : kWidth;
      const std::int32_t vecs = (left + kLanes - 1) / kLanes;
      t.b = packed_b + static_cast<std::size_t>(col) * depth;
      t.c = block.c + static_cast<std::size_t>(row) * area + (block.col + col);
      t.last = left - (vecs - 1) * kLanes;
      // The next panel of A, which may stream from far.
      const bool ahead = col == 0 && row + rows < s.unit_end;
      t.next = ahead ? t.a + static_cast<std::size_t>(kRows) * k : t.a;
      t.next_stride = ahead ? kRows : 0;
      kTiles.packed[rows - 1][vecs - 1](t);
    }
  }
}

void run(const Operands& o, const Shard& s) noexcept {
  const Conv& g = *o.conv;
  if (pointwise(g)) return multiply_images(spmm_dense, o, s);
  const Encoded& a = *o.a;
  const std::int32_t area = g.out_height * g.out_width;
  const std::int32_t most = block_depth(a);
  const std::int32_t width = block_columns(a, g);
  Block block;
  for (std::int32_t col = s.col_begin; col < s.col_end; col += block.columns) {
    // Of one image each.
    const std::int32_t image = col / area;
    block.col = col % area;
    block.columns = s.col_end - col < width ? s.col_end - col : width;
    if (block.columns > area - block.col) block.columns = area - block.col;
    const std::size_t at = static_cast<std::size_t>(image);
    block.image = o.b + at * static_cast<std::size_t>(g.channels) * image_floats(g);
    block.c = o.c + at * static_cast<std::size_t>(a.rows) * static_cast<std::size_t>(area);
    for (block.first = 0; block.first < a.cols; block.first += most) {
      block.depth = a.cols - block.first < most ? a.cols - block.first : most;
      multiply_block(o, s, block);
    }
  }
}

void tiling(const Encoded& a, const Conv& g, char* text) {
  if (pointwise(g)) return spmm_dense.tiling(a, planned_columns(g), text);
  text = append(append(text, kRows), " rows x ");
  text = append(append(text, kVecs), " vectors, k ");
  text = append(append(text, block_depth(a)), ", columns ");
  append(text, block_columns(a, g));
}

constexpr ConvPlanning kPlanning = {plan_bytes, plan, scratch_bytes, tiling};

}  // namespace

extern const Kernel conv2d_dense = {.op = "conv2d",
                                    .name = "dense",
                                    .format = "dense",
                                    .isa = SPARSEMARK_ISA_NAME,
                                    .split = Split::kWide,
                                    .dense = true,
                                    .run = run,
                                    .conv = &kPlanning};

}  // namespace sparsemark::SPARSEMARK_ISA
