// sddmm by the dense product X Y^T, from which the nonzeros are picked: the baseline. Its format is csr,
// since a dense A does not say which of its zeros are stored; it computes every product all the same.
//
// X Y^T is made in tiles of kRows x kWidth (dense_tiles.h), kPicked of them side by side in L1, from which
// the nonzeros are picked at once. Both operands are activations: they are packed inside of the clock, Y in
// blocks of columns that stay in L2.
#include "dense_tiles.h"
#include "panel.h"
#include "transposed.h"

namespace sparsemark::SPARSEMARK_ISA {
namespace {

// Tiles side by side: where a row's nonzeros in them end is a branch that is predicted wrongly. 8 instead of
// 1 run at 1.15 to 1.4 of the rate, 512 x 2048 x 128 and 1024 x 1024 x 64 at densities 0.1 and 0.2.
constexpr int kPicked = 8;
constexpr int kPickedWidth = kPicked * kWidth;

std::int64_t slivers_of(const Encoded& a) {
  return (static_cast<std::int64_t>(a.cols) + kWidth - 1) / kWidth;
}

// Slivers of kWidth rows of Y a block; blocks of about the same size.
std::int64_t block_slivers(const Encoded& a, std::int32_t n) {
  const std::int64_t all = slivers_of(a);
  const std::int64_t fitting = kResidentBytes / (static_cast<std::int64_t>(kWidth) * 4 * (n < 1 ? 1 : n));
  const std::int64_t most = fitting < 1 ? 1 : fitting;
  const std::int64_t blocks = (all + most - 1) / most;
  return blocks == 0 ? 1 : (all + blocks - 1) / blocks;
}

// Where in the scratch, in floats, what lies: a block of Y, a panel of X, the tiles at hand, and for each row
// of A its next nonzero.
struct Places {
  std::size_t x, tile, next, end;
};

Places places_of(const Encoded& a, std::int32_t n) {
  const auto lines = [](std::int64_t floats) { return static_cast<std::size_t>((floats + 15) / 16 * 16); };
  Places at;
  at.x = lines(block_slivers(a, n) * kWidth * n);
  at.tile = at.x + lines(static_cast<std::int64_t>(kRows) * n);
  at.next = at.tile + lines(kRows * kPickedWidth);
  at.end = at.next + lines(a.rows);
  return at;
}

std::int64_t scratch_bytes(const Encoded& a, std::int32_t n) {
  return static_cast<std::int64_t>(places_of(a, n).end) * 4;
}

void tiling(const Encoded& a, std::int32_t n, char* text) {
  text = append(append(text, kRows), " rows x ");
  text = append(append(text, kVecs), " vectors, blocks of ");
  append(append(text, static_cast<int>(block_slivers(a, n) * kWidth)), " columns");
}

void run(const Operands& o, const Shard& s) noexcept {
  const Encoded& a = *o.a;
  const std::size_t n = static_cast<std::size_t>(o.n);
  const Places at = places_of(a, o.n);
  float* y = static_cast<float*>(o.scratch);
  float* x = y + at.x;
  float* tile = y + at.tile;
  std::int32_t* next = reinterpret_cast<std::int32_t*>(y + at.next);
  for (std::int32_t i = s.unit_begin; i < s.unit_end; ++i) next[i] = a.offsets[i];
  Tile t;
  t.a = x;
  t.c_stride = kPickedWidth;
  t.depth = o.n;
  t.last = kLanes;
  t.add = false;
  t.next = x;  // nothing to prefetch: a line that is at hand
  t.next_stride = 0;
  const std::int32_t width = static_cast<std::int32_t>(block_slivers(a, o.n)) * kWidth;
  for (std::int32_t first = 0; first < a.cols; first += width) {
    const std::int32_t end = a.cols - first < width ? a.cols : first + width;
    for (std::int32_t col = first; col < end; col += kWidth) {
      pack_transposed(o.b2 + static_cast<std::size_t>(col) * n, end - col < kWidth ? end - col : kWidth, n,
                      kWidth, 1.0f, y + static_cast<std::size_t>(col - first) * n);
    }
    for (std::int32_t row = s.unit_begin; row < s.unit_end; row += kRows) {
      const std::int32_t rows = s.unit_end - row < kRows ? s.unit_end - row : kRows;
      pack_transposed(o.b + static_cast<std::size_t>(row) * n, rows, n, kRows, 1.0f, x);
      for (std::int32_t col = first; col < end; col += kPickedWidth) {
        const std::int32_t picked = end - col < kPickedWidth ? end - col : kPickedWidth;
        for (std::int32_t at_col = 0; at_col < picked; at_col += kWidth) {
          t.b = y + static_cast<std::size_t>(col - first + at_col) * n;
          t.c = tile + at_col;
          kTiles.packed[rows - 1][kVecs - 1](t);
        }
        for (std::int32_t r = 0; r < rows; ++r) {
          const float* products = tile + r * kPickedWidth;
          const std::int32_t row_end = a.offsets[row + r + 1];
          std::int32_t p = next[row + r];
          for (; p < row_end && a.indices[p] - col < picked; ++p) o.c[p] = products[a.indices[p] - col];
          next[row + r] = p;
        }
      }
    }
  }
}

}  // namespace

extern const Kernel sddmm_dense = {.op = "sddmm",
                                   .name = "dense",
                                   .format = "csr",
                                   .isa = SPARSEMARK_ISA_NAME,
                                   .split = Split::kUnits,
                                   .dense = true,
                                   .scratch_bytes = scratch_bytes,
                                   .tiling = tiling,
                                   .run = run};

}  // namespace sparsemark::SPARSEMARK_ISA
