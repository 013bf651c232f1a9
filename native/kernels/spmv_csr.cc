// spmv on csr: a row at a time, B gathered.
#include "pairs.h"

namespace sparsemark::SPARSEMARK_ISA {
namespace {

void run(const Operands& o, const Shard& s) noexcept {
  const Encoded& a = *o.a;
  for (std::int32_t i = s.unit_begin; i < s.unit_end; ++i) {
    const std::int32_t begin = a.offsets[i];
    o.c[i] = dot(a.values + begin, a.indices + begin, a.offsets[i + 1] - begin, o.b);
  }
}

}  // namespace

extern const Kernel spmv_csr = {.op = "spmv",
                                .name = "csr",
                                .format = "csr",
                                .isa = SPARSEMARK_ISA_NAME,
                                .split = Split::kUnits,
                                .tiling = dots_tiling<1, 2>,
                                .run = run};

}  // namespace sparsemark::SPARSEMARK_ISA
