// spmv of bf16 on csr: a row at a time, values widened, B gathered. 6 bytes a nonzero instead of 8 where A
// streams.
#include "../simd/bf16.h"
#include "kernel.h"
#include "plan_words.h"

namespace sparsemark::SPARSEMARK_ISA {
namespace {

void run(const Operands& o, const Shard& s) noexcept {
  const Encoded& a = *o.a;
  for (std::int32_t i = s.unit_begin; i < s.unit_end; ++i) {
    const std::int32_t begin = a.offsets[i];
    const std::int32_t count = a.offsets[i + 1] - begin;
    const std::uint8_t* values = a.bytes + 2 * static_cast<std::size_t>(begin);
    const std::int32_t* columns = a.indices + begin;
    Vec even = zero();
    Vec odd = zero();
    std::int32_t p = 0;
    for (; p + 2 * kLanes <= count; p += 2 * kLanes) {
      even = fma(load_bf16(values + 2 * p), gather(o.b, columns + p), even);
      odd = fma(load_bf16(values + 2 * (p + kLanes)), gather(o.b, columns + p + kLanes), odd);
    }
    for (; p < count; p += kLanes) {
      odd = fma(load_bf16_first(values + 2 * p, count - p), gather_first(o.b, columns + p, count - p), odd);
    }
    o.c[i] = sum(add(even, odd));
  }
}

}  // namespace

extern const Kernel spmv_csr_bf16 = {.op = "spmv",
                                     .name = "csr",
                                     .format = "csr",
                                     .isa = SPARSEMARK_ISA_NAME,
                                     .split = Split::kUnits,
                                     .tiling = dots_tiling<1, 2>,
                                     .run = run,
                                     .dtype = "bf16"};

}  // namespace sparsemark::SPARSEMARK_ISA
