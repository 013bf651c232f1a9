/*
 * The example library with a job that allocates by every function of malloc's family and writes to what it
 * got: each evaluation first counts what is not as it left it, adds one to every word, and leaves the count
 * in C's first element, the number of evaluations in its second.
 */
#define _GNU_SOURCE
#include <malloc.h>
#include <stdbool.h>

#define sparsemark_describe describe_example
#include "example_library.c"
#undef sparsemark_describe

#define WORDS (70u * 1024u) /* 280 KiB */
#define ARRAYS 9

struct working_job {
  sparsemark_job job;
  uint32_t* arrays[ARRAYS];
  size_t words[ARRAYS];
  uint32_t evaluations;
};

static uint32_t word_of(size_t array, size_t at) { return (uint32_t)(at * 2654435761u + array); }

static sparsemark_status prepare_working(int32_t kernel, const sparsemark_matrix* matrix,
                                         const sparsemark_product* product, sparsemark_job** job,
                                         sparsemark_message* message) {
  (void)kernel, (void)message;
  struct working_job* made = calloc(1, sizeof(*made));
  if (made == NULL) return SPARSEMARK_OUT_OF_MEMORY;
  made->job = (sparsemark_job){matrix, *product};
  const size_t bytes = WORDS * sizeof(uint32_t);
  void* posix = NULL;
  bool is_right = posix_memalign(&posix, 256, bytes) == 0;
  uint32_t* grown = malloc(bytes / 2);
  if (grown == NULL) return SPARSEMARK_OUT_OF_MEMORY;
  for (size_t i = 0; i < WORDS / 2; ++i) grown[i] = word_of(1, i);
  grown = realloc(grown, bytes);
  uint32_t* shrunk = malloc(bytes);
  if (grown == NULL || shrunk == NULL) return SPARSEMARK_OUT_OF_MEMORY;
  for (size_t i = 0; i < WORDS; ++i) shrunk[i] = word_of(2, i);
  shrunk = realloc(shrunk, 4096);
  void* const arrays[ARRAYS] = {malloc(bytes),
                                grown,
                                shrunk,
                                calloc(WORDS, sizeof(uint32_t)),
                                aligned_alloc(64, bytes),
                                aligned_alloc(4096, bytes),
                                memalign(2u << 20, bytes),
                                posix,
                                malloc(5u << 20)};
  free(malloc(bytes)); /* a hole in between */
  for (size_t array = 0; array < ARRAYS; ++array) {
    if (arrays[array] == NULL) return SPARSEMARK_OUT_OF_MEMORY;
    uint32_t* words = made->arrays[array] = arrays[array];
    const size_t count = made->words[array] = array == 2 ? 1024 : WORDS;
    is_right = is_right && malloc_usable_size(words) >= count * sizeof(uint32_t);
    /* What was moved must have come along, what calloc gives must be zero. */
    for (size_t i = 0; i < count; ++i) {
      if (array == 3) is_right = is_right && words[i] == 0;
      if (array == 2 || (array == 1 && i < WORDS / 2)) is_right = is_right && words[i] == word_of(array, i);
      words[i] = word_of(array, i);
    }
  }
  is_right = is_right && (uintptr_t)arrays[4] % 64 == 0 && (uintptr_t)arrays[5] % 4096 == 0 &&
             (uintptr_t)arrays[6] % (2u << 20) == 0 && (uintptr_t)arrays[7] % 256 == 0;
  *job = &made->job;
  return is_right ? SPARSEMARK_OK : SPARSEMARK_INTERNAL;
}

static void free_working(sparsemark_job* job) {
  struct working_job* working = (struct working_job*)job;
  for (size_t array = 0; array < ARRAYS; ++array) free(working->arrays[array]);
  free(working);
}

static void run_working(sparsemark_job* job) {
  struct working_job* working = (struct working_job*)job;
  size_t wrong = 0;
  for (size_t array = 0; array < ARRAYS; ++array) {
    for (size_t i = 0; i < working->words[array]; ++i) {
      if (working->arrays[array][i] != word_of(array, i) + working->evaluations) ++wrong;
      ++working->arrays[array][i];
    }
  }
  run(job);
  working->evaluations += 1;
  ((float*)job->product.c)[0] = (float)wrong;
  ((float*)job->product.c)[1] = (float)working->evaluations;
}

SPARSEMARK_EXPORT const sparsemark_library* sparsemark_describe(uint32_t host_abi,
                                                                sparsemark_message* message) {
  static sparsemark_library allocating;
  allocating = *describe_example(host_abi, message);
  allocating.name = "allocating";
  allocating.prepare = prepare_working;
  allocating.free_job = free_working;
  allocating.run = run_working;
  return &allocating;
}
