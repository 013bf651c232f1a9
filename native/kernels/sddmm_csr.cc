// sddmm on csr: a row of X against the rows of Y that its row of A picks, kDots at once.
#include "dots.h"

namespace sparsemark::SPARSEMARK_ISA {
namespace {

void run(const Operands& o, const Shard& s) noexcept {
  const Encoded& a = *o.a;
  const std::size_t n = static_cast<std::size_t>(o.n);
  for (std::int32_t i = s.unit_begin; i < s.unit_end; ++i) {
    const std::int32_t begin = a.offsets[i];
    row_dots(o.b + static_cast<std::size_t>(i) * n, o.b2, a.indices + begin, a.offsets[i + 1] - begin, n,
             o.c + begin);
  }
}

}  // namespace

extern const Kernel sddmm_csr = {"sddmm",       "csr",   "csr",   SPARSEMARK_ISA_NAME,
                                 Split::kUnits, false,   nullptr, nullptr,
                                 nullptr,       nullptr, run};

}  // namespace sparsemark::SPARSEMARK_ISA
