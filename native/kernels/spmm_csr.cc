// spmm on csr: one row of A at a time, a panel of columns of C in registers. The panel's part of B is what
// has to stay in L2; columns are taken kPanel vectors at a time, so that k x 64 floats (2304 x 256 bytes =
// 576 KiB) do, where the whole of B (1.8 MB at n = 196) would not.
#include "../simd/simd.h"
#include "kernel.h"

namespace sparsemark::SPARSEMARK_ISA {
namespace {

// Vectors of columns held in registers; 4 accumulators hide the FMA latency of one row.
constexpr int kPanel = 4;

template <int V>
void panel(const Operands& o, std::int32_t row_begin, std::int32_t row_end, std::int32_t col) {
  const Encoded& a = *o.a;
  const std::size_t n = static_cast<std::size_t>(o.n);
  const float* b = o.b + col;
  for (std::int32_t i = row_begin; i < row_end; ++i) {
    Vec c[V];
    for (int v = 0; v < V; ++v) c[v] = zero();
    for (std::int32_t p = a.offsets[i]; p < a.offsets[i + 1]; ++p) {
      const Vec value = broadcast(a.values[p]);
      const float* row = b + static_cast<std::size_t>(a.indices[p]) * n;
      for (int v = 0; v < V; ++v) c[v] = fma(value, load(row + v * kLanes), c[v]);
    }
    float* out = o.c + static_cast<std::size_t>(i) * n + static_cast<std::size_t>(col);
    for (int v = 0; v < V; ++v) store(out + v * kLanes, c[v]);
  }
}

// The last, partial vector of columns.
void edge(const Operands& o, std::int32_t row_begin, std::int32_t row_end, std::int32_t col, int count) {
  const Encoded& a = *o.a;
  const std::size_t n = static_cast<std::size_t>(o.n);
  const float* b = o.b + col;
  for (std::int32_t i = row_begin; i < row_end; ++i) {
    Vec c = zero();
    for (std::int32_t p = a.offsets[i]; p < a.offsets[i + 1]; ++p) {
      c = fma(broadcast(a.values[p]), load_first(b + static_cast<std::size_t>(a.indices[p]) * n, count), c);
    }
    store_first(o.c + static_cast<std::size_t>(i) * n + static_cast<std::size_t>(col), c, count);
  }
}

void run(const Operands& o, const Shard& s) noexcept {
  std::int32_t col = s.col_begin;
  for (; col + kPanel * kLanes <= s.col_end; col += kPanel * kLanes) {
    panel<kPanel>(o, s.unit_begin, s.unit_end, col);
  }
  for (; col + kLanes <= s.col_end; col += kLanes) panel<1>(o, s.unit_begin, s.unit_end, col);
  if (col < s.col_end) edge(o, s.unit_begin, s.unit_end, col, s.col_end - col);
}

}  // namespace

extern const Kernel spmm_csr = {
    "spmm", "csr", "csr", SPARSEMARK_ISA_NAME, Split::kUnits, false, nullptr, nullptr, nullptr, nullptr, run};

}  // namespace sparsemark::SPARSEMARK_ISA
