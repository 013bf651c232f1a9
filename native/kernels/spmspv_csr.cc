// spmspv on csr: x made dense, then a row at a time as spmv does. It reads all of A whatever x is: worth it
// where x has many nonzeros.
#include "pairs.h"
#include "scattered.h"

namespace sparsemark::SPARSEMARK_ISA {
namespace {

std::int64_t scratch_bytes(const Encoded& a, std::int32_t) { return static_cast<std::int64_t>(a.cols) * 4; }

void run(const Operands& o, const Shard& s) noexcept {
  const Encoded& a = *o.a;
  float* x = static_cast<float*>(o.scratch);
  scatter(*o.sparse_b, x);
  for (std::int32_t i = s.unit_begin; i < s.unit_end; ++i) {
    const std::int32_t begin = a.offsets[i];
    o.c[i] = dot(a.values + begin, a.indices + begin, a.offsets[i + 1] - begin, x);
  }
}

void tiling(const Encoded&, std::int32_t, char* text) { append(say_dots(text, 1, 2), ", x made dense"); }

}  // namespace

extern const Kernel spmspv_csr = {.op = "spmspv",
                                  .name = "csr",
                                  .format = "csr",
                                  .isa = SPARSEMARK_ISA_NAME,
                                  .split = Split::kUnits,
                                  .scratch_bytes = scratch_bytes,
                                  .tiling = tiling,
                                  .run = run};

}  // namespace sparsemark::SPARSEMARK_ISA
