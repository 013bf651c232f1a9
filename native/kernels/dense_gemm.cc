// spmm on dense: a packed, register-blocked GEMM, the baseline that the sparse kernels have to beat.
//
// plan() packs A (the weights) into panels of kRows rows: panel p holds, for each of the k columns of A, the
// kRows values of rows p * kRows ... . run() packs B block by block into slivers of kWidth columns and
// multiplies panel by sliver in registers.
#include <utility>

#include "../simd/simd.h"
#include "kernel.h"

namespace sparsemark::SPARSEMARK_ISA {
namespace {

// The tile of C in registers: kRows x kVecs vectors.
#if defined(SPARSEMARK_ISA_avx512)
constexpr int kRows = 14;
constexpr int kVecs = 2;
#elif defined(SPARSEMARK_ISA_avx2)
constexpr int kRows = 6;
constexpr int kVecs = 2;
#elif defined(SPARSEMARK_ISA_neon)
constexpr int kRows = 8;
constexpr int kVecs = 3;
#else
constexpr int kRows = 4;
constexpr int kVecs = 3;
#endif
constexpr int kWidth = kVecs * kLanes;

constexpr int kLine = 16;
constexpr std::int32_t kMaxDepth = 384;
constexpr std::int64_t kResidentBytes = 1 << 20;

// Calls f(At<0>{}) ... f(At<Count - 1>{}). A loop of constant bounds will not do: clang 14 leaves it rolled
// and keeps the accumulators in memory.
template <int I>
struct At {
  static constexpr int value = I;
};
template <int Count, typename F>
[[gnu::always_inline]] inline void unrolled(F f) {
  [&]<int... I>(std::integer_sequence<int, I...>) __attribute__((always_inline)) { (f(At<I>{}), ...); }
  (std::make_integer_sequence<int, Count>{});
}

struct Tile {
  const float* a;  // kRows values a step
  const float* b;  // packed: kWidth values a step
  float* c;
  std::size_t c_stride;
  std::int32_t depth;
  int last;           // columns of the last vector
  bool add;           // to what C holds
  const float* next;  // brought closer, one line a step
  std::size_t next_stride;
};

template <int Rows, int Vecs>
void multiply(const Tile& t) {
  Vec c[Rows][Vecs];
  unrolled<Rows>([&](auto r) __attribute__((always_inline)) {
    unrolled<Vecs>([&](auto v) __attribute__((always_inline)) { c[r.value][v.value] = zero(); });
  });
  const float* a = t.a;
  const float* b = t.b;
  const float* next = t.next;
  const std::size_t next_stride = t.next_stride;
  for (std::int32_t p = t.depth; p > 0; --p) {
    Vec row[Vecs];
    unrolled<Vecs>([&](auto v) __attribute__((always_inline)) { row[v.value] = load(b + v.value * kLanes); });
    __builtin_prefetch(next);
    unrolled<Rows>([&](auto r) __attribute__((always_inline)) {
      const Vec value = broadcast(a[r.value]);
      unrolled<Vecs>([&](auto v) __attribute__((always_inline)) {
        c[r.value][v.value] = fma(value, row[v.value], c[r.value][v.value]);
      });
    });
    a += kRows;
    b += kWidth;
    next += next_stride;
  }
  const bool add = t.add;
  const bool whole = t.last == kLanes;
  const int last = t.last;
  float* out = t.c;
  const std::size_t stride = t.c_stride;
  unrolled<Rows>([&](auto r) __attribute__((always_inline)) {
    unrolled<Vecs>([&](auto v) __attribute__((always_inline)) {
      float* at = out + v.value * kLanes;
      if (v.value + 1 < Vecs || whole) {
        store(at, add ? load(at) + c[r.value][v.value] : c[r.value][v.value]);
      } else {
        store_first(at, add ? load_first(at, last) + c[r.value][v.value] : c[r.value][v.value], last);
      }
    });
    out += stride;
  });
}

using Multiply = void (*)(const Tile&);
struct Table {
  Multiply of[kRows][kVecs];
};
template <int... I>
constexpr Table table(std::integer_sequence<int, I...>) {
  Table t{};
  ((t.of[I / kVecs][I % kVecs] = multiply<I / kVecs + 1, I % kVecs + 1>), ...);
  return t;
}
constexpr Table kTable = table(std::make_integer_sequence<int, kRows * kVecs>{});

// Depth of a block of k, all blocks of about the same depth.
std::int32_t depth_of(std::int32_t k) {
  const std::int32_t blocks = (k + kMaxDepth - 1) / kMaxDepth;
  return blocks == 0 ? 0 : (k + blocks - 1) / blocks;
}

bool fits(const Encoded& a) { return static_cast<std::int64_t>(a.rows) * a.cols * 4 <= kResidentBytes; }

std::int32_t block_columns(const Encoded& a, std::int32_t n) {
  if (fits(a)) return kWidth;
  const std::int64_t depth = depth_of(a.cols);
  std::int64_t slivers = kResidentBytes / (depth * kWidth * 4 + 1);
  const std::int64_t all = (n + kWidth - 1) / kWidth;
  if (slivers > all) slivers = all;
  if (slivers < 1) slivers = 1;
  return static_cast<std::int32_t>(slivers * kWidth);
}

std::int64_t plan_bytes(const Encoded& a, std::int32_t) {
  const std::int64_t panels = (a.rows + kRows - 1) / kRows;
  return panels * kRows * a.cols * 4;
}

void plan(const Encoded& a, std::int32_t, void* storage) {
  float* out = static_cast<float*>(storage);
  const std::size_t cols = static_cast<std::size_t>(a.cols);
  for (std::int32_t row = 0; row < a.rows; row += kRows) {
    for (std::size_t j = 0; j < cols; ++j) {
      for (std::int32_t r = 0; r < kRows; ++r) {
        *out++ = row + r < a.rows ? a.values[static_cast<std::size_t>(row + r) * cols + j] : 0.0f;
      }
    }
  }
}

std::int64_t scratch_bytes(const Encoded& a, std::int32_t n) {
  return static_cast<std::int64_t>(depth_of(a.cols)) * block_columns(a, n) * 4;
}

// Rows [0, depth) x columns [0, columns) of b into slivers.
void pack(const float* b, std::size_t stride, std::int32_t depth, std::int32_t columns, float* out) {
  for (std::int32_t col = 0; col < columns; col += kWidth) {
    const float* in = b + col;
    if (columns - col >= kWidth) {
      for (std::int32_t p = 0; p < depth; ++p) {
        unrolled<kVecs>([&](auto v) __attribute__((always_inline)) {
          store(out + v.value * kLanes, load(in + v.value * kLanes));
        });
        in += stride;
        out += kWidth;
      }
    } else {
      const int rest = columns - col;
      for (std::int32_t p = 0; p < depth; ++p) {
        unrolled<kVecs>([&](auto v) __attribute__((always_inline)) {
          const int left = rest - v.value * kLanes;
          if (left > 0) store(out + v.value * kLanes, load_first(in + v.value * kLanes, left));
        });
        in += stride;
        out += kWidth;
      }
    }
  }
}

void run(const Operands& o, const Shard& s) noexcept {
  const Encoded& a = *o.a;
  const float* packed_a = static_cast<const float*>(o.plan);
  float* packed_b = static_cast<float*>(o.scratch);
  const std::size_t n = static_cast<std::size_t>(o.n);
  const std::size_t k = static_cast<std::size_t>(a.cols);
  const std::int32_t max_depth = depth_of(a.cols);
  const std::int32_t width = block_columns(a, o.n);
  const bool resident = fits(a);
  for (std::int32_t block = s.col_begin; block < s.col_end; block += width) {
    const std::int32_t columns = s.col_end - block < width ? s.col_end - block : width;
    std::int32_t first = 0;
    do {
      const std::int32_t depth = a.cols - first < max_depth ? a.cols - first : max_depth;
      const float* b = o.b + static_cast<std::size_t>(first) * n + static_cast<std::size_t>(block);
      pack(b, n, depth, columns, packed_b);
      // Where the next block to be packed begins.
      const float* next_b = nullptr;
      if (first + depth < a.cols) {
        next_b = b + static_cast<std::size_t>(depth) * n;
      } else if (block + width < s.col_end) {
        next_b = o.b + block + width;
      }
      std::int32_t line = 0;
      for (std::int32_t row = s.unit_begin; row < s.unit_end;) {
        const std::int32_t inside = row % kRows;
        std::int32_t rows = kRows - inside;
        if (rows > s.unit_end - row) rows = s.unit_end - row;
        Tile t;
        t.a = packed_a + static_cast<std::size_t>(row / kRows) * kRows * k +
              static_cast<std::size_t>(first) * kRows + inside;
        t.c_stride = n;
        t.depth = depth;
        t.add = first > 0;
        t.next = t.a;
        t.next_stride = 0;
        if (!resident) {
          if (row + rows < s.unit_end) {
            t.next = t.a - inside + kRows * k;
            t.next_stride = kRows;
          }
        } else if (next_b != nullptr && line * kLine < kWidth) {
          t.next = next_b + line * kLine;
          t.next_stride = n;
          ++line;
        }
        for (std::int32_t col = 0; col < columns; col += kWidth) {
          const std::int32_t left = columns - col < kWidth ? columns - col : kWidth;
          const std::int32_t vecs = (left + kLanes - 1) / kLanes;
          t.b = packed_b + static_cast<std::size_t>(col) * static_cast<std::size_t>(depth);
          t.c = o.c + static_cast<std::size_t>(row) * n + static_cast<std::size_t>(block + col);
          t.last = left - (vecs - 1) * kLanes;
          kTable.of[rows - 1][vecs - 1](t);
          t.next = t.a;
          t.next_stride = 0;
        }
        row += rows;
      }
      first += depth;
    } while (first < a.cols);
  }
}

}  // namespace

extern const Kernel spmm_dense = {"spmm",        "dense", "dense",    SPARSEMARK_ISA_NAME,
                                  Split::kUnits, true,    plan_bytes, plan,
                                  scratch_bytes, nullptr, run};

}  // namespace sparsemark::SPARSEMARK_ISA
