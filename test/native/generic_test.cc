// Generic designs under the sanitizers: random levels, formats, actions and layers, their mappings searched;
// one digest whatever the compiler, its optimisation and the processor.
#include "../../native/accelerator/generic.h"

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <vector>

#include "../../native/accelerator/batch.h"
#include "check.h"

namespace sparsemark::test {

static void expect_digest(std::uint64_t digest, int designs, std::uint64_t expected) {
  SPARSEMARK_EXPECT(digest == expected, "%d designs have the digest 0x%016llx", designs,
                    static_cast<unsigned long long>(digest));
}

void accelerator_generic(const Options& options) {
  using namespace sparsemark::accelerator;
  // Few samples are asked for where an emulator runs this, 20 times slower.
  const int designs = options.samples < 100 ? 60 : 300;
  // splitmix64: the distributions of the standard library differ from one to the other.
  std::uint64_t state = 7;
  const auto draw = [&](std::int64_t least, std::int64_t most) {
    state += 0x9e3779b97f4a7c15ull;
    std::uint64_t z = (state ^ (state >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    const auto range = static_cast<std::uint64_t>(most - least + 1);
    return static_cast<double>(least + static_cast<std::int64_t>((z ^ (z >> 31)) % range));
  };
  std::uint64_t digest = 14695981039346656037ull;          // FNV-1a
  constexpr std::uint64_t kFirst = 0x8191baada2b96b72ull;  // of 60 designs
  int estimated = 0;
  for (int i = 0; i < designs; ++i) {
    if (i == 60) expect_digest(digest, i, kFirst);
    std::vector<double> design(kDesignFields, 0.0);
    const double levels = draw(1, 4);
    design[0] = levels;
    for (int d = 1; d < kDesignHead; ++d) design[static_cast<std::size_t>(d)] = draw(0, 2);
    for (int l = 0; l < static_cast<int>(levels); ++l) {
      double* const level = design.data() + kDesignHead + l * kLevelFields;
      level[0] = l == 0 ? 0.0 : draw(64, 1 << 16);
      for (int b = 1; b < 4; ++b) level[b] = draw(0, 1) * draw(1, 512);
      level[4] = l == 0 ? 7.0 : draw(1, 7);
      level[5] = draw(1, 8);
      level[6] = draw(1, 8);
      level[7] = draw(1, 7);
      for (int s = 0; s < kDataSpaces; ++s) {
        double* const space = level + 8 + 6 * s;
        space[0] = draw(1, 32);
        space[1] = s == kOutputs ? 0.0 : draw(0, 3);
        space[2] = draw(1, 12);
        space[3] = draw(0, 1) * draw(1, 32);
        space[4] = draw(0, 2);
        space[5] = draw(0, 3);
      }
    }
    const double kernel = draw(1, 3);
    const double stride = draw(1, 2);
    const double out = draw(1, 40);
    const double channels = draw(1, 100);
    const double size = (out - 1.0) * stride + kernel;
    const double row[kLayerFields] = {draw(1, 500),
                                      out * out,
                                      channels * kernel * kernel,
                                      channels,
                                      size,
                                      size,
                                      kernel,
                                      kernel,
                                      stride,
                                      out,
                                      out,
                                      1.0,
                                      draw(1, 2),
                                      draw(0, 97) / 97.0,
                                      draw(0, 1) * 0.1,
                                      draw(0, 97) / 97.0,
                                      0.0};
    std::vector<double> mapping(kMappingFields, 0.0);
    std::vector<double> found(kGenericFields, 0.0);
    const char* why = estimate_generic(design.data(), row, 1, mapping.data(), found.data(), 200, true);
    if (found[0] != 0.0) {
      SPARSEMARK_EXPECT(why != nullptr, "declined without a reason");
      continue;
    }
    ++estimated;
    SPARSEMARK_EXPECT(found[4] <= found[1] * found[5] * (1.0 + 1e-9), "no more than the multipliers can do");
    SPARSEMARK_EXPECT(found[2] > 0.0, "a baseline");
    for (std::size_t n = 0; n < found.size(); ++n) {
      SPARSEMARK_EXPECT(std::isfinite(found[n]) && found[n] >= -1e-6 * found[3] - 1.0, "number %zu", n);
      char text[32];
      // What is nothing but rounding has no digits of its own.
      const double rounded = std::fabs(found[n]) < 1e-6 ? 0.0 : found[n];
      const int length = std::snprintf(text, sizeof text, "%.9e", rounded);
      for (int c = 0; c < length; ++c) {
        digest = (digest ^ static_cast<std::uint64_t>(text[c])) * 1099511628211ull;
      }
    }
    // The mapping that was found, given, is the same estimate.
    std::vector<double> again(kGenericFields, 0.0);
    estimate_generic(design.data(), row, 1, mapping.data(), again.data(), 1, false);
    SPARSEMARK_EXPECT(again[1] == found[1] && again[7] == found[7], "a mapping given back");
  }
  SPARSEMARK_EXPECT(estimated > designs * 2 / 3, "%d of %d designs run", estimated, designs);
  expect_digest(digest, designs, designs == 60 ? kFirst : 0xbb22176423de8ed7ull);
}

}  // namespace sparsemark::test
