// spmv of int8 on dense: plain loops, of which compilers make products of bytes.
#include "../simd/simd.h"
#include "kernel.h"
#include "plan_words.h"

namespace sparsemark::SPARSEMARK_ISA {
namespace {

void run(const Operands& o, const Shard& s) noexcept {
  const Encoded& a = *o.a;
  for (std::int32_t i = s.unit_begin; i < s.unit_end; ++i) {
    const std::uint8_t* row = a.bytes + static_cast<std::size_t>(i) * static_cast<std::size_t>(a.p0);
    std::int32_t sum = 0;
    for (std::int32_t j = 0; j < a.cols; ++j) sum += static_cast<std::int8_t>(row[j]) * o.b_bytes[j];
    o.c_integers[i] = sum;
  }
}

}  // namespace

extern const Kernel spmv_dense_int8 = {.op = "spmv",
                                       .name = "dense",
                                       .format = "dense",
                                       .isa = SPARSEMARK_ISA_NAME,
                                       .split = Split::kUnits,
                                       .dense = true,
                                       .tiling = in_place_tiling<1>,
                                       .run = run,
                                       .dtype = "int8"};

}  // namespace sparsemark::SPARSEMARK_ISA
