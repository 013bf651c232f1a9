// spmm on sell-16-128x64, a row of a window in one block of columns after the other, its entries 16 apart; C
// is added to in cache. The format is made for spmv; this is for a workload of several columns that shares
// its weights with one of a single column. Eight columns one after the other, each as spmv does it, ran at
// 0.76 (density 0.5) and 0.86 (0.35) of packed on a Zen 5, 3072 x 768 x 8.
#include "panel.h"

namespace sparsemark::SPARSEMARK_ISA {
namespace {

constexpr int kHeight = 16;
constexpr int kWindow = 128;
constexpr int kBlock = 64;

struct Body {
  static constexpr int kMost = 4;

  // A window's rows in one block; values and columns move on to the next.
  template <int V, bool kTail>
  static void block_rows(std::int32_t rows, bool first, const float*& values, const std::uint8_t*& bytes,
                         const float* b, std::size_t n, float* out, int last) {
    const int slices = (rows + kHeight - 1) / kHeight;
    const std::uint8_t* places = bytes;
    const std::uint8_t* widths = places + slices * kHeight;
    const std::uint8_t* columns = widths + slices;
    int begins[kWindow / kHeight + 1] = {};
    for (int slice = 0; slice < slices; ++slice) {
      begins[slice + 1] = begins[slice] + widths[slice] * kHeight;
    }
    for (std::int32_t r = 0; r < rows; ++r, out += n) {
      const int slice = places[r] / kHeight;
      Vec c[V];
      for (int v = 0; v < V; ++v) c[v] = first ? zero() : load_part<V, kTail>(out, v, last);
      for (int p = begins[slice] + places[r] % kHeight; p < begins[slice + 1]; p += kHeight) {
        const Vec value = broadcast(values[p]);
        const float* row = b + columns[p] * n;
        for (int v = 0; v < V; ++v) c[v] = fma(value, load_part<V, kTail>(row, v, last), c[v]);
      }
      for (int v = 0; v < V; ++v) store_part<V, kTail>(out, v, c[v], last);
    }
    values += begins[slices];
    bytes = columns + begins[slices];
  }

  template <int V, bool kTail>
  static void panel(const Operands& o, const Shard& s, std::int32_t col, int last) {
    const Encoded& a = *o.a;
    const std::size_t n = static_cast<std::size_t>(o.n);
    const std::size_t blocks = (static_cast<std::size_t>(a.cols) + kBlock - 1) / kBlock;
    // Before the shard's first window all are of 128 rows, with a byte for each and one for each slice.
    const std::size_t heads = static_cast<std::size_t>(s.unit_begin) * blocks;
    const float* values = a.values + a.offsets[s.unit_begin];
    const std::uint8_t* bytes = a.bytes + a.offsets[s.unit_begin] + heads * (kWindow + kWindow / kHeight);
    for (std::int32_t window = s.unit_begin; window < s.unit_end; ++window) {
      const std::int32_t begin = window * kWindow;
      const std::int32_t rows = a.rows - begin < kWindow ? a.rows - begin : kWindow;
      float* out = o.c + static_cast<std::size_t>(begin) * n + static_cast<std::size_t>(col);
      for (std::int32_t r = 0; r < rows && blocks == 0; ++r) {
        for (int v = 0; v < V; ++v) {
          store_part<V, kTail>(out + static_cast<std::size_t>(r) * n, v, zero(), last);
        }
      }
      for (std::size_t block = 0; block < blocks; ++block) {
        block_rows<V, kTail>(rows, block == 0, values, bytes, o.b + block * kBlock * n + col, n, out, last);
      }
    }
  }
};

void run(const Operands& o, const Shard& s) noexcept { all_panels<Body>(o, s, kBlock); }

void tiling(const Encoded&, std::int32_t n, char* text) {
  say_tiling(text, 1, panel_vectors(kBlock, n, Body::kMost));
}

}  // namespace

extern const Kernel spmm_sell_16_128x64 = {.op = "spmm",
                                           .name = "sell-16-128x64",
                                           .format = "sell-16-128x64",
                                           .isa = SPARSEMARK_ISA_NAME,
                                           .split = Split::kUnits,
                                           .tiling = tiling,
                                           .run = run};

}  // namespace sparsemark::SPARSEMARK_ISA
