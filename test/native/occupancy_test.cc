// Expectations over occupancies, which sum a window about the mode, or less where a formula stands for it:
// held against sums over every value in long double.
#include "../../native/accelerator/occupancy.h"

#include <cmath>
#include <cstdint>
#include <vector>

#include "check.h"

namespace sparsemark::test {
namespace {

using sparsemark::accelerator::Density;
using sparsemark::accelerator::Occupancy;
using Moments = Occupancy::Moments;

// P(X = x) of every x of a binomial or beta-binomial distribution, by neighbours from its mean on.
std::vector<long double> probabilities(std::int64_t points, long double density, long double rho) {
  std::vector<long double> made(static_cast<std::size_t>(points + 1));
  const long double sum = rho > 0.0L ? 1.0L / rho - 1.0L : 0.0L;
  const auto ratio = [&](std::int64_t x) {
    const auto here = static_cast<long double>(x);
    const auto left = static_cast<long double>(points - x);
    if (rho <= 0.0L) return left * density / ((here + 1.0L) * (1.0L - density));
    return left * (here + density * sum) / ((here + 1.0L) * (left - 1.0L + (1.0L - density) * sum));
  };
  const auto start = static_cast<std::int64_t>(static_cast<long double>(points) * density);
  const auto at = [&](std::int64_t x) -> long double& { return made[static_cast<std::size_t>(x)]; };
  at(start) = 1.0L;
  for (std::int64_t x = start; x > 0; --x) at(x - 1) = at(x) / ratio(x - 1);
  for (std::int64_t x = start; x < points; ++x) at(x + 1) = at(x) * ratio(x);
  long double total = 0.0L;
  for (const long double weight : made) total += weight;
  for (long double& weight : made) weight /= total;
  return made;
}

// By squaring where the exponent is whole: the library's function takes most of a minute under an emulator.
long double power_of(long double base, long double exponent) {
  if ((base - 1.0L) * exponent < -60.0L) return 0.0L;
  if (exponent > std::floor(exponent)) return std::pow(base, exponent);
  long double power = 1.0L;
  for (auto left = static_cast<std::int64_t>(exponent); left > 0; left >>= 1, base *= base) {
    if ((left & 1) != 0) power *= base;
  }
  return power;
}

// Of f(x) with the probabilities of the greatest of `parts` draws.
template <typename F>
Moments reference(const std::vector<long double>& of, long double parts, F f) {
  std::vector<long double> values(of.size());
  std::vector<long double> weights(of.size());
  long double below = 0.0L;
  long double power_below = 0.0L;
  long double mean = 0.0L;
  for (std::size_t x = 0; x < of.size(); ++x) {
    if (of[x] < 1e-30L) continue;
    below += of[x];
    const long double power = power_of(below < 1.0L ? below : 1.0L, parts);
    values[x] = static_cast<long double>(f(static_cast<std::int64_t>(x)));
    weights[x] = power - power_below;
    mean += weights[x] * values[x];
    power_below = power;
  }
  long double variance = 0.0L;
  for (std::size_t x = 0; x < of.size(); ++x)
    variance += weights[x] * (values[x] - mean) * (values[x] - mean);
  return {static_cast<double>(mean), static_cast<double>(variance)};
}

// A power of probabilities near 1 has an error of as many roundings as it has factors.
void compare(const char* what, std::int64_t points, double density, double rho, double parameter,
             double factors, const Moments& found, const Moments& wanted) {
  SPARSEMARK_EXPECT(std::abs(found.mean - wanted.mean) <= 1e-12 * wanted.mean + 3e-16 * factors,
                    "%s %g of %lld points of density %g and rho %g: mean %.17g, should be %.17g", what,
                    parameter, static_cast<long long>(points), density, rho, found.mean, wanted.mean);
  // Of a variance some digits of the mean are lost.
  SPARSEMARK_EXPECT(std::abs(found.variance - wanted.variance) <=
                        (1e-11 + 1e-12 * factors) * wanted.variance + 1e-14 * (factors + wanted.mean),
                    "%s %g of %lld points of density %g and rho %g: variance %.17g, should be %.17g", what,
                    parameter, static_cast<long long>(points), density, rho, found.variance, wanted.variance);
}

}  // namespace

void occupancy_expectations(const Options&) {
  // Both sides of every choice: sums and even residues, upper tails alone, tabled inverses, more values than
  // there is room for, powers together and apart, and where a term stands for the power.
  for (const std::int64_t points : {1, 2, 7, 64, 256, 576, 4095, 4096, 18432, 70000}) {
    for (const double density : {0.0, 1e-6, 0.01, 0.05, 0.3, 0.5, 0.83, 0.99, 1.0}) {
      for (const double rho : {0.0, 0.02}) {
        if (rho > 0.0 && (points > 600 || density < 0.01 || density >= 1.0)) continue;
        const bool is_certain = density <= 0.0 || density >= 1.0;
        std::vector<long double> of(static_cast<std::size_t>(points + 1));
        if (is_certain) {
          of[density <= 0.0 ? 0 : static_cast<std::size_t>(points)] = 1.0L;
        } else {
          of = probabilities(points, density, rho);
        }
        const Occupancy occupancy = Occupancy::of(points, Density{density, rho});
        for (const std::int64_t width : {1, 4, 16, 61, 300}) {
          const auto steps = [&](std::int64_t x) { return (x + width - 1) / width; };
          const auto parameter = static_cast<double>(width);
          compare("steps of", points, density, rho, parameter, 1.0, occupancy.step_moments(width),
                  reference(of, 1.0L, steps));
          const Moments most = reference(of, 16.0L, steps);
          compare("most steps of", points, density, rho, parameter, 16.0,
                  {occupancy.expect_maximum_steps(16.0, width), most.variance}, most);
        }
        for (const double parts : {1.0, 2.0, 32.0, 84.0, 1000.5, 2048.0}) {
          compare("most of", points, density, rho, parts, parts, occupancy.maximum_moments(parts),
                  reference(of, static_cast<long double>(parts), [](std::int64_t x) { return x; }));
        }
        for (const std::int64_t bound : {std::int64_t{0}, std::int64_t{64}, points / 3, points - 1}) {
          const auto above = [&](std::int64_t x) { return x > bound ? x : 0; };
          // Values that do not count have a share of 1e-17 each.
          compare("value where above", points, density, rho, static_cast<double>(bound),
                  static_cast<double>(points), {occupancy.mean_above(bound), 0.0},
                  {reference(of, 1.0L, above).mean, 0.0});
        }
        for (const std::int64_t period : {1, 3, 16, 128}) {
          double residues[Occupancy::kMostPeriod];
          occupancy.residues(period, residues);
          for (std::int64_t r = 0; r < period; ++r) {
            const auto is_residue = [&](std::int64_t x) { return x % period == r ? 1 : 0; };
            compare("residue of", points, density, rho, static_cast<double>(period), 1.0, {residues[r], 0.0},
                    {reference(of, 1.0L, is_residue).mean, 0.0});
          }
        }
        for (const std::int64_t least : {1, 2, 40}) {
          compare("more than", points, density, rho, static_cast<double>(least), 32.0,
                  occupancy.maximum_moments(32.0, least),
                  reference(of, 32.0L, [&](std::int64_t x) { return x < least ? least : x; }));
        }
      }
    }
  }
}

}  // namespace sparsemark::test
