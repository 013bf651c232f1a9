// spmv on csr: a row at a time, B gathered; two accumulators, since a gather takes longer than an FMA.
#include "../simd/simd.h"
#include "kernel.h"

namespace sparsemark::SPARSEMARK_ISA {
namespace {

void run(const Operands& o, const Shard& s) noexcept {
  const Encoded& a = *o.a;
  for (std::int32_t i = s.unit_begin; i < s.unit_end; ++i) {
    const std::int32_t end = a.offsets[i + 1];
    std::int32_t p = a.offsets[i];
    Vec even = zero();
    Vec odd = zero();
    for (; p + 2 * kLanes <= end; p += 2 * kLanes) {
      even = fma(load(a.values + p), gather(o.b, a.indices + p), even);
      odd = fma(load(a.values + p + kLanes), gather(o.b, a.indices + p + kLanes), odd);
    }
    float total = sum(even) + sum(odd);
    for (; p < end; ++p) total += a.values[p] * o.b[a.indices[p]];
    o.c[i] = total;
  }
}

}  // namespace

extern const Kernel spmv_csr = {
    "spmv", "csr", "csr", SPARSEMARK_ISA_NAME, Split::kUnits, false, nullptr, nullptr, nullptr, nullptr, run};

}  // namespace sparsemark::SPARSEMARK_ISA
