#include "sparse_product.h"

#include <bit>
#include <cmath>

namespace sparsemark::accelerator {

double chance_of_any(double points, double density) {
  if (points <= 0.0 || density <= 0.0) return 0.0;
  // Beyond, (1 - density)^points < e^-41 is nothing beside 1, and most layers are beyond.
  if (density >= 1.0 || points * density > 41.0) return 1.0;
  return -std::expm1(points * std::log1p(-density));
}

// A step is made at each run of coordinates that only one fiber has, up to the next that the other has, and
// at each match; the run behind which the other fiber has nothing more is not stepped to.
double expected_intersection_steps(double points, double p, double q) {
  const double any = p + q - p * q;
  if (any <= 0.0) return 0.0;
  const double only_p = p * (1.0 - q);
  const double only_q = q * (1.0 - p);
  const double begun = chance_of_any(points, any);
  // A run begins where the last coordinate before it that any fiber has is not of the same kind.
  const auto runs = [&](double only) {
    const double share = only / any;
    return points * only * (1.0 - share) + share * share * begun;
  };
  const double matches = points * p * q;
  const double steps = runs(only_p) + runs(only_q) + matches - begun * (only_p + only_q) / any;
  return steps > matches ? steps : matches;
}

namespace {

[[gnu::always_inline]] inline std::int64_t steps_of(const std::uint64_t* a, const std::uint64_t* b,
                                                    std::int64_t begin, std::int64_t end) {
  enum class Last { kNone, kOnlyA, kOnlyB, kBoth };
  Last last = Last::kNone;
  std::int64_t steps = 0;
  for (std::int64_t w = begin / 64; 64 * w < end; ++w) {
    std::uint64_t inside = ~std::uint64_t{0};
    if (64 * w < begin) inside <<= begin - 64 * w;
    if (64 * (w + 1) > end) inside &= ~std::uint64_t{0} >> (64 * (w + 1) - end);
    const std::uint64_t only_a = a[w] & ~b[w] & inside;
    const std::uint64_t only_b = b[w] & ~a[w] & inside;
    const std::uint64_t both = a[w] & b[w] & inside;
    const std::uint64_t none = ~(only_a | only_b | both);
    if (~none == 0) continue;
    // Where a run of one kind begins: the first bit of that kind that one of another kind, or the beginning,
    // is followed by, with nothing or zeros between, over which an addition carries.
    const auto runs = [&](std::uint64_t kind, std::uint64_t others, bool from_outside) {
      const std::uint64_t starts = (others << 1) | (from_outside ? 1u : 0u);
      const std::uint64_t landed = (starts & ~none) | (((starts & none) + none) & ~none);
      return __builtin_popcountll(landed & kind);
    };
    steps += runs(only_a, only_b | both, last != Last::kOnlyA);
    steps += runs(only_b, only_a | both, last != Last::kOnlyB);
    steps += __builtin_popcountll(both);
    const std::uint64_t highest = std::bit_floor(~none);
    last = (highest & only_a) != 0 ? Last::kOnlyA : (highest & only_b) != 0 ? Last::kOnlyB : Last::kBoth;
  }
  return steps - (last == Last::kOnlyA || last == Last::kOnlyB ? 1 : 0);
}

#if defined(__x86_64__)
// Without the instruction a popcount is a dozen others.
[[gnu::target("popcnt")]] std::int64_t steps_by_popcnt(const std::uint64_t* a, const std::uint64_t* b,
                                                       std::int64_t begin, std::int64_t end) {
  return steps_of(a, b, begin, end);
}
const bool kHasPopcnt = __builtin_cpu_supports("popcnt") != 0;
#endif

}  // namespace

std::int64_t intersection_steps(const std::uint64_t* a, const std::uint64_t* b, std::int64_t begin,
                                std::int64_t end) noexcept {
#if defined(__x86_64__)
  if (kHasPopcnt) return steps_by_popcnt(a, b, begin, end);
#endif
  return steps_of(a, b, begin, end);
}

OutputRow::OutputRow(const Masks& masks) : masks_(masks), outputs_(1, masks.activations.cols()) {}

void OutputRow::clear() { outputs_ = BitMatrix(1, outputs_.cols()); }

void OutputRow::reach(std::int64_t row, std::int64_t begin, std::int64_t end) {
  masks_.weights.visit(row, begin, end, [&](std::int64_t p) { outputs_.merge(0, masks_.activations, p); });
}

}  // namespace sparsemark::accelerator
