// Kernels with knobs: every choice that the library takes gives the right answer, and what does not fit is
// refused.
#include <cmath>
#include <cstring>
#include <sstream>
#include <string>
#include <vector>

#include "../../native/operands.h"
#include "../../native/sparsemark.h"
#include "check.h"
#include "references/reference.h"
#include "samples.h"

namespace sparsemark::test {
namespace {

const sparsemark_library& our_library() {
  sparsemark_message message = {};
  return *sparsemark_describe(SPARSEMARK_ABI_VERSION, &message);
}

// A plan out of knobs like "columns=64|96 vectors=1|2": each turned with a chance of one half.
std::string random_plan(const char* knobs, Random& random) {
  std::istringstream words(knobs);
  std::string plan;
  for (std::string word; words >> word;) {
    const std::size_t sign = word.find('=');
    std::vector<std::string> values;
    std::istringstream list(word.substr(sign + 1));
    for (std::string value; std::getline(list, value, '|');) values.push_back(value);
    if (random.below(2) == 0) continue;
    plan += (plan.empty() ? "" : " ") + word.substr(0, sign + 1) +
            values[static_cast<std::size_t>(random.below(static_cast<std::int32_t>(values.size())))];
  }
  return plan;
}

struct Outcome {
  sparsemark_status status;
  std::string reason;
};

// Encodes and prepares with a plan, and where both are taken checks the answer.
Outcome outcome_of(const sparsemark_library& library, std::int32_t index, const std::string& encoded_with,
                   const char* plan, const Sample& a, const OpCase& problem, std::int32_t threads) {
  const sparsemark_kernel& kernel = library.kernels[index];
  const sparsemark_csr csr = a.c_csr();
  sparsemark_matrix* matrix = nullptr;
  sparsemark_encoded encoded = {};
  sparsemark_message message = {};
  sparsemark_status status =
      library.encode_planned(index, encoded_with.c_str(), &csr, &matrix, &encoded, &message);
  if (status != SPARSEMARK_OK) return {status, message.text};
  sparsemark_product product = problem.product;
  product.threads = threads;
  product.plan = plan;
  Operand c(problem.expected.size() * sizeof(float));
  product.c = c.data();
  sparsemark_job* job = nullptr;
  message = {};
  status = library.prepare(index, matrix, &product, &job, &message);
  if (status == SPARSEMARK_OK) {
    for (const std::uint32_t before : {0x7fc00000u, 0x40e00000u}) {
      c.fill_words(before);
      library.run(job);
      bool right = c.canaries_live();
      for (std::size_t i = 0; i < problem.expected.size(); ++i) {
        float element = 0.0f;
        std::memcpy(&element, c.data() + i * sizeof(element), sizeof(element));
        const double error = std::fabs(static_cast<double>(element) - problem.expected[i]);
        right = right && error <= problem.tolerance[i];
      }
      SPARSEMARK_EXPECT(right, "%s %s %s with \"%s\", %d threads: wrong for %s %d x %d x %d", kernel.op,
                        kernel.name, kernel.isa, plan, threads, a.pattern, a.rows, a.cols, product.n);
    }
    library.free_job(job);
  }
  library.free_matrix(matrix);
  return {status, message.text};
}

// The problem of an op of f32; false where it has none for this matrix.
bool problem_of(const char* op, const Sample& a, std::int32_t n, Random& random, OpCase& problem) {
  for (int r = 0; r < kReferenceCount; ++r) {
    const OpReference& reference = *kReferences[r];
    if (std::strcmp(reference.op, op) != 0 || std::strcmp(reference.dtype, "f32") != 0) continue;
    return reference.make(a, n, nullptr, random, problem);
  }
  return false;
}

}  // namespace

void chosen_plans(const Options& options) {
  const sparsemark_library& library = our_library();
  Random random(options.seed + 2);
  int taken = 0;
  int declined = 0;
  for (std::int32_t k = 0; k < library.kernel_count; ++k) {
    if (library.knobs[k] == nullptr) continue;
    for (int round = 0; round < options.samples / 4 + 20; ++round) {
      // Now and then more rows and columns than a group and a block have.
      const Sample a = round % 10 == 0 ? sample(random, 1200, 300) : sample(random, 40, 200);
      const std::int32_t n = round % 2 == 0 ? 16 * (1 + random.below(12)) : 1 + random.below(200);
      OpCase problem;
      if (!problem_of(library.kernels[k].op, a, n, random, problem)) continue;
      const std::string plan = random_plan(library.knobs[k], random);
      const Outcome outcome = outcome_of(library, k, plan, plan.c_str(), a, problem, 1 + round % 3);
      SPARSEMARK_EXPECT(outcome.status == SPARSEMARK_OK || outcome.status == SPARSEMARK_UNSUPPORTED,
                        "\"%s\": status %d", plan.c_str(), static_cast<int>(outcome.status));
      SPARSEMARK_EXPECT(outcome.status == SPARSEMARK_OK || !outcome.reason.empty(), "\"%s\": no reason",
                        plan.c_str());
      ++(outcome.status == SPARSEMARK_OK ? taken : declined);
    }
  }
  SPARSEMARK_EXPECT(taken > 20 && declined > 0, "%d plans taken, %d declined", taken, declined);
}

void foreign_plans(const Options& options) {
  const sparsemark_library& library = our_library();
  Random random(options.seed);
  const Sample a = sample_where(random, 9, 11, "full", [](int, int) { return true; });
  for (std::int32_t k = 0; k < library.kernel_count; ++k) {
    const char* op = library.kernels[k].op;
    if (library.knobs[k] == nullptr) {
      sparsemark_matrix* matrix = nullptr;
      sparsemark_encoded encoded = {};
      sparsemark_message message = {};
      const sparsemark_csr csr = a.c_csr();
      SPARSEMARK_EXPECT(
          library.encode_planned(k, "", &csr, &matrix, &encoded, &message) == SPARSEMARK_UNSUPPORTED &&
              matrix == nullptr && std::strlen(message.text) > 0,
          "%s %s takes plans", op, library.kernels[k].name);
      continue;
    }
    OpCase problem;
    if (!problem_of(op, a, 8, random, problem)) continue;
    for (const char* plan :
         {"columns=63", "columns=", "columns", "colums=64", "columns=64 columns=64", "vectors=-1",
          "vectors=99999999999999999999", "vectors=2x", "=", "columns=64|96", "hold=2"}) {
      const Outcome outcome = outcome_of(library, k, plan, plan, a, problem, 1);
      SPARSEMARK_EXPECT(outcome.status == SPARSEMARK_UNSUPPORTED && !outcome.reason.empty(),
                        "\"%s\" is taken", plan);
    }
    // Encoded with one, run with another.
    for (const char* plan : {"columns=96", "", static_cast<const char*>(nullptr)}) {
      const Outcome outcome = outcome_of(library, k, "columns=64", plan, a, problem, 1);
      SPARSEMARK_EXPECT(outcome.status == SPARSEMARK_UNSUPPORTED, "%s instead of columns=64 is taken",
                        plan == nullptr ? "no plan" : plan);
    }
    SPARSEMARK_EXPECT(outcome_of(library, k, "", "", a, problem, 1).status == SPARSEMARK_OK,
                      "no plan at all");
  }
}

}  // namespace sparsemark::test
