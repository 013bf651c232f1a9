// MKL's inspector-executor sparse BLAS, declared as mkl_spblas.h has it with 32-bit integers (oneMKL
// Developer Reference, "Inspector-executor Sparse BLAS Routines"). Used as the reference advises: hints for
// the operation, its columns and many calls, leave to convert the matrix, then mkl_sparse_optimize, all of it
// in prepare.
#pragma once

#include "csr_backend.h"

struct sparse_matrix;  // MKL's own, never looked into

namespace sparsemark::backends::mkl {

inline constexpr int kSuccess = 0;            // SPARSE_STATUS_SUCCESS
inline constexpr int kAllocationFailed = 2;   // SPARSE_STATUS_ALLOC_FAILED
inline constexpr int kNoTranspose = 10;       // SPARSE_OPERATION_NON_TRANSPOSE
inline constexpr int kGeneral = 20;           // SPARSE_MATRIX_TYPE_GENERAL
inline constexpr int kLowerFill = 40;         // SPARSE_FILL_MODE_LOWER; means nothing for a general matrix
inline constexpr int kNonUnitDiagonal = 50;   // SPARSE_DIAG_NON_UNIT; neither does this
inline constexpr int kZeroBased = 0;          // SPARSE_INDEX_BASE_ZERO
inline constexpr int kSparseRowMajor = 101;   // SPARSE_LAYOUT_ROW_MAJOR
inline constexpr int kAggressiveMemory = 81;  // SPARSE_MEMORY_AGGRESSIVE

// Calls that MKL may spread the cost of its optimisation over.
inline constexpr int kExpectedCalls = 1000;

using Handle = sparse_matrix*;

// matrix_descr: three enumerations.
struct Description {
  int type;
  int mode;
  int diagonal;
};
inline constexpr Description kDescription = {kGeneral, kLowerFill, kNonUnitDiagonal};

// Functions return kSuccess or an error; enumerations are int here.
using CreateCsr = int(Handle* made, int base, int rows, int cols, int* row_begins, int* row_ends,
                      int* indices, float* values);
using SetMmHint = int(Handle a, int operation, Description description, int layout, int columns, int calls);
using SetMvHint = int(Handle a, int operation, Description description, int calls);
using SetMemoryHint = int(Handle a, int policy);
using Optimize = int(Handle a);
using Destroy = int(Handle a);
// y = alpha A x + beta y.
using Mm = int(int operation, float alpha, Handle a, Description description, int layout, const float* x,
               int columns, int ldx, float beta, float* y, int ldy);
using Mv = int(int operation, float alpha, Handle a, Description description, const float* x, float beta,
               float* y);

struct Api {
  CreateCsr* create_csr = nullptr;
  SetMmHint* set_mm_hint = nullptr;
  SetMvHint* set_mv_hint = nullptr;
  SetMemoryHint* set_memory_hint = nullptr;
  Optimize* optimize = nullptr;
  Destroy* destroy = nullptr;
  Mm* mm = nullptr;
  Mv* mv = nullptr;
};
inline Api& api() {
  static Api one;
  return one;
}

// Whether every function is there: since MKL 11.3 (2015).
inline bool find_sparse(void* handle) {
  bool all = true;
  const auto seek = [&](auto*& function, const char* symbol) {
    function = find<std::remove_reference_t<decltype(*function)>>(handle, symbol);
    all = all && function != nullptr;
  };
  seek(api().create_csr, "mkl_sparse_s_create_csr");
  seek(api().set_mm_hint, "mkl_sparse_set_mm_hint");
  seek(api().set_mv_hint, "mkl_sparse_set_mv_hint");
  seek(api().set_memory_hint, "mkl_sparse_set_memory_hint");
  seek(api().optimize, "mkl_sparse_optimize");
  seek(api().destroy, "mkl_sparse_destroy");
  seek(api().mm, "mkl_sparse_s_mm");
  seek(api().mv, "mkl_sparse_s_mv");
  return all;
}

inline void must(int status, const char* what) {
  if (status == kAllocationFailed) throw std::bad_alloc();
  if (status != kSuccess) {
    throw std::runtime_error(std::string("MKL cannot ") + what + " (status " + std::to_string(status) + ")");
  }
}

// Executes once: what cannot be computed is declined here, not found out in run.
inline std::function<void()> bind_csr(const sparsemark_matrix& a, const sparsemark_product& p,
                                      sparsemark_message*) {
  // MKL keeps pointers to the arrays and does not write to them; its interface has no const.
  auto* offsets = const_cast<int*>(a.offsets.data());
  Handle handle = nullptr;
  must(api().create_csr(&handle, kZeroBased, a.rows, a.cols, offsets, offsets + 1,
                        const_cast<int*>(a.indices.data()), const_cast<float*>(a.values.data())),
       "hold this matrix");
  const std::shared_ptr<sparse_matrix> matrix(handle, [](Handle gone) { api().destroy(gone); });
  // MKL answers "not supported" where a hint does not change anything: hints may fail.
  api().set_memory_hint(handle, kAggressiveMemory);
  std::function<int()> multiply;
  if (p.n == 1) {
    api().set_mv_hint(handle, kNoTranspose, kDescription, kExpectedCalls);
    multiply = [matrix, b = b_of(p), c = c_of(p)] {
      return api().mv(kNoTranspose, 1.0f, matrix.get(), kDescription, b, 0.0f, c);
    };
  } else {
    api().set_mm_hint(handle, kNoTranspose, kDescription, kSparseRowMajor, p.n, kExpectedCalls);
    multiply = [matrix, n = p.n, b = b_of(p), c = c_of(p)] {
      return api().mm(kNoTranspose, 1.0f, matrix.get(), kDescription, kSparseRowMajor, b, n, n, 0.0f, c, n);
    };
  }
  must(api().optimize(handle), "optimize this matrix");
  must(multiply(), "compute this product");
  return [multiply] { multiply(); };
}

}  // namespace sparsemark::backends::mkl
