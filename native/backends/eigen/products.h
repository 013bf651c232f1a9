// Eigen's products for one instruction set, as plain functions: Eigen chooses its vectors at compile time, so
// products.cc is compiled once per instruction set.
#pragma once

#include <cstdint>

namespace sparsemark::backends::eigen {

// Sizes of C[m x n] = A[m x k] B[k x n].
struct Sizes {
  std::int32_t m;
  std::int32_t k;
  std::int32_t n;
};

// Compressed sparse rows.
struct Rows {
  std::int32_t nnz;
  const std::int32_t* offsets;  // m + 1
  const std::int32_t* indices;  // nnz
  const float* values;          // nnz
};

// B and C are row-major, all operands on 64-byte boundaries; the functions write all of C.
struct Products {
  const char* version;
  const char* vectors;  // what Eigen says it computes with
  // Nothing where Eigen was compiled without OpenMP.
  void (*set_threads)(int threads);
  // Whether spmm has more than one thread: since release 3.4. spmv has in older ones too.
  bool threaded_spmm;
  void (*gemm)(const Sizes& sizes, const float* a, const float* b, float* c);
  void (*gemv)(const Sizes& sizes, const float* a, const float* b, float* c);
  void (*spmm)(const Sizes& sizes, const Rows& a, const float* b, float* c);
  void (*spmv)(const Sizes& sizes, const Rows& a, const float* b, float* c);
};

// Those that CMakeLists.txt had compiled.
extern const Products products_baseline;
extern const Products products_avx2;
extern const Products products_avx512;

}  // namespace sparsemark::backends::eigen
