// spmm on csr, and the same with bias and ReLU.
#include "row_panels.h"

namespace sparsemark::SPARSEMARK_ISA {
namespace {

template <bool kEpilogue>
void run(const Operands& o, const Shard& s) noexcept {
  all_panels<RowPanel<kEpilogue>>(o, s, o.a->cols);
}

void tiling(const Encoded& a, std::int32_t n, char* text) {
  say_tiling(text, 1, panel_vectors(a.cols, n, RowPanel<false>::kMost));
}

}  // namespace

extern const Kernel spmm_csr = {.op = "spmm",
                                .name = "csr",
                                .format = "csr",
                                .isa = SPARSEMARK_ISA_NAME,
                                .split = Split::kUnits,
                                .tiling = tiling,
                                .run = run<false>};
extern const Kernel spmm_bias_relu_csr = {.op = "spmm_bias_relu",
                                          .name = "csr",
                                          .format = "csr",
                                          .isa = SPARSEMARK_ISA_NAME,
                                          .split = Split::kUnits,
                                          .tiling = tiling,
                                          .run = run<true>};

}  // namespace sparsemark::SPARSEMARK_ISA
