// Which kernels this CPU can run. SPARSEMARK_WITHOUT_<isa>: this build leaves the instruction set out.
#include "../timing/cpu.h"
#include "kernel.h"
#include "tunable.h"

namespace sparsemark {

#define SPARSEMARK_KERNEL(symbol) extern const Kernel symbol;
namespace scalar {
#include "kernels.inc"
#include "kernels_f16.inc"
}  // namespace scalar
#if defined(__x86_64__)
#if !defined(SPARSEMARK_WITHOUT_avx2)
namespace avx2 {
#include "kernels.inc"
}
#endif
#if !defined(SPARSEMARK_WITHOUT_avx512)
namespace avx512 {
#include "kernels.inc"
}
#endif
#if !defined(SPARSEMARK_WITHOUT_avx512vnni)
namespace avx512vnni {
#include "kernels_int8.inc"
}
#endif
#if !defined(SPARSEMARK_WITHOUT_avx512fp16)
namespace avx512fp16 {
#include "kernels_f16.inc"
}
#endif
#elif defined(__aarch64__)
namespace neon {
#include "kernels.inc"
}
#if !defined(SPARSEMARK_WITHOUT_neonfp16)
namespace neonfp16 {
#include "kernels_f16.inc"
}
#endif
#endif
#undef SPARSEMARK_KERNEL

#define SPARSEMARK_TUNABLE(symbol) extern const Tunable symbol;
namespace scalar {
#include "tunables.inc"
}
#if defined(__x86_64__)
#if !defined(SPARSEMARK_WITHOUT_avx2)
namespace avx2 {
#include "tunables.inc"
}
#endif
#if !defined(SPARSEMARK_WITHOUT_avx512)
namespace avx512 {
#include "tunables.inc"
}
#endif
#elif defined(__aarch64__)
namespace neon {
#include "tunables.inc"
}
#endif
#undef SPARSEMARK_TUNABLE

namespace {

#define SPARSEMARK_TUNABLE(symbol) &SPARSEMARK_TUNABLE_NAMESPACE::symbol,
const Tunable* const kTunables[] = {
#define SPARSEMARK_TUNABLE_NAMESPACE scalar
#include "tunables.inc"
#undef SPARSEMARK_TUNABLE_NAMESPACE
#if defined(__x86_64__)
#if !defined(SPARSEMARK_WITHOUT_avx2)
#define SPARSEMARK_TUNABLE_NAMESPACE avx2
#include "tunables.inc"
#undef SPARSEMARK_TUNABLE_NAMESPACE
#endif
#if !defined(SPARSEMARK_WITHOUT_avx512)
#define SPARSEMARK_TUNABLE_NAMESPACE avx512
#include "tunables.inc"
#undef SPARSEMARK_TUNABLE_NAMESPACE
#endif
#elif defined(__aarch64__)
#define SPARSEMARK_TUNABLE_NAMESPACE neon
#include "tunables.inc"
#undef SPARSEMARK_TUNABLE_NAMESPACE
#endif
};
#undef SPARSEMARK_TUNABLE

#define SPARSEMARK_KERNEL(symbol) &SPARSEMARK_KERNEL_NAMESPACE::symbol,
const Kernel* const kKernels[] = {
#define SPARSEMARK_KERNEL_NAMESPACE scalar
#include "kernels.inc"
#include "kernels_f16.inc"
#undef SPARSEMARK_KERNEL_NAMESPACE
#if defined(__x86_64__)
#if !defined(SPARSEMARK_WITHOUT_avx2)
#define SPARSEMARK_KERNEL_NAMESPACE avx2
#include "kernels.inc"
#undef SPARSEMARK_KERNEL_NAMESPACE
#endif
#if !defined(SPARSEMARK_WITHOUT_avx512)
#define SPARSEMARK_KERNEL_NAMESPACE avx512
#include "kernels.inc"
#undef SPARSEMARK_KERNEL_NAMESPACE
#endif
#if !defined(SPARSEMARK_WITHOUT_avx512vnni)
#define SPARSEMARK_KERNEL_NAMESPACE avx512vnni
#include "kernels_int8.inc"
#undef SPARSEMARK_KERNEL_NAMESPACE
#endif
#if !defined(SPARSEMARK_WITHOUT_avx512fp16)
#define SPARSEMARK_KERNEL_NAMESPACE avx512fp16
#include "kernels_f16.inc"
#undef SPARSEMARK_KERNEL_NAMESPACE
#endif
#elif defined(__aarch64__)
#define SPARSEMARK_KERNEL_NAMESPACE neon
#include "kernels.inc"
#undef SPARSEMARK_KERNEL_NAMESPACE
#if !defined(SPARSEMARK_WITHOUT_neonfp16)
#define SPARSEMARK_KERNEL_NAMESPACE neonfp16
#include "kernels_f16.inc"
#undef SPARSEMARK_KERNEL_NAMESPACE
#endif
#endif
};
#undef SPARSEMARK_KERNEL

constexpr int kKernelCount = static_cast<int>(sizeof(kKernels) / sizeof(kKernels[0]));

struct Available {
  const Kernel* kernels[kKernelCount];
  int count = 0;
  Available() {
    for (const Kernel* kernel : kKernels) {
      if (cpu_has(kernel->isa)) kernels[count++] = kernel;
    }
  }
};

}  // namespace

KernelList available_kernels() {
  static const Available available;
  return {available.kernels, available.count};
}

const Tunable* tunable_of(const Kernel& kernel) {
  for (const Tunable* tunable : kTunables) {
    if (tunable->kernel == &kernel) return tunable;
  }
  return nullptr;
}

}  // namespace sparsemark
