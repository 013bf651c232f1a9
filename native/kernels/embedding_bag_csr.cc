// embedding_bag on csr: each bag is the sum of some rows of a table, which is larger than the caches. Rows of
// the next bag are fetched while this one is summed.
#include "pairs.h"

namespace sparsemark::SPARSEMARK_ISA {
namespace {

// Floats of a cache line.
constexpr std::size_t kLine = 16;

struct Body {
  static constexpr int kMost = 8;

  template <int V, bool kTail>
  static void panel(const Operands& o, const Shard& s, std::int32_t col, int last) {
    const Encoded& a = *o.a;
    const std::size_t n = static_cast<std::size_t>(o.n);
    const float* table = o.b + col;
    float* out = o.c + static_cast<std::size_t>(s.unit_begin) * n + static_cast<std::size_t>(col);
    for (std::int32_t i = s.unit_begin; i < s.unit_end; ++i, out += n) {
      if (i + 1 < s.unit_end) {
        for (std::int32_t p = a.offsets[i + 1]; p < a.offsets[i + 2]; ++p) {
          const float* row = table + static_cast<std::size_t>(a.indices[p]) * n;
          for (std::size_t j = 0; j < V * kLanes; j += kLine) __builtin_prefetch(row + j);
        }
      }
      const std::int32_t begin = a.offsets[i];
      combine_rows<V, kTail>(a.values + begin, a.indices + begin, a.offsets[i + 1] - begin, table, n, out,
                             last);
    }
  }
};

// As wide as registers allow, whatever the height of the table: it fits no cache, and a row is read at once.
void run(const Operands& o, const Shard& s) noexcept { all_panels<Body>(o, s, 1); }

void tiling(const Encoded&, std::int32_t n, char* text) {
  append(say_tiling(text, 1, panel_vectors(1, n, Body::kMost)), ", B fetched ahead");
}

}  // namespace

extern const Kernel embedding_bag_csr = {.op = "embedding_bag",
                                         .name = "csr",
                                         .format = "csr",
                                         .isa = SPARSEMARK_ISA_NAME,
                                         .split = Split::kUnits,
                                         .tiling = tiling,
                                         .run = run};

}  // namespace sparsemark::SPARSEMARK_ISA
