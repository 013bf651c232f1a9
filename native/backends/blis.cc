// BLIS (Van Zee and van de Geijn, ACM TOMS 41(3), 2015), opened at run time.
#include "cblas.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace {

using namespace sparsemark::backends;

void (*set_num_threads)(std::int64_t) = nullptr;

bool says_yes(void* handle, const char* question) {
  auto* ask = find<std::int64_t()>(handle, question);
  return ask != nullptr && ask() != 0;
}

// Whether this is an AMD CPU with AVX2 of a family that BLIS 0.9 does not know. It tells them by family, up
// to Zen 3, and takes its portable kernels for later ones: 35 instead of 110 GFLOP/s on a Zen 5.
bool is_unknown_zen() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (!__builtin_cpu_is("amd") || !__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma"))
    return false;
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  if (__get_cpuid(1, &eax, &ebx, &ecx, &edx) == 0) return false;
  return ((eax >> 8) & 15u) + ((eax >> 20) & 255u) > 0x19;
#else
  return false;
#endif
}

// Takes the kernels of the latest Zen that release 0.9 has; only that one, since a name that a build lacks
// ends the process. Must come before everything else that asks BLIS for its kernels, and needs bli_init after
// it.
void choose_kernels(void* handle, const std::string& version) {
  auto* name_of = find<const char*(int)>(handle, "bli_arch_string");
  auto* init = find<void()>(handle, "bli_init");
  if (!is_unknown_zen() || version.rfind("0.9", 0) != 0 || name_of == nullptr || init == nullptr) return;
  for (int arch = 0; name_of(arch) != nullptr; ++arch) {
    if (std::strcmp(name_of(arch), "zen3") != 0) continue;
    setenv("BLIS_ARCH_TYPE", std::to_string(arch).c_str(), 0);
    init();
    return;
  }
}

}  // namespace

extern "C" SPARSEMARK_EXPORT const sparsemark_library* sparsemark_describe(std::uint32_t,
                                                                           sparsemark_message* message) {
  calm_openmp();
  void* handle =
      open_first("blis", {"libblis.so.4", "libblis.so.3", "libblis.so", "libblis.4.dylib", "libblis.dylib"},
                 "Debian: apt-get install libblis4-openmp", message);
  if (handle == nullptr || !find_cblas(handle, "blis", message)) return nullptr;

  if (auto* bits = find<std::int64_t()>(handle, "bli_info_get_blas_int_type_size");
      bits != nullptr && bits() != 32) {
    say(message,
        "Expected 32-bit integers for blis, received a build with 64-bit ones. Debian: apt-get install "
        "libblis4-openmp");
    return nullptr;
  }
  auto* get_version = find<const char*()>(handle, "bli_info_get_version_str");
  const std::string version = get_version == nullptr ? "unknown" : get_version();
  choose_kernels(handle, version);
  auto* query_arch = find<int()>(handle, "bli_arch_query_id");
  auto* arch_name = find<const char*(int)>(handle, "bli_arch_string");
  set_num_threads = find<void(std::int64_t)>(handle, "bli_thread_set_num_threads");
  const bool openmp = says_yes(handle, "bli_info_get_enable_openmp");
  const bool pthreads = says_yes(handle, "bli_info_get_enable_pthreads");

  Competitor library;
  library.name = "blis";
  library.version = version;
  library.config = std::string("core ") +
                   (query_arch == nullptr || arch_name == nullptr ? "unknown" : arch_name(query_arch())) +
                   "; threads " +
                   (openmp     ? "openmp"
                    : pthreads ? "pthread"
                               : "none") +
                   "; file " + file_of(cblas().sgemm);
  library.formats = {kDense};
  library.kernels = cblas_kernels();
  if (set_num_threads != nullptr && (openmp || pthreads)) {
    library.set_threads = [](int threads) { set_num_threads(threads); };
  }
  return publish(std::move(library));
}
