// spmm_t on csc: the columns of A are the rows of A^T, so that this is spmm on csr.
#include "row_panels.h"

namespace sparsemark::SPARSEMARK_ISA {
namespace {

void run(const Operands& o, const Shard& s) noexcept { all_panels<RowPanel<false>>(o, s, o.a->rows); }

void tiling(const Encoded& a, std::int32_t n, char* text) {
  say_tiling(text, 1, panel_vectors(a.rows, n, RowPanel<false>::kMost));
}

}  // namespace

extern const Kernel spmm_t_csc = {.op = "spmm_t",
                                  .name = "csc",
                                  .format = "csc",
                                  .isa = SPARSEMARK_ISA_NAME,
                                  .split = Split::kUnits,
                                  .tiling = tiling,
                                  .run = run};

}  // namespace sparsemark::SPARSEMARK_ISA
