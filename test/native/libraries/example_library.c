/*
 * A complete kernel library in plain C: the format "csr" and one kernel, a plain loop. Copy it to start your
 * own.
 *
 *   cc -O3 -fPIC -shared -I native example_library.c -o libexample.so
 *   sparsemark run quick --kernels ./libexample.so
 */
#include <stdlib.h>
#include <string.h>

#include "sparsemark.h"

/* 1. Your own matrix and job. The harness only passes pointers to them around. */
struct sparsemark_matrix {
  int32_t rows, cols;
  int32_t *offsets, *indices;
  float* values;
};
struct sparsemark_job {
  const sparsemark_matrix* a;
  sparsemark_product product;
};

/* 2. encode: the CSR that comes in is gone afterwards, so copy it or make of it what your kernel wants. */
static void* copy_of(const void* data, size_t bytes) {
  void* copy = malloc(bytes + 1); /* one more: an empty matrix is no failure */
  if (copy != NULL && bytes > 0) memcpy(copy, data, bytes);
  return copy;
}
static void free_matrix(sparsemark_matrix* a) {
  free(a->offsets);
  free(a->indices);
  free(a->values);
  free(a);
}
static sparsemark_status encode(const char* format, const char* dtype, const sparsemark_csr* csr,
                                sparsemark_matrix** matrix, sparsemark_encoded* encoded,
                                sparsemark_message* message) {
  (void)format, (void)dtype; /* we list one format and one type, so it is those */
  (void)message;
  const size_t rows = (size_t)csr->rows, nnz = (size_t)csr->nnz;
  sparsemark_matrix* a = calloc(1, sizeof(*a));
  if (a == NULL) return SPARSEMARK_OUT_OF_MEMORY;
  a->rows = csr->rows;
  a->cols = csr->cols;
  a->offsets = copy_of(csr->row_offsets, (rows + 1) * sizeof(int32_t));
  a->indices = copy_of(csr->col_indices, nnz * sizeof(int32_t));
  a->values = copy_of(csr->values, nnz * sizeof(float));
  if (a->offsets == NULL || a->indices == NULL || a->values == NULL) {
    free_matrix(a);
    return SPARSEMARK_OUT_OF_MEMORY;
  }
  /* Repeat the sizes, and say how many bytes the kernel reads: values, indices and offsets, padding. */
  *encoded = (sparsemark_encoded){csr->rows,
                                  csr->cols,
                                  csr->nnz,
                                  (int64_t)(nnz * sizeof(float)),
                                  (int64_t)((nnz + rows + 1) * sizeof(int32_t)),
                                  0};
  *matrix = a;
  return SPARSEMARK_OK;
}

/* 3. prepare: bind a kernel to its operands; plan and allocate here, none of it is in the measured time. */
static sparsemark_status prepare(int32_t kernel, const sparsemark_matrix* matrix,
                                 const sparsemark_product* product, sparsemark_job** job,
                                 sparsemark_message* message) {
  (void)kernel; /* both kernels are the same loop */
  (void)message;
  *job = malloc(sizeof(**job));
  if (*job == NULL) return SPARSEMARK_OUT_OF_MEMORY;
  **job = (sparsemark_job){matrix, *product};
  return SPARSEMARK_OK;
}
static void free_job(sparsemark_job* job) { free(job); }

/* 4. run: what is measured. Writes all of C = A B, whatever C held before. */
static void run(sparsemark_job* job) {
  const sparsemark_matrix* a = job->a;
  const int32_t n = job->product.n;
  for (int32_t i = 0; i < a->rows; ++i) {
    float* c = (float*)job->product.c + (size_t)i * (size_t)n;
    for (int32_t j = 0; j < n; ++j) c[j] = 0.0f;
    for (int32_t p = a->offsets[i]; p < a->offsets[i + 1]; ++p) {
      const float* b = (const float*)job->product.b + (size_t)a->indices[p] * (size_t)n;
      for (int32_t j = 0; j < n; ++j) c[j] += a->values[p] * b[j];
    }
  }
}

/* 5. The table: what there is. max_threads 1, since the loop runs on the calling thread alone. */
static const char* const formats[] = {"csr"};
static const sparsemark_kernel kernels[] = {{"csr", "spmm", "f32", "csr", "auto", 1, 0},
                                            {"csr", "spmv", "f32", "csr", "auto", 1, 0}};
static const sparsemark_library library = {
    .abi_version = SPARSEMARK_ABI_VERSION,
    .struct_size = sizeof(sparsemark_library),
    .name = "example",
    .version = "1.0",
    .config = "plain C loop",
    .formats = formats,
    .format_count = 1,
    .kernels = kernels,
    .kernel_count = 2,
    .encode = encode,
    .decode = NULL, /* optional */
    .free_matrix = free_matrix,
    .prepare = prepare,
    .run = run,
    .free_job = free_job,
};

/* 6. The one exported function. */
SPARSEMARK_EXPORT const sparsemark_library* sparsemark_describe(uint32_t host_abi,
                                                                sparsemark_message* message) {
  (void)host_abi;
  (void)message;
  return &library;
}
