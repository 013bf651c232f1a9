// spmv on ell: a row at a time, its padding included, B gathered.
#include "pairs.h"

namespace sparsemark::SPARSEMARK_ISA {
namespace {

void run(const Operands& o, const Shard& s) noexcept {
  const Encoded& a = *o.a;
  for (std::int32_t i = s.unit_begin; i < s.unit_end; ++i) {
    const std::size_t begin = static_cast<std::size_t>(i) * static_cast<std::size_t>(a.p0);
    o.c[i] = dot(a.values + begin, a.indices + begin, a.p0, o.b);
  }
}

}  // namespace

extern const Kernel spmv_ell = {.op = "spmv",
                                .name = "ell",
                                .format = "ell",
                                .isa = SPARSEMARK_ISA_NAME,
                                .split = Split::kUnits,
                                .tiling = dots_tiling<1, 2>,
                                .run = run};

}  // namespace sparsemark::SPARSEMARK_ISA
