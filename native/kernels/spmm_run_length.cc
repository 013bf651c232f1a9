// spmm on run-length-4: as on csc, a row of B in registers is added, times its value, to the row of C of each
// entry; the runs are summed up on the way and padding is computed like any entry. All rows of C are one
// element's, or every 64th is: then the panel of C that must stay cached is a 64th as high, B passes by 64
// times, and threads take elements, whose rows of C nobody else writes.
#include "panel.h"
#include "run_length.h"

namespace sparsemark::SPARSEMARK_ISA {
namespace {

struct Body {
  static constexpr int kMost = 8;

  template <int V, bool kTail>
  static void panel(const Operands& o, const Shard& s, std::int32_t col, int last) {
    const Encoded& a = *o.a;
    const std::size_t n = static_cast<std::size_t>(o.n);
    const std::size_t stride = static_cast<std::size_t>(a.p0) * n;  // between rows of an element
    for (std::int32_t e = s.unit_begin; e < s.unit_end; ++e) {
      float* c = o.c + static_cast<std::size_t>(e) * n + static_cast<std::size_t>(col);
      float* out = c;
      for (std::int32_t r = 0; r < element_rows(a, e); ++r, out += stride) {
        for (int v = 0; v < V; ++v) store_part<V, kTail>(out, v, zero(), last);
      }
      const std::int32_t* begins = a.offsets + static_cast<std::size_t>(e) * static_cast<std::size_t>(a.cols);
      for (std::int32_t j = 0; j < a.cols; ++j) {
        const float* row = o.b + static_cast<std::size_t>(j) * n + static_cast<std::size_t>(col);
        Vec b[V];
        for (int v = 0; v < V; ++v) b[v] = load_part<V, kTail>(row, v, last);
        std::int32_t next = 0;
        for (std::int32_t p = begins[j]; p < begins[j + 1]; ++p) {
          next += zeros_before(a, p);
          const Vec value = broadcast(a.values[p]);
          out = c + static_cast<std::size_t>(next++) * stride;
          for (int v = 0; v < V; ++v) {
            store_part<V, kTail>(out, v, fma(value, b[v], load_part<V, kTail>(out, v, last)), last);
          }
        }
      }
    }
  }
};

void run(const Operands& o, const Shard& s) noexcept { all_panels<Body>(o, s, element_rows(*o.a, 0)); }

void tiling(const Encoded& a, std::int32_t n, char* text) {
  say_tiling(text, 1, panel_vectors(element_rows(a, 0), n, Body::kMost));
}

constexpr Kernel kernel_named(const char* name, Split split) {
  return {.op = "spmm",
          .name = name,
          .format = name,
          .isa = SPARSEMARK_ISA_NAME,
          .split = split,
          .tiling = tiling,
          .run = run};
}

}  // namespace

extern const Kernel spmm_run_length_4 = kernel_named("run-length-4", Split::kColumns);
extern const Kernel spmm_run_length_4x64 = kernel_named("run-length-4x64", Split::kUnits);

}  // namespace sparsemark::SPARSEMARK_ISA
