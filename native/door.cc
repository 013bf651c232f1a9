#include "door.h"

#include <dlfcn.h>
#include <sys/mman.h>

#include <cstring>
#include <limits>

#include "timing/stopwatch.h"

namespace sparsemark {
namespace {

constexpr std::size_t kCanaryBytes = 4096;
constexpr unsigned char kCanary = 0xA5;
constexpr std::size_t kHugePage = std::size_t{2} << 20;

std::string library_name(const Library& library) { return library.table().name; }

[[noreturn]] void refuse(sparsemark_status status, const std::string& who,
                         const sparsemark_message& message) {
  const std::string text(message.text, strnlen(message.text, sizeof(message.text)));
  switch (status) {
    case SPARSEMARK_UNSUPPORTED:
      throw DoorError("UNSUPPORTED", text.empty() ? "no reason given" : text);
    case SPARSEMARK_OUT_OF_MEMORY:
      throw DoorError("OUT_OF_MEMORY", text.empty() ? "out of memory" : text);
    default:
      throw DoorError("BAD_LIBRARY", who + " failed with status " + std::to_string(status) +
                                         (text.empty() ? "" : ": " + text));
  }
}

std::uint64_t digest_of(const float* data, std::size_t size) {
  std::uint64_t hash = 14695981039346656037ull;
  for (std::size_t i = 0; i < size; ++i) {
    std::uint32_t bits = 0;
    std::memcpy(&bits, data + i, sizeof(bits));
    hash = (hash ^ bits) * 1099511628211ull;
  }
  return hash;
}

}  // namespace

std::shared_ptr<Library> Library::open(const std::string& path) {
  void* handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    const char* why = dlerror();
    throw DoorError("BAD_LIBRARY", std::string("cannot be opened: ") + (why == nullptr ? "unknown" : why));
  }
  using Describe = const sparsemark_library* (*)(std::uint32_t, sparsemark_message*);
  auto describe = reinterpret_cast<Describe>(dlsym(handle, "sparsemark_describe"));
  if (describe == nullptr) {
    throw DoorError("BAD_LIBRARY", "exports no function sparsemark_describe (see native/sparsemark.h)");
  }
  sparsemark_message message{};
  const sparsemark_library* table = describe(SPARSEMARK_ABI_VERSION, &message);
  if (table == nullptr) refuse(SPARSEMARK_UNSUPPORTED, "sparsemark_describe", message);
  if (table->abi_version != SPARSEMARK_ABI_VERSION || table->struct_size != sizeof(sparsemark_library)) {
    throw DoorError("BAD_LIBRARY", "Expected kernel ABI version " + std::to_string(SPARSEMARK_ABI_VERSION) +
                                       ", received " + std::to_string(table->abi_version) +
                                       ". Build the library again with this version's native/sparsemark.h.");
  }
  if (table->name == nullptr || table->encode == nullptr || table->free_matrix == nullptr ||
      table->prepare == nullptr || table->run == nullptr || table->free_job == nullptr ||
      table->kernel_count < 0 || table->format_count < 0) {
    throw DoorError("BAD_LIBRARY", "its table lacks a name or a function (see native/sparsemark.h)");
  }
  auto library = std::make_shared<Library>();
  library->table_ = table;
  return library;
}

HostMatrix::HostMatrix(std::shared_ptr<Library> library, const std::string& format, const sparsemark_csr& csr)
    : library_(std::move(library)) {
  sparsemark_message message{};
  const double start = now_ns();
  const sparsemark_status status =
      library_->table().encode(format.c_str(), &csr, &matrix_, &encoded_, &message);
  encode_ns_ = now_ns() - start;
  if (status != SPARSEMARK_OK) refuse(status, "encode", message);
  if (matrix_ == nullptr || encoded_.rows != csr.rows || encoded_.cols != csr.cols ||
      encoded_.nnz != csr.nnz) {
    const std::string got = std::to_string(encoded_.rows) + " x " + std::to_string(encoded_.cols) + " with " +
                            std::to_string(encoded_.nnz) + " nonzeros";
    if (matrix_ != nullptr) library_->table().free_matrix(matrix_);
    throw DoorError("BAD_LIBRARY", "encode reports a matrix of " + got + ", but was given " +
                                       std::to_string(csr.rows) + " x " + std::to_string(csr.cols) +
                                       " with " + std::to_string(csr.nnz));
  }
  if (encoded_.payload_bytes < 0 || encoded_.metadata_bytes < 0 || encoded_.padding_bytes < 0) {
    library_->table().free_matrix(matrix_);
    throw DoorError("BAD_LIBRARY", "encode reports a negative footprint");
  }
}

HostMatrix::~HostMatrix() { library_->table().free_matrix(matrix_); }

std::vector<float> HostMatrix::decode() const {
  if (library_->table().decode == nullptr) {
    throw DoorError("UNSUPPORTED", library_name(*library_) + " has no decode");
  }
  std::vector<float> dense(static_cast<std::size_t>(encoded_.rows) * static_cast<std::size_t>(encoded_.cols));
  sparsemark_message message{};
  const sparsemark_status status = library_->table().decode(matrix_, dense.data(), &message);
  if (status != SPARSEMARK_OK) refuse(status, "decode", message);
  return dense;
}

GuardedFloats::GuardedFloats(std::size_t size) : size_(size) {
  const std::size_t payload = (size * sizeof(float) + kAlignment - 1) / kAlignment * kAlignment;
  const bool huge = payload >= 2 * kHugePage;
  const std::size_t unit = huge ? kHugePage : kCanaryBytes;
  block_bytes_ = (payload + 2 * kCanaryBytes + unit - 1) / unit * unit;
  block_ = static_cast<unsigned char*>(std::aligned_alloc(unit, block_bytes_));
  if (block_ == nullptr) throw DoorError("OUT_OF_MEMORY", "out of memory for the operands");
#if defined(__linux__)
  // 4 KiB pages cost TLB misses on operands of many megabytes; the kernel grants huge ones on request.
  if (huge) madvise(block_, block_bytes_, MADV_HUGEPAGE);
#endif
  std::memset(block_, kCanary, block_bytes_);
  data_ = reinterpret_cast<float*>(block_ + kCanaryBytes);
}

GuardedFloats::~GuardedFloats() { std::free(block_); }

bool GuardedFloats::intact() const {
  const unsigned char* end = reinterpret_cast<const unsigned char*>(data_ + size_);
  for (const unsigned char* p = block_; p < block_ + kCanaryBytes; ++p) {
    if (*p != kCanary) return false;
  }
  for (const unsigned char* p = end; p < block_ + block_bytes_; ++p) {
    if (*p != kCanary) return false;
  }
  return true;
}

HostJob::HostJob(std::vector<std::shared_ptr<HostMatrix>> copies, int kernel, int n, int threads,
                 const float* b)
    : matrices_(std::move(copies)),
      b_(static_cast<std::size_t>(matrices_.at(0)->encoded().cols) * static_cast<std::size_t>(n)),
      c_(static_cast<std::size_t>(matrices_.at(0)->encoded().rows) * static_cast<std::size_t>(n)) {
  if (b_.size() > 0) std::memcpy(b_.data(), b, b_.size() * sizeof(float));
  b_digest_ = digest_of(b_.data(), b_.size());
  std::memset(c_.data(), 0, c_.size() * sizeof(float));
  const sparsemark_library& table = matrices_[0]->library()->table();
  run_ = table.run;
  const sparsemark_product product = {n, threads, b_.data(), c_.data()};
  for (const std::shared_ptr<HostMatrix>& matrix : matrices_) {
    sparsemark_message message{};
    sparsemark_job* job = nullptr;
    const double start = now_ns();
    const sparsemark_status status = table.prepare(kernel, matrix->matrix(), &product, &job, &message);
    const double spent = now_ns() - start;
    if (status != SPARSEMARK_OK || job == nullptr) {
      for (sparsemark_job* made : jobs_) table.free_job(made);
      if (status == SPARSEMARK_OK) throw DoorError("BAD_LIBRARY", "prepare returned no job");
      refuse(status, "prepare", message);
    }
    if (jobs_.empty()) {
      tiling_.assign(message.text, strnlen(message.text, sizeof(message.text)));
      prepare_ns_ = spent;
    }
    if (spent < prepare_ns_) prepare_ns_ = spent;
    jobs_.push_back(job);
  }
}

HostJob::~HostJob() {
  for (sparsemark_job* job : jobs_) matrices_[0]->library()->table().free_job(job);
}

std::vector<float> HostJob::answer() {
  const float poison = std::numeric_limits<float>::quiet_NaN();
  for (std::size_t i = 0; i < c_.size(); ++i) c_.data()[i] = poison;
  evaluate();
  check_guards();
  return std::vector<float>(c_.data(), c_.data() + c_.size());
}

void HostJob::check_guards() const {
  if (!c_.intact()) throw DoorError("BAD_LIBRARY", "wrote outside of C (a canary beside it is gone)");
  auto& b = const_cast<GuardedFloats&>(b_);
  if (!b.intact() || digest_of(b.data(), b.size()) != b_digest_) {
    throw DoorError("BAD_LIBRARY", "wrote into B, which is read-only");
  }
}

}  // namespace sparsemark
