#include "occupancy.h"

#include <algorithm>
#include <cmath>

namespace sparsemark::accelerator {

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
  const auto fill = [&](auto rising) {
    double weight = 1.0;
    double total = 1.0;
    std::int64_t x = top;
    int at = kReach;
    out.at[at] = weight;
    while (x > low && weight > kNegligible) {
      if (at == 0) return false;
      --x;
      const auto [over, under] = rising(x);
      weight *= under / over;
      total += weight;
      out.at[--at] = weight;
    }
    out.begin = at;
    out.first = x;
    weight = 1.0;
    at = kReach + 1;
    for (x = top; x < high; ++x) {
      const auto [over, under] = rising(x);
      weight *= over / under;
      if (weight <= kNegligible) break;
      if (at == 2 * kReach) return false;
      total += weight;
      out.at[at++] = weight;
    }
    out.end = at;
    out.total = total;
    return true;
  };
  // p(x + 1) / p(x), over and under the line.
  struct Ratio {
    double over;
    double under;
  };
  const auto n = static_cast<double>(points_);
  switch (kind_) {
    case Kind::kHypergeometric: {
      const auto nonzeros = static_cast<double>(nonzeros_);
      const auto others = static_cast<double>(total_ - nonzeros_ - points_ + 1);
      return fill([=](std::int64_t i) {
        const auto x = static_cast<double>(i);
        return Ratio{(nonzeros - x) * (n - x), (x + 1.0) * (others + x)};
      });
    }
    case Kind::kBetaBinomial:
      return fill([=, this](std::int64_t i) {
        const auto x = static_cast<double>(i);
        return Ratio{(n - x) * (x + alpha_), (x + 1.0) * (n - x - 1.0 + beta_)};
      });
    case Kind::kBinomial:
      break;
  }
  return fill([=, this](std::int64_t i) {
    const auto x = static_cast<double>(i);
    return Ratio{(n - x) * odds_, x + 1.0};
  });
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
