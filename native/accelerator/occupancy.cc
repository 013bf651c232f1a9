#include "occupancy.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "lanes.h"

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
  const auto whole = static_cast<std::int64_t>(at);
  return whole < low ? low : whole > high ? high : whole;
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

double Occupancy::mean_above(std::int64_t x) const {
  double sum = 0.0;
  Weights near;
  if (!collect(near)) {
    visit([&](std::int64_t value, double probability) {
      if (value > x) sum += probability * static_cast<double>(value);
    });
    return sum;
  }
  const std::int64_t skipped = x < near.first ? 0 : x + 1 - near.first;
  if (skipped >= near.end - near.begin) return 0.0;
  int i = near.begin + static_cast<int>(skipped);
  auto value = static_cast<double>(near.first + skipped);
  Four sums = {};
  Four values = value + Four{0.0, 1.0, 2.0, 3.0};
  for (; i + kLanes <= near.end; i += kLanes) {
    Four weights;
    load(near.at + i, weights);
    sums += weights * values;
    values += static_cast<double>(kLanes);
    value += static_cast<double>(kLanes);
  }
  for (; i < near.end; ++i, value += 1.0) sum += near.at[i] * value;
  return (sum + sum_of(sums)) / near.total;
}

void Occupancy::residues(std::int64_t period, double* residues) const {
  // As many whole periods in a row as make up a few vectors, and what they add up to at the end.
  constexpr std::int64_t kLeastRow = 16;
  const std::int64_t length = period * ((kLeastRow + period - 1) / period);
  double row[kMostPeriod + kLeastRow] = {};
  Weights near;
  double total = 1.0;
  std::int64_t first = 0;
  if (collect(near)) {
    total = near.total;
    first = near.first;
    for (int i = near.begin; i < near.end;) {
      const std::int64_t left = near.end - i;
      const std::int64_t values = left < length ? left : length;
      for (std::int64_t r = 0; r < values; ++r) row[r] += near.at[i + r];
      i += static_cast<int>(values);
    }
  } else {
    visit([&](std::int64_t x, double probability) { row[x % length] += probability; });
  }
  for (std::int64_t r = 0; r < period; ++r) residues[r] = 0.0;
  std::int64_t residue = first % period;
  for (std::int64_t r = 0; r < length; ++r) {
    residues[residue] += row[r] / total;
    if (++residue == period) residue = 0;
  }
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
