// The cost model under the sanitizers: every engine class, with parameters from the whole of their ranges'
// lower end, on layers of every size from 1 and masks of every density; counts against plain loops.
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <random>
#include <vector>

#include "../../native/accelerator/batch.h"
#include "../../native/accelerator/match_rows.h"
#include "check.h"

namespace sparsemark::test {
namespace {

using namespace sparsemark::accelerator;

struct Csr {
  std::vector<std::int32_t> offsets;
  std::vector<std::int32_t> columns;
  Places places() const { return {offsets.data(), columns.data()}; }
};

Csr random_places(std::mt19937_64& random, std::int64_t rows, std::int64_t cols, double density) {
  std::bernoulli_distribution nonzero(density);
  Csr made{{0}, {}};
  // Never empty, so that data() is not null.
  made.columns.reserve(1);
  for (std::int64_t i = 0; i < rows; ++i) {
    for (std::int64_t j = 0; j < cols; ++j) {
      if (nonzero(random)) made.columns.push_back(static_cast<std::int32_t>(j));
    }
    made.offsets.push_back(static_cast<std::int32_t>(made.columns.size()));
  }
  return made;
}

std::int64_t between(std::mt19937_64& random, std::int64_t least, std::int64_t most) {
  return std::uniform_int_distribution<std::int64_t>(least, most)(random);
}

Layer random_layer(std::mt19937_64& random) {
  Layer layer;
  layer.m = between(random, 1, 70);
  layer.channels = between(random, 1, 12);
  layer.batch = between(random, 1, 2);
  layer.kernel_height = between(random, 1, 3);
  layer.kernel_width = between(random, 1, 3);
  layer.stride = between(random, 1, 3);
  layer.height = layer.kernel_height + between(random, 0, 12);
  layer.width = layer.kernel_width + between(random, 0, 12);
  // Sometimes one more than fits, as SCALE-Sim rounds.
  layer.out_height = (layer.height - layer.kernel_height) / layer.stride + 1 + between(random, 0, 1);
  layer.out_width = (layer.width - layer.kernel_width) / layer.stride + 1;
  layer.k = layer.channels * layer.kernel_height * layer.kernel_width;
  layer.n = layer.batch * layer.out_height * layer.out_width;
  return layer;
}

std::vector<double> row_of(const Layer& layer) {
  std::vector<double> row;
  for (const std::int64_t size :
       {layer.m, layer.n, layer.k, layer.channels, layer.height, layer.width, layer.kernel_height,
        layer.kernel_width, layer.stride, layer.out_height, layer.out_width, layer.batch, layer.groups}) {
    row.push_back(static_cast<double>(size));
  }
  for (const double share : {1.0, 0.0, 1.0, 0.0}) row.push_back(share);
  return row;
}

}  // namespace

void accelerator_masks(const Options& options) {
  std::mt19937_64 random(options.seed);
  for (int sample = 0; sample < options.samples / 10 + 1; ++sample) {
    const std::int64_t rows = between(random, 1, 40);
    const std::int64_t cols = between(random, 1, sample % 8 == 0 ? 2500 : 200);
    const Csr csr = random_places(random, rows, cols, 0.3);
    BitMatrix mask(rows, cols);
    for (std::int64_t i = 0; i < rows; ++i) {
      const auto row = static_cast<std::size_t>(i);
      for (std::int32_t p = csr.offsets[row]; p < csr.offsets[row + 1]; ++p) {
        mask.set(i, csr.columns[static_cast<std::size_t>(p)]);
      }
    }
    const BitMatrix across = mask.transposed();
    SPARSEMARK_EXPECT(mask.count() == static_cast<std::int64_t>(csr.columns.size()), "all nonzeros");
    const std::int64_t begin = between(random, 0, cols);
    const std::int64_t end = between(random, 0, cols);
    std::vector<std::int64_t> all_shared;
    for (std::int64_t i = 0; i < rows; ++i) {
      std::int64_t inside = 0;
      std::int64_t shared = 0;
      for (std::int64_t j = begin; j < end; ++j) {
        inside += mask.test(i, j) ? 1 : 0;
        shared += mask.test(i, j) && mask.test(0, j) ? 1 : 0;
        SPARSEMARK_EXPECT(mask.test(i, j) == across.test(j, i), "transposed");
      }
      SPARSEMARK_EXPECT(mask.count(i, begin, end) == inside, "%lld..%lld", static_cast<long long>(begin),
                        static_cast<long long>(end));
      SPARSEMARK_EXPECT(matches(mask.row(i), mask.row(0), begin, end) == shared, "matches");
      all_shared.push_back(shared);
    }
    for (const std::size_t together : {1, 2, 3}) {
      // What is missing of the last set are rows without a bit.
      std::vector<const std::uint64_t*> sets;
      std::int64_t most = 0;
      for (std::size_t i = 0; i < all_shared.size(); i += together) {
        std::int64_t of_set = 0;
        for (std::size_t t = i; t < i + together; ++t) {
          const bool is_row = t < all_shared.size();
          sets.push_back(is_row ? mask.row(static_cast<std::int64_t>(t)) : nullptr);
          of_set += is_row ? all_shared[t] : 0;
        }
        most = of_set > most ? of_set : most;
      }
      MatchRows taken;
      if (begin < end) taken.take(sets, static_cast<std::int64_t>(together), begin, end);
      SPARSEMARK_EXPECT(taken.most(mask.row(0)) == most, "most matches of %zu rows together", together);
    }
    SPARSEMARK_EXPECT(BitMatrix(rows, cols, true).count() == rows * cols, "full");
  }
}

// Every filter point sees the input that the layer's stride and its place give it.
void accelerator_planes(const Options& options) {
  std::mt19937_64 random(options.seed);
  for (int sample = 0; sample < options.samples / 20 + 1; ++sample) {
    Layer layer = random_layer(random);
    layer.width = layer.kernel_width + between(random, 0, 300);
    layer.out_width = (layer.width - layer.kernel_width) / layer.stride + 1 + between(random, 0, 1);
    layer.n = layer.batch * layer.out_height * layer.out_width;
    const Csr weights = random_places(random, layer.m, layer.k, 0.5);
    const Csr inputs = random_places(random, layer.channels, layer.batch * layer.height * layer.width, 0.5);
    const Places given = inputs.places();
    const Masks masks = make_masks(layer, weights.places(), &given);
    for (std::int64_t r = 0; r < layer.k; ++r) {
      const std::int64_t channel = r / (layer.kernel_height * layer.kernel_width);
      for (std::int64_t j = 0; j < layer.n; ++j) {
        const std::int64_t image = j / (layer.out_height * layer.out_width);
        const std::int64_t y = j / layer.out_width % layer.out_height * layer.stride +
                               r / layer.kernel_width % layer.kernel_height;
        const std::int64_t x = j % layer.out_width * layer.stride + r % layer.kernel_width;
        const bool nonzero = y < layer.height && x < layer.width &&
                             masks.planes.test(channel, (image * layer.height + y) * layer.width + x);
        SPARSEMARK_EXPECT(masks.activations.test(r, j) == nonzero, "input %lld of output %lld",
                          static_cast<long long>(r), static_cast<long long>(j));
        SPARSEMARK_EXPECT(masks.by_output.test(j, r) == nonzero, "by output");
      }
    }
  }
}

void accelerator_engines(const Options& options) {
  std::mt19937_64 random(options.seed);
  for (int sample = 0; sample < options.samples / 20 + 1; ++sample) {
    const Layer layer = random_layer(random);
    const double densities[] = {0.0, 0.05, 0.3, 1.0};
    const Csr weights =
        random_places(random, layer.m, layer.k, densities[static_cast<std::size_t>(between(random, 0, 3))]);
    const Csr activations = random_places(random, layer.channels, layer.batch * layer.height * layer.width,
                                          densities[static_cast<std::size_t>(between(random, 0, 3))]);
    const Places w = weights.places();
    const Places a = activations.places();
    const bool dense = between(random, 0, 3) == 0;
    const std::vector<double> row = row_of(layer);
    for (int e = 0; e < kEngineCount; ++e) {
      const Engine& engine = *kEngines[e];
      std::vector<double> parameters;
      for (int p = 0; p < engine.parameter_count; ++p) {
        const Parameter& parameter = engine.parameters[p];
        const double most = parameter.most < parameter.least + 40.0 ? parameter.most : parameter.least + 40.0;
        parameters.push_back(static_cast<double>(
            between(random, static_cast<std::int64_t>(parameter.least), static_cast<std::int64_t>(most))));
      }
      double found[kEstimateFields] = {};
      const char* why = count_layer(engine, parameters.data(), row.data(), w, dense ? nullptr : &a, found);
      const auto status = static_cast<Status>(static_cast<int>(found[0]));
      if (status != Status::kOk) {
        SPARSEMARK_EXPECT(why != nullptr, "%s: declined without a reason", engine.name);
        continue;
      }
      for (const double number : found)
        SPARSEMARK_EXPECT(std::isfinite(number) && number >= 0.0, "%s", engine.name);
      const Masks masks = make_masks(layer, w, dense ? nullptr : &a);
      SPARSEMARK_EXPECT(found[4] == static_cast<double>(masks.effectual_macs()), "%s: effectual",
                        engine.name);
      SPARSEMARK_EXPECT(found[4] <= found[3], "%s: no more effectual than all", engine.name);
      // SCALE-Sim does not count the last cycle.
      SPARSEMARK_EXPECT(found[4] <= (found[1] + 1.0) * found[5] * (1.0 + 1e-9), "%s: multipliers",
                        engine.name);
    }
  }
}

// One digest whatever the compiler, its optimisation and the processor: nothing is fused, and the
// mathematical functions may differ in their last bits alone.
void accelerator_digest(const Options& options) {
  // Few samples are asked for where an emulator runs this, 20 times slower.
  const std::int64_t wanted = options.samples < 100 ? 2000 : 10000;
  // splitmix64: the distributions of the standard library differ from one to the other.
  std::uint64_t state = 1;
  const auto draw = [&](std::int64_t least, std::int64_t most) {
    state += 0x9e3779b97f4a7c15ull;
    std::uint64_t z = (state ^ (state >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return least + static_cast<std::int64_t>((z ^ (z >> 31)) % static_cast<std::uint64_t>(most - least + 1));
  };
  std::uint64_t digest = 14695981039346656037ull;  // FNV-1a
  std::int64_t estimates = 0;
  for (int i = 0; estimates < wanted; ++i) {
    const Engine& engine = *kEngines[i % kEngineCount];
    std::vector<double> parameters;
    for (int p = 0; p < engine.parameter_count; ++p) {
      const Parameter& parameter = engine.parameters[p];
      const double most = parameter.most < parameter.least + 40.0 ? parameter.most : parameter.least + 40.0;
      const auto drawn = static_cast<double>(
          draw(static_cast<std::int64_t>(parameter.least), static_cast<std::int64_t>(most)));
      parameters.push_back(drawn < parameter.least ? parameter.least : drawn);
    }
    Layer layer;
    layer.m = draw(1, 2048);
    layer.channels = draw(1, 512);
    layer.kernel_height = layer.kernel_width = draw(1, 5);
    layer.stride = draw(1, 2);
    layer.height = layer.width = layer.kernel_width + draw(0, 60);
    layer.out_height = layer.out_width = (layer.width - layer.kernel_width) / layer.stride + 1;
    layer.k = layer.channels * layer.kernel_height * layer.kernel_width;
    layer.n = layer.out_height * layer.out_width;
    std::vector<double> row = row_of(layer);
    row[13] = static_cast<double>(draw(0, 97)) / 97.0;
    row[15] = static_cast<double>(draw(0, 97)) / 97.0;
    double found[kEstimateFields] = {};
    estimate_batch(engine, parameters.data(), false, row.data(), 1, found, 1);
    if (static_cast<Status>(static_cast<int>(found[0])) != Status::kOk) continue;
    ++estimates;
    for (const double number : found) {
      char text[32];
      const int length = std::snprintf(text, sizeof text, "%.10e", number);
      for (int c = 0; c < length; ++c) {
        digest = (digest ^ static_cast<std::uint64_t>(text[c])) * 1099511628211ull;
      }
    }
    if (estimates != 2000 && estimates != 10000) continue;
    SPARSEMARK_EXPECT(digest == (estimates == 2000 ? 0xaea7c1424908c4d4ull : 0xa1ee34e0dcf8032full),
                      "%lld estimates have the digest 0x%016llx", static_cast<long long>(estimates),
                      static_cast<unsigned long long>(digest));
  }
}

}  // namespace sparsemark::test
