// Every kernel of the library, on every instruction set that this CPU has, through the kernel door against
// the reference of its op.
//
// What is laid out so that mistakes show: C holds NaN before the first run and other values before the
// second; bytes before and behind operands are canaries, and NaN to who reads them; operands are allocated to
// the byte, so that the address sanitizer sees the first one too many. Rows of operands that meet nothing of
// what the format stores, nonzeros and padding, are NaN.
#include <cmath>
#include <cstring>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "../../native/operands.h"
#include "../../native/sparsemark.h"
#include "check.h"
#include "references/reference.h"
#include "samples.h"

namespace sparsemark::test {
namespace {

const OpReference* reference_of(const char* op, const char* dtype) {
  for (int r = 0; r < kReferenceCount; ++r) {
    if (std::strcmp(kReferences[r]->op, op) == 0 && std::strcmp(kReferences[r]->dtype, dtype) == 0) {
      return kReferences[r];
    }
  }
  return nullptr;
}

double half_to_double(std::uint16_t bits) {
  const int exponent = (bits >> 10) & 31;
  const double fraction = bits & 1023;
  const double magnitude = exponent == 31  ? (fraction > 0 ? NAN : INFINITY)
                           : exponent == 0 ? std::ldexp(fraction, -24)
                                           : std::ldexp(1024 + fraction, exponent - 25);
  return (bits & 0x8000) != 0 ? -magnitude : magnitude;
}

double element_at(const Operand& c, Element element, std::size_t at) {
  const unsigned char* data = c.data();
  float single = 0;
  std::int32_t integer = 0;
  std::uint16_t half = 0;
  switch (element) {
    case Element::kInt32:
      std::memcpy(&integer, data + at * 4, 4);
      return integer;
    case Element::kFloat16:
      std::memcpy(&half, data + at * 2, 2);
      return half_to_double(half);
    default:
      std::memcpy(&single, data + at * 4, 4);
      return static_cast<double>(single);
  }
}

// One kernel's name with the problem that it is given, for messages.
std::string named(const sparsemark_kernel& kernel, const Sample& a, const sparsemark_product& product) {
  return std::string(kernel.op) + " " + kernel.name + " " + kernel.dtype + " " + kernel.isa + ", " +
         std::to_string(product.threads) + " threads: " + a.pattern + " " + std::to_string(a.rows) + " x " +
         std::to_string(a.cols) + " x " + std::to_string(product.n);
}

void check_answer(const OpCase& problem, const Operand& c, Element element, const std::string& name) {
  std::size_t wrong = problem.expected.size();
  for (std::size_t i = wrong; i-- > 0;) {
    const double error = std::fabs(element_at(c, element, i) - problem.expected[i]);
    if (!(error <= problem.tolerance[i])) wrong = i;
  }
  const bool right = wrong == problem.expected.size();
  SPARSEMARK_EXPECT(right, "%s: C[%zu] = %g, expected %g", name.c_str(), wrong,
                    right ? 0.0 : element_at(c, element, wrong), right ? 0.0 : problem.expected[wrong]);
  SPARSEMARK_EXPECT(c.canaries_live(), "%s: writes beyond C", name.c_str());
}

void check_kernel(const sparsemark_library& library, std::int32_t index, const sparsemark_matrix* matrix,
                  const Sample& a, const OpCase& problem, std::int32_t threads) {
  const sparsemark_kernel& kernel = library.kernels[index];
  sparsemark_product product = problem.product;
  product.threads = threads;
  const std::string name = named(kernel, a, product);
  OperandSizes sizes;
  SizesRefusal refusal;
  const ProductSizes facts = {a.rows, a.cols, product.n, static_cast<std::int32_t>(a.values.size()),
                              product.conv};
  const bool fits = operand_sizes(kernel.op, kernel.dtype, facts, sizes, refusal);
  SPARSEMARK_EXPECT(fits && sizes.c.length == problem.expected.size(), "%s: expected %s, received %s",
                    name.c_str(), refusal.expected.c_str(), refusal.received.c_str());
  if (!fits) return;
  Operand c(sizes.c.length * bytes_of(sizes.c.element));
  product.c = c.data();
  sparsemark_message message = {};
  sparsemark_job* job = nullptr;
  const sparsemark_status status = library.prepare(index, matrix, &product, &job, &message);
  SPARSEMARK_EXPECT(status == SPARSEMARK_OK, "%s: not prepared: %s", name.c_str(), message.text);
  if (status != SPARSEMARK_OK) return;
  c.fill_words(0x7fc00000u);
  library.run(job);
  check_answer(problem, c, sizes.c.element, name);
  const std::vector<unsigned char> first(c.data(), c.data() + c.bytes());
  c.fill_words(0x40e00000u);
  library.run(job);
  SPARSEMARK_EXPECT(first.empty() || std::memcmp(first.data(), c.data(), first.size()) == 0,
                    "%s: another answer the second time", name.c_str());
  library.free_job(job);
}

// Whether tests of this file give the kernel its operands: a kernel that makes a matrix has a test of its
// own.
bool multiplies(const sparsemark_kernel& kernel) {
  return std::strcmp(kernel.op, "encode") != 0 && std::strcmp(kernel.op, "prune") != 0;
}

// All kernels of one type on one matrix of that type.
void check_dtype(const sparsemark_library& library, const std::string& dtype, const Sample& a, std::int32_t n,
                 std::int32_t threads, Random& random) {
  const sparsemark_csr csr = a.c_csr();
  for (int r = 0; r < kReferenceCount; ++r) {
    const OpReference& reference = *kReferences[r];
    if (dtype != reference.dtype) continue;
    // The same numbers for every format, but for what is NaN.
    const Random drawn = random;
    std::vector<std::pair<Stored, std::unique_ptr<OpCase>>> problems;
    const auto problem_for = [&](const char* format) -> const OpCase* {
      Stored stored = stored_by(format, a);
      for (const auto& [other, problem] : problems) {
        if (other == stored) return problem.get();
      }
      Random same = drawn;
      auto problem = std::make_unique<OpCase>();
      if (!reference.make(a, n, &stored, same, *problem)) return nullptr;
      random = same;
      problems.emplace_back(std::move(stored), std::move(problem));
      return problems.back().second.get();
    };
    for (std::int32_t f = 0; f < library.format_count; ++f) {
      const auto uses = [&](const sparsemark_kernel& kernel) {
        return std::strcmp(kernel.format, library.formats[f]) == 0 && kernel.dtype == dtype &&
               std::strcmp(kernel.op, reference.op) == 0 &&
               (kernel.max_threads == 0 || threads <= kernel.max_threads);
      };
      bool any = false;
      for (std::int32_t k = 0; k < library.kernel_count; ++k) any = any || uses(library.kernels[k]);
      if (!any) continue;
      sparsemark_matrix* matrix = nullptr;
      sparsemark_encoded encoded = {};
      sparsemark_message message = {};
      if (library.encode(library.formats[f], dtype.c_str(), &csr, &matrix, &encoded, &message) !=
          SPARSEMARK_OK) {
        continue;
      }
      const OpCase* problem = problem_for(library.formats[f]);
      for (std::int32_t k = 0; problem != nullptr && k < library.kernel_count; ++k) {
        if (uses(library.kernels[k])) check_kernel(library, k, matrix, a, *problem, threads);
      }
      library.free_matrix(matrix);
    }
  }
}

void check_all_kernels(const sparsemark_library& library, const Sample& a, std::int32_t n,
                       std::int32_t threads, Random& random) {
  std::set<std::string> dtypes;
  for (std::int32_t k = 0; k < library.kernel_count; ++k) dtypes.insert(library.kernels[k].dtype);
  for (const std::string& dtype : dtypes) {
    check_dtype(library, dtype, sample_of(a, dtype.c_str()), n, threads, random);
  }
}

const sparsemark_library& our_library() {
  sparsemark_message message = {};
  return *sparsemark_describe(SPARSEMARK_ABI_VERSION, &message);
}

}  // namespace

void small_problems(const Options& options) {
  const sparsemark_library& library = our_library();
  // A kernel without a reference and a format without kernels would pass everything below.
  for (std::int32_t k = 0; k < library.kernel_count; ++k) {
    const sparsemark_kernel& kernel = library.kernels[k];
    SPARSEMARK_EXPECT(!multiplies(kernel) || reference_of(kernel.op, kernel.dtype) != nullptr,
                      "no reference for %s of %s", kernel.op, kernel.dtype);
  }
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
  // Operands that leave the caches, where kernels choose other stores and tiles; and rows of B that are used
  // often, a part of each in a panel that leaves L1, where they copy it; once with 4 columns beyond it.
  const struct {
    std::int32_t rows;
    std::int32_t cols;
    std::int32_t n;
    double density;
  } wide[] = {{33, 21, 10000, 0.1}, {20, 130, 4096, 0.1}, {80, 530, 40, 0.75}, {80, 530, 52, 0.75}};
  for (const auto& one : wide) {
    const Sample a = sample_where(random, one.rows, one.cols, "wide",
                                  [&](int, int) { return random.unit() < one.density; });
    check_all_kernels(library, a, one.n, 2, random);
  }
}

void wide_columns(const Options& options) {
  const sparsemark_library& library = our_library();
  Random random(options.seed + 3);
  // As many columns as 16 bits hold, and one more.
  for (const std::int32_t cols : {65536, 65537}) {
    const Sample a = sample_where(random, 37, cols, "wide",
                                  [&](int i, int j) { return i % 5 > 0 && (j % 977 == i || j >= cols - 2); });
    const sparsemark_csr csr = a.c_csr();
    sparsemark_matrix* matrix = nullptr;
    sparsemark_encoded encoded = {};
    sparsemark_message message = {};
    const sparsemark_status status = library.encode("sell-16-128", "f32", &csr, &matrix, &encoded, &message);
    SPARSEMARK_EXPECT(status == SPARSEMARK_OK, "%d columns: %s", cols, message.text);
    if (status != SPARSEMARK_OK) continue;
    for (std::int32_t k = 0; k < library.kernel_count; ++k) {
      const sparsemark_kernel& kernel = library.kernels[k];
      if (std::strcmp(kernel.format, "sell-16-128") != 0 || !multiplies(kernel)) continue;
      OpCase problem;
      const std::int32_t n = std::strcmp(kernel.op, "spmv") == 0 ? 1 : 3;
      if (!reference_of(kernel.op, kernel.dtype)->make(a, n, nullptr, random, problem)) continue;
      check_kernel(library, k, matrix, a, problem, 1);
    }
    library.free_matrix(matrix);
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
  SPARSEMARK_EXPECT(
      library.encode("nothing", "f32", &csr, &matrix, &encoded, &message) == SPARSEMARK_UNSUPPORTED &&
          std::strlen(message.text) > 0 && matrix == nullptr,
      "an unknown format is not refused");
  message = {};
  SPARSEMARK_EXPECT(
      library.encode("nm-1:4", "f32", &csr, &matrix, &encoded, &message) == SPARSEMARK_UNSUPPORTED &&
          std::strlen(message.text) > 0 && matrix == nullptr,
      "a full matrix is 1:4");

  SPARSEMARK_EXPECT(library.encode("csc", "f32", &csr, &matrix, &encoded, &message) == SPARSEMARK_OK,
                    "no csc");
  std::vector<float> decoded(12, std::numeric_limits<float>::quiet_NaN());
  SPARSEMARK_EXPECT(library.decode(matrix, decoded.data(), &message) == SPARSEMARK_OK &&
                        std::memcmp(decoded.data(), a.values.data(), sizeof(float) * 12) == 0,
                    "decode does not fill a matrix that held something else");
  message = {};
  sparsemark_matrix* other = nullptr;
  SPARSEMARK_EXPECT(
      library.encode("csc", "f128", &csr, &other, &encoded, &message) == SPARSEMARK_UNSUPPORTED &&
          std::strlen(message.text) > 0 && other == nullptr,
      "an unknown type is not refused");
  Operand b(8 * sizeof(float));
  Operand c(6 * sizeof(float));
  b.fill_words(0x3f800000u);
  for (std::int32_t k = 0; k < library.kernel_count; ++k) {
    const sparsemark_kernel& kernel = library.kernels[k];
    const bool spmv = std::strcmp(kernel.op, "spmv") == 0;
    // Others need operands that are not here.
    if ((!spmv && std::strcmp(kernel.op, "spmm") != 0) || std::strcmp(kernel.dtype, "f32") != 0) continue;
    const bool csc = std::strcmp(kernel.format, "csc") == 0;
    const auto refused = [&](std::int32_t n, std::int32_t threads) {
      sparsemark_product product = {};
      product.n = n;
      product.threads = threads;
      product.b = b.data();
      product.c = c.data();
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
  sparsemark_product product = {};
  product.n = product.threads = 1;
  product.b = b.data();
  product.c = c.data();
  sparsemark_job* job = nullptr;
  SPARSEMARK_EXPECT(
      library.prepare(-1, matrix, &product, &job, &message) != SPARSEMARK_OK &&
          library.prepare(library.kernel_count, matrix, &product, &job, &message) != SPARSEMARK_OK,
      "a kernel index out of range is not refused");
  library.free_matrix(matrix);
}

}  // namespace sparsemark::test
