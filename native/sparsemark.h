/*
 * The kernel door: the only way in for a kernel library, ours, a competitor's or yours.
 *
 * A library is a shared object that exports one C function, sparsemark_describe. It names its storage formats
 * and kernels and gives six functions: encode, decode, free_matrix, prepare, run, free_job, and a seventh,
 * made, if it has kernels that make matrices. The harness calls
 *
 *   encode   once per format and matrix   (timed apart; "break-even" is computed from it)
 *   prepare  once per kernel and operands (timed apart)
 *   run      many times                   (the timed evaluation; it must compute all of C, whatever C held)
 *   free_*   when the workload is done
 *
 * always from one thread. The library is loaded in a process of its own; a crash costs it one workload.
 * An example of some 60 lines is test/native/libraries/example_library.c.
 *
 * Operands. A is m x k in the format that encode made; all others are owned by the harness, row-major without
 * padding between rows, 64-byte aligned. Sizes are at least 0, a matrix has fewer than 2^31 nonzeros. An op
 * reads these fields of sparsemark_product and no others; the rest are NULL or 0:
 *
 *   op                computes                                   b          b2        b3      c
 *   spmm              C = A B                                    k x n                        m x n
 *   spmv              the same with n = 1                        k                            m
 *   spmm_bias_relu    C = max(0, A B + bias)                     k x n      bias m            m x n
 *   spmm_t            C = A^T B, the backward pass               m x n                        k x n
 *   spmspv            c = A x, x sparse: sparse_b is 1 x k                                    m
 *   spmspm            C = A B, B sparse: sparse_b is k x n                                    m x n
 *   sddmm             c[p] = X[i] . Y[j] at each nonzero p of A  X m x n    Y k x n           nnz, as in CSR
 *   conv2d            see sparsemark_conv                        input                        output
 *   embedding_bag     C[i] = sum over nonzeros of A[i,j] B[j]    k x n                        m x n
 *   masked_attention  softmax(Q K^T / sqrt(n) where A has a      Q m x n    K k x n   V k x n m x n
 *                     nonzero) V, rows without one are 0
 *   encode            makes a matrix of format out of b          m x k                        none: see made
 *   prune             the same with the `keep` largest |b|,      m x k                        none: see made
 *                     of equal ones the first in row-major order
 *
 *   dtype   values of A                               b, b2, b3              c
 *   f32     float32                                   float32                float32
 *   bf16    bfloat16                                  float32                float32
 *   f16     float16                                   float16                float16
 *   int8    integers -127..127                        b uint8, others f32    int32, exact
 *
 * f16 permits sums in float16 over up to 64 products each, so that a result may be off by 0.033 of the sum of
 * its products' magnitudes; what those sums are added up in must have 24 bits, as float32 has. float16 is
 * IEEE 754's binary16, denormals included.
 *
 * spmm_bias_relu of int8 has a float32 C = max(0, scale (A B) + bias): b3 holds the m scales. CSR values are
 * float32 whatever the dtype, and exactly representable in it.
 */
#ifndef SPARSEMARK_H
#define SPARSEMARK_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Raised whenever a struct below changes in a way that a library would not survive; one of another version is
 * refused by name. What is added behind the last field leaves it: struct_size tells how much a library has.
 */
#define SPARSEMARK_ABI_VERSION 2u

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
  const char* name;   /* unique in the library together with op, dtype and isa; usually the format's name */
  const char* op;     /* of the table above */
  const char* dtype;  /* of the table above */
  const char* format; /* what encode must have made: an entry of formats */
  /* "scalar", "avx2", "avx512", "avx512vnni", "avx512fp16", "neon", "neonfp16", or "auto" for the library's
   * own choice */
  const char* isa;
  int32_t max_threads; /* largest number of threads that it can use; 0 = any */
  uint32_t flags;
} sparsemark_kernel;

/*
 * A convolution: input batch x channels x height x width, output batch x m x out_height x out_width, both
 * NCHW. A is m filters x (channels * kernel_height * kernel_width), columns in that order; n = batch *
 * out_height * out_width. out = (in + 2 padding - kernel) / stride + 1, rounded down; what is outside of the
 * input is 0.
 */
typedef struct sparsemark_conv {
  int32_t batch, channels, height, width;
  int32_t kernel_height, kernel_width;
  int32_t stride, padding;
  int32_t out_height, out_width;
} sparsemark_conv;

/* Operands of one job; valid until free_job. The table at the head says which an op reads. */
typedef struct sparsemark_product {
  int32_t n;       /* columns of C; for sddmm and masked_attention, of the dense operands */
  int32_t threads; /* threads that run may use, the calling one among them; at least 1 */
  const void* b;
  void* c;
  const void* b2;
  const void* b3;
  const sparsemark_csr* sparse_b;
  const sparsemark_conv* conv;
  int32_t rows, cols; /* m and k, for ops that have no A yet */
  int64_t keep;       /* nonzeros that prune keeps */
  const char* plan;   /* NULL, or what encode_planned was given for this matrix */
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

  sparsemark_status (*encode)(const char* format, const char* dtype, const sparsemark_csr* csr,
                              sparsemark_matrix** matrix, sparsemark_encoded* encoded,
                              sparsemark_message* message);
  /* Writes A as a dense row-major rows x cols array; NULL where the library cannot. */
  sparsemark_status (*decode)(const sparsemark_matrix* matrix, float* dense, sparsemark_message* message);
  void (*free_matrix)(sparsemark_matrix* matrix);

  /* kernel: index into kernels. matrix is NULL for encode and prune. On OK, message may hold the chosen
   * tiling ("rows 4 x 3 vectors, k 256"). */
  sparsemark_status (*prepare)(int32_t kernel, const sparsemark_matrix* matrix,
                               const sparsemark_product* product, sparsemark_job** job,
                               sparsemark_message* message);
  /* Must not fail or print, nor allocate but in encode and prune; returns when all of C is written. */
  void (*run)(sparsemark_job* job);
  void (*free_job)(sparsemark_job* job);
  /* What the last run of encode or prune made; NULL if it had no memory. Valid until the next run or
   * free_job. May be NULL where the library has no such kernels. */
  const sparsemark_matrix* (*made)(const sparsemark_job* job);

  /* Plans, for a tuner: both NULL where there is nothing to choose. A table may also end before them, as
   * those of libraries do that were built without; they need not be built again.
   *
   * knobs: for each kernel NULL, or what can be chosen and the values that it can have, the first names being
   * worth a try first: "columns=64|128|256 vectors=2|4". A plan is a choice of some: "vectors=4"; the rest
   * stays the library's own. */
  const char* const* knobs;
  /* encode for one kernel and a plan, of which it takes what concerns the storage. Any plan that is not made
   * of the kernel's knobs is UNSUPPORTED, and so is one that does not fit the matrix; here or in prepare. */
  sparsemark_status (*encode_planned)(int32_t kernel, const char* plan, const sparsemark_csr* csr,
                                      sparsemark_matrix** matrix, sparsemark_encoded* encoded,
                                      sparsemark_message* message);
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
