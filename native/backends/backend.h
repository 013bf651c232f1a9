// What every competitor shares: opening its library at run time, and the table of the kernel door around a
// list of storage formats and kernels.
#pragma once

#include <dlfcn.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <initializer_list>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "../matrix.h"
#include "../sparsemark.h"

// A in one of the library's formats, whose encode says which of the members it fills.
struct sparsemark_matrix {
  std::int32_t format = 0;  // index in the library's formats
  std::int32_t rows = 0;
  std::int32_t cols = 0;
  std::int32_t nnz = 0;
  sparsemark::Aligned<float> values;
  sparsemark::Aligned<std::int8_t> bytes;
  sparsemark::Aligned<std::int32_t> offsets;
  sparsemark::Aligned<std::int32_t> indices;
  std::shared_ptr<void> own;  // the library's own object
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

// B and C of a product in float32.
inline const float* b_of(const sparsemark_product& product) { return static_cast<const float*>(product.b); }
inline float* c_of(const sparsemark_product& product) { return static_cast<float*>(product.c); }

// A storage format. Both functions may throw std::bad_alloc, and std::runtime_error with a reason to decline.
struct Format {
  const char* name;
  // Fills a matrix whose sizes are set, and returns the bytes that kernels may read.
  Footprint (*encode)(const sparsemark_csr& csr, sparsemark_matrix& matrix);
  // Writes A as a dense row-major rows x cols array, which is all zeros before.
  void (*decode)(const sparsemark_matrix& matrix, float* dense);
  // All elements are stored and multiplied with.
  bool dense = false;
  const char* dtype = "f32";
};

// Binds a kernel to its operands: m, k, n at least 1, and in a sparse format nnz too. What is returned
// computes all of C. Of ops other than spmm and spmv sizes of 0 come through. May throw std::bad_alloc;
// returns an empty function, with a reason in the message, or throws std::runtime_error where it declines.
using Bind = std::function<void()> (*)(const sparsemark_matrix& a, const sparsemark_product& product,
                                       sparsemark_message* message);

struct Kernel {
  const char* name;
  const char* op;
  Bind bind;
  std::int32_t format = 0;       // index in the library's formats
  std::int32_t max_threads = 0;  // 0: as many as the library can
  const char* isa = "auto";
};

// A competitor as its file found it.
struct Competitor {
  const char* name = nullptr;
  std::string version;
  std::string config;
  // Limits the library to so many threads; nullptr where it can only use one.
  void (*set_threads)(int threads) = nullptr;
  std::vector<Format> formats;
  std::vector<Kernel> kernels;
};

// The one library of this shared object, and the thread count it was last set to (0: never).
struct State {
  Competitor library;
  int threads = 0;
  std::vector<const char*> formats;
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

// Calls, and turns what is thrown into a status and a message.
template <typename Call>
sparsemark_status guarded(sparsemark_message* message, Call call) {
  try {
    return call();
  } catch (const std::bad_alloc&) {
    return SPARSEMARK_OUT_OF_MEMORY;
  } catch (const std::runtime_error& error) {
    say(message, error.what());
    return SPARSEMARK_UNSUPPORTED;
  }
}

inline sparsemark_status encode(const char* format, const char* dtype, const sparsemark_csr* csr,
                                sparsemark_matrix** matrix, sparsemark_encoded* encoded,
                                sparsemark_message* message) {
  const std::vector<Format>& formats = state().library.formats;
  std::size_t f = 0;
  const auto is_asked = [&](const Format& one) {
    return std::strcmp(format, one.name) == 0 && std::strcmp(dtype, one.dtype) == 0;
  };
  while (f < formats.size() && !is_asked(formats[f])) ++f;
  if (f == formats.size()) {
    say(message, "Expected a format of this library, received " + std::string(format) + " of " + dtype + ".");
    return SPARSEMARK_UNSUPPORTED;
  }
  return guarded(message, [&] {
    auto made = std::make_unique<sparsemark_matrix>();
    made->format = static_cast<std::int32_t>(f);
    made->rows = csr->rows;
    made->cols = csr->cols;
    made->nnz = csr->nnz;
    const Footprint footprint = formats[f].encode(*csr, *made);
    *encoded = {csr->rows,
                csr->cols,
                csr->nnz,
                footprint.payload_bytes,
                footprint.metadata_bytes,
                footprint.padding_bytes};
    *matrix = made.release();
    return SPARSEMARK_OK;
  });
}

inline sparsemark_status decode(const sparsemark_matrix* matrix, float* dense, sparsemark_message* message) {
  return guarded(message, [&] {
    const std::size_t size = static_cast<std::size_t>(matrix->rows) * static_cast<std::size_t>(matrix->cols);
    if (size > 0) std::memset(dense, 0, size * sizeof(float));
    if (matrix->nnz > 0) {
      state().library.formats[static_cast<std::size_t>(matrix->format)].decode(*matrix, dense);
    }
    return SPARSEMARK_OK;
  });
}

inline void free_matrix(sparsemark_matrix* matrix) { delete matrix; }

// An empty product needs no library, and BLAS may leave y as it was where k is 0.
inline std::function<void()> fill_with_zeros(std::int32_t rows, const sparsemark_product& product) {
  const std::size_t bytes =
      static_cast<std::size_t>(rows) * static_cast<std::size_t>(product.n) * sizeof(float);
  if (bytes == 0) return [] {};
  return [c = c_of(product), bytes] { std::memset(c, 0, bytes); };
}

inline sparsemark_status prepare(std::int32_t kernel, const sparsemark_matrix* matrix,
                                 const sparsemark_product* product, sparsemark_job** job,
                                 sparsemark_message* message) {
  const Competitor& library = state().library;
  if (kernel < 0 || static_cast<std::size_t>(kernel) >= library.kernels.size()) {
    say(message, "kernel index out of range");
    return SPARSEMARK_UNSUPPORTED;
  }
  if (library.set_threads == nullptr && product->threads > 1) {
    say(message, "this library's number of threads cannot be set: it runs on one");
    return SPARSEMARK_UNSUPPORTED;
  }
  return guarded(message, [&] {
    auto made = std::make_unique<sparsemark_job>();
    made->threads = product->threads;
    use_threads(product->threads);
    const bool dense = library.formats[static_cast<std::size_t>(matrix->format)].dense;
    const char* op = library.kernels[static_cast<std::size_t>(kernel)].op;
    const bool product_of_two = std::strcmp(op, "spmm") == 0 || std::strcmp(op, "spmv") == 0;
    const bool empty = product_of_two && (matrix->rows == 0 || matrix->cols == 0 || product->n == 0 ||
                                          (matrix->nnz == 0 && !dense));
    made->evaluate = empty
                         ? fill_with_zeros(matrix->rows, *product)
                         : library.kernels[static_cast<std::size_t>(kernel)].bind(*matrix, *product, message);
    if (!made->evaluate) return SPARSEMARK_UNSUPPORTED;
    *job = made.release();
    return SPARSEMARK_OK;
  });
}

inline void run(sparsemark_job* job) {
  use_threads(job->threads);
  job->evaluate();
}

inline void free_job(sparsemark_job* job) { delete job; }

// Builds the table that sparsemark_describe returns.
inline const sparsemark_library* publish(Competitor library) {
  State& s = state();
  s.library = std::move(library);
  s.formats.clear();
  s.kernels.clear();
  for (const Format& format : s.library.formats) {
    const bool listed = std::any_of(s.formats.begin(), s.formats.end(),
                                    [&](const char* name) { return std::strcmp(name, format.name) == 0; });
    if (!listed) s.formats.push_back(format.name);
  }
  for (const Kernel& kernel : s.library.kernels) {
    const Format& format = s.library.formats[static_cast<std::size_t>(kernel.format)];
    s.kernels.push_back({kernel.name, kernel.op, format.dtype, format.name, kernel.isa,
                         s.library.set_threads == nullptr ? 1 : kernel.max_threads,
                         format.dense ? SPARSEMARK_KERNEL_DENSE : 0});
  }
  s.table.abi_version = SPARSEMARK_ABI_VERSION;
  s.table.struct_size = sizeof(sparsemark_library);
  s.table.name = s.library.name;
  s.table.version = s.library.version.c_str();
  s.table.config = s.library.config.c_str();
  s.table.formats = s.formats.data();
  s.table.format_count = static_cast<std::int32_t>(s.formats.size());
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
