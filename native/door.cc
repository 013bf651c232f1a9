#include "door.h"

#include <dlfcn.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <limits>

#include "timing/stopwatch.h"

namespace sparsemark {
namespace {

constexpr std::size_t kCanaryBytes = 4096;
// Four of them are a NaN: a kernel that reads beyond B and uses what it finds gives a wrong answer.
constexpr unsigned char kCanary = 0xFF;
constexpr std::size_t kHugePage = std::size_t{2} << 20;
// More than any library has; a count beyond it is an uninitialised field.
constexpr std::int32_t kMostEntries = 4096;

std::string library_name(const Library& library) { return library.table().name; }

std::string quoted(const char* text) { return text == nullptr ? "none" : "\"" + std::string(text) + "\""; }

// The one formula of every refusal.
[[noreturn]] void bad(const std::string& expected, const std::string& subject, const std::string& received,
                      const std::string& advice) {
  throw DoorError("BAD_LIBRARY",
                  "Expected " + expected + " for " + subject + ", received " + received + ". " + advice);
}

[[noreturn]] void refuse(sparsemark_status status, const std::string& who,
                         const sparsemark_message& message) {
  const std::string text(message.text, strnlen(message.text, sizeof(message.text)));
  switch (status) {
    case SPARSEMARK_UNSUPPORTED:
      throw DoorError("UNSUPPORTED", text.empty() ? "no reason given" : text);
    case SPARSEMARK_OUT_OF_MEMORY:
      throw DoorError("OUT_OF_MEMORY", text.empty() ? "out of memory" : text);
    default:
      bad("status 0", who,
          "status " + std::to_string(status) +
              (text.empty() ? ", which gives no reason" : ", \"" + text + "\""),
          "Mend the library.");
  }
}

// FNV-1a over 4-byte elements.
template <typename Element>
std::uint64_t digest_of(const Element* data, std::size_t size) {
  static_assert(sizeof(Element) == sizeof(std::uint32_t));
  std::uint64_t hash = 14695981039346656037ull;
  for (std::size_t i = 0; i < size; ++i) {
    std::uint32_t bits = 0;
    std::memcpy(&bits, data + i, sizeof(bits));
    hash = (hash ^ bits) * 1099511628211ull;
  }
  return hash;
}

constexpr const char* kSeeHeader = "See native/sparsemark.h.";

// Names stand in case ids, paths and regular expressions.
void check_name(const char* name, const char* allowed, const std::string& subject) {
  constexpr std::size_t kLongest = 64;
  const std::size_t length = name == nullptr ? 0 : strnlen(name, kLongest + 1);
  if (length == 0 || length > kLongest || std::strspn(name, allowed) != length) {
    bad("1 to 64 characters out of " + std::string(allowed), subject,
        name == nullptr || length <= kLongest ? quoted(name) : "a longer text", kSeeHeader);
  }
}

void check_kernel(const sparsemark_library& table, std::int32_t index) {
  constexpr const char* kNameCharacters = "abcdefghijklmnopqrstuvwxyz0123456789_.:-";
  const sparsemark_kernel& kernel = table.kernels[index];
  const std::string subject = "kernel " + std::to_string(index) + " of library " + table.name;
  check_name(kernel.name, kNameCharacters, "the name of " + subject);
  check_name(kernel.op, kNameCharacters, "the op of " + subject);
  check_name(kernel.dtype, kNameCharacters, "the dtype of " + subject);
  check_name(kernel.isa, kNameCharacters, "the isa of " + subject);
  check_name(kernel.format, kNameCharacters, "the format of " + subject);
  if (kernel.max_threads < 0) {
    bad("at least 0", "max_threads of " + subject, std::to_string(kernel.max_threads), kSeeHeader);
  }
  bool listed = false;
  for (std::int32_t f = 0; f < table.format_count; ++f) {
    listed = listed || std::strcmp(table.formats[f], kernel.format) == 0;
  }
  if (!listed) bad("an entry of formats", "the format of " + subject, quoted(kernel.format), kSeeHeader);
  for (std::int32_t i = 0; i < index; ++i) {
    const sparsemark_kernel& other = table.kernels[i];
    if (std::strcmp(other.name, kernel.name) == 0 && std::strcmp(other.op, kernel.op) == 0 &&
        std::strcmp(other.dtype, kernel.dtype) == 0 && std::strcmp(other.isa, kernel.isa) == 0) {
      bad("a unique name, op, dtype and isa", subject, "those of kernel " + std::to_string(i),
          "Give one of them another name.");
    }
  }
}

void check_table(const sparsemark_library& table) {
  constexpr const char* kLibraryCharacters = "abcdefghijklmnopqrstuvwxyz0123456789_";
  constexpr const char* kFormatCharacters = "abcdefghijklmnopqrstuvwxyz0123456789_.:-";
  if (table.abi_version != SPARSEMARK_ABI_VERSION || table.struct_size != sizeof(sparsemark_library)) {
    bad("kernel ABI version " + std::to_string(SPARSEMARK_ABI_VERSION) + " with a table of " +
            std::to_string(sizeof(sparsemark_library)) + " bytes",
        "the library",
        "version " + std::to_string(table.abi_version) + " with " + std::to_string(table.struct_size),
        "Build it again with this version's native/sparsemark.h.");
  }
  check_name(table.name, kLibraryCharacters, "the library's name");
  const std::string subject = std::string("library ") + table.name;
  if (table.encode == nullptr || table.free_matrix == nullptr || table.prepare == nullptr ||
      table.run == nullptr || table.free_job == nullptr) {
    bad("encode, free_matrix, prepare, run and free_job", subject, "a table that lacks one", kSeeHeader);
  }
  if (table.format_count < 1 || table.format_count > kMostEntries || table.formats == nullptr) {
    bad("1 to 4096 formats", subject, std::to_string(table.format_count), kSeeHeader);
  }
  if (table.kernel_count < 1 || table.kernel_count > kMostEntries || table.kernels == nullptr) {
    bad("1 to 4096 kernels", subject, std::to_string(table.kernel_count), kSeeHeader);
  }
  for (std::int32_t f = 0; f < table.format_count; ++f) {
    check_name(table.formats[f], kFormatCharacters, "format " + std::to_string(f) + " of " + subject);
  }
  for (std::int32_t i = 0; i < table.kernel_count; ++i) check_kernel(table, i);
}

}  // namespace

std::shared_ptr<Library> Library::open(const std::string& path) {
  void* handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    const char* why = dlerror();
    bad("a shared library that can be opened", path, why == nullptr ? "no reason" : why,
        "Check the path, and that what it links to is installed.");
  }
  using Describe = const sparsemark_library* (*)(std::uint32_t, sparsemark_message*);
  auto describe = reinterpret_cast<Describe>(dlsym(handle, "sparsemark_describe"));
  if (describe == nullptr) bad("an exported function sparsemark_describe", path, "none", kSeeHeader);
  sparsemark_message message{};
  const sparsemark_library* table = describe(SPARSEMARK_ABI_VERSION, &message);
  if (table == nullptr) refuse(SPARSEMARK_UNSUPPORTED, "sparsemark_describe", message);
  check_table(*table);
  auto library = std::make_shared<Library>();
  library->table_ = table;
  return library;
}

HostMatrix::HostMatrix(std::shared_ptr<Library> library, const std::string& format, const sparsemark_csr& csr)
    : library_(std::move(library)), format_(format) {
  // The library sees a copy that is gone after the call, so that neither a write into its input nor a pointer
  // kept into it can reach the caller's matrix.
  const auto rows = static_cast<std::size_t>(csr.rows);
  const auto nnz = static_cast<std::size_t>(csr.nnz);
  std::vector<std::int32_t> offsets(csr.row_offsets, csr.row_offsets + rows + 1);
  std::vector<std::int32_t> indices(csr.col_indices, csr.col_indices + nnz);
  std::vector<float> values(csr.values, csr.values + nnz);
  const sparsemark_csr copy = {csr.rows, csr.cols, csr.nnz, offsets.data(), indices.data(), values.data()};

  sparsemark_message message{};
  const double start = now_ns();
  const sparsemark_status status =
      library_->table().encode(format.c_str(), &copy, &matrix_, &encoded_, &message);
  encode_ns_ = now_ns() - start;
  const std::string subject = "encode of library " + library_name(*library_);
  if (status != SPARSEMARK_OK) refuse(status, subject, message);
  if (matrix_ == nullptr) bad("a matrix", subject, "none", kSeeHeader);
  try {
    check_encoded(csr, subject);
    if (digest_of(offsets.data(), offsets.size()) != digest_of(csr.row_offsets, rows + 1) ||
        digest_of(indices.data(), nnz) != digest_of(csr.col_indices, nnz) ||
        digest_of(values.data(), nnz) != digest_of(csr.values, nnz)) {
      bad("an untouched input", subject, "a changed one", "Copy what is to be changed.");
    }
  } catch (...) {
    library_->table().free_matrix(matrix_);
    throw;
  }
  // What a kept pointer would find, as long as the allocator leaves it there.
  std::fill(indices.begin(), indices.end(), 0);
  std::fill(values.begin(), values.end(), std::numeric_limits<float>::quiet_NaN());
}

void HostMatrix::check_encoded(const sparsemark_csr& csr, const std::string& subject) const {
  const auto sizes = [](std::int32_t rows, std::int32_t cols, std::int32_t nnz) {
    return std::to_string(rows) + " x " + std::to_string(cols) + " with " + std::to_string(nnz) + " nonzeros";
  };
  if (encoded_.rows != csr.rows || encoded_.cols != csr.cols || encoded_.nnz != csr.nnz) {
    bad("a matrix of " + sizes(csr.rows, csr.cols, csr.nnz), subject,
        sizes(encoded_.rows, encoded_.cols, encoded_.nnz), "Report the sizes of the input.");
  }
  for (const std::int64_t bytes : {encoded_.payload_bytes, encoded_.metadata_bytes, encoded_.padding_bytes}) {
    if (bytes < 0) bad("bytes of at least 0", subject, std::to_string(bytes), kSeeHeader);
  }
}

HostMatrix::~HostMatrix() { library_->table().free_matrix(matrix_); }

std::vector<float> HostMatrix::decode() const {
  if (library_->table().decode == nullptr) {
    throw DoorError("UNSUPPORTED", "library " + library_name(*library_) + " has no decode");
  }
  GuardedFloats dense(static_cast<std::size_t>(encoded_.rows) * static_cast<std::size_t>(encoded_.cols));
  const std::string subject = "decode of library " + library_name(*library_);
  sparsemark_message message{};
  const sparsemark_status status = library_->table().decode(matrix_, dense.data(), &message);
  if (status != SPARSEMARK_OK) refuse(status, subject, message);
  if (!dense.intact()) bad("writes inside of the array", subject, "one beside it", "Mend the library.");
  return std::vector<float>(dense.data(), dense.data() + dense.size());
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
  const sparsemark_library& table = matrices_[0]->library()->table();
  subject_ = "library " + std::string(table.name);
  if (kernel < 0 || kernel >= table.kernel_count) {
    throw DoorError("UNSUPPORTED", subject_ + " has no kernel " + std::to_string(kernel));
  }
  const sparsemark_kernel& chosen = table.kernels[kernel];
  subject_ = "kernel " + std::string(chosen.name) + " of " + subject_;
  if (matrices_[0]->format() != chosen.format) {
    throw DoorError("UNSUPPORTED", "Expected format " + std::string(chosen.format) + " for " + subject_ +
                                       ", received " + matrices_[0]->format() + ". Encode the matrix in it.");
  }
  if (threads < 1 || (chosen.max_threads > 0 && threads > chosen.max_threads)) {
    throw DoorError("UNSUPPORTED", "Expected at most " + std::to_string(chosen.max_threads) +
                                       " threads for " + subject_ + ", received " + std::to_string(threads) +
                                       ". Ask for fewer.");
  }
  if (b_.size() > 0) std::memcpy(b_.data(), b, b_.size() * sizeof(float));
  b_digest_ = digest_of(b_.data(), b_.size());
  if (c_.size() > 0) std::memset(c_.data(), 0, c_.size() * sizeof(float));
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
      if (status == SPARSEMARK_OK) bad("a job", "prepare of " + subject_, "none", kSeeHeader);
      refuse(status, "prepare of " + subject_, message);
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
  if (!c_.intact()) bad("writes inside of C", subject_, "one beside it", "Mend the library.");
  if (!b_.intact() || digest_of(b_.data(), b_.size()) != b_digest_) {
    bad("an untouched B", subject_, "a write into it", "B is read-only: mend the library.");
  }
}

}  // namespace sparsemark
