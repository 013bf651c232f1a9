// Probabilities of an occupancy relative to its mode's, built outwards from there by ratios of neighbours.
#include <array>
#include <cmath>

#include "lanes.h"
#include "occupancy.h"

namespace sparsemark::accelerator {
namespace {

// 1 / i: a division waits for the one before it, a load does not.
constexpr std::int64_t kMostInverses = 4096;
constexpr std::array<double, kMostInverses + 1 + kLanes> kInverses = [] {
  std::array<double, kMostInverses + 1 + kLanes> made{};
  for (std::size_t i = 1; i < made.size(); ++i) made[i] = 1.0 / static_cast<double>(i);
  return made;
}();

// i! / 128^i, of which none overflows and no quotient of a binomial coefficient does.
constexpr std::int64_t kMostFactorials = 512;
constexpr std::array<double, kMostFactorials + 1> kScaledFactorials = [] {
  std::array<double, kMostFactorials + 1> made{1.0};
  for (std::size_t i = 1; i < made.size(); ++i) made[i] = made[i - 1] * (static_cast<double>(i) / 128.0);
  return made;
}();

// Without the shortcut of Occupancy::power_of(): 2^-512 counts.
double whole_power(double base, std::int64_t exponent) {
  double power = 1.0;
  for (;; base *= base) {
    if ((exponent & 1) != 0) power *= base;
    exponent >>= 1;
    if (exponent == 0) return power;
  }
}

// 1 / (x + 1) of one x or of four in a row, from the table or by division.
struct Tabled {
  [[gnu::always_inline]] static void invert(std::int64_t x, double, double& made) {
    made = kInverses[static_cast<std::size_t>(x + 1)];
  }
  [[gnu::always_inline]] static void invert(std::int64_t x, const Four&, Four& made) {
    load(kInverses.data() + x + 1, made);
  }
};
struct Divided {
  template <typename Number>
  [[gnu::always_inline]] static void invert(std::int64_t, const Number& x, Number& made) {
    made = 1.0 / (x + 1.0);
  }
};

struct Side {
  int count;  // -1 where there is no room
  double sum;
};

// Weights of top + 1 to `points` of a binomial at out[0] and up, as far as they count, and at the end up to
// three that do not. Four at once, since the multiplication that waits for the one before is then one of four
// values.
template <typename Inverses>
[[gnu::always_inline]] inline Side walk_up(std::int64_t top, std::int64_t points, double odds,
                                           double negligible, int room, double* out) {
  const auto n = static_cast<double>(points);
  Four x = static_cast<double>(top) + Four{0.0, 1.0, 2.0, 3.0};
  Four weight = {1.0, 1.0, 1.0, 1.0};
  Four sums = {};
  for (int i = 0; i + kLanes <= room; i += kLanes) {
    Four ratio;
    Inverses::invert(top + i, x, ratio);
    // 0 where x is `points`, and so is what follows.
    ratio *= (n - x) * odds;
    multiply_up(ratio);
    const Four made = weight * ratio;
    store(made, out + i);
    sums += made;
    if (!(made[kLanes - 1] > negligible)) return {i + kLanes, sum_of(sums)};
    weight *= __builtin_shufflevector(ratio, ratio, 3, 3, 3, 3);
    x += static_cast<double>(kLanes);
  }
  return {-1, 0.0};
}

#if defined(__x86_64__)
// Without a fused multiplication the answers are the same bits.
template <typename Inverses>
[[gnu::target("avx2")]] Side walk_up_by_avx2(std::int64_t top, std::int64_t points, double odds,
                                             double negligible, int room, double* out) {
  return walk_up<Inverses>(top, points, odds, negligible, room, out);
}
#endif

template <typename Inverses>
Side walk_up_by_cpu(std::int64_t top, std::int64_t points, double odds, double negligible, int room,
                    double* out) {
#if defined(__x86_64__)
  if (kHasAvx2) return walk_up_by_avx2<Inverses>(top, points, odds, negligible, room, out);
#endif
  return walk_up<Inverses>(top, points, odds, negligible, room, out);
}

}  // namespace

bool Occupancy::collect(Weights& out) const noexcept {
  const std::int64_t top = mode();
  const std::int64_t low = lowest();
  const std::int64_t high = highest();
  // up(x) = p(x + 1) / p(x), down(x) = p(x) / p(x + 1); x as a whole number and as it is multiplied.
  const auto fill = [&](auto up, auto down) {
    double weight = 1.0;
    double total = 1.0;
    std::int64_t x = top;
    auto value = static_cast<double>(top);
    int at = Weights::kMode;
    out.at[at] = weight;
    while (x > low && weight > kNegligible) {
      if (at == Weights::kBlank) return false;
      --x;
      value -= 1.0;
      weight *= down(x, value);
      total += weight;
      out.at[--at] = weight;
    }
    out.begin = at;
    out.first = x;
    weight = 1.0;
    at = Weights::kMode + 1;
    value = static_cast<double>(top);
    for (x = top; x < high; ++x, value += 1.0) {
      weight *= up(x, value);
      if (weight <= kNegligible) break;
      if (at == Weights::kMode + kReach) return false;
      total += weight;
      out.at[at++] = weight;
    }
    out.end = at;
    out.total = total;
    return true;
  };
  const auto n = static_cast<double>(points_);
  const auto quotients = [&](auto over, auto under) {
    return fill([=](std::int64_t, double x) { return over(x) / under(x); },
                [=](std::int64_t, double x) { return under(x) / over(x); });
  };
  switch (kind_) {
    case Kind::kHypergeometric: {
      const auto nonzeros = static_cast<double>(nonzeros_);
      const auto others = static_cast<double>(total_ - nonzeros_ - points_ + 1);
      return quotients([=](double x) { return (nonzeros - x) * (n - x); },
                       [=](double x) { return (x + 1.0) * (others + x); });
    }
    case Kind::kBetaBinomial:
      return quotients([=, this](double x) { return (n - x) * (x + alpha_); },
                       [=, this](double x) { return (x + 1.0) * (n - x - 1.0 + beta_); });
    case Kind::kBinomial:
      break;
  }
  const double odds = odds_;
  if (points_ > kMostInverses || density_ <= 0.0 || density_ >= 1.0) {
    return quotients([=](double x) { return (n - x) * odds; }, [](double x) { return x + 1.0; });
  }
  const double against = (1.0 - density_) / density_;
  const double* const inverses = kInverses.data();
  return fill([=](std::int64_t x, double value) { return (n - value) * odds * inverses[x + 1]; },
              [=, points = points_](std::int64_t x, double value) {
                return (value + 1.0) * against * inverses[points - x];
              });
}

bool Occupancy::collect_upper(Weights& out, double gone) const noexcept {
  const std::int64_t top = mode();
  const auto walk = points_ > kMostInverses ? walk_up_by_cpu<Divided> : walk_up_by_cpu<Tabled>;
  double* const middle = out.at + Weights::kMode;
  *middle = 1.0;
  const Side above = walk(top, points_, odds_, kNegligible, kReach - 1, middle + 1);
  out.end = Weights::kMode + 1 + above.count;
  out.total = 1.0 / mode_probability(top);
  const double most = (1.0 - gone) * out.total;
  const auto n = static_cast<double>(points_);
  auto x = static_cast<double>(top);
  double weight = 1.0;
  int at = Weights::kMode;
  for (double sum = 1.0 + above.sum; sum <= most && x > 0.0 && at > Weights::kBlank; x -= 1.0) {
    weight *= x / ((n - x + 1.0) * odds_);
    sum += weight;
    out.at[--at] = weight;
  }
  out.begin = at;
  out.first = top - (Weights::kMode - at);
  return above.count >= 0;
}

bool Occupancy::knows_mode() const noexcept {
  return kind_ == Kind::kBinomial && variance() >= (points_ <= kMostFactorials ? 4.0 : 50.0);
}

// Of few points by their factorials. Else by Stirling's series and the deviance of the mode, which lies
// within 1 of the mean (Loader, Fast and Accurate Computation of Binomial Probabilities, 2000). What is
// summed stays below 0.05, so that polynomials do and no function of a platform's library is asked; within
// 1e-15 from a variance of 50 on.
double Occupancy::mode_probability(std::int64_t top) const noexcept {
  if (points_ <= kMostFactorials) {
    const auto found = static_cast<std::size_t>(top);
    const auto all = static_cast<std::size_t>(points_);
    const double ways = kScaledFactorials[all] / (kScaledFactorials[found] * kScaledFactorials[all - found]);
    return ways * (whole_power(density_, top) * whole_power(1.0 - density_, points_ - top));
  }
  const double n = static_cast<double>(points_);
  const double x = static_cast<double>(top);
  const auto stirling = [](double of) {
    const double inverse = 1.0 / of;
    const double square = inverse * inverse;
    return (1.0 / 12.0 - square * (1.0 / 360.0 - square * (1.0 / 1260.0 - square * (1.0 / 1680.0)))) *
           inverse;
  };
  // x log(x / mean) + mean - x.
  const auto deviance = [](double found, double mean) {
    const double u = (found - mean) / mean;
    double sum = 0.0;
    for (int k = 9; k >= 2; --k) sum = 1.0 / static_cast<double>(k * (k - 1)) - u * sum;
    return mean * u * u * sum;
  };
  const double exponent = stirling(n) - stirling(x) - stirling(n - x) - deviance(x, n * density_) -
                          deviance(n - x, n * (1.0 - density_));
  double power = 1.0;
  // By reciprocals: ten divisions would each wait for the one before.
  for (int k = 10; k >= 1; --k) power = 1.0 + power * exponent * (1.0 / static_cast<double>(k));
  return power * std::sqrt(n / (2.0 * 3.14159265358979323846 * x * (n - x)));
}

}  // namespace sparsemark::accelerator
