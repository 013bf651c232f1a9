// How large this CPU's caches are.
#pragma once

#include <cstdint>

namespace sparsemark {

// Bytes of data that a core's caches hold; L3 is shared with others. 0: unknown.
struct Caches {
  std::int64_t l1d_bytes = 0;
  std::int64_t l2_bytes = 0;
  std::int64_t l3_bytes = 0;
};

// As the operating system has them; what it leaves out, as some virtual machines do, as the CPU itself says.
Caches describe_caches();

// As the CPU itself says: leaf 4 of CPUID (Intel), 0x8000001D (AMD, the same fields). 0 where it has neither.
Caches caches_of_cpuid();

}  // namespace sparsemark
