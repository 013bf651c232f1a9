// encode and prune of every format through the kernel door: what they make, decoded, is the dense matrix or
// its largest magnitudes, also with ties, zeros of both signs, everything and nothing kept.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>
#include <string>
#include <vector>

#include "../../native/sparsemark.h"
#include "check.h"
#include "references/reference.h"
#include "samples.h"

namespace sparsemark::test {
namespace {

// The definition: positions by falling magnitude, then by place; all after the first `keep` are struck out.
std::vector<float> pruned(std::vector<float> dense, std::int64_t keep) {
  std::vector<std::size_t> order(dense.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t x, std::size_t y) { return std::fabs(dense[x]) > std::fabs(dense[y]); });
  for (std::size_t at = static_cast<std::size_t>(keep); at < order.size(); ++at) dense[order[at]] = 0.0f;
  return dense;
}

void check_maker(const sparsemark_library& library, std::int32_t k, const Sample& a,
                 const std::vector<float>& dense, const Operand& b, std::int64_t keep, int& made_count) {
  const sparsemark_kernel& kernel = library.kernels[k];
  const bool prunes = std::strcmp(kernel.op, "prune") == 0;
  sparsemark_product product = {};
  product.n = product.threads = 1;
  product.b = b.data();
  product.rows = a.rows;
  product.cols = a.cols;
  product.keep = keep;
  sparsemark_message message = {};
  sparsemark_job* job = nullptr;
  const sparsemark_status status = library.prepare(k, nullptr, &product, &job, &message);
  if (status != SPARSEMARK_OK) {
    SPARSEMARK_EXPECT(status == SPARSEMARK_UNSUPPORTED && std::strlen(message.text) > 0, "%s %s: no reason",
                      kernel.op, kernel.name);
    return;
  }
  const std::vector<float> expected = prunes ? pruned(dense, keep) : dense;
  for (int round = 0; round < 2; ++round) {
    library.run(job);
    const sparsemark_matrix* made = library.made(job);
    SPARSEMARK_EXPECT(made != nullptr, "%s %s made nothing", kernel.op, kernel.name);
    if (made == nullptr) break;
    std::vector<float> decoded(dense.size(), 7.0f);
    library.decode(made, decoded.data(), &message);
    std::size_t wrong = decoded.size();
    for (std::size_t i = wrong; i-- > 0;) {
      if (decoded[i] != expected[i]) wrong = i;
    }
    SPARSEMARK_EXPECT(wrong == decoded.size(), "%s %s of %s %d x %d, %lld kept: element %zu", kernel.op,
                      kernel.name, a.pattern, a.rows, a.cols, static_cast<long long>(keep), wrong);
  }
  ++made_count;
  library.free_job(job);
}

}  // namespace

void compressions(const Options& options) {
  sparsemark_message message = {};
  const sparsemark_library& library = *sparsemark_describe(SPARSEMARK_ABI_VERSION, &message);
  Random random(options.seed + 2);
  std::vector<int> made(static_cast<std::size_t>(library.kernel_count), 0);
  const int rounds = options.samples / 5 + 10;
  for (int round = 0; round < rounds; ++round) {
    const Sample a = sample(random, 40, 40);
    std::vector<float> dense = a.dense();
    // Few values, so that many magnitudes are equal.
    if (round % 3 == 0) {
      for (float& x : dense) x = x == 0.0f ? x : std::copysign(static_cast<float>(1 + random.below(3)), x);
    }
    // Between canaries: a maker that looks at what stands around A sees NaN.
    Operand b(dense.size() * sizeof(float));
    std::copy(dense.begin(), dense.end(), b.floats());
    const auto size = static_cast<std::int32_t>(dense.size());
    const std::int64_t keep = round % 5 == 0 ? 0 : round % 5 == 1 ? size : random.below(size + 1);
    for (std::int32_t k = 0; k < library.kernel_count; ++k) {
      const char* op = library.kernels[k].op;
      if (std::strcmp(op, "encode") != 0 && std::strcmp(op, "prune") != 0) continue;
      check_maker(library, k, a, dense, b, keep, made[static_cast<std::size_t>(k)]);
    }
  }
  for (std::int32_t k = 0; k < library.kernel_count; ++k) {
    const sparsemark_kernel& kernel = library.kernels[k];
    if (std::strcmp(kernel.op, "encode") != 0) continue;
    SPARSEMARK_EXPECT(made[static_cast<std::size_t>(k)] > 0, "encode %s was never tried", kernel.name);
  }
}

}  // namespace sparsemark::test
