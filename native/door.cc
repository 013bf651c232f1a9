#include "door.h"

#include <dlfcn.h>

#include <algorithm>
#include <cstring>
#include <limits>

#include "timing/stopwatch.h"

namespace sparsemark {
namespace {

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

[[noreturn]] void refuse_plan(const Library& library, std::int32_t kernel) {
  throw DoorError("UNSUPPORTED", "Expected a kernel with knobs for a plan, received " +
                                     std::string(library.table().kernels[kernel].name) + " of library " +
                                     library_name(library) + ". Measure it without a plan.");
}

// FNV-1a over words of 4 bytes, the last one filled with zeros.
std::uint64_t digest_of(const void* data, std::size_t bytes) {
  std::uint64_t hash = 14695981039346656037ull;
  for (std::size_t at = 0; at < bytes; at += sizeof(std::uint32_t)) {
    std::uint32_t word = 0;
    const std::size_t left = bytes - at;
    std::memcpy(&word, static_cast<const unsigned char*>(data) + at,
                left < sizeof(word) ? left : sizeof(word));
    hash = (hash ^ word) * 1099511628211ull;
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

// A table of before there were plans.
constexpr std::size_t kOldTableBytes = offsetof(sparsemark_library, knobs);

void check_table(const sparsemark_library& table) {
  constexpr const char* kLibraryCharacters = "abcdefghijklmnopqrstuvwxyz0123456789_";
  constexpr const char* kFormatCharacters = "abcdefghijklmnopqrstuvwxyz0123456789_.:-";
  if (table.abi_version != SPARSEMARK_ABI_VERSION ||
      (table.struct_size != sizeof(sparsemark_library) && table.struct_size != kOldTableBytes)) {
    bad("kernel ABI version " + std::to_string(SPARSEMARK_ABI_VERSION) + " with a table of " +
            std::to_string(kOldTableBytes) + " or " + std::to_string(sizeof(sparsemark_library)) + " bytes",
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

std::string Library::knobs(std::int32_t kernel) const {
  if (table_->struct_size == kOldTableBytes || table_->knobs == nullptr ||
      table_->encode_planned == nullptr || table_->knobs[kernel] == nullptr) {
    return "";
  }
  return table_->knobs[kernel];
}

HostMatrix::HostMatrix(std::shared_ptr<Library> library, const std::string& format, const std::string& dtype,
                       const sparsemark_csr& csr)
    : library_(std::move(library)), format_(format), dtype_(dtype) {
  encode(csr, [&](const sparsemark_csr& copy, sparsemark_message& message) {
    return library_->table().encode(format.c_str(), dtype.c_str(), &copy, &matrix_, &encoded_, &message);
  });
}

HostMatrix::HostMatrix(std::shared_ptr<Library> library, std::int32_t kernel, const std::string& plan,
                       const sparsemark_csr& csr)
    : library_(std::move(library)),
      format_(library_->table().kernels[kernel].format),
      dtype_(library_->table().kernels[kernel].dtype) {
  if (library_->knobs(kernel).empty()) refuse_plan(*library_, kernel);
  encode(csr, [&](const sparsemark_csr& copy, sparsemark_message& message) {
    return library_->table().encode_planned(kernel, plan.c_str(), &copy, &matrix_, &encoded_, &message);
  });
}

template <typename Encode>
void HostMatrix::encode(const sparsemark_csr& csr, Encode call) {
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
  const sparsemark_status status = call(copy, message);
  encode_ns_ = now_ns() - start;
  const std::string subject = "encode of library " + library_name(*library_);
  if (status != SPARSEMARK_OK) refuse(status, subject, message);
  if (matrix_ == nullptr) bad("a matrix", subject, "none", kSeeHeader);
  try {
    check_encoded(csr, subject);
    // Both are at hand: digests of them took 20 ms of a matrix of 2^19 nonzeros, more than encoding it.
    const auto changed = [](const auto& given, const auto* kept) {
      return !given.empty() && std::memcmp(given.data(), kept, given.size() * 4) != 0;
    };
    if (changed(offsets, csr.row_offsets) || changed(indices, csr.col_indices) ||
        changed(values, csr.values)) {
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
  GuardedBytes dense(static_cast<std::size_t>(encoded_.rows) * static_cast<std::size_t>(encoded_.cols) *
                     sizeof(float));
  const std::string subject = "decode of library " + library_name(*library_);
  sparsemark_message message{};
  const auto* floats = reinterpret_cast<float*>(dense.data());
  const sparsemark_status status =
      library_->table().decode(matrix_, reinterpret_cast<float*>(dense.data()), &message);
  if (status != SPARSEMARK_OK) refuse(status, subject, message);
  if (!dense.intact()) bad("writes inside of the array", subject, "one beside it", "Mend the library.");
  return std::vector<float>(floats, floats + dense.size() / sizeof(float));
}

OperandSizes sizes_of(const Library& library, int kernel, const HostMatrix* matrix,
                      const HostOperands& operands) {
  const sparsemark_library& table = library.table();
  const std::string owner = "library " + library_name(library);
  if (kernel < 0 || kernel >= table.kernel_count) {
    throw DoorError("UNSUPPORTED", owner + " has no kernel " + std::to_string(kernel));
  }
  const sparsemark_kernel& chosen = table.kernels[kernel];
  const std::string subject = "kernel " + std::string(chosen.name) + " of " + owner;
  const auto decline = [&](const std::string& expected, const std::string& received, const char* advice) {
    throw DoorError("UNSUPPORTED",
                    "Expected " + expected + " for " + subject + ", received " + received + ". " + advice);
  };
  if (matrix != nullptr && (matrix->format() != chosen.format || matrix->dtype() != chosen.dtype)) {
    decline("format " + std::string(chosen.format) + " of " + chosen.dtype,
            matrix->format() + " of " + matrix->dtype(), "Encode the matrix in it.");
  }
  if (operands.threads < 1 || (chosen.max_threads > 0 && operands.threads > chosen.max_threads)) {
    decline("at most " + std::to_string(chosen.max_threads) + " threads", std::to_string(operands.threads),
            "Ask for fewer.");
  }
  ProductSizes product;
  product.m = matrix == nullptr ? operands.rows : matrix->encoded().rows;
  product.k = matrix == nullptr ? operands.cols : matrix->encoded().cols;
  product.nnz = matrix == nullptr ? 0 : matrix->encoded().nnz;
  product.n = operands.n;
  product.conv = operands.conv;
  OperandSizes sizes;
  SizesRefusal refusal;
  if (!operand_sizes(chosen.op, chosen.dtype, product, sizes, refusal)) {
    decline(refusal.expected, refusal.received, kSeeHeader);
  }
  if (sizes.makes_matrix != (matrix == nullptr)) {
    decline(sizes.makes_matrix ? "no matrix" : "a matrix", sizes.makes_matrix ? "one" : "none", kSeeHeader);
  }
  if (sizes.makes_matrix && table.made == nullptr) {
    bad("a function made", subject, "none", kSeeHeader);
  }
  return sizes;
}

namespace {

std::size_t bytes_of(const OperandSize& operand) { return operand.length * bytes_of(operand.element); }

}  // namespace

namespace {

SharedPages* rewound(SharedPages* pages) {
  if (pages != nullptr) pages->rewind();
  return pages;
}

}  // namespace

HostJob::HostJob(std::shared_ptr<Library> library, std::vector<std::shared_ptr<HostMatrix>> copies,
                 int kernel, const HostOperands& operands)
    : library_(std::move(library)),
      matrices_(std::move(copies)),
      sizes_(sizes_of(*library_, kernel, matrices_.empty() ? nullptr : matrices_[0].get(), operands)),
      rows_(matrices_.empty() ? operands.rows : matrices_[0]->encoded().rows),
      cols_(matrices_.empty() ? operands.cols : matrices_[0]->encoded().cols),
      pages_(rewound(operands.pages)),
      c_(bytes_of(sizes_.c), pages_) {
  const sparsemark_library& table = library_->table();
  if (operands.plan != nullptr && library_->knobs(kernel).empty()) refuse_plan(*library_, kernel);
  subject_ = "kernel " + std::string(table.kernels[kernel].name) + " of library " + library_name(*library_);
  sparsemark_product product{};
  product.n = operands.n;
  product.threads = operands.threads;
  if (c_.size() > 0) std::memset(c_.data(), 0, c_.size());
  product.c = sizes_.makes_matrix ? nullptr : c_.data();
  if (sizes_.b.element != Element::kNone) product.b = take("B", operands.b, bytes_of(sizes_.b));
  if (sizes_.b2.element != Element::kNone)
    product.b2 = take("the second operand", operands.b2, bytes_of(sizes_.b2));
  if (sizes_.b3.element != Element::kNone)
    product.b3 = take("the third operand", operands.b3, bytes_of(sizes_.b3));
  if (sizes_.sparse_b) {
    const sparsemark_csr& b = *operands.sparse_b;
    const auto nnz = static_cast<std::size_t>(b.nnz) * 4;
    sparse_b_ = b;
    sparse_b_.row_offsets = static_cast<const std::int32_t*>(
        take("B's offsets", b.row_offsets, (static_cast<std::size_t>(b.rows) + 1) * 4));
    sparse_b_.col_indices = static_cast<const std::int32_t*>(take("B's columns", b.col_indices, nnz));
    sparse_b_.values = static_cast<const float*>(take("B's values", b.values, nnz));
    product.sparse_b = &sparse_b_;
  }
  if (operands.conv != nullptr) {
    conv_ = *operands.conv;
    product.conv = &conv_;
  }
  if (sizes_.makes_matrix) {
    product.rows = operands.rows;
    product.cols = operands.cols;
    product.keep = operands.keep;
  }
  product.plan = operands.plan;
  run_ = table.run;
  for (std::size_t copy = 0; copy == 0 || copy < matrices_.size(); ++copy) {
    sparsemark_message message{};
    sparsemark_job* job = nullptr;
    const sparsemark_matrix* matrix = matrices_.empty() ? nullptr : matrices_[copy]->matrix();
    const double start = now_ns();
    const sparsemark_status status = table.prepare(kernel, matrix, &product, &job, &message);
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
  for (sparsemark_job* job : jobs_) library_->table().free_job(job);
}

// Copies an input between canaries and remembers what it was.
const void* HostJob::take(const char* name, const void* data, std::size_t bytes) {
  auto copy = std::make_unique<GuardedBytes>(bytes, pages_);
  if (bytes > 0) std::memcpy(copy->data(), data, bytes);
  const void* place = copy->data();
  const std::uint64_t digest = digest_of(copy->data(), bytes);
  inputs_.push_back({name, std::move(copy), digest});
  return place;
}

void HostJob::poison() {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (std::size_t at = 0; at + sizeof(nan) <= c_.size(); at += sizeof(nan)) {
    std::memcpy(c_.data() + at, &nan, sizeof(nan));
  }
  // Of half floats there may be one more: all bits set are a NaN there too.
  std::memset(c_.data() + c_.size() / sizeof(nan) * sizeof(nan), 0xFF, c_.size() % sizeof(nan));
}

std::vector<unsigned char> HostJob::answer() {
  poison();
  const std::size_t job = next_;
  evaluate();
  check_guards();
  if (sizes_.makes_matrix) return made_matrix(job);
  return std::vector<unsigned char>(c_.data(), c_.data() + c_.size());
}

std::vector<unsigned char> HostJob::made_matrix(std::size_t job) const {
  const sparsemark_library& table = library_->table();
  const sparsemark_matrix* matrix = table.made(jobs_[job]);
  if (matrix == nullptr) throw DoorError("OUT_OF_MEMORY", "out of memory for what " + subject_ + " makes");
  if (table.decode == nullptr) {
    throw DoorError("UNSUPPORTED", "library " + library_name(*library_) + " has no decode");
  }
  GuardedBytes dense(static_cast<std::size_t>(rows_) * static_cast<std::size_t>(cols_) * sizeof(float));
  sparsemark_message message{};
  const sparsemark_status status = table.decode(matrix, reinterpret_cast<float*>(dense.data()), &message);
  if (status != SPARSEMARK_OK) refuse(status, "decode of " + subject_, message);
  if (!dense.intact())
    bad("writes inside of the array", "decode of " + subject_, "one beside it", "Mend the library.");
  return std::vector<unsigned char>(dense.data(), dense.data() + dense.size());
}

void HostJob::check_guards() const {
  if (!c_.intact()) bad("writes inside of C", subject_, "one beside it", "Mend the library.");
  for (const Input& input : inputs_) {
    if (!input.bytes->intact() || digest_of(input.bytes->data(), input.bytes->size()) != input.digest) {
      bad("an untouched " + input.name, subject_, "a write into it", "It is read-only: mend the library.");
    }
  }
}

}  // namespace sparsemark
