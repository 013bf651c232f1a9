// spmm of f16 on dense: the baseline, a packed, register-blocked GEMM. plan() packs A into panels of up to
// kRows rows, each value twice in a word of 32 bits, since x86 broadcasts such a word as it loads it, and 16
// bits by a shuffle, in one of the two ports that multiply. run() lays out each panel of B's columns in
// scratch, where it stays in L2, and all panels of A pass by. A tile adds up kHalfTerms steps in f16, in
// registers, and those sums in f32, in L1.
//
// Rows are spread evenly over the panels, so that two heights serve: kRows, and one less. A panel of still
// fewer rows, of a small matrix, has zeros below.
#include "half_panels.h"
#include "unrolled.h"

namespace sparsemark::SPARSEMARK_ISA {
namespace {

// As the tiles of floats (dense_tiles.h): 28 sums, two vectors of B and a broadcast in 32 registers.
#if defined(SPARSEMARK_ISA_scalar)
constexpr int kRows = 4;
#elif defined(SPARSEMARK_ISA_neonfp16)
constexpr int kRows = 12;
#else
constexpr int kRows = 14;
#endif
constexpr int kVecs = 2;

std::int32_t panels_of(const Encoded& a) { return (a.rows + kRows - 1) / kRows; }

// First row of a panel; panels_of(a) > 0.
std::int32_t first_row(const Encoded& a, std::int32_t panel) {
  return static_cast<std::int32_t>(static_cast<std::int64_t>(a.rows) * panel / panels_of(a));
}

std::int64_t plan_bytes(const Encoded& a, std::int32_t) {
  return static_cast<std::int64_t>(panels_of(a)) * kRows * a.cols * 4;
}

void plan(const Encoded& a, std::int32_t, void* storage) {
  std::uint32_t* out = static_cast<std::uint32_t*>(storage);
  for (std::int32_t panel = 0; panel < panels_of(a); ++panel) {
    const std::int32_t begin = first_row(a, panel);
    const std::int32_t end = first_row(a, panel + 1);
    for (std::int32_t j = 0; j < a.cols; ++j) {
      for (std::int32_t row = begin; row < begin + kRows; ++row) {
        std::uint16_t bits = 0;
        const std::size_t at =
            static_cast<std::size_t>(row) * static_cast<std::size_t>(a.cols) + static_cast<std::size_t>(j);
        if (row < end) __builtin_memcpy(&bits, a.bytes + 2 * at, sizeof(bits));
        *out++ = bits * 0x10001u;
      }
    }
  }
}

struct Tile {
  const std::uint32_t* a;  // a panel of A: kRows words a step
  const std::uint16_t* b;  // a panel of B: Vecs vectors a step
  std::int32_t depth;      // steps
  std::uint16_t* c;        // of row 0 of the panel; rows [skip, rows) are written
  std::size_t c_stride;
  std::int32_t skip;
  std::int32_t rows;
  int last;           // columns of the last vector
  std::size_t ahead;  // words to the panel that comes next, which is brought into L2; 0: none does
};

template <int Rows, int Vecs>
void multiply(const Tile& t) {
  constexpr int kWidth = Vecs * kHalfLanes;
  alignas(64) float sums[Rows * kWidth];
  alignas(64) std::uint16_t block[Rows * kWidth];
  const std::uint32_t* a = t.a;
  const std::uint16_t* b = t.b;
  const std::size_t ahead = t.ahead;
  std::int32_t left = t.depth;
  do {  // once for k = 0 too: C is to be zero
    Halves c[Rows][Vecs];
    unrolled<Rows * Vecs>([&](auto x) __attribute__((always_inline)) {
      c[x.value / Vecs][x.value % Vecs] = zero_halves();
    });
    const bool begins = left == t.depth;
    for (std::int32_t step = left < kHalfTerms ? left : kHalfTerms; step > 0; --step, --left) {
      Halves row[Vecs];
      unrolled<Vecs>([&](auto v) __attribute__((always_inline)) {
        row[v.value] = load_halves(b + v.value * kHalfLanes);
      });
      __builtin_prefetch(a + ahead, 0, 2);
      unrolled<Rows>([&](auto r) __attribute__((always_inline)) {
        const Halves value = broadcast_pair(a[r.value]);
        unrolled<Vecs>([&](auto v) __attribute__((always_inline)) {
          c[r.value][v.value] = fma_halves(value, row[v.value], c[r.value][v.value]);
        });
      });
      a += kRows;
      b += kWidth;
    }
    // By way of memory: vectors of 16 bits widen as they are loaded, and in registers by shuffles.
    unrolled<Rows * Vecs>([&](auto x) __attribute__((always_inline)) {
      store_halves(block + x.value * kHalfLanes, c[x.value / Vecs][x.value % Vecs]);
    });
    for (int at = 0; at < Rows * kWidth; at += kLanes) {
      const Vec part = load_widened(block + at);
      store(sums + at, begins ? part : add(load(sums + at), part));
    }
  } while (left > 0);
  for (std::int32_t r = t.skip; r < t.rows; ++r) {
    std::uint16_t* out = t.c + static_cast<std::size_t>(r) * t.c_stride;
    for (int v = 0; v < Vecs; ++v) {
      const Halves part = rounded(load_sums(sums + (r * Vecs + v) * kHalfLanes));
      store_halves_first(out + v * kHalfLanes, part, v + 1 < Vecs ? kHalfLanes : t.last);
    }
  }
}

// Columns of B from col on, V vectors of them, the last with zeros behind, a row after the other.
template <int V>
void lay_panel(const Operands& o, std::int32_t col, int last, std::uint16_t* out) {
  const std::uint16_t* b = halves_of_b(o) + col;
  for (std::int32_t row = 0; row < o.a->cols; ++row) {
    for (int v = 0; v < V; ++v) {
      const std::uint16_t* at = b + v * kHalfLanes;
      store_halves(out + v * kHalfLanes, v + 1 < V ? load_halves(at) : load_halves_first(at, last));
    }
    b += o.n;
    out += V * kHalfLanes;
  }
}

struct Body {
  static constexpr int kMost = kVecs;

  template <int V>
  static void panel(const Operands& o, const Shard& s, std::int32_t col, int last) {
    const Encoded& a = *o.a;
    std::uint16_t* b = static_cast<std::uint16_t*>(o.scratch);
    lay_panel<V>(o, col, last, b);
    Tile t;
    t.b = b;
    t.depth = a.cols;
    t.c_stride = static_cast<std::size_t>(o.n);
    t.last = last;
    const std::size_t words = static_cast<std::size_t>(kRows) * static_cast<std::size_t>(a.cols);
    for (std::int32_t panel = 0; panel < panels_of(a); ++panel) {
      const std::int32_t begin = first_row(a, panel);
      const std::int32_t end = first_row(a, panel + 1);
      // A shard may begin and end inside a panel.
      if (end <= s.unit_begin) continue;
      if (begin >= s.unit_end) break;
      t.a = static_cast<const std::uint32_t*>(o.plan) + static_cast<std::size_t>(panel) * words;
      t.c = halves_of_c(o) + static_cast<std::size_t>(begin) * t.c_stride + col;
      t.skip = s.unit_begin > begin ? s.unit_begin - begin : 0;
      t.rows = (s.unit_end < end ? s.unit_end : end) - begin;
      t.ahead = end < s.unit_end ? words : 0;
      if (end - begin == kRows) {
        multiply<kRows, V>(t);
      } else {
        multiply<kRows - 1, V>(t);
      }
    }
  }
};

void run(const Operands& o, const Shard& s) noexcept { half_panels<Body>(o, s, Body::kMost); }

// Panels of the widest, since a thread's columns may be other ones than all of n divide into.
std::int64_t scratch_bytes(const Encoded& a, std::int32_t) {
  return static_cast<std::int64_t>(a.cols) * kVecs * kHalfLanes * 2;
}

void tiling(const Encoded&, std::int32_t n, char* text) {
  say_half_tiling(text, kRows, even_width(n, kHalfLanes, Body::kMost));
}

}  // namespace

extern const Kernel spmm_dense_f16 = {.op = "spmm",
                                      .name = "dense",
                                      .format = "dense",
                                      .isa = SPARSEMARK_ISA_NAME,
                                      .split = Split::kWide,
                                      .dense = true,
                                      .plan_bytes = plan_bytes,
                                      .plan = plan,
                                      .scratch_bytes = scratch_bytes,
                                      .tiling = tiling,
                                      .run = run,
                                      .dtype = "f16"};

}  // namespace sparsemark::SPARSEMARK_ISA
