// sddmm on csr: a row of X against the rows of Y that its row of A picks, kDots at once.
//
// Y comes from L2 where its nonzeros lie far apart. Taking A in stripes of columns whose rows of Y stay in L1
// did not help: with n = 128 and stripes of 64 and 128 columns 0.5 to 1.0 of the rate (once 1.16, 512 x 2048
// at 0.1), since a row has too few nonzeros in a stripe for groups of kDots. That is the limit at low
// sparsity: each product loads a row of Y of its own, which dense tiles load once for several rows of X. Zen
// 3 (AVX2, 512 KiB of L2) takes 1 ns a vector of Y, 32 GB/s: 0.73 to 0.93 of the rate of our dense kernel at
// density 0.5, 1.6 to 1.9 at 0.2 (512 x 2048 and 1024 x 1024, n = 49 and 128).
#include "dots.h"
#include "plan_words.h"

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

void tiling(const Encoded&, std::int32_t, char* text) {
  append(append(append(say_rows(text, 1), ", groups of "), kDots), " products");
}

}  // namespace

extern const Kernel sddmm_csr = {.op = "sddmm",
                                 .name = "csr",
                                 .format = "csr",
                                 .isa = SPARSEMARK_ISA_NAME,
                                 .split = Split::kUnits,
                                 .tiling = tiling,
                                 .run = run};

}  // namespace sparsemark::SPARSEMARK_ISA
