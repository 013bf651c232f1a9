// Every kernel of the library, on every instruction set that this CPU has, through the kernel door against a
// double-precision reference.
//
// What is laid out so that mistakes show: C holds NaN before the first run and other values before the
// second; bytes beyond C are canaries; B and C are allocated to the byte, so that the address sanitizer sees
// the first one too many. Rows of B that no element of A meets are NaN where the format stores no padding;
// with padding, zeros multiply such rows and NaN may rightly come through.
#include <cmath>
#include <cstring>
#include <limits>
#include <new>
#include <vector>

#include "../../native/sparsemark.h"
#include "check.h"
#include "samples.h"

#if defined(__SANITIZE_ADDRESS__)
#define SPARSEMARK_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SPARSEMARK_ASAN 1
#endif
#endif

namespace sparsemark::test {
namespace {

#if defined(SPARSEMARK_ASAN)
constexpr std::size_t kCanaries = 0;  // the sanitizer's own red zone begins at the first byte
#else
constexpr std::size_t kCanaries = 32;
#endif
constexpr float kCanary = 12345.0f;

// An operand: floats on a 64-byte boundary, allocated to the byte, canaries behind.
class Operand {
 public:
  explicit Operand(std::size_t size)
      : size_(size),
        data_(static_cast<float*>(
            ::operator new ((size + kCanaries) * sizeof(float), std::align_val_t{kAlignment}))) {
    for (std::size_t i = 0; i < kCanaries; ++i) data_[size + i] = kCanary;
  }
  Operand(const Operand&) = delete;
  Operand& operator=(const Operand&) = delete;
  ~Operand() { ::operator delete (data_, std::align_val_t{kAlignment}); }

  float* data() { return data_; }
  std::size_t size() const { return size_; }
  void fill(float x) {
    for (std::size_t i = 0; i < size_; ++i) data_[i] = x;
  }
  bool canaries_live() const {
    for (std::size_t i = 0; i < kCanaries; ++i) {
      if (data_[size_ + i] != kCanary) return false;
    }
    return true;
  }

 private:
  std::size_t size_;
  float* data_;
};

// C = A B in double precision, and the sum of the products' magnitudes, which the tolerance is made of.
struct Reference {
  std::vector<double> c;
  std::vector<double> magnitude;
};

Reference reference(const Sample& s, std::int32_t n, const float* b) {
  const std::size_t columns = static_cast<std::size_t>(n);
  Reference r;
  r.c.assign(static_cast<std::size_t>(s.rows) * columns, 0.0);
  r.magnitude = r.c;
  for (std::size_t i = 0; i < static_cast<std::size_t>(s.rows); ++i) {
    for (std::size_t p = static_cast<std::size_t>(s.row_offsets[i]);
         p < static_cast<std::size_t>(s.row_offsets[i + 1]); ++p) {
      const float* row = b + static_cast<std::size_t>(s.col_indices[p]) * columns;
      for (std::size_t j = 0; j < columns; ++j) {
        const double product = static_cast<double>(s.values[p]) * static_cast<double>(row[j]);
        r.c[i * columns + j] += product;
        r.magnitude[i * columns + j] += std::fabs(product);
      }
    }
  }
  return r;
}

struct Problem {
  const Sample& a;
  std::int32_t n;
  std::int32_t threads;
  Operand& b;
  Operand& b_with_nan;  // NaN in the rows that A does not meet
  const Reference& expected;
};

void check_answer(const Problem& problem, const sparsemark_kernel& kernel, Operand& c) {
  // k roundings of products and sums, each 2^-24 of what is added, or half a denormal.
  const double k = problem.a.cols + 4.0;
  std::size_t wrong = c.size();
  for (std::size_t i = c.size(); i-- > 0;) {
    const double error = std::fabs(static_cast<double>(c.data()[i]) - problem.expected.c[i]);
    if (!(error <= k * 0x1p-24 * problem.expected.magnitude[i] + k * 0x1p-149)) wrong = i;
  }
  SPARSEMARK_EXPECT(wrong == c.size(), "%s %s %s, %d threads: %s %d x %d x %d: C[%zu] = %g, expected %g",
                    kernel.op, kernel.name, kernel.isa, problem.threads, problem.a.pattern, problem.a.rows,
                    problem.a.cols, problem.n, wrong,
                    wrong < c.size() ? static_cast<double>(c.data()[wrong]) : 0.0,
                    wrong < c.size() ? problem.expected.c[wrong] : 0.0);
  SPARSEMARK_EXPECT(c.canaries_live(), "%s %s %s writes beyond C: %s %d x %d x %d", kernel.op, kernel.name,
                    kernel.isa, problem.a.pattern, problem.a.rows, problem.a.cols, problem.n);
}

void check_kernel(const sparsemark_library& library, std::int32_t index, const sparsemark_matrix* matrix,
                  const sparsemark_encoded& encoded, const Problem& problem) {
  const sparsemark_kernel& kernel = library.kernels[index];
  Operand c(static_cast<std::size_t>(problem.a.rows) * static_cast<std::size_t>(problem.n));
  Operand& b = encoded.padding_bytes == 0 ? problem.b_with_nan : problem.b;
  const sparsemark_product product = {problem.n, problem.threads, b.data(), c.data()};
  sparsemark_message message = {};
  sparsemark_job* job = nullptr;
  const sparsemark_status status = library.prepare(index, matrix, &product, &job, &message);
  SPARSEMARK_EXPECT(status == SPARSEMARK_OK, "%s %s %s is not prepared: %s", kernel.op, kernel.name,
                    kernel.isa, message.text);
  if (status != SPARSEMARK_OK) return;
  c.fill(std::numeric_limits<float>::quiet_NaN());
  library.run(job);
  check_answer(problem, kernel, c);
  const std::vector<float> first(c.data(), c.data() + c.size());
  c.fill(7.0f);
  library.run(job);
  SPARSEMARK_EXPECT(first.empty() || std::memcmp(first.data(), c.data(), first.size() * sizeof(float)) == 0,
                    "%s %s %s, %d threads: another answer the second time: %s %d x %d x %d", kernel.op,
                    kernel.name, kernel.isa, problem.threads, problem.a.pattern, problem.a.rows,
                    problem.a.cols, problem.n);
  library.free_job(job);
}

void check_all_kernels(const sparsemark_library& library, const Sample& a, std::int32_t n,
                       std::int32_t threads, Random& random) {
  const std::size_t size = static_cast<std::size_t>(a.cols) * static_cast<std::size_t>(n);
  Operand b(size);
  Operand b_with_nan(size);
  for (std::size_t i = 0; i < size; ++i) b.data()[i] = random.value();
  b_with_nan.fill(std::numeric_limits<float>::quiet_NaN());
  for (const std::int32_t column : a.col_indices) {
    const std::size_t begin = static_cast<std::size_t>(column) * static_cast<std::size_t>(n);
    std::memcpy(b_with_nan.data() + begin, b.data() + begin, static_cast<std::size_t>(n) * sizeof(float));
  }
  const Reference expected = reference(a, n, b.data());
  const Problem problem = {a, n, threads, b, b_with_nan, expected};
  const sparsemark_csr csr = a.c_csr();
  for (std::int32_t f = 0; f < library.format_count; ++f) {
    sparsemark_matrix* matrix = nullptr;
    sparsemark_encoded encoded = {};
    sparsemark_message message = {};
    if (library.encode(library.formats[f], &csr, &matrix, &encoded, &message) != SPARSEMARK_OK) continue;
    for (std::int32_t k = 0; k < library.kernel_count; ++k) {
      const sparsemark_kernel& kernel = library.kernels[k];
      if (std::strcmp(kernel.format, library.formats[f]) != 0) continue;
      if (std::strcmp(kernel.op, "spmv") == 0 && n != 1) continue;
      if (kernel.max_threads != 0 && threads > kernel.max_threads) continue;
      check_kernel(library, k, matrix, encoded, problem);
    }
    library.free_matrix(matrix);
  }
}

const sparsemark_library& our_library() {
  sparsemark_message message = {};
  return *sparsemark_describe(SPARSEMARK_ABI_VERSION, &message);
}

}  // namespace

void small_problems(const Options& options) {
  const sparsemark_library& library = our_library();
  // A format without kernels would pass everything below.
  for (std::int32_t f = 0; f < library.format_count; ++f) {
    for (const char* op : {"spmm", "spmv"}) {
      bool found = false;
      for (std::int32_t k = 0; k < library.kernel_count; ++k) {
        found = found || (std::strcmp(library.kernels[k].format, library.formats[f]) == 0 &&
                          std::strcmp(library.kernels[k].op, op) == 0);
      }
      SPARSEMARK_EXPECT(found, "no kernel for %s on %s", op, library.formats[f]);
    }
  }
  Random random(options.seed);
  for (int round = 0; round < options.samples; ++round) {
    const Sample a = sample(random, 40, 40);
    // Every width up to two vectors and one more, n = 1 twice as often since spmv needs it, some more.
    const std::int32_t n = round % 3 == 0 ? 1 : round % 3 == 1 ? 1 + round / 3 % 33 : random.below(300);
    const std::int32_t threads = round % 4 == 3 ? 2 + random.below(2) : 1;
    check_all_kernels(library, a, n, threads, random);
  }
}

void large_problems(const Options& options) {
  const sparsemark_library& library = our_library();
  Random random(options.seed + 1);
  const int rounds = options.samples / 100 + 1;
  for (int round = 0; round < rounds; ++round) {
    const Sample a = sample(random, 300, 900);
    const std::int32_t n = round % 2 == 0 ? 1 : 1 + random.below(200);
    check_all_kernels(library, a, n, 1 + round % 3, random);
    check_all_kernels(library, tall_sample(random), round % 2 == 0 ? 1 : 17, 1 + round % 3, random);
    check_all_kernels(library, wide_sample(random), round % 2 == 0 ? 1 : 17, 1 + round % 3, random);
  }
  // Operands that leave the caches, where kernels choose other stores and tiles.
  const struct {
    std::int32_t rows;
    std::int32_t cols;
    std::int32_t n;
  } wide[] = {{33, 21, 10000}, {20, 130, 4096}};
  for (const auto& one : wide) {
    const Sample a =
        sample_where(random, one.rows, one.cols, "wide", [&](int, int) { return random.unit() < 0.1; });
    check_all_kernels(library, a, one.n, 2, random);
  }
}

void door_errors(const Options& options) {
  const sparsemark_library& library = our_library();
  Random random(options.seed);
  const Sample a = sample_where(random, 3, 4, "full", [](int, int) { return true; });
  const sparsemark_csr csr = a.c_csr();
  sparsemark_matrix* matrix = nullptr;
  sparsemark_encoded encoded = {};
  sparsemark_message message = {};
  SPARSEMARK_EXPECT(library.encode("nothing", &csr, &matrix, &encoded, &message) == SPARSEMARK_UNSUPPORTED &&
                        std::strlen(message.text) > 0 && matrix == nullptr,
                    "an unknown format is not refused");
  message = {};
  SPARSEMARK_EXPECT(library.encode("nm-1:4", &csr, &matrix, &encoded, &message) == SPARSEMARK_UNSUPPORTED &&
                        std::strlen(message.text) > 0 && matrix == nullptr,
                    "a full matrix is 1:4");

  SPARSEMARK_EXPECT(library.encode("csc", &csr, &matrix, &encoded, &message) == SPARSEMARK_OK, "no csc");
  std::vector<float> decoded(12, std::numeric_limits<float>::quiet_NaN());
  SPARSEMARK_EXPECT(library.decode(matrix, decoded.data(), &message) == SPARSEMARK_OK &&
                        std::memcmp(decoded.data(), a.values.data(), sizeof(float) * 12) == 0,
                    "decode does not fill a matrix that held something else");
  Operand b(8);
  Operand c(6);
  b.fill(1.0f);
  for (std::int32_t k = 0; k < library.kernel_count; ++k) {
    const sparsemark_kernel& kernel = library.kernels[k];
    const bool csc = std::strcmp(kernel.format, "csc") == 0;
    const bool spmv = std::strcmp(kernel.op, "spmv") == 0;
    const auto refused = [&](std::int32_t n, std::int32_t threads) {
      const sparsemark_product product = {n, threads, b.data(), c.data()};
      sparsemark_job* job = nullptr;
      message = {};
      const sparsemark_status status = library.prepare(k, matrix, &product, &job, &message);
      if (status == SPARSEMARK_OK) {
        library.free_job(job);
        return false;
      }
      return job == nullptr && std::strlen(message.text) > 0;
    };
    SPARSEMARK_EXPECT(refused(1, 1) == !csc, "%s %s: the format is not compared", kernel.op, kernel.name);
    SPARSEMARK_EXPECT(refused(2, 1) == (!csc || spmv), "%s %s: n = 2", kernel.op, kernel.name);
    SPARSEMARK_EXPECT(refused(1, 0), "%s %s: no thread", kernel.op, kernel.name);
    SPARSEMARK_EXPECT(refused(1, 2) == (!csc || kernel.max_threads == 1), "%s %s: two threads", kernel.op,
                      kernel.name);
  }
  const sparsemark_product product = {1, 1, b.data(), c.data()};
  sparsemark_job* job = nullptr;
  SPARSEMARK_EXPECT(
      library.prepare(-1, matrix, &product, &job, &message) != SPARSEMARK_OK &&
          library.prepare(library.kernel_count, matrix, &product, &job, &message) != SPARSEMARK_OK,
      "a kernel index out of range is not refused");
  library.free_matrix(matrix);
}

}  // namespace sparsemark::test
