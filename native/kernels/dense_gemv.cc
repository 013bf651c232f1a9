// spmv on dense: several rows of A at once along their columns. All that counts is that A streams: 4 rows of
// 2 vectors are 8 loads in flight and 8 chains of FMAs, enough to read A from L3 at 0.98 and from L2 at 0.95
// of the measured bandwidths. 8 x 1, 8 x 2, 2 x 4 and 4 x 4 are no faster from L3 and slower from L2;
// prefetching the rows to come adds 2 % from L3 and loses a third from L2.
#include "../simd/simd.h"
#include "kernel.h"
#include "plan_words.h"
#include "scattered.h"
#include "unrolled.h"

namespace sparsemark::SPARSEMARK_ISA {
namespace {

constexpr int kRows = 4;
constexpr int kVecs = 2;

template <int Rows>
void multiply_rows(const float* a, std::size_t cols, const float* x, float* y) {
  Vec c[Rows][kVecs];
  unrolled<Rows>([&](auto r) __attribute__((always_inline)) {
    unrolled<kVecs>([&](auto v) __attribute__((always_inline)) { c[r.value][v.value] = zero(); });
  });
  std::size_t j = 0;
  for (; j + kVecs * kLanes <= cols; j += kVecs * kLanes) {
    unrolled<kVecs>([&](auto v) __attribute__((always_inline)) {
      const Vec b = load(x + j + v.value * kLanes);
      unrolled<Rows>([&](auto r) __attribute__((always_inline)) {
        const float* row = a + static_cast<std::size_t>(r.value) * cols + j;
        c[r.value][v.value] = fma(load(row + v.value * kLanes), b, c[r.value][v.value]);
      });
    });
  }
  for (; j < cols; j += kLanes) {
    const int left = static_cast<int>(cols - j);
    const Vec b = load_first(x + j, left);
    unrolled<Rows>([&](auto r) __attribute__((always_inline)) {
      const float* row = a + static_cast<std::size_t>(r.value) * cols + j;
      c[r.value][0] = fma(load_first(row, left), b, c[r.value][0]);
    });
  }
  unrolled<Rows>([&](auto r) __attribute__((always_inline)) {
    Vec total = c[r.value][0];
    unrolled<kVecs - 1>([&](auto v)
                            __attribute__((always_inline)) { total = total + c[r.value][v.value + 1]; });
    y[r.value] = sum(total);
  });
}

void run(const Operands& o, const Shard& s) noexcept {
  const std::size_t cols = static_cast<std::size_t>(o.a->cols);
  const float* a = o.a->values;
  std::int32_t i = s.unit_begin;
  for (; i + kRows <= s.unit_end; i += kRows) {
    multiply_rows<kRows>(a + static_cast<std::size_t>(i) * cols, cols, o.b, o.c + i);
  }
  for (; i < s.unit_end; ++i) multiply_rows<1>(a + static_cast<std::size_t>(i) * cols, cols, o.b, o.c + i);
}

std::int64_t scratch_bytes(const Encoded& a, std::int32_t) { return static_cast<std::int64_t>(a.cols) * 4; }

// x made dense first, by each thread for itself.
void run_sparse(const Operands& o, const Shard& s) noexcept {
  Operands operands = o;
  operands.b = static_cast<const float*>(o.scratch);
  scatter(*o.sparse_b, static_cast<float*>(o.scratch));
  run(operands, s);
}

void sparse_tiling(const Encoded&, std::int32_t, char* text) {
  append(say_streams(text, kRows, kVecs), ", x made dense");
}

}  // namespace

extern const Kernel spmspv_dense = {.op = "spmspv",
                                    .name = "dense",
                                    .format = "dense",
                                    .isa = SPARSEMARK_ISA_NAME,
                                    .split = Split::kUnits,
                                    .dense = true,
                                    .scratch_bytes = scratch_bytes,
                                    .tiling = sparse_tiling,
                                    .run = run_sparse};
extern const Kernel spmv_dense = {.op = "spmv",
                                  .name = "dense",
                                  .format = "dense",
                                  .isa = SPARSEMARK_ISA_NAME,
                                  .split = Split::kUnits,
                                  .dense = true,
                                  .tiling = streams_tiling<kRows, kVecs>,
                                  .run = run};

}  // namespace sparsemark::SPARSEMARK_ISA
