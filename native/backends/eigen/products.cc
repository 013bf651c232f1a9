// Compiled once per instruction set, SPARSEMARK_ISA its name. All of Eigen gets a namespace of that name: its
// functions are inline, the linker keeps one of those with equal names, and the AVX-512 one would kill an
// older CPU.
#define SPARSEMARK_JOIN(a, b) a##b
#define SPARSEMARK_NAME(prefix, isa) SPARSEMARK_JOIN(prefix, isa)
#define Eigen SPARSEMARK_NAME(Eigen_, SPARSEMARK_ISA)

#include "products.h"

#include <Eigen/Core>
#include <Eigen/SparseCore>

namespace sparsemark::backends::eigen {
namespace {

using Matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Operand = Eigen::Map<const Matrix, Eigen::Aligned64>;
using Result = Eigen::Map<Matrix, Eigen::Aligned64>;
using OperandColumn = Eigen::Map<const Eigen::VectorXf, Eigen::Aligned64>;
using ResultColumn = Eigen::Map<Eigen::VectorXf, Eigen::Aligned64>;
using Sparse = Eigen::Map<const Eigen::SparseMatrix<float, Eigen::RowMajor, std::int32_t>>;

Sparse sparse(const Sizes& s, const Rows& a) { return {s.m, s.k, a.nnz, a.offsets, a.indices, a.values}; }

void gemm(const Sizes& s, const float* a, const float* b, float* c) {
  Result(c, s.m, s.n).noalias() = Operand(a, s.m, s.k) * Operand(b, s.k, s.n);
}

void gemv(const Sizes& s, const float* a, const float* b, float* c) {
  ResultColumn(c, s.m).noalias() = Operand(a, s.m, s.k) * OperandColumn(b, s.k);
}

void spmm(const Sizes& s, const Rows& a, const float* b, float* c) {
  Result(c, s.m, s.n).noalias() = sparse(s, a) * Operand(b, s.k, s.n);
}

void spmv(const Sizes& s, const Rows& a, const float* b, float* c) {
  ResultColumn(c, s.m).noalias() = sparse(s, a) * OperandColumn(b, s.k);
}

#define SPARSEMARK_TEXT(x) #x
#define SPARSEMARK_NUMBER(x) SPARSEMARK_TEXT(x)
constexpr const char* kVersion = SPARSEMARK_NUMBER(EIGEN_WORLD_VERSION) "." SPARSEMARK_NUMBER(
    EIGEN_MAJOR_VERSION) "." SPARSEMARK_NUMBER(EIGEN_MINOR_VERSION);

#if defined(EIGEN_VECTORIZE_AVX512)
constexpr const char* kVectors = "avx512";
#elif defined(EIGEN_VECTORIZE_AVX2) && defined(EIGEN_VECTORIZE_FMA)
constexpr const char* kVectors = "avx2";
#elif defined(EIGEN_VECTORIZE_NEON)
constexpr const char* kVectors = "neon";
#elif defined(EIGEN_VECTORIZE_SSE2)
constexpr const char* kVectors = "sse2";
#else
constexpr const char* kVectors = "none";
#endif

#if defined(EIGEN_HAS_OPENMP)
void set_threads(int threads) { Eigen::setNbThreads(threads); }
#else
constexpr void (*set_threads)(int) = nullptr;
#endif

}  // namespace

extern const Products SPARSEMARK_NAME(products_, SPARSEMARK_ISA) = {
    kVersion, kVectors, set_threads, EIGEN_VERSION_AT_LEAST(3, 4, 0), gemm, gemv, spmm, spmv};

}  // namespace sparsemark::backends::eigen
