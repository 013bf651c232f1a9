// What every dense competitor shares: opening its library at run time, one storage format ("dense": row-major
// without padding, 64-byte aligned) and the table of the kernel door around a list of kernels.
#pragma once

#include <dlfcn.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "../matrix.h"
#include "../sparsemark.h"

struct sparsemark_matrix {
  std::int32_t rows = 0;
  std::int32_t cols = 0;
  sparsemark::Aligned<float> values;  // rows x cols
};

struct sparsemark_job {
  std::function<void()> evaluate;
  int threads = 1;
};

namespace sparsemark::backends {

inline void say(sparsemark_message* message, const std::string& text) {
  if (message != nullptr) std::snprintf(message->text, sizeof(message->text), "%s", text.c_str());
}

// Opens the first of several shared objects that there is. Returns nullptr with a reason in the message.
inline void* open_first(const char* library, std::initializer_list<const char*> names, const char* advice,
                        sparsemark_message* message) {
  std::string reason;
  for (const char* name : names) {
    // Local, so that two libraries with the same symbols never answer for each other.
    if (void* handle = dlopen(name, RTLD_NOW | RTLD_LOCAL); handle != nullptr) return handle;
    const char* why = dlerror();
    if (reason.empty() && why != nullptr) reason = why;
  }
  say(message, "Expected a shared library " + std::string(*names.begin()) + " for " + library +
                   ", received \"" + reason + "\". " + advice);
  return nullptr;
}

// The function of that name, or nullptr.
template <typename Function>
Function* find(void* handle, const char* symbol) {
  return reinterpret_cast<Function*>(dlsym(handle, symbol));
}

// Path of the file that a function came from, links resolved.
template <typename Function>
std::string file_of(Function* function) {
  Dl_info info{};
  if (dladdr(reinterpret_cast<void*>(function), &info) == 0 || info.dli_fname == nullptr) return "unknown";
  const std::unique_ptr<char, void (*)(void*)> path(realpath(info.dli_fname, nullptr), std::free);
  return path ? path.get() : info.dli_fname;
}

// Lets idle OpenMP threads go to sleep after about 20 us, as long as our own teams spin, instead of spinning
// on a core that the next library is measured on. Takes effect only before the OpenMP runtime is loaded, and
// leaves alone what the user has set.
inline void calm_openmp() {
  setenv("OMP_WAIT_POLICY", "passive", 0);
  setenv("GOMP_SPINCOUNT", "2000", 0);  // GNU's runtime, in pauses; passive alone would not spin at all
}

// Binds a kernel to its operands: m, k, n at least 1. What is returned computes all of C. May throw
// std::bad_alloc; returns an empty function, with a reason in the message, where it declines.
using Bind = std::function<void()> (*)(const sparsemark_matrix& a, const sparsemark_product& product,
                                       sparsemark_message* message);

struct DenseKernel {
  const char* name;
  const char* op;
  Bind bind;
};

// A competitor as its file found it.
struct DenseLibrary {
  const char* name = nullptr;
  std::string version;
  std::string config;
  // Limits the library to so many threads; nullptr where it can only use one.
  void (*set_threads)(int threads) = nullptr;
  std::vector<DenseKernel> kernels;
};

// The one library of this shared object, and the thread count it was last set to (0: never).
struct State {
  DenseLibrary library;
  int threads = 0;
  std::vector<sparsemark_kernel> kernels;
  sparsemark_library table{};
};
inline State& state() {
  static State one;
  return one;
}

inline void use_threads(int threads) {
  State& s = state();
  if (s.threads == threads) return;
  if (s.library.set_threads != nullptr) s.library.set_threads(threads);
  s.threads = threads;
}

inline constexpr const char* kFormats[] = {"dense"};

inline sparsemark_status encode(const char* format, const sparsemark_csr* csr, sparsemark_matrix** matrix,
                                sparsemark_encoded* encoded, sparsemark_message* message) {
  if (std::strcmp(format, kFormats[0]) != 0) {
    say(message, "Expected format dense, received " + std::string(format) + ".");
    return SPARSEMARK_UNSUPPORTED;
  }
  try {
    const std::size_t rows = static_cast<std::size_t>(csr->rows);
    const std::size_t cols = static_cast<std::size_t>(csr->cols);
    auto made = std::make_unique<sparsemark_matrix>();
    made->rows = csr->rows;
    made->cols = csr->cols;
    made->values = Aligned<float>(rows * cols);
    for (std::size_t i = 0; i < rows; ++i) {
      for (std::int32_t p = csr->row_offsets[i]; p < csr->row_offsets[i + 1]; ++p) {
        made->values[i * cols + static_cast<std::size_t>(csr->col_indices[p])] = csr->values[p];
      }
    }
    const std::int64_t payload = csr->nnz * std::int64_t{sizeof(float)};
    const std::int64_t all = static_cast<std::int64_t>(rows * cols * sizeof(float));
    *encoded = {csr->rows, csr->cols, csr->nnz, payload, 0, all - payload};
    *matrix = made.release();
    return SPARSEMARK_OK;
  } catch (const std::bad_alloc&) {
    return SPARSEMARK_OUT_OF_MEMORY;
  }
}

inline sparsemark_status decode(const sparsemark_matrix* matrix, float* dense, sparsemark_message*) {
  if (matrix->values.size() > 0) {
    std::memcpy(dense, matrix->values.data(), matrix->values.size() * sizeof(float));
  }
  return SPARSEMARK_OK;
}

inline void free_matrix(sparsemark_matrix* matrix) { delete matrix; }

// An empty product needs no library, and BLAS may leave y as it was where k is 0.
inline std::function<void()> fill_with_zeros(std::int32_t rows, const sparsemark_product& product) {
  const std::size_t bytes =
      static_cast<std::size_t>(rows) * static_cast<std::size_t>(product.n) * sizeof(float);
  if (bytes == 0) return [] {};
  return [c = product.c, bytes] { std::memset(c, 0, bytes); };
}

inline sparsemark_status prepare(std::int32_t kernel, const sparsemark_matrix* matrix,
                                 const sparsemark_product* product, sparsemark_job** job,
                                 sparsemark_message* message) {
  const DenseLibrary& library = state().library;
  if (kernel < 0 || static_cast<std::size_t>(kernel) >= library.kernels.size()) {
    say(message, "kernel index out of range");
    return SPARSEMARK_UNSUPPORTED;
  }
  if (library.set_threads == nullptr && product->threads > 1) {
    say(message, "this library's number of threads cannot be set: it runs on one");
    return SPARSEMARK_UNSUPPORTED;
  }
  try {
    auto made = std::make_unique<sparsemark_job>();
    made->threads = product->threads;
    use_threads(product->threads);
    const bool empty = matrix->rows == 0 || matrix->cols == 0 || product->n == 0;
    made->evaluate = empty
                         ? fill_with_zeros(matrix->rows, *product)
                         : library.kernels[static_cast<std::size_t>(kernel)].bind(*matrix, *product, message);
    if (!made->evaluate) return SPARSEMARK_UNSUPPORTED;
    *job = made.release();
    return SPARSEMARK_OK;
  } catch (const std::bad_alloc&) {
    return SPARSEMARK_OUT_OF_MEMORY;
  }
}

inline void run(sparsemark_job* job) {
  use_threads(job->threads);
  job->evaluate();
}

inline void free_job(sparsemark_job* job) { delete job; }

// Builds the table that sparsemark_describe returns.
inline const sparsemark_library* publish(DenseLibrary library) {
  State& s = state();
  s.library = std::move(library);
  s.kernels.clear();
  for (const DenseKernel& kernel : s.library.kernels) {
    s.kernels.push_back({kernel.name, kernel.op, "f32", kFormats[0], "auto",
                         s.library.set_threads == nullptr ? 1 : 0, SPARSEMARK_KERNEL_DENSE});
  }
  s.table.abi_version = SPARSEMARK_ABI_VERSION;
  s.table.struct_size = sizeof(sparsemark_library);
  s.table.name = s.library.name;
  s.table.version = s.library.version.c_str();
  s.table.config = s.library.config.c_str();
  s.table.formats = kFormats;
  s.table.format_count = 1;
  s.table.kernels = s.kernels.data();
  s.table.kernel_count = static_cast<std::int32_t>(s.kernels.size());
  s.table.encode = encode;
  s.table.decode = decode;
  s.table.free_matrix = free_matrix;
  s.table.prepare = prepare;
  s.table.run = run;
  s.table.free_job = free_job;
  return &s.table;
}

}  // namespace sparsemark::backends
