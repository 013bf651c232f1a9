// spmm_t on csc: the columns of A are the rows of A^T, so that this is spmm on csr. Where B leaves L1 and
// columns are long, a block of rows of B at a time: copied, so that its vectors lie on lines and in L1 while
// all columns of A pass by; sums are added to in C. plan() writes where in each column the blocks begin. On
// Zen 3 (AVX2), over B as it lies in L2: 3.0 times the rate for A 3072 x 768, n = 128 at density 0.5, 1.9 at
// 0.2 and 1.1 at 0.05; 1.4, 1.4 and 1.0 for 512 x 2048 and 1024 x 1024, n = 49, where no row of B lies on
// lines. Blocks of 20 KiB ran at 0.5 to 1.0 of the rate of these, of 14 KiB at 0.45 to 1.0. At density 0.5
// that is 0.85 to 1.25 of our dense kernel, at 0.2 2.0 to 2.8: a row of B is loaded for each FMA, which dense
// tiles spare.
#include "row_panels.h"
#include "unrolled.h"

namespace sparsemark::SPARSEMARK_ISA {
namespace {

constexpr int kMost = RowPanel<false>::kMost;

// A block of a column costs a load and a store of the sums of a panel, and a loop whose end is not foreseen.
constexpr std::int64_t kLeastOfBlock = 8;

// Narrower panels lost: 3072 columns x 32 at density 0.5 and 0.05 ran at 0.7 of the rate.
constexpr int kLeastVectors = 5;

struct Blocks {
  std::int32_t count;
  std::int32_t rows;  // of B
};

Blocks blocks_of(const Encoded& a, std::int32_t n) {
  const int vectors = even_width(n, kLanes, kMost);
  if (vectors < kLeastVectors) return {1, a.rows};
  const std::int32_t row_bytes = vectors * kLanes * 4;
  const std::int32_t most = static_cast<std::int32_t>(kL1Bytes) / row_bytes;
  const std::int32_t count = (a.rows + most - 1) / most;
  if (count <= 1 || a.nnz < kLeastOfBlock * count * a.units) return {1, a.rows};
  return {count, (a.rows + count - 1) / count};
}

std::int64_t plan_bytes(const Encoded& a, std::int32_t n) {
  const Blocks blocks = blocks_of(a, n);
  return blocks.count == 1 ? 0 : (blocks.count + 1LL) * a.units * 4;
}

void plan(const Encoded& a, std::int32_t n, void* storage) {
  const Blocks blocks = blocks_of(a, n);
  if (blocks.count == 1) return;
  std::int32_t* begins = static_cast<std::int32_t*>(storage);
  const std::size_t columns = static_cast<std::size_t>(a.units);
  for (std::size_t column = 0; column < columns; ++column) {
    std::int32_t p = a.offsets[column];
    for (std::int32_t block = 0; block <= blocks.count; ++block) {
      while (p < a.offsets[column + 1] && a.indices[p] < block * blocks.rows) ++p;
      begins[static_cast<std::size_t>(block) * columns + column] = p;
    }
  }
}

std::int64_t scratch_bytes(const Encoded& a, std::int32_t n) {
  const Blocks blocks = blocks_of(a, n);
  return blocks.count == 1
             ? 0
             : static_cast<std::int64_t>(blocks.rows) * even_width(n, kLanes, kMost) * kLanes * 4;
}

struct BlockedPanel {
  static constexpr int kMost = RowPanel<false>::kMost;

  template <int V, bool kTail>
  static void panel(const Operands& o, const Shard& s, std::int32_t col, int last) {
    const Encoded& a = *o.a;
    const Blocks blocks = blocks_of(a, o.n);
    const std::size_t n = static_cast<std::size_t>(o.n);
    const std::size_t columns = static_cast<std::size_t>(a.units);
    const std::int32_t* begins = static_cast<const std::int32_t*>(o.plan);
    float* tile = static_cast<float*>(o.scratch);
    for (std::int32_t first = 0; first < a.rows; first += blocks.rows, begins += columns) {
      const std::int32_t rows = a.rows - first < blocks.rows ? a.rows - first : blocks.rows;
      copy_rows<V, kTail>(o.b + static_cast<std::size_t>(first) * n + col, n, rows, last, tile);
      float* out = o.c + static_cast<std::size_t>(s.unit_begin) * n + col;
      for (std::int32_t i = s.unit_begin; i < s.unit_end; ++i, out += n) {
        const std::size_t at = static_cast<std::size_t>(i);
        add_column<V, kTail>(a, begins[at], begins[columns + at], first, tile, out, last);
      }
    }
  }

  // Rows of B to whole vectors; columns beyond the last are 0.
  template <int V, bool kTail>
  static void copy_rows(const float* b, std::size_t n, std::int32_t rows, int last, float* tile) {
    for (std::int32_t row = 0; row < rows; ++row, b += n, tile += V * kLanes) {
      unrolled<V>([&](auto v) __attribute__((always_inline)) {
        store(tile + v.value * kLanes, load_part<V, kTail>(b, v.value, last));
      });
    }
  }

  // Nonzeros [begin, end) of a column, all in the block whose first row of B is `first`.
  template <int V, bool kTail>
  static void add_column(const Encoded& a, std::int32_t begin, std::int32_t end, std::int32_t first,
                         const float* tile, float* out, int last) {
    Vec sums[V];
    unrolled<V>([&](auto v) __attribute__((always_inline)) {
      sums[v.value] = first == 0 ? zero() : load_part<V, kTail>(out, v.value, last);
    });
    for (std::int32_t p = begin; p < end; ++p) {
      const Vec value = broadcast(a.values[p]);
      const float* row = tile + static_cast<std::size_t>(a.indices[p] - first) * (V * kLanes);
      unrolled<V>([&](auto v) __attribute__((always_inline)) {
        sums[v.value] = fma(value, load(row + v.value * kLanes), sums[v.value]);
      });
    }
    unrolled<V>([&](auto v) __attribute__((always_inline)) {
      store_part<V, kTail>(out, v.value, sums[v.value], last);
    });
  }
};

void run(const Operands& o, const Shard& s) noexcept {
  if (blocks_of(*o.a, o.n).count == 1) return all_panels<RowPanel<false>>(o, s, o.a->rows);
  even_panels<BlockedPanel>(o, s, kMost);
}

void tiling(const Encoded& a, std::int32_t n, char* text) {
  const Blocks blocks = blocks_of(a, n);
  if (blocks.count == 1) {
    say_tiling(text, 1, panel_vectors(a.rows, n, kMost));
    return;
  }
  text = say_tiling(text, 1, even_width(n, kLanes, kMost));
  append(append(append(text, ", "), blocks.rows), " rows of B copied");
}

}  // namespace

extern const Kernel spmm_t_csc = {.op = "spmm_t",
                                  .name = "csc",
                                  .format = "csc",
                                  .isa = SPARSEMARK_ISA_NAME,
                                  .split = Split::kUnits,
                                  .plan_bytes = plan_bytes,
                                  .plan = plan,
                                  .scratch_bytes = scratch_bytes,
                                  .tiling = tiling,
                                  .run = run};

}  // namespace sparsemark::SPARSEMARK_ISA
