// Caches: what the operating system says is what the CPU says, so that the one may stand in for the other.
#include "../../native/timing/caches.h"

#include "check.h"

namespace sparsemark::test {

void caches(const Options&) {
  const Caches shown = describe_caches();
  const Caches own = caches_of_cpuid();
  SPARSEMARK_EXPECT(own.l1d_bytes == 0 || own.l1d_bytes == shown.l1d_bytes, "L1d %lld, CPUID %lld",
                    static_cast<long long>(shown.l1d_bytes), static_cast<long long>(own.l1d_bytes));
  SPARSEMARK_EXPECT(own.l2_bytes == 0 || own.l2_bytes == shown.l2_bytes, "L2 %lld, CPUID %lld",
                    static_cast<long long>(shown.l2_bytes), static_cast<long long>(own.l2_bytes));
#if defined(__x86_64__)
  SPARSEMARK_EXPECT(own.l1d_bytes > 0 && own.l1d_bytes < own.l2_bytes, "CPUID knows no L1d below L2");
#endif
}

}  // namespace sparsemark::test
