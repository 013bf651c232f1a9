// spmm on dense: a packed, register-blocked GEMM, the baseline that the sparse kernels have to beat.
//
// plan() packs A (the weights) into panels of kRows rows: panel p holds, for each of the k columns of A, the
// kRows values of rows p * kRows ... . run() packs B block by block into slivers of kWidth columns and
// multiplies panel by sliver in registers.
#include "dense_tiles.h"

namespace sparsemark::SPARSEMARK_ISA {
namespace {

#ifndef SLIVERS
#define SLIVERS 4
#endif
constexpr int kSlivers = SLIVERS;
constexpr int kLine = 16;
constexpr std::int32_t kMaxDepth = 384;
constexpr std::int64_t kResidentBytes = 1 << 20;

// Depth of a block of k, all blocks of about the same depth.
std::int32_t depth_of(std::int32_t k) {
  const std::int32_t blocks = (k + kMaxDepth - 1) / kMaxDepth;
  return blocks == 0 ? 0 : (k + blocks - 1) / blocks;
}

bool fits(const Encoded& a) { return static_cast<std::int64_t>(a.rows) * a.cols * 4 <= kResidentBytes; }

std::int32_t block_columns(const Encoded& a, std::int32_t n) {
  if (fits(a)) return kSlivers * kWidth;
  const std::int64_t depth = depth_of(a.cols);
  std::int64_t slivers = kResidentBytes / (depth * kWidth * 4 + 1);
  const std::int64_t all = (n + kWidth - 1) / kWidth;
  if (slivers > all) slivers = all;
  if (slivers < 1) slivers = 1;
  return static_cast<std::int32_t>(slivers * kWidth);
}

// Rows of a panel of the packed A.
std::int32_t panel_rows(std::int32_t n) { return n <= kMaxSlim ? slim_vecs(n) * kLanes : kRows; }

std::int64_t plan_bytes(const Encoded& a, std::int32_t n) {
  const std::int64_t rows = panel_rows(n);
  // A tail reads whole vectors of rows: up to that much beyond the last step.
  return ((a.rows + rows - 1) / rows * rows * a.cols + kPanelVecs * kLanes) * 4;
}

void plan(const Encoded& a, std::int32_t n, void* storage) {
  float* out = static_cast<float*>(storage);
  const std::size_t cols = static_cast<std::size_t>(a.cols);
  const std::int32_t rows = panel_rows(n);
  for (std::int32_t row = 0; row < a.rows; row += rows) {
    for (std::size_t j = 0; j < cols; ++j) {
      for (std::int32_t r = row; r < row + rows; ++r) {
        *out++ = r < a.rows ? a.values[static_cast<std::size_t>(r) * cols + j] : 0.0f;
      }
    }
  }
}

std::int64_t scratch_bytes(const Encoded& a, std::int32_t n) {
  return n <= kMaxSlim ? 0 : static_cast<std::int64_t>(depth_of(a.cols)) * block_columns(a, n) * 4;
}

// The last, partial sliver: depth rows x columns of b.
void pack_edge(const float* b, std::size_t stride, std::int32_t depth, int columns, float* out) {
  for (std::int32_t p = 0; p < depth; ++p) {
    for (int v = 0; v * kLanes < columns; ++v) {
      store(out + v * kLanes, load_first(b + v * kLanes, columns - v * kLanes));
    }
    b += stride;
    out += kWidth;
  }
}

void run_slim(const Operands& o, const Shard& s) {
  const Encoded& a = *o.a;
  const std::int32_t rows = panel_rows(o.n);
  Slim t;
  t.b = o.b;
  t.b_stride = static_cast<std::size_t>(o.n);
  t.c_stride = t.b_stride;
  t.depth = a.cols;
  t.add = false;
  for (std::int32_t row = s.unit_begin / rows * rows; row < s.unit_end; row += rows) {
    t.a =
        static_cast<const float*>(o.plan) + static_cast<std::size_t>(row) * static_cast<std::size_t>(a.cols);
    t.c = o.c + static_cast<std::size_t>(row) * t.c_stride;
    t.skip = s.unit_begin > row ? s.unit_begin - row : 0;
    t.rows = s.unit_end - row < rows ? s.unit_end - row : rows;
    kSlims.of[o.n](t);
  }
}

void run(const Operands& o, const Shard& s) noexcept {
  if (o.n <= kMaxSlim) {
    if (o.n > 0) run_slim(o, s);
    return;
  }
  const Encoded& a = *o.a;
  const float* packed_a = static_cast<const float*>(o.plan);
  float* packed_b = static_cast<float*>(o.scratch);
  const std::size_t n = static_cast<std::size_t>(o.n);
  const std::size_t k = static_cast<std::size_t>(a.cols);
  const std::int32_t max_depth = depth_of(a.cols);
  const std::int32_t width = block_columns(a, o.n);
  const bool resident = fits(a);
  for (std::int32_t block = s.col_begin; block < s.col_end; block += width) {
    const std::int32_t columns = s.col_end - block < width ? s.col_end - block : width;
    std::int32_t first = 0;
    do {
      const std::int32_t depth = a.cols - first < max_depth ? a.cols - first : max_depth;
      const float* b = o.b + static_cast<std::size_t>(first) * n + static_cast<std::size_t>(block);
      const std::int32_t edge = columns % kWidth;
      if (edge > 0) {
        const std::int32_t col = columns - edge;
        pack_edge(b + col, n, depth, edge,
                  packed_b + static_cast<std::size_t>(col) * static_cast<std::size_t>(depth));
      }
      // Where the next block to be packed begins.
      const float* next_b = nullptr;
      if (first + depth < a.cols) {
        next_b = b + static_cast<std::size_t>(depth) * n;
      } else if (block + width < s.col_end) {
        next_b = o.b + block + width;
      }
      std::int32_t line = 0;
      for (std::int32_t row = s.unit_begin; row < s.unit_end;) {
        const std::int32_t inside = row % kRows;
        std::int32_t rows = kRows - inside;
        if (rows > s.unit_end - row) rows = s.unit_end - row;
        Tile t;
        t.a = packed_a + static_cast<std::size_t>(row / kRows) * kRows * k +
              static_cast<std::size_t>(first) * kRows + inside;
        t.c_stride = n;
        t.depth = depth;
        t.add = first > 0;
        for (std::int32_t col = 0; col < columns; col += kWidth) {
          const std::int32_t left = columns - col < kWidth ? columns - col : kWidth;
          const std::int32_t tail = left % kLanes <= kMaxTail ? left % kLanes : 0;
          const std::int32_t vecs = (left - tail + kLanes - 1) / kLanes;
          float* sliver = packed_b + static_cast<std::size_t>(col) * static_cast<std::size_t>(depth);
          t.c = o.c + static_cast<std::size_t>(row) * n + static_cast<std::size_t>(block + col);
          t.last = left - tail - (vecs - 1) * kLanes;
          t.next = t.a;
          t.next_stride = 0;
          if (!resident) {
            if (col == 0 && row + rows < s.unit_end) {
              t.next = t.a - inside + kRows * k;
              t.next_stride = kRows;
            }
          } else if (next_b != nullptr && line * kLine < width) {
            t.next = next_b + line * kLine;
            t.next_stride = n;
            ++line;
          }
          if (row == s.unit_begin && left == kWidth) {
            t.b = b + col;
            t.b_stride = n;
            t.pack = sliver;
            kTable.packing[rows - 1](t);
          } else if (vecs > 0) {
            t.b = sliver;
            kTable.packed[rows - 1][vecs - 1](t);
          }
          if (tail > 0) {
            const Slim slim = {t.a,  sliver + vecs * kLanes, kWidth, t.c + vecs * kLanes, n, depth, 0, rows,
                               t.add};
            kTails.of[tail](slim);
          }
        }
        row += rows;
      }
      first += depth;
    } while (first < a.cols);
  }
}

}  // namespace

extern const Kernel spmm_dense = {"spmm",        "dense", "dense",    SPARSEMARK_ISA_NAME,
                                  Split::kUnits, true,    plan_bytes, plan,
                                  scratch_bytes, nullptr, run};

}  // namespace sparsemark::SPARSEMARK_ISA
