// What librsb.cc calls of librsb, declared as rsb.h of 1.2 and 1.3 has it, so that a build needs no header.
// test/native/foreign_headers.cc compares it with the real one.
#pragma once

#include <cstddef>

// The library's own, never looked into.
struct rsb_mtx_t;
struct rsb_initopts;

namespace sparsemark::backends::librsb {

inline constexpr int kExecutingThreads = 0x9;  // RSB_IO_WANT_EXECUTING_THREADS
inline constexpr int kIndexBytes = 0x1;        // RSB_MIF_INDEX_STORAGE_IN_BYTES__TO__SIZE_T
inline constexpr int kLeaves = 0x200;          // RSB_MIF_LEAVES_COUNT__TO__RSB_BLK_INDEX_T
inline constexpr char kFloat = 'S';            // RSB_NUMERICAL_TYPE_FLOAT
inline constexpr int kPlain = 'N';             // RSB_TRANSPOSITION_N
inline constexpr int kRowMajor = 0;            // RSB_FLAG_WANT_ROW_MAJOR_ORDER
inline constexpr int kNoFlags = 0;             // RSB_FLAG_NOFLAGS
inline constexpr int kTrue = 1;                // RSB_BOOL_TRUE
inline constexpr int kBlocking = 1;            // RSB_DEFAULT_BLOCKING
inline constexpr int kOutOfMemory = -0x40;     // RSB_ERR_ENOMEM

// Functions return 0 (RSB_ERR_NO_ERROR) or an error; enumerations are int here.
using LibInit = int(rsb_initopts* options);
using LibSetOpt = int(int option, const void* value);
using AllocFromCsr = rsb_mtx_t*(const void* values, const int* offsets, const int* indices, int nnz,
                                char type, int rows, int cols, int block_rows, int block_cols, int flags,
                                int* error);
using Clone = int(rsb_mtx_t** copy, char type, int transposition, const void* alpha, const rsb_mtx_t* matrix,
                  int flags);
using Free = rsb_mtx_t*(rsb_mtx_t* matrix);
using GetInfo = int(const rsb_mtx_t* matrix, int what, void* value);
// dense += alpha A, the leading dimension first.
using AddToDense = int(const void* alpha, const rsb_mtx_t* matrix, int ld, int rows, int cols, int row_major,
                       void* dense);
// Replaces *matrix by one whose blocks suit the product better. threads: nullptr keeps the number that is
// set.
using TuneSpmm = int(rsb_mtx_t** matrix, double* speed_up, int* threads, int rounds, double seconds,
                     int transposition, const void* alpha, const rsb_mtx_t* other, int n, int order,
                     const void* b, int ldb, const void* beta, void* c, int ldc);
using Spmm = int(int transposition, const void* alpha, const rsb_mtx_t* matrix, int n, int order,
                 const void* b, int ldb, const void* beta, void* c, int ldc);
using Spmv = int(int transposition, const void* alpha, const rsb_mtx_t* matrix, const void* x, int x_step,
                 const void* beta, void* y, int y_step);

}  // namespace sparsemark::backends::librsb
