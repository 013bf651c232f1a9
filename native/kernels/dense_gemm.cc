// spmm on dense: a packed, register-blocked GEMM, the baseline that the sparse kernels have to beat.
//
// plan() packs A (the weights) into panels of some rows: for each column of A the panel's values, then the
// next column's. run() walks B in blocks of depth x columns; a block is packed into slivers of kWidth
// columns, and every panel is multiplied by every sliver in registers (dense_tiles.h). What stays in L2:
//
//   A, if it fits        B streams by in blocks of kResidentSlivers slivers; all of k before the next
//   columns, so
//                        that these columns of C stay in cache while they are added to
//   else a block of B    as large as fits; A streams by, once for each block
//
// What streams is prefetched from within the tiles: without that, 3072 x 768 x 32 and 64 x 576 x 3136 reach
// 0.75 of the rate of oneDNN, with it 1.15 and 0.9.
#include <cstdio>

#include "../simd/bf16.h"
#include "dense_tiles.h"
#include "epilogue.h"
#include "scattered.h"

namespace sparsemark::SPARSEMARK_ISA {
namespace {

// Steps of a block: a panel of 14 x 384 floats takes 21 KiB of a 48 KiB L1, one of 6 x 384 takes 9 of 32 KiB.
// 256 and 576 measure the same within 1 %.
constexpr std::int32_t kMaxDepth = 384;
// Columns of C are visited 4 slivers at a time, 512 contiguous bytes with AVX-512; 1 measures the same within
// 1 %.
constexpr std::int32_t kResidentSlivers = 4;
// Floats of a cache line.
constexpr std::int32_t kLine = 16;

// Depth of a block, all blocks of about the same depth.
std::int32_t block_depth(const Encoded& a) {
  const std::int32_t blocks = (a.cols + kMaxDepth - 1) / kMaxDepth;
  return blocks == 0 ? 0 : (a.cols + blocks - 1) / blocks;
}

bool a_stays(const Encoded& a) { return static_cast<std::int64_t>(a.rows) * a.cols * 4 <= kResidentBytes; }

std::int32_t block_columns(const Encoded& a, std::int32_t n) {
  if (a_stays(a)) return kResidentSlivers * kWidth;
  // a is not empty here. kMaxDepth x kWidth floats are far less than kResidentBytes.
  const std::int64_t fitting = kResidentBytes / (static_cast<std::int64_t>(block_depth(a)) * kWidth * 4);
  const std::int64_t all = (n + kWidth - 1) / kWidth;
  return static_cast<std::int32_t>((fitting < all ? fitting : all) * kWidth);
}

// Rows of a panel of the packed A.
std::int32_t panel_rows(std::int32_t n) { return n <= kMaxSlim ? slim_vecs(n) * kLanes : kRows; }

std::int64_t plan_bytes(const Encoded& a, std::int32_t n) {
  const std::int64_t rows = panel_rows(n);
  const std::int64_t panels = (a.rows + rows - 1) / rows;
  // A tail loads whole vectors of rows, from any row of a panel on.
  return (panels * rows * a.cols + kPanelVecs * kLanes) * 4;
}

float value_at(const Encoded& a, std::size_t at) { return a.values[at]; }
float bf16_at(const Encoded& a, std::size_t at) { return widen(a.bytes + 2 * at); }

// kTransposed: a describes A^T, its values lie as those of A. Values of bf16 are widened here, outside of the
// clock: the product, whose limit is the FMAs, is that of floats.
template <bool kTransposed, float (*value)(const Encoded&, std::size_t) = value_at>
void plan(const Encoded& a, std::int32_t n, void* storage) {
  float* out = static_cast<float*>(storage);
  const std::size_t cols = static_cast<std::size_t>(a.cols);
  const std::int32_t rows = panel_rows(n);
  for (std::int32_t row = 0; row < a.rows; row += rows) {
    for (std::size_t j = 0; j < cols; ++j) {
      for (std::int32_t r = row; r < row + rows; ++r) {
        const std::size_t row_of_a = static_cast<std::size_t>(r);
        const std::size_t at =
            kTransposed ? j * static_cast<std::size_t>(a.rows) + row_of_a : row_of_a * cols + j;
        *out++ = r < a.rows ? value(a, at) : 0.0f;
      }
    }
  }
}

// A block of B, packed.
std::int64_t scratch_bytes(const Encoded& a, std::int32_t n) {
  return n <= kMaxSlim ? 0 : static_cast<std::int64_t>(block_depth(a)) * block_columns(a, n) * 4;
}

void tiling(const Encoded& a, std::int32_t n, char* text) {
  if (n <= kMaxSlim) {
    std::snprintf(text, 128, "%d vectors of rows x %d columns", slim_vecs(n), n);
  } else {
    std::snprintf(text, 128, "rows %d x %d vectors, k %d, columns %d, %s in L2", kRows, kVecs, block_depth(a),
                  block_columns(a, n), a_stays(a) ? "A" : "B");
  }
}

// The last, partial sliver of a block: depth rows of some columns of b.
void pack_edge(const float* b, std::size_t stride, std::int32_t depth, std::int32_t columns, float* out) {
  for (std::int32_t p = 0; p < depth; ++p) {
    for (int v = 0; v * kLanes < columns; ++v) {
      store(out + v * kLanes, load_first(b + v * kLanes, columns - v * kLanes));
    }
    b += stride;
    out += kWidth;
  }
}

struct Block {
  std::int32_t first;  // of its rows of B
  std::int32_t depth;
  std::int32_t col;
  std::int32_t columns;
  const float* next;  // where the next block of B begins; nullptr: not to be prefetched
};

// Bias and ReLU, for the shard's rows and some columns of C that were just written.
void finish(const Operands& o, const Shard& s, std::int32_t col, std::int32_t columns) {
  if (o.b2 == nullptr) return;
  for (std::int32_t row = s.unit_begin; row < s.unit_end; ++row) {
    add_bias_relu(o.c + static_cast<std::size_t>(row) * static_cast<std::size_t>(o.n) + col, columns,
                  o.b2[row]);
  }
}

// Columns of C under the block += the shard's rows of A x the block; = for the first rows of B.
void multiply_block(const Operands& o, const Shard& s, const Block& block) {
  const std::size_t n = static_cast<std::size_t>(o.n);
  const std::size_t k = static_cast<std::size_t>(o.a->cols);
  const std::size_t depth = static_cast<std::size_t>(block.depth);
  const float* packed_a = static_cast<const float*>(o.plan);
  float* packed_b = static_cast<float*>(o.scratch);
  const float* b = o.b + static_cast<std::size_t>(block.first) * n + block.col;
  if (const std::int32_t edge = block.columns % kWidth; edge > 0) {
    const std::int32_t col = block.columns - edge;
    pack_edge(b + col, n, block.depth, edge, packed_b + static_cast<std::size_t>(col) * depth);
  }
  Tile t;
  t.b_stride = n;
  t.c_stride = n;
  t.depth = block.depth;
  t.add = block.first > 0;
  std::int32_t line = 0;  // of the next block, the next to be prefetched
  std::int32_t rows = 0;
  for (std::int32_t row = s.unit_begin; row < s.unit_end; row += rows) {
    // A shard may begin and end inside a panel.
    const std::int32_t inside = row % kRows;
    rows = kRows - inside < s.unit_end - row ? kRows - inside : s.unit_end - row;
    t.a = packed_a + static_cast<std::size_t>(row - inside) * k +
          static_cast<std::size_t>(block.first) * kRows + inside;
    for (std::int32_t col = 0; col < block.columns; col += kWidth) {
      const std::int32_t left = block.columns - col < kWidth ? block.columns - col : kWidth;
      const std::int32_t tail = left % kLanes <= kMaxTail ? left % kLanes : 0;
      const std::int32_t vecs = (left - tail + kLanes - 1) / kLanes;
      float* sliver = packed_b + static_cast<std::size_t>(col) * depth;
      t.c = o.c + static_cast<std::size_t>(row) * n + (block.col + col);
      t.last = left - tail - (vecs - 1) * kLanes;
      t.next = t.a;  // nothing to prefetch: a line that is at hand
      t.next_stride = 0;
      if (block.next == nullptr && col == 0 && row + rows < s.unit_end) {
        t.next = t.a + static_cast<std::size_t>(kRows) * k;
        t.next_stride = kRows;
      } else if (block.next != nullptr && line < block.columns) {
        t.next = block.next + line;
        t.next_stride = n;
        line += kLine;
      }
      if (row == s.unit_begin && left == kWidth) {
        t.b = b + col;
        t.pack = sliver;
        kTiles.packing[rows - 1](t);
      } else if (vecs > 0) {
        t.b = sliver;
        kTiles.packed[rows - 1][vecs - 1](t);
      }
      if (tail > 0) {
        const Slim slim = {t.a,  sliver + vecs * kLanes, kWidth, t.c + vecs * kLanes, n, t.depth, 0, rows,
                           t.add};
        kTails.of[tail](slim);
      }
    }
  }
}

void run_slim(const Operands& o, const Shard& s) {
  const std::int32_t rows = panel_rows(o.n);
  Slim t;
  t.b = o.b;
  t.b_stride = static_cast<std::size_t>(o.n);
  t.c_stride = t.b_stride;
  t.depth = o.a->cols;
  t.add = false;
  for (std::int32_t row = s.unit_begin / rows * rows; row < s.unit_end; row += rows) {
    t.a = static_cast<const float*>(o.plan) +
          static_cast<std::size_t>(row) * static_cast<std::size_t>(o.a->cols);
    t.c = o.c + static_cast<std::size_t>(row) * t.c_stride;
    t.skip = s.unit_begin > row ? s.unit_begin - row : 0;
    t.rows = s.unit_end - row < rows ? s.unit_end - row : rows;
    kSlims.of[o.n](t);
  }
  finish(o, s, 0, o.n);
}

void run(const Operands& o, const Shard& s) noexcept {
  if (o.n == 0) return;
  if (o.n <= kMaxSlim) return run_slim(o, s);
  const Encoded& a = *o.a;
  const std::int32_t most = block_depth(a);
  const std::int32_t width = block_columns(a, o.n);
  const bool stream_b = a_stays(a);
  for (std::int32_t col = s.col_begin; col < s.col_end; col += width) {
    std::int32_t first = 0;
    do {  // once for k = 0 too: C is to be zero
      Block block;
      block.first = first;
      block.depth = a.cols - first < most ? a.cols - first : most;
      block.col = col;
      block.columns = s.col_end - col < width ? s.col_end - col : width;
      block.next = nullptr;
      first += block.depth;
      if (stream_b && first < a.cols) {
        block.next = o.b + static_cast<std::size_t>(first) * static_cast<std::size_t>(o.n) + col;
      } else if (stream_b && col + width < s.col_end) {
        block.next = o.b + col + width;
      }
      multiply_block(o, s, block);
    } while (first < a.cols);
    finish(o, s, col, s.col_end - col < width ? s.col_end - col : width);
  }
}

// A^T as a matrix of its own; its values still lie as those of A.
Encoded transposed(const Encoded& a) {
  Encoded turned = a;
  turned.rows = a.cols;
  turned.cols = a.rows;
  return turned;
}

std::int64_t plan_bytes_t(const Encoded& a, std::int32_t n) { return plan_bytes(transposed(a), n); }
void plan_t(const Encoded& a, std::int32_t n, void* storage) { plan<true>(transposed(a), n, storage); }
std::int64_t scratch_bytes_t(const Encoded& a, std::int32_t n) { return scratch_bytes(transposed(a), n); }
void tiling_t(const Encoded& a, std::int32_t n, char* text) { tiling(transposed(a), n, text); }

// Threads share out columns: units are rows of A, which C has none of.
void run_t(const Operands& o, const Shard& s) noexcept {
  const Encoded turned = transposed(*o.a);
  Operands operands = o;
  operands.a = &turned;
  Shard shard = s;
  shard.unit_begin = 0;
  shard.unit_end = turned.rows;
  if (shard.col_begin < shard.col_end) run(operands, shard);
}

// B made dense behind the block that GEMM packs, inside the evaluation.
std::int64_t scratch_bytes_sparse(const Encoded& a, std::int32_t n) {
  const std::int64_t block = (scratch_bytes(a, n) + 63) / 64 * 64;
  return block + static_cast<std::int64_t>(a.cols) * n * 4;
}

void run_sparse(const Operands& o, const Shard& s) noexcept {
  const std::int64_t block = (scratch_bytes(*o.a, o.n) + 63) / 64 * 64;
  float* b = reinterpret_cast<float*>(static_cast<std::uint8_t*>(o.scratch) + block);
  scatter(*o.sparse_b, b);
  Operands operands = o;
  operands.b = b;
  run(operands, s);
}

}  // namespace

extern const Kernel spmm_dense = {.op = "spmm",
                                  .name = "dense",
                                  .format = "dense",
                                  .isa = SPARSEMARK_ISA_NAME,
                                  .split = Split::kUnits,
                                  .dense = true,
                                  .plan_bytes = plan_bytes,
                                  .plan = plan<false>,
                                  .scratch_bytes = scratch_bytes,
                                  .tiling = tiling,
                                  .run = run};
extern const Kernel spmm_dense_bf16 = {.op = "spmm",
                                       .name = "dense",
                                       .format = "dense",
                                       .isa = SPARSEMARK_ISA_NAME,
                                       .split = Split::kUnits,
                                       .dense = true,
                                       .plan_bytes = plan_bytes,
                                       .plan = plan<false, bf16_at>,
                                       .scratch_bytes = scratch_bytes,
                                       .tiling = tiling,
                                       .run = run,
                                       .dtype = "bf16"};
extern const Kernel spmm_bias_relu_dense = {.op = "spmm_bias_relu",
                                            .name = "dense",
                                            .format = "dense",
                                            .isa = SPARSEMARK_ISA_NAME,
                                            .split = Split::kUnits,
                                            .dense = true,
                                            .plan_bytes = plan_bytes,
                                            .plan = plan<false>,
                                            .scratch_bytes = scratch_bytes,
                                            .tiling = tiling,
                                            .run = run};
extern const Kernel spmm_t_dense = {.op = "spmm_t",
                                    .name = "dense",
                                    .format = "dense",
                                    .isa = SPARSEMARK_ISA_NAME,
                                    .split = Split::kColumns,
                                    .dense = true,
                                    .plan_bytes = plan_bytes_t,
                                    .plan = plan_t,
                                    .scratch_bytes = scratch_bytes_t,
                                    .tiling = tiling_t,
                                    .run = run_t};
// One thread: each would make its own dense B.
extern const Kernel spmspm_dense = {.op = "spmspm",
                                    .name = "dense",
                                    .format = "dense",
                                    .isa = SPARSEMARK_ISA_NAME,
                                    .split = Split::kNone,
                                    .dense = true,
                                    .plan_bytes = plan_bytes,
                                    .plan = plan<false>,
                                    .scratch_bytes = scratch_bytes_sparse,
                                    .tiling = tiling,
                                    .run = run_sparse};

}  // namespace sparsemark::SPARSEMARK_ISA
