// spmm on csc: rows of B are scattered to rows of C.
#include "scatter_panels.h"

namespace sparsemark::SPARSEMARK_ISA {
namespace {

using Panel = ScatterPanel<false>;

void run(const Operands& o, const Shard& s) noexcept { all_panels<Panel>(o, s, Panel::outputs(*o.a)); }

void tiling(const Encoded& a, std::int32_t n, char* text) {
  say_tiling(text, 1, panel_vectors(Panel::outputs(a), n, Panel::kMost));
}

}  // namespace

extern const Kernel spmm_csc = {.op = "spmm",
                                .name = "csc",
                                .format = "csc",
                                .isa = SPARSEMARK_ISA_NAME,
                                .split = Split::kColumns,
                                .tiling = tiling,
                                .run = run};

}  // namespace sparsemark::SPARSEMARK_ISA
