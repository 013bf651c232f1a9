// spmv on diagonal: 4 vectors of rows at a time; a diagonal's values and the elements of B that they meet are
// both neighbours, so nothing is gathered. Diagonals that enter or leave the matrix within these rows are
// added one element at a time.
#include "diagonals.h"
#include "panel.h"

namespace sparsemark::SPARSEMARK_ISA {
namespace {

// How many diagonals have offsets below the four limits of the rows at hand, ascending.
struct Counts {
  std::int32_t unmet;   // not yet in the matrix in any of the rows
  std::int32_t partly;  // not yet in the matrix in all of the rows
  std::int32_t whole;   // not left the matrix in any of the rows
  std::int32_t met;     // not left the matrix in all of the rows
};

constexpr int kVecs = 4;

// Rows i to i + (V - 1) * kLanes + last - 1.
template <int V, bool kTail>
void multiply_rows(const Operands& o, std::int32_t i, int last, Counts& below) {
  const Encoded& a = *o.a;
  const std::size_t rows = static_cast<std::size_t>(a.rows);
  const std::int32_t count = (V - 1) * kLanes + last;
  const std::int64_t row = i;
  count_below(a, 1 - row - count, below.unmet);
  count_below(a, -row, below.partly);
  count_below(a, a.cols - row - count + 1, below.whole);
  count_below(a, a.cols - row, below.met);
  // With fewer columns than rows here no diagonal is in the matrix in all of them.
  const std::int32_t whole = below.whole < below.partly ? below.partly : below.whole;

  Vec c[V];
  for (int v = 0; v < V; ++v) c[v] = zero();
  for (std::int32_t d = below.partly; d < whole; ++d) {
    const float* values = a.values + static_cast<std::size_t>(d) * rows + static_cast<std::size_t>(i);
    const float* b = o.b + (i + a.indices[d]);
    for (int v = 0; v < V; ++v) {
      c[v] = fma(load_part<V, kTail>(values, v, last), load_part<V, kTail>(b, v, last), c[v]);
    }
  }
  for (int v = 0; v < V; ++v) store_part<V, kTail>(o.c + i, v, c[v], last);

  const auto add_one_by_one = [&](std::int32_t first, std::int32_t end) {
    for (std::int32_t d = first; d < end; ++d) {
      const float* values = a.values + static_cast<std::size_t>(d) * rows;
      const std::int32_t offset = a.indices[d];
      for (std::int32_t r = i + offset < 0 ? -offset : i; r < i + count && offset < a.cols - r; ++r) {
        o.c[r] += values[r] * o.b[r + offset];
      }
    }
  };
  add_one_by_one(below.unmet, below.partly);
  add_one_by_one(whole, below.met);
}

void run(const Operands& o, const Shard& s) noexcept {
  const std::int32_t all = o.a->p0;
  Counts below = {all, all, all, all};
  std::int32_t i = s.unit_begin;
  for (; s.unit_end - i >= kVecs * kLanes; i += kVecs * kLanes) {
    multiply_rows<kVecs, false>(o, i, kLanes, below);
  }
  // Fewer rows at once: two of the limits rise again.
  below = {all, all, all, all};
  for (; s.unit_end - i >= kLanes; i += kLanes) multiply_rows<1, false>(o, i, kLanes, below);
  below = {all, all, all, all};
  if (i < s.unit_end) multiply_rows<1, true>(o, i, s.unit_end - i, below);
}

}  // namespace

extern const Kernel spmv_diagonal = {.op = "spmv",
                                     .name = "diagonal",
                                     .format = "diagonal",
                                     .isa = SPARSEMARK_ISA_NAME,
                                     .split = Split::kUnits,
                                     .tiling = in_place_tiling<kVecs * kLanes>,
                                     .run = run};

}  // namespace sparsemark::SPARSEMARK_ISA
