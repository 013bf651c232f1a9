// Which layout of packed suits a matrix of floats, by its density: plans of the format, as plan.h has those
// of its kernel.
#include "packed.h"

namespace sparsemark::formats {
namespace {

// Columns of a block. A row costs a load and a store of its part of C in each block, so it should have 10
// nonzeros and more there; but the block times the width of the tile in registers has to stay near L1, and
// wide tiles share a value's broadcast. Geomean over 17 layer shapes of the rate, each relative to the best
// of its shape, at sparsity 0.5 / 0.9 / 0.95: 64 columns 0.96 / 0.90 / 0.79, 96 0.97 / 0.94 / 0.87, 128 0.92
// / 0.95 / 0.93, 192 0.88 / 0.95 / 0.96, 256 0.80 / 0.91 / 0.94;
// in groups of at most 255 rows, before sums were held, 4 to 8 vectors. Since, on a Zen 5 and of what the
// rules give: at 0.5 64 columns 1.02, at 0.7 0.95, at 0.8 0.97; 128 columns 0.93, 0.96, 1.01; at 0.9 96
// columns 0.98, 192 1.00, 256 1.01; at 0.95 256 columns are 1.02 of 192, 128 0.97, 384 1.01. It is n = 32
// that gains by wide blocks, 1.13 and 1.17 with 256 at 0.9, and n = 128 that loses as much.
//
// That is for tiles of up to 8 vectors of 16 floats. Where AVX2 is all there is a tile has up to 6 of 8, and
// a row of it three eighths of the bytes. Wider blocks gain on a Zen 3, for n = 8 and 32, 1.20 to 1.24 at
// sparsity 0.9, 1.17 to 1.41 at 0.95, for n = 8 1.19 at 0.8; in geomean of 8 shapes with n from 49 to 3136,
// B copied, 1.05 at 0.8, 1.01 at 0.9, 1.06 at 0.95, 1.05 at 0.98. At 0.5 blocks of 256 run at 0.82 for n
// = 32.
//
// Up to kOneBlock columns are one block where a row has few nonzeros, since C is then written once: at 0.9
// and 0.95 1024 x 256 x 196 runs at 1.07 and 1.18 of two blocks, at 0.8 512 x 128 x 784 at 1.08.
constexpr std::int32_t kOneBlock = 256;
constexpr double kFewOfRow = 32;

std::int32_t block_columns(const Csr& csr, bool narrow) {
  const double density = density_of(csr);
  const struct {
    double density;  // from which on
    std::int32_t of_wide, of_narrow;
  } rules[] = {{0.3, 96, 96}, {0.15, 96, 192}, {0.07, 128, 256}, {0.03, 256, 512}, {0.015, 384, 1024}};
  if (!narrow && csr.cols <= kOneBlock && density * csr.cols <= kFewOfRow)
    return even_columns(csr.cols, kOneBlock);
  for (const auto& rule : rules) {
    if (density >= rule.density) {
      return even_columns(csr.cols, narrow ? rule.of_narrow : rule.of_wide);
    }
  }
  return even_columns(csr.cols, 1024);
}

// 1, 4, 8, 16 and 32 measure the same within 3 %: what chance gives (half of the columns at density 0.5) is
// most of what there is. 8 store 1 % less than 1.
constexpr int kCandidates = 8;

// Rows with fewer nonzeros in a block, by chance, share fewer than the four columns that make a word. On a
// Zen 5, of rows of 24 and more alone: 1.04 at 0.8, 1.02 at 0.7 and 2 to 5 % less memory there, for up to 1.5
// times the encoding; rows of 12 and more, or a search among 64, add 0 to 1 % at 0.9.
constexpr std::int32_t kShareFrom = 16;

}  // namespace

PackedLayout packed_layout(const Csr& csr, bool narrow) {
  return {block_columns(csr, narrow), kCandidates, kShareFrom};
}

}  // namespace sparsemark::formats
