// BLIS (Van Zee and van de Geijn, ACM TOMS 41(3), 2015), opened at run time.
#include "cblas.h"

namespace {

using namespace sparsemark::backends;

void (*set_num_threads)(std::int64_t) = nullptr;

bool says_yes(void* handle, const char* question) {
  auto* ask = find<std::int64_t()>(handle, question);
  return ask != nullptr && ask() != 0;
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
  auto* query_arch = find<int()>(handle, "bli_arch_query_id");
  auto* arch_name = find<const char*(int)>(handle, "bli_arch_string");
  set_num_threads = find<void(std::int64_t)>(handle, "bli_thread_set_num_threads");
  const bool openmp = says_yes(handle, "bli_info_get_enable_openmp");
  const bool pthreads = says_yes(handle, "bli_info_get_enable_pthreads");

  Competitor library;
  library.name = "blis";
  library.version = get_version == nullptr ? "unknown" : get_version();
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
