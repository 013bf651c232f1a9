// The host's side of the kernel door: opens a library, checks what it claims, guards what it writes. Knows no
// Node.
#pragma once

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "matrix.h"
#include "sparsemark.h"

namespace sparsemark {

// Why a library could not do what it was asked. `code` is BAD_LIBRARY (its fault), UNSUPPORTED (it declines)
// or OUT_OF_MEMORY.
class DoorError : public std::runtime_error {
 public:
  DoorError(const char* kind, const std::string& message) : std::runtime_error(message), code(kind) {}
  const char* code;
};

// A loaded kernel library. Never unloaded: its threads may outlive any use of it.
class Library {
 public:
  // Opens path and checks its table. Throws DoorError.
  static std::shared_ptr<Library> open(const std::string& path);
  const sparsemark_library& table() const { return *table_; }

 private:
  const sparsemark_library* table_ = nullptr;
};

// An encoded matrix, with the time that the encoding took.
class HostMatrix {
 public:
  // Throws DoorError; BAD_LIBRARY where the library reports other sizes than it was given or writes into its
  // input.
  HostMatrix(std::shared_ptr<Library> library, const std::string& format, const sparsemark_csr& csr);
  ~HostMatrix();
  HostMatrix(const HostMatrix&) = delete;
  HostMatrix& operator=(const HostMatrix&) = delete;

  // Row-major rows x cols.
  std::vector<float> decode() const;

  const std::shared_ptr<Library>& library() const { return library_; }
  const std::string& format() const { return format_; }
  const sparsemark_matrix* matrix() const { return matrix_; }
  const sparsemark_encoded& encoded() const { return encoded_; }
  double encode_ns() const { return encode_ns_; }

 private:
  void check_encoded(const sparsemark_csr& csr, const std::string& subject) const;

  std::shared_ptr<Library> library_;
  std::string format_;
  sparsemark_matrix* matrix_ = nullptr;
  sparsemark_encoded encoded_{};
  double encode_ns_ = 0.0;
};

// Floats on a 64-byte boundary between two canaries; a big array asks for huge pages.
class GuardedFloats {
 public:
  explicit GuardedFloats(std::size_t size);
  ~GuardedFloats();
  GuardedFloats(const GuardedFloats&) = delete;
  GuardedFloats& operator=(const GuardedFloats&) = delete;

  float* data() { return data_; }
  const float* data() const { return data_; }
  std::size_t size() const { return size_; }
  bool intact() const;

 private:
  unsigned char* block_ = nullptr;
  std::size_t block_bytes_ = 0;
  float* data_ = nullptr;
  std::size_t size_ = 0;
};

// A kernel bound to its operands, on one copy of the weights or on several in rotation (cold).
class HostJob {
 public:
  // copies: the same matrix, encoded once or several times. b has k x n floats. Throws DoorError.
  HostJob(std::vector<std::shared_ptr<HostMatrix>> copies, int kernel, int n, int threads, const float* b);
  ~HostJob();
  HostJob(const HostJob&) = delete;
  HostJob& operator=(const HostJob&) = delete;

  // One evaluation, on the next copy.
  void evaluate() noexcept {
    run_(jobs_[next_]);
    next_ = next_ + 1 == jobs_.size() ? 0 : next_ + 1;
  }
  // Fills C with NaN, evaluates once, returns C. Throws DoorError BAD_LIBRARY where a canary was overwritten
  // or B was changed. May be called any number of times: before timing, and after it for a kernel that has
  // stopped computing.
  std::vector<float> answer();
  // Throws as answer() does.
  void check_guards() const;

  std::size_t copies() const { return jobs_.size(); }
  double prepare_ns() const { return prepare_ns_; }
  const std::string& tiling() const { return tiling_; }

 private:
  std::vector<std::shared_ptr<HostMatrix>> matrices_;
  std::string subject_;  // "kernel csr of library native", for errors
  GuardedFloats b_;
  GuardedFloats c_;
  std::uint64_t b_digest_ = 0;
  std::vector<sparsemark_job*> jobs_;
  void (*run_)(sparsemark_job*) = nullptr;
  std::size_t next_ = 0;
  double prepare_ns_ = 0.0;
  std::string tiling_;
};

}  // namespace sparsemark
