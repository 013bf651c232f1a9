// oneDNN (formerly MKL-DNN and DNNL), releases 2.x and 3.x, opened at run time, the newest that there is: its
// sgemm and its product of 8 bits, its matmul and convolution, and in 3.x its product of sparse rows.
#include "onednn_convolution.h"
#include "onednn_csr.h"
#include "onednn_int8.h"

namespace {

using namespace sparsemark::backends;

// The head of dnnl_version_t, the same in 2.x and 3.x.
struct Version {
  int major;
  int minor;
  int patch;
  const char* hash;
  unsigned cpu_runtime;
};

// Bits of cpu_runtime.
constexpr unsigned kSequential = 1;
constexpr unsigned kOpenMp = 2;

// Row-major C[m x n] = alpha A B + beta C; the arguments after the transpositions are m, n, k. Returns 0 when
// done.
using Sgemm = int(char trans_a, char trans_b, std::int64_t m, std::int64_t n, std::int64_t k, float alpha,
                  const float* a, std::int64_t lda, const float* b, std::int64_t ldb, float beta, float* c,
                  std::int64_t ldc);

Sgemm* sgemm = nullptr;
void (*set_num_threads)(int) = nullptr;

// dnnl_cpu_isa_t, where 2.x and 3.x agree; else its number.
std::string isa_name(int isa) {
  switch (isa) {
    case 0x1:
      return "sse41";
    case 0x3:
      return "avx";
    case 0x7:
      return "avx2";
    case 0x27:
      return "avx512_core";
    case 0x67:
      return "avx512_core_vnni";
    case 0xe7:
      return "avx512_core_bf16";
    default: {
      char number[24];
      std::snprintf(number, sizeof(number), "isa 0x%x", static_cast<unsigned>(isa));
      return number;
    }
  }
}

// Serves n = 1 too: oneDNN has no sgemv of its own, and takes a special path for one column.
std::function<void()> bind_sgemm(const sparsemark_matrix& a, const sparsemark_product& p,
                                 sparsemark_message*) {
  return [m = a.rows, k = a.cols, n = p.n, values = a.values.data(), b = b_of(p), c = c_of(p)] {
    sgemm('N', 'N', m, n, k, 1.0f, values, k, b, n, 0.0f, c, n);
  };
}

}  // namespace

extern "C" SPARSEMARK_EXPORT const sparsemark_library* sparsemark_describe(std::uint32_t,
                                                                           sparsemark_message* message) {
  constexpr const char* kAdvice = "Debian: apt-get install libdnnl3, or on Debian 12 libdnnl2";
  calm_openmp();
  void* handle =
      open_first("onednn", {"libdnnl.so.3", "libdnnl.so.2", "libdnnl.so", "libdnnl.3.dylib", "libdnnl.dylib"},
                 kAdvice, message);
  if (handle == nullptr) return nullptr;
  sgemm = find<Sgemm>(handle, "dnnl_sgemm");
  auto* get_version = find<const Version*()>(handle, "dnnl_version");
  if (sgemm == nullptr || get_version == nullptr) {
    say(message,
        std::string("Expected functions dnnl_sgemm and dnnl_version for onednn, received a library without "
                    "them. ") +
            kAdvice);
    return nullptr;
  }
  const Version& version = *get_version();
  // Finds the function in the OpenMP runtime that this library brought along.
  if (version.cpu_runtime == kOpenMp) set_num_threads = find<void(int)>(handle, "omp_set_num_threads");
  if (version.cpu_runtime != kSequential && set_num_threads == nullptr) {
    say(message,
        std::string("Expected OpenMP or no threads for onednn, received a build whose number of threads "
                    "cannot be set. ") +
            kAdvice);
    return nullptr;
  }
  auto* get_isa = find<int()>(handle, "dnnl_get_effective_cpu_isa");

  Competitor library;
  library.name = "onednn";
  library.version = std::to_string(version.major) + "." + std::to_string(version.minor) + "." +
                    std::to_string(version.patch);
  library.config = std::string("core ") + (get_isa == nullptr ? "unknown" : isa_name(get_isa())) +
                   "; threads " + (set_num_threads == nullptr ? "none" : "openmp") + "; file " +
                   file_of(sgemm);
  library.formats = {kDense, kDenseInt8};
  library.kernels = {{"dense", "spmm", bind_sgemm}, {"dense", "spmv", bind_sgemm}};
  onednn::gemm_s8() = find<onednn::GemmS8>(handle, "dnnl_gemm_s8s8s32");
  const bool exact_int8 =
      get_isa != nullptr && (get_isa() & onednn::kVnni) != 0 && onednn::gemm_s8() != nullptr;
  if (exact_int8) {
    library.kernels.push_back({"dense", "spmm", onednn::bind_int8, 1});
    library.kernels.push_back({"dense", "spmv", onednn::bind_int8, 1});
  }
  if (onednn::find_primitives(handle, version.major)) {
    // Not for spmv: there both take 1.05 to 2 times the time of sgemm.
    library.kernels.push_back({"dense-matmul", "spmm", onednn::bind<onednn::plan_plain>});
    library.kernels.push_back({"dense-packed", "spmm", onednn::bind<onednn::plan_packed>});
    library.kernels.push_back({"dense", "conv2d", onednn::bind<onednn::plan_plain_convolution>});
    library.kernels.push_back({"dense-blocked", "conv2d", onednn::bind<onednn::plan_blocked_convolution>});
    if (exact_int8) {
      library.kernels.push_back({"dense-packed", "spmm", onednn::bind<onednn::plan_packed_int8>, 1});
      library.kernels.push_back({"dense-blocked", "spmm", onednn::bind<onednn::plan_blocked_int8>, 1});
    }
    if (version.major == 3 && onednn::find_csr(handle)) {
      library.formats.push_back(kCsr);
      library.kernels.push_back({"csr", "spmm", onednn::bind<onednn::plan_csr>, 2});
      library.kernels.push_back({"csr", "spmv", onednn::bind<onednn::plan_csr>, 2});
    }
  }
  if (set_num_threads != nullptr) {
    library.set_threads = [](int threads) { set_num_threads(threads); };
  }
  return publish(std::move(library));
}
