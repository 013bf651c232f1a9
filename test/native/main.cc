// sparsemark-test [--samples N] [--seed S] [name ...]: runs the tests whose names contain one of the words,
// all without words. SPARSEMARK_ISA_LIMIT=scalar,avx2 leaves out instruction sets, as everywhere.
#include <chrono>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "../../native/kernels/kernel.h"
#include "check.h"

namespace sparsemark::test {

void round_trips(const Options& options);
void footprints(const Options& options);
void run_lengths(const Options& options);
void refusals(const Options& options);
void gather_scatter_bundles(const Options& options);
void gather_scatter_dense(const Options& options);
void gather_scatter_conflicts(const Options& options);
void gather_scatter_refusals(const Options& options);
void small_problems(const Options& options);
void large_problems(const Options& options);
void wide_columns(const Options& options);
void door_errors(const Options& options);
void half_values(const Options& options);
void half_sums(const Options& options);
void half_parts(const Options& options);
void half_extremes(const Options& options);
void half_digests(const Options& options);
void chosen_plans(const Options& options);
void foreign_plans(const Options& options);
void compressions(const Options& options);
void occupancy_expectations(const Options& options);
void accelerator_masks(const Options& options);
void accelerator_planes(const Options& options);
void accelerator_engines(const Options& options);
void accelerator_digest(const Options& options);
void accelerator_generic(const Options& options);
void team_rounds(const Options& options);
void crew_calls(const Options& options);
void caches(const Options& options);

namespace {

constexpr Test kTests[] = {
    {"formats: decode(encode(x)) = x", round_trips},
    {"formats: the footprint is the sum of the arrays", footprints},
    {"formats: runs are padded as EIE pads them", run_lengths},
    {"formats: refusals are declared", refusals},
    {"gather-scatter: bundles meet every bank once", gather_scatter_bundles},
    {"gather-scatter: full rows of B are dense", gather_scatter_dense},
    {"gather-scatter: no gather conflicts, where unstructured ones do", gather_scatter_conflicts},
    {"gather-scatter: a broken rule is named", gather_scatter_refusals},
    {"kernels: small problems against the reference", small_problems},
    {"kernels: large problems against the reference", large_problems},
    {"kernels: columns of 16 bits and of more", wide_columns},
    {"f16: formats hold every number of 16 bits and no other", half_values},
    {"f16: long sums pass where sums in f16 alone would not", half_sums},
    {"f16: sums of at most 64 products, of single rows and of several", half_parts},
    {"f16: denormals, infinities and NaN", half_extremes},
    {"f16: sums are rounded as IEEE 754 says", half_digests},
    {"library: wrong calls are refused with a reason", door_errors},
    {"plans: every choice gives the right answer or is refused", chosen_plans},
    {"plans: what no knob says is refused with a reason", foreign_plans},
    {"library: encode and prune make what they must", compressions},
    {"accelerator: expectations equal sums over every value", occupancy_expectations},
    {"accelerator: masks count what they hold", accelerator_masks},
    {"accelerator: filter points see their inputs", accelerator_planes},
    {"accelerator: every engine class counts within its bounds", accelerator_engines},
    {"accelerator: estimates have one digest", accelerator_digest},
    {"accelerator: generic designs have one digest", accelerator_generic},
    {"threads: every part runs once a round", team_rounds},
    {"crew: each item of a call is done once", crew_calls},
    {"caches: the system and the CPU agree", caches},
};

std::int64_t checks = 0;
std::int64_t failures = 0;

}  // namespace

void expect(bool holds, const char* file, int line, const char* format, ...) {
  ++checks;
  if (holds) return;
  if (++failures > 50) return;
  std::printf("  %s:%d: ", file, line);
  std::va_list arguments;
  va_start(arguments, format);
  std::vprintf(format, arguments);
  va_end(arguments);
  std::printf("\n");
}

int run_all(int count, char** words) {
  Options options;
  std::vector<const char*> names;
  for (int i = 1; i < count; ++i) {
    if (std::strcmp(words[i], "--samples") == 0 && i + 1 < count) {
      options.samples = std::atoi(words[++i]);
    } else if (std::strcmp(words[i], "--seed") == 0 && i + 1 < count) {
      options.seed = std::strtoull(words[++i], nullptr, 10);
    } else {
      names.push_back(words[i]);
    }
  }
  std::printf("kernels for");
  const char* isa = "";
  const KernelList list = available_kernels();
  for (int i = 0; i < list.count; ++i) {
    if (std::strcmp(isa, list.kernels[i]->isa) == 0) continue;
    isa = list.kernels[i]->isa;
    std::printf(" %s", isa);
  }
  std::printf("\n");
  int ran = 0;
  for (const Test& test : kTests) {
    bool wanted = names.empty();
    for (const char* name : names) wanted = wanted || std::strstr(test.name, name) != nullptr;
    if (!wanted) continue;
    ++ran;
    const std::int64_t checks_before = checks;
    const std::int64_t failures_before = failures;
    const auto start = std::chrono::steady_clock::now();
    test.body(options);
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    std::printf("%s %s: %lld checks, %lld failed, %.1f s\n", failures == failures_before ? "ok  " : "FAIL",
                test.name, static_cast<long long>(checks - checks_before),
                static_cast<long long>(failures - failures_before), seconds);
    std::fflush(stdout);
  }
  if (ran == 0) std::printf("no test has such a name\n");
  return ran == 0 || failures > 0 ? 1 : 0;
}

}  // namespace sparsemark::test

int main(int count, char** words) { return sparsemark::test::run_all(count, words); }
