// Eigen (eigen.tuxfamily.org): headers only, so it is compiled in where CMake finds them, and nothing is
// opened at run time. Its row-major sparse x row-major dense product and its dense ones. Column-major B and C
// were eleven times slower.
#include "csr_backend.h"
#include "dense_backend.h"
#include "eigen/products.h"

namespace {

using namespace sparsemark::backends;

#if defined(SPARSEMARK_EIGEN)
// Those whose instruction set this CPU has, the widest first.
const std::vector<const eigen::Products*>& usable() {
  static const std::vector<const eigen::Products*> list = [] {
    std::vector<const eigen::Products*> found;
#if defined(SPARSEMARK_EIGEN_X86)
    __builtin_cpu_init();
    const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    if (avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")) {
      found.push_back(&eigen::products_avx512);
    }
    if (avx2) found.push_back(&eigen::products_avx2);
#endif
    if (found.empty()) found.push_back(&eigen::products_baseline);
    return found;
  }();
  return list;
}

// Binds the dense functions of the i-th entry. One column is a vector to Eigen, whatever the op.
template <std::size_t i>
std::function<void()> bind_dense(const sparsemark_matrix& a, const sparsemark_product& p,
                                 sparsemark_message*) {
  auto* product = p.n == 1 ? usable()[i]->gemv : usable()[i]->gemm;
  return [product, sizes = eigen::Sizes{a.rows, a.cols, p.n}, values = a.values.data(), b = b_of(p),
          c = c_of(p)] { product(sizes, values, b, c); };
}

// For fewer columns AVX-512 halves the work of a row but not the time that it takes to begin one: AVX2
// was 1.05 (12 columns, 32) to 1.3 times (8) as fast on 3072 x 768 at density 0.1, and not from 49 on.
constexpr std::int32_t kWideColumns = 48;

template <std::size_t i>
std::function<void()> bind_csr(const sparsemark_matrix& a, const sparsemark_product& p,
                               sparsemark_message* message) {
  const bool narrower = p.n > 1 && p.n < kWideColumns && i + 1 < usable().size();
  const eigen::Products& products = *usable()[narrower ? i + 1 : i];
  say(message, std::string("vectors ") + products.vectors);
  return [product = p.n == 1 ? products.spmv : products.spmm, sizes = eigen::Sizes{a.rows, a.cols, p.n},
          rows = eigen::Rows{a.nnz, a.offsets.data(), a.indices.data(), a.values.data()}, b = b_of(p),
          c = c_of(p)] { product(sizes, rows, b, c); };
}

template <std::size_t i>
void add_kernels(Competitor& library) {
  if (i >= usable().size()) return;
  const char* vectors = usable()[i]->vectors;
  // What no instruction set of ours names is the library's own choice.
  const bool known = std::strncmp(vectors, "avx", 3) == 0 || std::strcmp(vectors, "neon") == 0;
  const char* isa = known ? vectors : "auto";
  library.kernels.push_back({"dense", "spmm", bind_dense<i>, 0, 0, isa});
  library.kernels.push_back({"dense", "spmv", bind_dense<i>, 0, 0, isa});
  library.kernels.push_back({"csr", "spmm", bind_csr<i>, 1, usable()[i]->threaded_spmm ? 0 : 1, isa});
  library.kernels.push_back({"csr", "spmv", bind_csr<i>, 1, 0, isa});
}

void set_threads(int threads) {
  for (const eigen::Products* products : usable()) products->set_threads(threads);
}
#endif

}  // namespace

extern "C" SPARSEMARK_EXPORT const sparsemark_library* sparsemark_describe(
    std::uint32_t, [[maybe_unused]] sparsemark_message* message) {
#if defined(SPARSEMARK_EIGEN)
  calm_openmp();
  Competitor library;
  library.name = "eigen";
  library.version = usable()[0]->version;
  if (usable()[0]->set_threads != nullptr) library.set_threads = set_threads;
  library.config = std::string("core ") + usable()[0]->vectors + "; threads " +
                   (library.set_threads == nullptr ? "none" : "openmp") + "; compiled in";
  library.formats = {kDense, kCsr};
  add_kernels<0>(library);
  add_kernels<1>(library);
  return publish(std::move(library));
#else
  say(message,
      "Expected Eigen's headers at compile time for eigen, received a build without them. Debian: apt-get "
      "install libeigen3-dev, then sparsemark build");
  return nullptr;
#endif
}
