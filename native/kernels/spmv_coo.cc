// spmv on coo: the run of entries of a row is summed with B gathered.
#include "pairs.h"

namespace sparsemark::SPARSEMARK_ISA {
namespace {

void run(const Operands& o, const Shard& s) noexcept {
  const Encoded& a = *o.a;
  const std::int32_t* rows = a.indices;
  const std::int32_t* columns = a.indices + a.nnz;
  std::int32_t p = first_of_row(rows, a.nnz, s.unit_begin);
  for (std::int32_t i = s.unit_begin; i < s.unit_end; ++i) {
    std::int32_t end = p;
    while (end < a.nnz && rows[end] == i) ++end;
    o.c[i] = dot(a.values + p, columns + p, end - p, o.b);
    p = end;
  }
}

}  // namespace

extern const Kernel spmv_coo = {.op = "spmv",
                                .name = "coo",
                                .format = "coo",
                                .isa = SPARSEMARK_ISA_NAME,
                                .split = Split::kUnits,
                                .tiling = dots_tiling<1, 2>,
                                .run = run};

}  // namespace sparsemark::SPARSEMARK_ISA
