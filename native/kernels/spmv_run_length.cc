// spmv on run-length-4: each entry of a column is added to its row's sum. An element keeps its sums together
// in scratch, as EIE keeps them in registers, and writes C at the end: threads that add to neighbouring rows
// of C itself would fight for its lines.
#include "../simd/simd.h"
#include "kernel.h"
#include "plan_words.h"
#include "run_length.h"

namespace sparsemark::SPARSEMARK_ISA {
namespace {

void run(const Operands& o, const Shard& s) noexcept {
  const Encoded& a = *o.a;
  float* sums = static_cast<float*>(o.scratch);
  for (std::int32_t e = s.unit_begin; e < s.unit_end; ++e) {
    const std::int32_t count = element_rows(a, e);
    for (std::int32_t r = 0; r < count; ++r) sums[r] = 0.0f;
    const std::int32_t* begins = a.offsets + static_cast<std::size_t>(e) * static_cast<std::size_t>(a.cols);
    for (std::int32_t j = 0; j < a.cols; ++j) {
      const float x = o.b[j];
      std::int32_t next = 0;
      for (std::int32_t p = begins[j]; p < begins[j + 1]; ++p) {
        next += zeros_before(a, p);
        sums[next++] += a.values[p] * x;
      }
    }
    for (std::int32_t r = 0; r < count; ++r) o.c[r * a.p0 + e] = sums[r];
  }
}

std::int64_t scratch_bytes(const Encoded& a, std::int32_t) { return element_rows(a, 0) * std::int64_t{4}; }

void tiling(const Encoded&, std::int32_t, char* text) { append(text, "C scattered, sums in scratch"); }

constexpr Kernel kernel_named(const char* name, Split split) {
  return {.op = "spmv",
          .name = name,
          .format = name,
          .isa = SPARSEMARK_ISA_NAME,
          .split = split,
          .scratch_bytes = scratch_bytes,
          .tiling = tiling,
          .run = run};
}

}  // namespace

extern const Kernel spmv_run_length_4 = kernel_named("run-length-4", Split::kNone);
extern const Kernel spmv_run_length_4x64 = kernel_named("run-length-4x64", Split::kUnits);

}  // namespace sparsemark::SPARSEMARK_ISA
