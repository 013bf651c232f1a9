// XNNPACK (github.com/google/XNNPACK), opened at run time. Its sparse product is a convolution with a 1 x 1
// kernel on planes (NCHW): weights m x k, of which it keeps the nonzeros, k planes of n pixels in (B as it
// lies) and m planes out (C as it lies). On x86 its micro-kernels are SSE ones.
#include <fstream>
#include <limits>
#include <map>

#include "csr_backend.h"

struct xnn_operator;
struct pthreadpool;

namespace {

using namespace sparsemark::backends;

// enum xnn_status
constexpr int kSuccess = 0;
constexpr int kOutOfMemory = 6;

// Calls of the releases before caches became arguments, in March 2022.
using Initialize = int(const void* allocator);
using CreateConvolution = int(std::uint32_t padding_top, std::uint32_t padding_right,
                              std::uint32_t padding_bottom, std::uint32_t padding_left,
                              std::uint32_t kernel_height, std::uint32_t kernel_width,
                              std::uint32_t subsampling_height, std::uint32_t subsampling_width,
                              std::uint32_t dilation_height, std::uint32_t dilation_width,
                              std::uint32_t groups, std::size_t group_input_channels,
                              std::size_t group_output_channels, std::size_t input_channel_stride,
                              std::size_t output_channel_stride, const float* kernel, const float* bias,
                              float output_min, float output_max, std::uint32_t flags, xnn_operator** made);
using SetUpConvolution = int(xnn_operator* convolution, std::size_t batch, std::size_t height,
                             std::size_t width, const float* input, float* output, pthreadpool* pool);
using RunOperator = int(xnn_operator* one, pthreadpool* pool);
using DeleteOperator = int(xnn_operator* one);
using CreatePool = pthreadpool*(std::size_t threads);

CreateConvolution* create_convolution = nullptr;
SetUpConvolution* set_up_convolution = nullptr;
RunOperator* run_operator = nullptr;
DeleteOperator* delete_operator = nullptr;
CreatePool* create_pool = nullptr;

void must(int status, const char* what) {
  if (status == kOutOfMemory) throw std::bad_alloc();
  if (status != kSuccess) {
    throw std::runtime_error(std::string("XNNPACK cannot ") + what + " (status " + std::to_string(status) +
                             ")");
  }
}

// One pool for each number of threads, kept as long as the process; none for one thread, as XNNPACK advises.
pthreadpool* pool_of(int threads) {
  if (threads == 1) return nullptr;
  static std::map<int, pthreadpool*> pools;
  pthreadpool*& pool = pools[threads];
  if (pool == nullptr) pool = create_pool(static_cast<std::size_t>(threads));
  if (pool == nullptr) throw std::runtime_error("pthreadpool cannot start its threads");
  return pool;
}

std::function<void()> bind(const sparsemark_matrix& a, const sparsemark_product& p, sparsemark_message*) {
  const std::size_t m = static_cast<std::size_t>(a.rows);
  const std::size_t k = static_cast<std::size_t>(a.cols);
  const std::size_t n = static_cast<std::size_t>(p.n);
  // It takes stored zeros out again, and of what is then empty it makes no product.
  if (std::all_of(a.values.data(), a.values.data() + a.nnz, [](float value) { return value == 0.0f; })) {
    return fill_with_zeros(a.rows, p);
  }
  sparsemark::Aligned<float> dense(m * k);
  decode_csr(a, dense.data());
  xnn_operator* made = nullptr;
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  must(create_convolution(0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, k, m, k, m, dense.data(), nullptr, -kInfinity,
                          kInfinity, 0, &made),
       "hold this matrix");
  const std::shared_ptr<xnn_operator> convolution(made, [](xnn_operator* gone) { delete_operator(gone); });
  pthreadpool* pool = pool_of(p.threads);
  must(set_up_convolution(made, 1, 1, n, b_of(p), c_of(p), pool), "compute this product");
  return [convolution, pool] { run_operator(convolution.get(), pool); };
}

// The version of Debian's package where there is one: XNNPACK has no releases and tells no version.
std::string package_version() {
  std::ifstream status("/var/lib/dpkg/status");
  bool ours = false;
  for (std::string line; std::getline(status, line);) {
    if (line.rfind("Package: ", 0) == 0) ours = line == "Package: libxnnpack0";
    if (ours && line.rfind("Version: ", 0) == 0) return line.substr(line.find(' ') + 1);
  }
  return "unknown";
}

bool has_caches(void* handle) {
  for (const char* symbol : {"xnn_init_code_cache", "xnn_create_code_cache", "xnn_init_weights_cache",
                             "xnn_create_weights_cache", "xnn_reshape_convolution2d_nchw_f32"}) {
    if (dlsym(handle, symbol) != nullptr) return true;
  }
  return false;
}

}  // namespace

extern "C" SPARSEMARK_EXPORT const sparsemark_library* sparsemark_describe(std::uint32_t,
                                                                           sparsemark_message* message) {
  constexpr const char* kAdvice = "Debian 12: apt-get install libxnnpack0";
  void* handle =
      open_first("xnnpack", {"libXNNPACK.so.0", "libXNNPACK.so", "libXNNPACK.dylib"}, kAdvice, message);
  if (handle == nullptr) return nullptr;
  void* pools = open_first("xnnpack", {"libpthreadpool.so.0", "libpthreadpool.so", "libpthreadpool.dylib"},
                           kAdvice, message);
  if (pools == nullptr) return nullptr;
  if (has_caches(handle)) {
    say(message,
        std::string(
            "Expected XNNPACK of February 2022 or before for xnnpack, received a newer one, whose calls "
            "differ. ") +
            kAdvice);
    return nullptr;
  }
  auto* initialize = find<Initialize>(handle, "xnn_initialize");
  create_convolution = find<CreateConvolution>(handle, "xnn_create_convolution2d_nchw_f32");
  set_up_convolution = find<SetUpConvolution>(handle, "xnn_setup_convolution2d_nchw_f32");
  run_operator = find<RunOperator>(handle, "xnn_run_operator");
  delete_operator = find<DeleteOperator>(handle, "xnn_delete_operator");
  create_pool = find<CreatePool>(pools, "pthreadpool_create");
  if (initialize == nullptr || create_convolution == nullptr || set_up_convolution == nullptr ||
      run_operator == nullptr || delete_operator == nullptr || create_pool == nullptr) {
    say(message,
        std::string("Expected the operators of XNNPACK for xnnpack, received a library without them. ") +
            kAdvice);
    return nullptr;
  }
  if (initialize(nullptr) != kSuccess) {
    say(message, "Expected a CPU that XNNPACK has kernels for, received another. Measure without it.");
    return nullptr;
  }

  Competitor library;
  library.name = "xnnpack";
  library.version = package_version();
#if defined(__x86_64__)
  library.config = "core sse";
#else
  library.config = "core neon";
#endif
  library.config += "; threads pthreadpool; file " + file_of(create_convolution);
  library.set_threads = [](int) {};  // each job has its pool
  library.formats = {kCsr};
  library.kernels = {{"conv1x1", "spmm", bind}, {"conv1x1", "spmv", bind}};
  return publish(std::move(library));
}
