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

extern const Kernel spmm_csr = {"spmm",  "csr",   "csr",  SPARSEMARK_ISA_NAME, Split::kUnits, false, nullptr,
                                nullptr, nullptr, tiling, run<false>};
extern const Kernel spmm_bias_relu_csr = {"spmm_bias_relu", "csr",  "csr",    SPARSEMARK_ISA_NAME,
                                          Split::kUnits,    false,  nullptr,  nullptr,
                                          nullptr,          tiling, run<true>};

}  // namespace sparsemark::SPARSEMARK_ISA
