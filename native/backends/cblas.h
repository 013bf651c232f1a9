// Kernels on the CBLAS interface (BLAS Technical Forum, 2001) with 32-bit integers, which OpenBLAS, BLIS, MKL
// and Accelerate share.
#pragma once

#include "dense_backend.h"

namespace sparsemark::backends {

inline constexpr int kRowMajor = 101;  // CblasRowMajor
inline constexpr int kNoTrans = 111;   // CblasNoTrans

// Row-major C[m x n] = alpha A B + beta C; the arguments after the transpositions are m, n, k.
using CblasSgemm = void(int layout, int trans_a, int trans_b, int m, int n, int k, float alpha,
                        const float* a, int lda, const float* b, int ldb, float beta, float* c, int ldc);
// Row-major y = alpha A x + beta y; A has m rows.
using CblasSgemv = void(int layout, int trans, int m, int n, float alpha, const float* a, int lda,
                        const float* x, int incx, float beta, float* y, int incy);

struct Cblas {
  CblasSgemm* sgemm = nullptr;
  CblasSgemv* sgemv = nullptr;
};
inline Cblas& cblas() {
  static Cblas one;
  return one;
}

// Finds both functions. Returns false with a reason in the message.
inline bool find_cblas(void* handle, const char* library, sparsemark_message* message) {
  cblas() = {find<CblasSgemm>(handle, "cblas_sgemm"), find<CblasSgemv>(handle, "cblas_sgemv")};
  if (cblas().sgemm != nullptr && cblas().sgemv != nullptr) return true;
  say(message, std::string("Expected functions cblas_sgemm and cblas_sgemv for ") + library +
                   ", received a library without them. Install a build with its CBLAS interface.");
  return false;
}

inline std::function<void()> bind_sgemv(const sparsemark_matrix& a, const sparsemark_product& p,
                                        sparsemark_message*) {
  return [m = a.rows, k = a.cols, values = a.values.data(), b = b_of(p), c = c_of(p)] {
    cblas().sgemv(kRowMajor, kNoTrans, m, k, 1.0f, values, k, b, 1, 0.0f, c, 1);
  };
}

// One column is a vector, whatever the op: OpenBLAS was 5 to 6 times as fast with sgemv (3072 x 768, 768 x
// 3072, Zen 3), BLIS 1.0 to 1.1 times.
inline std::function<void()> bind_sgemm(const sparsemark_matrix& a, const sparsemark_product& p,
                                        sparsemark_message* message) {
  if (p.n == 1) return bind_sgemv(a, p, message);
  return [m = a.rows, k = a.cols, n = p.n, values = a.values.data(), b = b_of(p), c = c_of(p)] {
    cblas().sgemm(kRowMajor, kNoTrans, kNoTrans, m, n, k, 1.0f, values, k, b, n, 0.0f, c, n);
  };
}

inline std::vector<Kernel> cblas_kernels() {
  return {{"dense", "spmm", bind_sgemm}, {"dense", "spmv", bind_sgemv}};
}

}  // namespace sparsemark::backends
