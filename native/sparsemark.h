/*
 * The kernel door: the only way in for a kernel library, ours, a competitor's or yours.
 *
 * A library is a shared object that exports one C function, sparsemark_describe. It names its storage formats
 * and kernels and gives six functions: encode, decode, free_matrix, prepare, run, free_job. The harness calls
 *
 *   encode   once per format and matrix   (timed apart; "break-even" is computed from it)
 *   prepare  once per kernel and operands (timed apart)
 *   run      many times                   (the timed evaluation; it must compute all of C, whatever C held)
 *   free_*   when the workload is done
 *
 * always from one thread. The library is loaded in a process of its own; a crash costs it one workload.
 * An example of some 60 lines is test/native/libraries/example_library.c.
 *
 * Layout of the operands: A is m x k in the format that encode made; B is k x n and C is m x n, float32,
 * row-major, no padding between rows, 64-byte aligned, owned by the harness. Sizes are at least 0 and a
 * matrix has fewer than 2^31 nonzeros.
 */
#ifndef SPARSEMARK_H
#define SPARSEMARK_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Raised whenever a struct below changes; a library of another version is refused by name. */
#define SPARSEMARK_ABI_VERSION 1u

#if defined(__GNUC__)
#define SPARSEMARK_EXPORT __attribute__((visibility("default")))
#else
#define SPARSEMARK_EXPORT
#endif

typedef enum sparsemark_status {
  SPARSEMARK_OK = 0,
  SPARSEMARK_UNSUPPORTED = 1, /* this matrix or shape cannot be held or computed; the message says why */
  SPARSEMARK_OUT_OF_MEMORY = 2,
  SPARSEMARK_INTERNAL = 3
} sparsemark_status;

/* Zero-terminated UTF-8 that the callee writes: a reason with a status other than OK, a tiling from prepare.
 */
typedef struct sparsemark_message {
  char text[256];
} sparsemark_message;

/* Canonical compressed sparse rows: columns ascending within a row, no duplicates; a stored 0.0f is a
 * nonzero. The arrays are gone when encode returns: copy what is needed. */
typedef struct sparsemark_csr {
  int32_t rows;
  int32_t cols;
  int32_t nnz;
  const int32_t* row_offsets; /* rows + 1, from 0 to nnz */
  const int32_t* col_indices; /* nnz */
  const float* values;        /* nnz */
} sparsemark_csr;

/* What encode made. Sizes must repeat those of the input; bytes are those that the kernels may read. */
typedef struct sparsemark_encoded {
  int32_t rows;
  int32_t cols;
  int32_t nnz;
  int64_t payload_bytes;  /* values of nonzeros */
  int64_t metadata_bytes; /* indices, offsets, masks */
  int64_t padding_bytes;  /* zeros stored to fill blocks, slices and rows, with their indices */
} sparsemark_encoded;

/* Set in sparsemark_kernel.flags when the kernel multiplies with every element of A: a dense baseline. */
#define SPARSEMARK_KERNEL_DENSE 1u

typedef struct sparsemark_kernel {
  const char* name;    /* unique in the library together with op, dtype and isa; usually the format's name */
  const char* op;      /* "spmm": C = A B; "spmv": the same with n = 1 */
  const char* dtype;   /* "f32" */
  const char* format;  /* what encode must have made: an entry of formats */
  const char* isa;     /* "scalar", "avx2", "avx512", "neon", or "auto" where the library chooses by itself */
  int32_t max_threads; /* largest number of threads that it can use; 0 = any */
  uint32_t flags;
} sparsemark_kernel;

/* Operands of one job; valid until free_job. */
typedef struct sparsemark_product {
  int32_t n;       /* columns of B and C */
  int32_t threads; /* threads that run may use, the calling one among them; at least 1 */
  const float* b;  /* k x n */
  float* c;        /* m x n */
} sparsemark_product;

typedef struct sparsemark_matrix sparsemark_matrix; /* the library's own */
typedef struct sparsemark_job sparsemark_job;       /* the library's own */

typedef struct sparsemark_library {
  uint32_t abi_version; /* SPARSEMARK_ABI_VERSION at the library's compile time */
  uint32_t struct_size; /* sizeof(sparsemark_library) at the library's compile time */
  const char* name;     /* short, [a-z0-9_]+, stands in case ids */
  const char* version;
  const char* config; /* free words: core type, threading layer, file opened at run time */
  const char* const* formats;
  int32_t format_count;
  const sparsemark_kernel* kernels;
  int32_t kernel_count;

  sparsemark_status (*encode)(const char* format, const sparsemark_csr* csr, sparsemark_matrix** matrix,
                              sparsemark_encoded* encoded, sparsemark_message* message);
  /* Writes A as a dense row-major rows x cols array; NULL where the library cannot. */
  sparsemark_status (*decode)(const sparsemark_matrix* matrix, float* dense, sparsemark_message* message);
  void (*free_matrix)(sparsemark_matrix* matrix);

  /* kernel: index into kernels. On OK, message may hold the chosen tiling ("rows 4 x 3 vectors, k 256"). */
  sparsemark_status (*prepare)(int32_t kernel, const sparsemark_matrix* matrix,
                               const sparsemark_product* product, sparsemark_job** job,
                               sparsemark_message* message);
  /* Must not fail, allocate or print; returns when all of C is written. */
  void (*run)(sparsemark_job* job);
  void (*free_job)(sparsemark_job* job);
} sparsemark_library;

/*
 * The one exported symbol. host_abi is the harness's version. Returns a table that lives as long as the
 * process, or NULL with a reason in the message (a library that it needs is not installed, say).
 */
SPARSEMARK_EXPORT const sparsemark_library* sparsemark_describe(uint32_t host_abi,
                                                                sparsemark_message* message);

#ifdef __cplusplus
}
#endif
#endif /* SPARSEMARK_H */
