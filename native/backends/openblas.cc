// OpenBLAS (openblas.net), opened at run time.
#include "cblas.h"

namespace {

using namespace sparsemark::backends;

void (*set_num_threads)(int) = nullptr;

// The core type whose kernels fit this CPU, or nullptr to let OpenBLAS choose. Needed because a release that
// is older than the CPU takes its oldest kernels: 0.3.21 ran SSE3 ones (28 of 140 GFLOP/s) on a Xeon of 2023.
const char* core_type() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")) {
    return "SkylakeX";
  }
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    return __builtin_cpu_is("amd") ? "Zen" : "Haswell";
  }
#endif
  return nullptr;
}

// "OpenBLAS 0.3.21 NO_LAPACKE DYNAMIC_ARCH ..." -> "0.3.21"
std::string version_in(const std::string& config) {
  const std::size_t begin = config.find(' ');
  if (begin == std::string::npos) return "unknown";
  const std::size_t end = config.find(' ', begin + 1);
  return config.substr(begin + 1, end == std::string::npos ? end : end - begin - 1);
}

const char* threading_name(int parallel) {
  switch (parallel) {
    case 0:
      return "none";
    case 1:
      return "pthread";
    case 2:
      return "openmp";
    default:
      return "unknown";
  }
}

}  // namespace

extern "C" SPARSEMARK_EXPORT const sparsemark_library* sparsemark_describe(std::uint32_t,
                                                                           sparsemark_message* message) {
  calm_openmp();
  if (const char* core = core_type(); core != nullptr) setenv("OPENBLAS_CORETYPE", core, 0);
  // Idle threads spin for 2^22 cycles, about 1.5 ms, instead of 2^26: long enough for the next evaluation,
  // too short to disturb the next library.
  setenv("OPENBLAS_THREAD_TIMEOUT", "22", 0);
  void* handle = open_first("openblas",
                            {"libopenblas.so.0", "libopenblas.so", "libopenblas.dylib",
                             "/opt/homebrew/opt/openblas/lib/libopenblas.dylib"},
                            "Debian: apt-get install libopenblas0-pthread", message);
  if (handle == nullptr || !find_cblas(handle, "openblas", message)) return nullptr;

  auto* get_config = find<char*()>(handle, "openblas_get_config");
  auto* get_corename = find<char*()>(handle, "openblas_get_corename");
  auto* get_parallel = find<int()>(handle, "openblas_get_parallel");
  set_num_threads = find<void(int)>(handle, "openblas_set_num_threads");
  const std::string own_words = get_config == nullptr ? "" : get_config();
  const int parallel = get_parallel == nullptr ? -1 : get_parallel();
  if (own_words.find("USE64BITINT") != std::string::npos) {
    say(message,
        "Expected 32-bit integers for openblas, received a build with 64-bit ones. Debian: apt-get install "
        "libopenblas0-pthread");
    return nullptr;
  }

  Competitor library;
  library.name = "openblas";
  library.version = version_in(own_words);
  library.config = std::string("core ") + (get_corename == nullptr ? "unknown" : get_corename()) +
                   "; threads " + threading_name(parallel) + "; file " + file_of(cblas().sgemm);
  library.formats = {kDense};
  library.kernels = cblas_kernels();
  if (set_num_threads != nullptr && parallel != 0) {
    library.set_threads = [](int threads) { set_num_threads(threads); };
  }
  return publish(std::move(library));
}
