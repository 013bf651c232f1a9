// The expected maximum over processing elements: of independent draws of one distribution, of normal
// variables, of bins that balls fall into.
#include <algorithm>
#include <cmath>

#include "lanes.h"
#include "occupancy.h"

namespace sparsemark::accelerator {
namespace {

// Values that are raised to a power together, so that the multiplications of their powers overlap and the
// bits of the exponent are looked at once for all.
constexpr int kGroups = 4;
constexpr int kAtOnce = kGroups * kLanes;
struct Sixteen {
  Four of[kGroups];
};

[[gnu::always_inline]] inline void raise(Sixteen& base, double parts) {
  const auto whole = static_cast<std::int64_t>(parts);
  if (parts >= 0x1p20 || static_cast<double>(whole) < parts) {
    for (Four& four : base.of) {
      for (int k = 0; k < kLanes; ++k) four[k] = Occupancy::power_of(four[k], parts);
    }
    return;
  }
  constexpr Four kOnes = {1.0, 1.0, 1.0, 1.0};
  Sixteen power = {{kOnes, kOnes, kOnes, kOnes}};
  for (std::int64_t left = whole;;) {
    if ((left & 1) != 0) {
      for (int g = 0; g < kGroups; ++g) power.of[g] *= base.of[g];
    }
    left >>= 1;
    if (left == 0) break;
    for (Four& four : base.of) four *= four;
  }
  base = power;
}

// kSteps + kAtOnce - i: of sixteen numbers in a row, 0 for the first i and 1 for the others.
constexpr double kSteps[2 * kAtOnce] = {0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0,
                                        0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0,
                                        1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0};

// Those of the values x - 15 to x that are not below `from`.
[[gnu::always_inline]] inline const double* steps_from(std::int64_t from, std::int64_t x) {
  const std::int64_t below = from - (x - (kAtOnce - 1));
  return kSteps + kAtOnce - (below < 0 ? 0 : below > kAtOnce ? kAtOnce : below);
}

// About the mode c: E[M - c] = sum over x >= c of P(M > x) - sum over x < c of P(M <= x), and its square with
// each probability times |2 (x - c) + 1|. `near` gets zeros below its first weight.
template <typename Weights>
[[gnu::always_inline]] inline Occupancy::Moments moments_of_maximum(Weights& near, double parts,
                                                                    std::int64_t least, double gone) {
  static_assert(Weights::kBlank >= kAtOnce);
  const double scale = 1.0 / near.total;
  const std::int64_t top = near.first + (Weights::kMode - near.begin);
  // No value of M is below `last`.
  const std::int64_t last = least > near.first ? least : near.first;
  for (int k = 1; k <= kAtOnce; ++k) near.at[near.begin - k] = 0.0;
  double tail = 0.0;  // P(X > x) / scale
  Four sums = {};
  Four squares = {};
  std::int64_t x = near.first + (near.end - 1 - near.begin);
  if (x < last - 1) x = last - 1;
  // Where P(M <= x) is below `gone` nothing below x counts.
  for (; x >= last && !(1.0 - tail * scale < gone); x -= kAtOnce) {
    const double* const from = near.at + near.begin + (x - near.first) - (kAtOnce - 1);
    Sixteen beyond;
    for (int g = kGroups - 1; g >= 0; --g) {
      Four sum;
      load(from + g * kLanes, sum);
      add_down(sum);
      constexpr Four kNone = {};
      beyond.of[g] = (tail + __builtin_shufflevector(kNone, sum, 5, 6, 7, 0)) * scale;
      tail += sum[0];
    }
    Sixteen more;  // P(M > x), less 1 where x < c
    const double* const above = steps_from(top, x);
    if (beyond.of[0][0] * parts < 1e-3) {
      // 1 - (1 - t)^parts by four terms, the fifth below 1e-14 of the first: no power is
      // needed, and nothing cancels.
      for (int g = 0; g < kGroups; ++g) {
        const Four& t = beyond.of[g];
        const Four series =
            1.0 - (parts - 1.0) / 2.0 * t * (1.0 - (parts - 2.0) / 3.0 * t * (1.0 - (parts - 3.0) / 4.0 * t));
        Four certain;
        load(above + g * kLanes, certain);
        more.of[g] = certain - 1.0 + parts * t * series;
      }
    } else {
      for (int g = 0; g < kGroups; ++g) more.of[g] = 1.0 - beyond.of[g];
      raise(more, parts);
      for (int g = 0; g < kGroups; ++g) {
        Four certain;
        load(above + g * kLanes, certain);
        more.of[g] = certain - more.of[g];
      }
    }
    const double* const possible = steps_from(last, x);
    Four width = static_cast<double>(2 * (x - kAtOnce - top) + 3) + Four{0.0, 2.0, 4.0, 6.0};
    for (int g = 0; g < kGroups; ++g) {
      Four counts;
      load(possible + g * kLanes, counts);
      counts *= more.of[g];
      sums += counts;
      squares += counts * width;
      width += static_cast<double>(2 * kLanes);
    }
  }
  double sum = sum_of(sums);
  double square = sum_of(squares);
  if (x < last) x = last - 1;
  if (x + 1 > top) {
    // Between the centre and where it ended M is greater for certain.
    const auto certain = static_cast<double>(x + 1 - top);
    sum += certain;
    square += certain * certain;
  }
  const double variance = square - sum * sum;
  return {static_cast<double>(top) + sum, variance > 0.0 ? variance : 0.0};
}

#if defined(__x86_64__)
// Without a fused multiplication the answers are the same bits.
template <typename Weights>
[[gnu::target("avx2")]] Occupancy::Moments moments_by_avx2(Weights& near, double parts, std::int64_t least,
                                                           double gone) {
  return moments_of_maximum(near, parts, least, gone);
}
#endif

}  // namespace

Occupancy::Moments Occupancy::maximum_moments(double parts, std::int64_t least) const {
  if (lowest() == highest()) return {static_cast<double>(least > lowest() ? least : lowest()), 0.0};
  // From the greatest x down, until P(M <= x) is below e^-41.5: log F <= 2 (F - 1) / (F + 1).
  const double gone = (2.0 * parts - 41.5) / (2.0 * parts + 41.5);
  Weights near;
  if (!(gone > 0.05 && knows_mode() ? collect_upper(near, gone) : collect(near))) {
    double below = 0.0;
    double power_below = 0.0;
    const double about = std::floor(mean());
    Moments made;
    visit([&](std::int64_t x, double probability) {
      below += probability;
      const double power = power_of(below < 1.0 ? below : 1.0, parts);
      const double beside = static_cast<double>(x < least ? least : x) - about;
      made.mean += beside * (power - power_below);
      made.variance += beside * beside * (power - power_below);
      power_below = power;
    });
    made.variance -= made.mean * made.mean;
    return {about + made.mean, made.variance > 0.0 ? made.variance : 0.0};
  }
#if defined(__x86_64__)
  if (kHasAvx2) return moments_by_avx2(near, parts, least, gone);
#endif
  return moments_of_maximum(near, parts, least, gone);
}

double expected_normal_maximum(double parts) {
  if (parts < 2.0) return 0.0;
  // Layer after layer of one design asks for the same: 0.4 us each.
  thread_local double known_parts = 0.0;
  thread_local double known = 0.0;
  if (parts >= known_parts && parts <= known_parts) return known;
  const double p = (parts - 0.375) / (parts + 0.25);
  // Phi^-1 by Newton's method on erfc, from Hastings' starting value (Abramowitz and Stegun 26.2.23).
  const double t = std::sqrt(-2.0 * std::log(1.0 - p));
  double x =
      t - (2.515517 + t * (0.802853 + t * 0.010328)) / (1.0 + t * (1.432788 + t * (0.189269 + t * 0.001308)));
  for (int step = 0; step < 4; ++step) {
    const double error = 0.5 * std::erfc(-x / std::sqrt(2.0)) - p;
    const double slope = std::exp(-0.5 * x * x) / std::sqrt(2.0 * 3.14159265358979323846);
    x -= error / slope;
  }
  known_parts = parts;
  known = x;
  return x;
}

namespace {

// Coefficients of x^0 to x^degree of a product.
void multiply(const double* a, const double* b, int degree, double* product) {
  for (int sum = 0; sum <= degree; ++sum) {
    double coefficient = 0.0;
    for (int i = 0; i <= sum; ++i) coefficient += a[i] * b[sum - i];
    product[sum] = coefficient;
  }
}

}  // namespace

const double* expected_fullest_bins(int bins) {
  // A design space asks for the same few again and again: 2 ms for 128 bins.
  thread_local int known_bins = 0;
  thread_local double known[kMostBalls + 1] = {};
  if (bins > kMostBalls) bins = kMostBalls;
  if (bins == known_bins) return known;
  known_bins = bins;
  // P(no bin holds more than t of n balls) = n! / bins^n [x^n] (sum over i <= t of x^i / i!)^bins: one power
  // answers for every n. All terms are positive, so nothing cancels, and 128^128 / 128! is far from an
  // overflow.
  for (double& expected : known) expected = 0.0;
  for (int t = 0; t < bins; ++t) {
    double base[kMostBalls + 1] = {1.0};
    double power[kMostBalls + 1] = {1.0};
    double product[kMostBalls + 1] = {};
    for (int i = 1; i <= t; ++i) base[i] = base[i - 1] / static_cast<double>(i);
    for (int exponent = bins; exponent > 0; exponent /= 2) {
      if (exponent % 2 != 0) {
        multiply(power, base, bins, product);
        std::copy(product, product + bins + 1, power);
      }
      multiply(base, base, bins, product);
      std::copy(product, product + bins + 1, base);
    }
    double most = 0.0;
    double ways = 1.0;  // bins^n / n!
    for (int balls = 0; balls <= bins; ++balls) {
      const double beyond = 1.0 - power[balls] / ways;
      // A bin that holds more than t needs as many balls.
      if (balls > t && beyond > 0.0) known[balls] += beyond;
      most = beyond;
      ways *= static_cast<double>(bins) / static_cast<double>(balls + 1);
    }
    // What is left out is below the rounding of the sum.
    if (most < 1e-15) break;
  }
  return known;
}

}  // namespace sparsemark::accelerator
