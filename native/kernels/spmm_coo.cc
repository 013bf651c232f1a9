// spmm on coo: a run of entries of the same row is summed in registers, rows without entries are zeroed.
#include "pairs.h"

namespace sparsemark::SPARSEMARK_ISA {
namespace {

struct Body {
  static constexpr int kMost = 4;

  template <int V, bool kTail>
  static void panel(const Operands& o, const Shard& s, std::int32_t col, int last) {
    const Encoded& a = *o.a;
    const std::size_t n = static_cast<std::size_t>(o.n);
    const float* b = o.b + col;
    const std::int32_t* rows = a.indices;
    const std::int32_t* columns = a.indices + a.nnz;
    std::int32_t p = first_of_row(rows, a.nnz, s.unit_begin);
    float* out = o.c + static_cast<std::size_t>(s.unit_begin) * n + static_cast<std::size_t>(col);
    for (std::int32_t i = s.unit_begin; i < s.unit_end; ++i, out += n) {
      std::int32_t end = p;
      while (end < a.nnz && rows[end] == i) ++end;
      combine_rows<V, kTail>(a.values + p, columns + p, end - p, b, n, out, last);
      p = end;
    }
  }
};

void run(const Operands& o, const Shard& s) noexcept { all_panels<Body>(o, s, o.a->cols); }

void tiling(const Encoded& a, std::int32_t n, char* text) {
  say_tiling(text, 1, panel_vectors(a.cols, n, Body::kMost));
}

}  // namespace

extern const Kernel spmm_coo = {.op = "spmm",
                                .name = "coo",
                                .format = "coo",
                                .isa = SPARSEMARK_ISA_NAME,
                                .split = Split::kUnits,
                                .tiling = tiling,
                                .run = run};

}  // namespace sparsemark::SPARSEMARK_ISA
