#include "occupancy.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

namespace sparsemark::accelerator {
namespace {

// 1 / i: a division waits 4 to 5 cycles for the one before it, a load does not.
constexpr std::int64_t kMostInverses = 4096;
constexpr std::array<double, kMostInverses + 1> kInverses = [] {
  std::array<double, kMostInverses + 1> made{};
  for (std::size_t i = 1; i < made.size(); ++i) made[i] = 1.0 / static_cast<double>(i);
  return made;
}();

}  // namespace

Occupancy Occupancy::binomial(std::int64_t points, double density) {
  Occupancy made;
  made.kind_ = Kind::kBinomial;
  made.points_ = points;
  made.density_ = density;
  made.odds_ = density / (1.0 - density);
  return made;
}

Occupancy Occupancy::hypergeometric(std::int64_t points, std::int64_t total, std::int64_t nonzeros) {
  Occupancy made;
  made.kind_ = Kind::kHypergeometric;
  made.points_ = points;
  made.total_ = total;
  made.nonzeros_ = nonzeros;
  return made;
}

Occupancy Occupancy::beta_binomial(std::int64_t points, double density, double rho) {
  Occupancy made;
  made.kind_ = Kind::kBetaBinomial;
  made.points_ = points;
  made.density_ = density;
  made.density_ = density;
  // rho = 1 / (alpha + beta + 1), density = alpha / (alpha + beta).
  const double sum = 1.0 / rho - 1.0;
  made.alpha_ = density * sum;
  made.beta_ = (1.0 - density) * sum;
  return made;
}

Occupancy Occupancy::of(std::int64_t points, const Density& density) {
  const bool certain = density.density <= 0.0 || density.density >= 1.0;
  return density.rho > 0.0 && !certain ? beta_binomial(points, density.density, density.rho)
                                       : binomial(points, density.density);
}

double Occupancy::mean() const {
  const double n = static_cast<double>(points_);
  if (kind_ == Kind::kHypergeometric) {
    return total_ == 0 ? 0.0 : n * (static_cast<double>(nonzeros_) / static_cast<double>(total_));
  }
  return n * density_;
}

double Occupancy::variance() const {
  const double n = static_cast<double>(points_);
  switch (kind_) {
    case Kind::kHypergeometric: {
      if (total_ < 2) return 0.0;
      const double total = static_cast<double>(total_);
      const double d = static_cast<double>(nonzeros_) / total;
      return n * d * (1.0 - d) * ((total - n) / (total - 1.0));
    }
    case Kind::kBetaBinomial:
      return n * density_ * (1.0 - density_) * (1.0 + (n - 1.0) / (alpha_ + beta_ + 1.0));
    case Kind::kBinomial:
      break;
  }
  return n * density_ * (1.0 - density_);
}

double Occupancy::probability_empty() const {
  return expect([](std::int64_t x) { return x == 0 ? 1.0 : 0.0; });
}

double Occupancy::ratio(std::int64_t x) const {
  const double here = static_cast<double>(x);
  const double left = static_cast<double>(points_ - x);
  switch (kind_) {
    case Kind::kHypergeometric:
      return static_cast<double>(nonzeros_ - x) * left /
             ((here + 1.0) * static_cast<double>(total_ - nonzeros_ - points_ + x + 1));
    case Kind::kBetaBinomial:
      return left / (here + 1.0) * ((here + alpha_) / (left - 1.0 + beta_));
    case Kind::kBinomial:
      break;
  }
  return left * odds_ / (here + 1.0);
}

std::int64_t Occupancy::lowest() const {
  if (kind_ == Kind::kHypergeometric) {
    const std::int64_t forced = points_ + nonzeros_ - total_;
    return forced > 0 ? forced : 0;
  }
  return kind_ == Kind::kBinomial && density_ >= 1.0 ? points_ : 0;
}

std::int64_t Occupancy::highest() const {
  if (kind_ == Kind::kHypergeometric) return nonzeros_ < points_ ? nonzeros_ : points_;
  return kind_ == Kind::kBinomial && density_ <= 0.0 ? 0 : points_;
}

std::int64_t Occupancy::mode() const {
  const std::int64_t low = lowest();
  const std::int64_t high = highest();
  if (low == high) return low;
  if (kind_ == Kind::kBetaBinomial && (alpha_ < 1.0 || beta_ < 1.0)) {
    // Not unimodal inside: the heavier end.
    return density_ < 0.5 ? low : high;
  }
  double at = 0.0;
  const double n = static_cast<double>(points_);
  if (kind_ == Kind::kBinomial) {
    at = (n + 1.0) * density_;
  } else if (kind_ == Kind::kHypergeometric) {
    at = (n + 1.0) * (static_cast<double>(nonzeros_) + 1.0) / (static_cast<double>(total_) + 2.0);
  } else {
    at = (n + 1.0) * (alpha_ - 1.0) / (alpha_ + beta_ - 2.0 > 0.0 ? alpha_ + beta_ - 2.0 : 1.0);
  }
  const double floor = std::floor(at);
  const auto whole = static_cast<std::int64_t>(floor);
  return whole < low ? low : whole > high ? high : whole;
}

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
    int at = kReach;
    out.at[at] = weight;
    while (x > low && weight > kNegligible) {
      if (at == 0) return false;
      --x;
      value -= 1.0;
      weight *= down(x, value);
      total += weight;
      out.at[--at] = weight;
    }
    out.begin = at;
    out.first = x;
    weight = 1.0;
    at = kReach + 1;
    value = static_cast<double>(top);
    for (x = top; x < high; ++x, value += 1.0) {
      weight *= up(x, value);
      if (weight <= kNegligible) break;
      if (at == 2 * kReach) return false;
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

bool Occupancy::collect_upper(Weights& out) const noexcept {
  const std::int64_t top = mode();
  const auto n = static_cast<double>(points_);
  const double odds = odds_;
  out.begin = kReach;
  out.first = top;
  out.total = 1.0 / mode_probability();
  out.at[kReach] = 1.0;
  const auto fill = [&](auto inverse_of) {
    auto x = static_cast<double>(top);
    double weight = 1.0;
    int at = kReach + 1;
    for (std::int64_t next = top + 1; weight > kNegligible; ++next, x += 1.0) {
      if (at == 2 * kReach) return false;
      weight *= (n - x) * odds * inverse_of(next, x + 1.0);
      out.at[at++] = weight;
    }
    out.end = at;
    return true;
  };
  const double* const inverses = kInverses.data();
  // At points_ the weight is 0, and one more is asked for at the most.
  return points_ < kMostInverses ? fill([=](std::int64_t next, double) { return inverses[next]; })
                                 : fill([](std::int64_t, double value) { return 1.0 / value; });
}

// By Stirling's series and the deviance of the mode, which lies within 1 of the mean (Loader, Fast and
// Accurate Computation of Binomial Probabilities, 2000). What is summed stays below 0.05, so that polynomials
// do and no function of a platform's library is asked; within 1e-15 from kWide on.
double Occupancy::mode_probability() const noexcept {
  const double n = static_cast<double>(points_);
  const double x = static_cast<double>(mode());
  const auto stirling = [](double of) {
    const double square = 1.0 / (of * of);
    return (1.0 / 12.0 - square * (1.0 / 360.0 - square * (1.0 / 1260.0 - square / 1680.0))) / of;
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
  for (int k = 10; k >= 1; --k) power = 1.0 + power * exponent / static_cast<double>(k);
  return power * std::sqrt(n / (2.0 * 3.14159265358979323846 * x * (n - x)));
}

bool Occupancy::is_even_over(std::int64_t period) const {
  if (period == 1) return true;
  if (kind_ != Kind::kBinomial) return false;
  // The mean of a function of X mod w is the mean over the residues and, for each whole j < w, its Fourier
  // coefficient times the characteristic function at t = 2 pi j / w, whose modulus is
  // (1 - 2 d (1 - d) (1 - cos t))^(n / 2) <= exp(-variance (1 - cos t)). 1 - cos t >= t^2 / 2 - t^4 / 24.
  // With an exponent of 36 + log w the sum over j < w is below 3e-16 of the function's greatest modulus, and
  // of a function times X, whose n is one less, below 3e-16 of the mean.
  constexpr double kTwoPi = 6.28318530717958647692;
  const double t = kTwoPi / static_cast<double>(period);
  const double least = t * t * (0.5 - t * t / 24.0);
  const auto bits = static_cast<double>(std::bit_width(static_cast<std::uint64_t>(period)));
  return (variance() - density_ * (1.0 - density_)) * least > 36.0 + 0.6932 * bits;
}

bool Occupancy::is_far(std::int64_t x) const {
  if (kind_ == Kind::kBetaBinomial) return false;
  // Bernstein's inequality, which drawing without replacement obeys too: below e^-50.
  const double beside = std::abs(static_cast<double>(x) - mean());
  return beside * beside > 100.0 * (variance() + beside / 3.0);
}

Occupancy::Moments Occupancy::step_moments(std::int64_t width, double parts, double* most) const {
  const double w = static_cast<double>(width);
  Moments made;
  if (most == nullptr && is_even_over(width)) {
    // ceil(x / w) = x / w + c(x mod w), c in steps of 1 / w from 0 to 1 - 1 / w.
    const double c = 0.5 * (w - 1.0) / w;
    const double c_square = (w - 1.0) * (2.0 * w - 1.0) / (6.0 * w * w);
    const double mu = mean() / w;
    made.mean = mu + c;
    made.variance = variance() / (w * w) + c_square - c * c;
    return made;
  }
  // About the mean, so that little cancels.
  const double about = std::floor(mean() / w + 0.5);
  double sum = 0.0;
  double square = 0.0;
  double below = 0.0;
  double power_below = 0.0;
  double greatest = 0.0;
  visit_steps(width, [&](std::int64_t step, double probability) {
    const double beside = static_cast<double>(step) - about;
    sum += probability * beside;
    square += probability * beside * beside;
    if (most == nullptr) return;
    below += probability;
    const double power = power_of(below < 1.0 ? below : 1.0, parts);
    greatest += static_cast<double>(step) * (power - power_below);
    power_below = power;
  });
  if (most != nullptr) *most = greatest;
  made.mean = about + sum;
  made.variance = square > sum * sum ? square - sum * sum : 0.0;
  return made;
}

double Occupancy::power_of(double base, double exponent) {
  if (base <= 0.0) return 0.0;
  // log(base) <= base - 1: below e^-41 nothing of the power is left in a sum of probabilities.
  if ((base - 1.0) * exponent < -41.0) return 0.0;
  // Numbers of elements are whole: squaring is a fifth of exp and log.
  const auto whole = static_cast<std::int64_t>(exponent);
  if (exponent < 0x1p20 && static_cast<double>(whole) >= exponent) {
    double power = 1.0;
    for (std::int64_t left = whole; left > 0; left >>= 1) {
      if ((left & 1) != 0) power *= base;
      base *= base;
    }
    return power;
  }
  return std::exp(exponent * std::log(base));
}

}  // namespace sparsemark::accelerator
