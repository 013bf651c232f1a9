// Apple's Accelerate, part of macOS. It has no call for a number of threads, so it is held to one.
#include "cblas.h"

extern "C" SPARSEMARK_EXPORT const sparsemark_library* sparsemark_describe(std::uint32_t,
                                                                           sparsemark_message* message) {
  using namespace sparsemark::backends;
#if !defined(__APPLE__)
  say(message,
      "Expected macOS for accelerate, received another operating system. Choose another dense library.");
  return nullptr;
#else
  setenv("VECLIB_MAXIMUM_THREADS", "1", 1);
  void* handle = open_first("accelerate", {"/System/Library/Frameworks/Accelerate.framework/Accelerate"},
                            "It is part of macOS: check the system's installation.", message);
  if (handle == nullptr || !find_cblas(handle, "accelerate", message)) return nullptr;
  // macOS 15 and later; 1 is BLAS_THREADING_SINGLE_THREADED.
  if (auto* set_threading = find<int(unsigned)>(handle, "BLASSetThreading"); set_threading != nullptr) {
    set_threading(1);
  }
  Competitor library;
  library.name = "accelerate";
  library.version = "unknown";
  library.config =
      "core unknown; threads none; file /System/Library/Frameworks/Accelerate.framework/Accelerate";
  library.formats = {kDense};
  library.kernels = cblas_kernels();
  return publish(std::move(library));
#endif
}
