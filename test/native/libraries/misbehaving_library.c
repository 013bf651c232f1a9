/*
 * Libraries that do one thing wrong, for the tests of the door. MISBEHAVIOUR, a number out of this list, says
 * what; LIBRARY_NAME is a name for each, so that one run can take several. All else is the example library,
 * taken in whole: its table is copied and one entry bent.
 */
#include <signal.h>
#include <stddef.h>
#include <stdio.h>

#define sparsemark_describe describe_example
#include "example_library.c"
#undef sparsemark_describe

#define CRASHES 1           /* SIGSEGV in run */
#define HANGS 2             /* run never returns */
#define LIES_ABOUT_SIZES 3  /* encode reports one row more */
#define WRITES_AFTER_C 4    /* one float */
#define WRITES_BEFORE_C 5   /* one float */
#define WRITES_B 6          /* its last float */
#define DROPS_LAST_COLUMN 7 /* of C: leaves it as it was */
#define STOPS_COMPUTING 8   /* from the fourth evaluation on */
#define ALLOCATES_FOREVER 9 /* in prepare, touching every page */
#define OTHER_ABI 10        /* a version of tomorrow */
#define ABORTS 11           /* SIGABRT in run */
#define EXITS 12            /* ends the process in run, with status 0 */
#define WRITES_ITS_INPUT 13 /* encode changes a value of the CSR */
#define KEEPS_ITS_INPUT 14  /* encode copies nothing */
#define NO_NAME 15          /* a NULL in the table */
#define CAPITAL_NAME 16     /* a name that may not stand in a case id */
#define NULL_KERNEL_NAME 17 /* in the list of kernels */
#define UNKNOWN_FORMAT 18   /* a kernel for a format that it does not list */
#define TWIN_KERNELS 19     /* two with the same name, op, dtype and isa */
#define LACKS_RUN 20        /* a NULL function */
#define DECLINES 21         /* describe gives a reason instead of a table */
#define FAILS_TO_ENCODE 22  /* INTERNAL with a reason */
#define NEGATIVE_FOOTPRINT 23
#define RETURNS_NO_JOB 24 /* OK, but no job */
/* Not wrong: built before tables had plans. What lies behind its last field is not its own. */
#define SHORT_TABLE 25
#define PRINTS 26 /* in run, to the standard output */

static sparsemark_kernel bent_kernels[2];
static sparsemark_library bent;

static void bent_run(sparsemark_job* job) {
  const size_t n = (size_t)job->product.n;
  const size_t size = (size_t)job->a->rows * n;
  float* c = job->product.c;
#if MISBEHAVIOUR == CRASHES
  raise(SIGSEGV);
#elif MISBEHAVIOUR == ABORTS
  abort();
#elif MISBEHAVIOUR == EXITS
  exit(0);
#elif MISBEHAVIOUR == HANGS
  for (volatile int forever = 1; forever;) {
  }
#elif MISBEHAVIOUR == STOPS_COMPUTING
  static int evaluations = 0;
  if (evaluations++ >= 3) return;
#elif MISBEHAVIOUR == PRINTS
  puts("a kernel at work");
  fflush(stdout);
#endif
  run(job);
#if MISBEHAVIOUR == WRITES_AFTER_C
  c[size] = 1.0f;
#elif MISBEHAVIOUR == WRITES_BEFORE_C
  c[-1] = 1.0f;
#elif MISBEHAVIOUR == WRITES_B
  ((float*)job->product.b)[(size_t)job->a->cols * n - 1] += 1.0f;
#elif MISBEHAVIOUR == DROPS_LAST_COLUMN
  for (size_t i = n - 1; i < size; i += n) c[i] = 0.0f;
#endif
  (void)size;
  (void)c;
}

static sparsemark_status bent_encode(const char* format, const char* dtype, const sparsemark_csr* csr,
                                     sparsemark_matrix** matrix, sparsemark_encoded* encoded,
                                     sparsemark_message* message) {
#if MISBEHAVIOUR == FAILS_TO_ENCODE
  snprintf(message->text, sizeof(message->text), "the moon is in the wrong quarter");
  return SPARSEMARK_INTERNAL;
#endif
  const sparsemark_status status = encode(format, dtype, csr, matrix, encoded, message);
  if (status != SPARSEMARK_OK) return status;
#if MISBEHAVIOUR == LIES_ABOUT_SIZES
  encoded->rows += 1;
#elif MISBEHAVIOUR == NEGATIVE_FOOTPRINT
  encoded->payload_bytes = -1;
#elif MISBEHAVIOUR == WRITES_ITS_INPUT
  if (csr->nnz > 0) ((float*)csr->values)[0] += 1.0f;
#elif MISBEHAVIOUR == KEEPS_ITS_INPUT
  (*matrix)->values = (float*)csr->values;
#endif
  return SPARSEMARK_OK;
}

static void bent_free_matrix(sparsemark_matrix* matrix) {
#if MISBEHAVIOUR == KEEPS_ITS_INPUT
  matrix->values = NULL;
#endif
  free_matrix(matrix);
}

static sparsemark_status bent_prepare(int32_t kernel, const sparsemark_matrix* matrix,
                                      const sparsemark_product* product, sparsemark_job** job,
                                      sparsemark_message* message) {
#if MISBEHAVIOUR == ALLOCATES_FOREVER
  const size_t chunk = (size_t)16 << 20;
  for (char* memory; (memory = malloc(chunk)) != NULL;) memset(memory, 1, chunk);
  return SPARSEMARK_OUT_OF_MEMORY;
#elif MISBEHAVIOUR == RETURNS_NO_JOB
  return SPARSEMARK_OK;
#endif
  return prepare(kernel, matrix, product, job, message);
}

SPARSEMARK_EXPORT const sparsemark_library* sparsemark_describe(uint32_t host_abi,
                                                                sparsemark_message* message) {
#if MISBEHAVIOUR == DECLINES
  (void)host_abi;
  snprintf(message->text, sizeof(message->text), "needs a library that is not installed");
  return NULL;
#endif
  bent = *describe_example(host_abi, message);
  memcpy(bent_kernels, kernels, sizeof(kernels));
  bent.kernels = bent_kernels;
  bent.name = LIBRARY_NAME;
  bent.encode = bent_encode;
  bent.free_matrix = bent_free_matrix;
  bent.prepare = bent_prepare;
  bent.run = bent_run;
#if MISBEHAVIOUR == OTHER_ABI
  bent.abi_version += 1;
#elif MISBEHAVIOUR == NO_NAME
  bent.name = NULL;
#elif MISBEHAVIOUR == CAPITAL_NAME
  bent.name = "Mine/../x";
#elif MISBEHAVIOUR == NULL_KERNEL_NAME
  bent_kernels[1].name = NULL;
#elif MISBEHAVIOUR == UNKNOWN_FORMAT
  bent_kernels[1].format = "ellpack";
#elif MISBEHAVIOUR == TWIN_KERNELS
  bent_kernels[1].op = bent_kernels[0].op;
#elif MISBEHAVIOUR == LACKS_RUN
  bent.run = NULL;
#elif MISBEHAVIOUR == SHORT_TABLE
  bent.struct_size = offsetof(sparsemark_library, knobs);
  bent.knobs = (const char* const*)(size_t)8;
#endif
  return &bent;
}
