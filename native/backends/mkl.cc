// Intel oneMKL through its single dynamic library, opened at run time: dense products, and sparse ones where
// the library has them.
#include "cblas.h"
#include "mkl_sparse.h"

namespace {

using namespace sparsemark::backends;

void (*set_num_threads)(int) = nullptr;

// What MKL_Get_Version fills in; as documented in the oneMKL Developer Reference, "Support Functions".
struct MklVersion {
  int major;
  int minor;
  int update;
  const char* status;
  const char* build;
  const char* processor;
  const char* platform;
};

// Numbers of the layers as MKL_Set_Threading_Layer and MKL_Set_Interface_Layer take them.
constexpr int kLp64 = 0;
constexpr int kIntel = 0;
constexpr int kSequential = 1;
constexpr int kGnu = 3;

struct Threading {
  int layer;
  const char* name;
};

// The threading layer whose OpenMP runtime is there: without its runtime MKL ends the process.
Threading choose_threading() {
  if (dlopen("libiomp5.so", RTLD_NOW | RTLD_GLOBAL) != nullptr) return {kIntel, "intel openmp"};
  if (dlopen("libgomp.so.1", RTLD_NOW | RTLD_GLOBAL) != nullptr) return {kGnu, "gnu openmp"};
  return {kSequential, "none"};
}

}  // namespace

extern "C" SPARSEMARK_EXPORT const sparsemark_library* sparsemark_describe(std::uint32_t,
                                                                           sparsemark_message* message) {
  calm_openmp();
  setenv("MKL_INTERFACE_LAYER", "LP64", 1);  // the calls here pass 32-bit integers
  void* handle = open_first("mkl", {"libmkl_rt.so.2", "libmkl_rt.so", "libmkl_rt.so.1"},
                            "Debian (non-free): apt-get install libmkl-rt", message);
  if (handle == nullptr) return nullptr;

  const Threading threading = choose_threading();
  auto* set_interface = find<int(int)>(handle, "MKL_Set_Interface_Layer");
  auto* set_threading = find<int(int)>(handle, "MKL_Set_Threading_Layer");
  if (set_interface == nullptr || set_threading == nullptr) {
    say(message,
        "Expected functions to set the layers for mkl, received a libmkl_rt without them. Install oneMKL.");
    return nullptr;
  }
  set_interface(kLp64);
  set_threading(threading.layer);
  if (!find_cblas(handle, "mkl", message)) return nullptr;
  if (auto* set_dynamic = find<void(int)>(handle, "MKL_Set_Dynamic"); set_dynamic != nullptr) {
    set_dynamic(0);  // or MKL may take fewer threads than it was given
  }
  set_num_threads = find<void(int)>(handle, "MKL_Set_Num_Threads");
  MklVersion version{};
  if (auto* get_version = find<void(MklVersion*)>(handle, "MKL_Get_Version"); get_version != nullptr) {
    get_version(&version);
  }

  Competitor library;
  library.name = "mkl";
  library.version = std::to_string(version.major) + "." + std::to_string(version.minor) + "." +
                    std::to_string(version.update);
  library.config = std::string("core ") + (version.processor == nullptr ? "unknown" : version.processor) +
                   "; threads " + threading.name + "; file " + file_of(cblas().sgemm);
  library.formats = {kDense};
  library.kernels = cblas_kernels();
  if (mkl::find_sparse(handle)) {
    library.formats.push_back(kCsr);
    library.kernels.push_back({"csr", "spmm", mkl::bind_csr, 1});
    library.kernels.push_back({"csr", "spmv", mkl::bind_csr, 1});
  }
  if (set_num_threads != nullptr && threading.layer != kSequential) {
    library.set_threads = [](int threads) { set_num_threads(threads); };
  }
  return publish(std::move(library));
}
