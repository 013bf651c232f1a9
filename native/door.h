// The host's side of the kernel door: opens a library, checks what it claims, guards what it writes. Knows no
// Node.
#pragma once

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "guarded_bytes.h"
#include "matrix.h"
#include "operands.h"
#include "shared_pages.h"
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
  // What lies behind made may be missing: see knobs.
  const sparsemark_library& table() const { return *table_; }
  // What can be chosen of a kernel's plan; empty for nothing.
  std::string knobs(std::int32_t kernel) const;

 private:
  // Never copied: describing a library once more may move what its table points to.
  const sparsemark_library* table_ = nullptr;
};

// An encoded matrix, with the time that the encoding took.
class HostMatrix {
 public:
  // Throws DoorError; BAD_LIBRARY where the library reports other sizes than it was given or writes into its
  // input.
  HostMatrix(std::shared_ptr<Library> library, const std::string& format, const std::string& dtype,
             const sparsemark_csr& csr);
  // For one kernel and a plan. UNSUPPORTED where it has no knobs or the plan is none of its.
  HostMatrix(std::shared_ptr<Library> library, std::int32_t kernel, const std::string& plan,
             const sparsemark_csr& csr);
  ~HostMatrix();
  HostMatrix(const HostMatrix&) = delete;
  HostMatrix& operator=(const HostMatrix&) = delete;

  // Row-major rows x cols.
  std::vector<float> decode() const;

  const std::shared_ptr<Library>& library() const { return library_; }
  const std::string& format() const { return format_; }
  const std::string& dtype() const { return dtype_; }
  const sparsemark_matrix* matrix() const { return matrix_; }
  const sparsemark_encoded& encoded() const { return encoded_; }
  double encode_ns() const { return encode_ns_; }

 private:
  template <typename Encode>
  void encode(const sparsemark_csr& csr, Encode call);
  void check_encoded(const sparsemark_csr& csr, const std::string& subject) const;

  std::shared_ptr<Library> library_;
  std::string format_;
  std::string dtype_;
  sparsemark_matrix* matrix_ = nullptr;
  sparsemark_encoded encoded_{};
  double encode_ns_ = 0.0;
};

// The operands of a job as the caller has them: copied, of the lengths that operand_sizes() says. A pointer
// that the op does not read is not looked at.
struct HostOperands {
  std::int32_t n = 0;
  std::int32_t threads = 1;
  const void* b = nullptr;
  const void* b2 = nullptr;
  const void* b3 = nullptr;
  const sparsemark_csr* sparse_b = nullptr;
  const sparsemark_conv* conv = nullptr;
  std::int32_t rows = 0;  // of what encode and prune make
  std::int32_t cols = 0;
  std::int64_t keep = 0;
  const char* plan = nullptr;  // that the matrices were encoded with
  // Where the operands and C lie, from the first piece on, in every job that is prepared with it: no two of
  // them may be evaluated at once. nullptr: in memory of their own.
  SharedPages* pages = nullptr;
};

// Checks a kernel against the matrix and operands and returns their sizes. Throws DoorError UNSUPPORTED.
// matrix: nullptr for an op that makes one.
OperandSizes sizes_of(const Library& library, int kernel, const HostMatrix* matrix,
                      const HostOperands& operands);

// A kernel bound to its operands, on one copy of the weights or on several in rotation (cold).
class HostJob {
 public:
  // copies: the same matrix, encoded once or several times; none for an op that makes one. Throws DoorError.
  HostJob(std::shared_ptr<Library> library, std::vector<std::shared_ptr<HostMatrix>> copies, int kernel,
          const HostOperands& operands);
  ~HostJob();
  HostJob(const HostJob&) = delete;
  HostJob& operator=(const HostJob&) = delete;

  // One evaluation, on the next copy.
  void evaluate() noexcept {
    run_(jobs_[next_]);
    next_ = next_ + 1 == jobs_.size() ? 0 : next_ + 1;
  }
  // Fills C with NaN (integers: the same bits), evaluates once, returns C, or what encode and prune made as a
  // dense row-major array. Throws DoorError BAD_LIBRARY where a canary was overwritten or an input changed.
  // May be called any number of times: before timing, and after it for a kernel that has stopped computing.
  std::vector<unsigned char> answer();
  Element element() const { return sizes_.makes_matrix ? Element::kFloat32 : sizes_.c.element; }
  // Throws as answer() does.
  void check_guards() const;

  std::size_t copies() const { return jobs_.size(); }
  double prepare_ns() const { return prepare_ns_; }
  const std::string& tiling() const { return tiling_; }

 private:
  struct Input {
    std::string name;
    std::unique_ptr<GuardedBytes> bytes;
    std::uint64_t digest = 0;
  };
  const void* take(const char* name, const void* data, std::size_t bytes);
  void poison();
  std::vector<unsigned char> made_matrix(std::size_t job) const;

  std::shared_ptr<Library> library_;
  std::vector<std::shared_ptr<HostMatrix>> matrices_;
  std::string subject_;  // "kernel csr of library native", for errors
  OperandSizes sizes_;
  std::vector<Input> inputs_;
  sparsemark_csr sparse_b_{};
  sparsemark_conv conv_{};
  std::int32_t rows_ = 0;
  std::int32_t cols_ = 0;
  SharedPages* pages_ = nullptr;
  GuardedBytes c_;
  std::vector<sparsemark_job*> jobs_;
  void (*run_)(sparsemark_job*) = nullptr;
  std::size_t next_ = 0;
  double prepare_ns_ = 0.0;
  std::string tiling_;
};

}  // namespace sparsemark
