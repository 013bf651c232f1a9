// How many of a tile's points are nonzero: distributions, expectations over them, and the expected maximum
// over processing elements. Nothing is allocated, nothing overflows: probabilities are built by their ratios
// from the mode, where they are 1, outwards until they no longer count, and divided by their sum; no
// factorial is formed.
#pragma once

#include <cstdint>

#include "layer.h"

namespace sparsemark::accelerator {

// A distribution over 0..points, unimodal, known by the ratio of neighbouring probabilities.
class Occupancy {
 public:
  // Each point is a nonzero with probability `density`, independently.
  static Occupancy binomial(std::int64_t points, double density);
  // `points` drawn out of `total`, of which `nonzeros` are nonzero: a tile of a tensor with a fixed count.
  static Occupancy hypergeometric(std::int64_t points, std::int64_t total, std::int64_t nonzeros);
  // Overdispersed: tiles differ in density, with intra-class correlation rho in (0, 1).
  static Occupancy beta_binomial(std::int64_t points, double density, double rho);
  // Binomial where rho is 0, else beta-binomial.
  static Occupancy of(std::int64_t points, const Density& density);

  std::int64_t points() const { return points_; }
  double mean() const;
  double variance() const;
  double probability_empty() const;
  // base^exponent of a probability; 0 where nothing of it is left in a sum of probabilities.
  static double power_of(double base, double exponent);

  // visit(x, P(X = x)) for every x that counts, rising.
  template <typename Visit>
  void visit(Visit visit) const {
    Weights near;
    if (collect(near)) {
      const double scale = 1.0 / near.total;
      for (int i = near.begin; i < near.end; ++i) visit(near.first + (i - near.begin), near.at[i] * scale);
      return;
    }
    double total = 0.0;
    walk([&](std::int64_t, double weight) { total += weight; });
    walk([&](std::int64_t x, double weight) { visit(x, weight / total); });
  }

  // E[f(X)].
  template <typename F>
  double expect(F f) const {
    double sum = 0.0;
    visit([&](std::int64_t x, double probability) { sum += probability * f(x); });
    return sum;
  }

  // visit(j, P(ceil(X / width) = j)) for every whole j that counts, rising: cycles at `width` a cycle. One
  // call a step, where visit() takes a division and a call a value.
  template <typename Visit>
  void visit_steps(std::int64_t width, Visit visit_step) const {
    Weights near;
    if (collect(near)) {
      const double scale = 1.0 / near.total;
      std::int64_t step = (near.first + width - 1) / width;
      std::int64_t left = step * width - near.first + 1;  // values of this step
      for (int i = near.begin; i < near.end; left = width, ++step) {
        const int stop = left < near.end - i ? i + static_cast<int>(left) : near.end;
        double sum = 0.0;
        for (; i < stop; ++i) sum += near.at[i];
        visit_step(step, sum * scale);
      }
      return;
    }
    std::int64_t step = 0;
    double sum = 0.0;
    visit([&](std::int64_t x, double probability) {
      if (x > step * width) {
        if (sum > 0.0) visit_step(step, sum);
        step = (x + width - 1) / width;
        sum = 0.0;
      }
      sum += probability;
    });
    visit_step(step, sum);
  }

  struct Moments {
    double mean = 0.0;
    double variance = 0.0;
  };
  // Of Y = ceil(X / width); most: the expected maximum of `parts` draws of it, in the same pass.
  Moments step_moments(std::int64_t width, double parts = 1.0, double* most = nullptr) const;
  // E[X where X > x, else 0].
  double mean_above(std::int64_t x) const;
  // P(X mod period = r) at residues[r], of a period of kMostPeriod at the most.
  static constexpr std::int64_t kMostPeriod = 128;
  void residues(std::int64_t period, double* residues) const;
  // Whether X mod period is as good as even: means over X and over whole periods then agree to 3e-16.
  bool is_even_over(std::int64_t period) const;

  // Whether X is as good as never on the other side of x than the mean.
  bool is_far(std::int64_t x) const;

  // Of the maximum of `least` and of `parts` independent draws.
  Moments maximum_moments(double parts, std::int64_t least = 0) const;
  // E[max over `parts` independent draws of ceil(X / width)].
  double expect_maximum_steps(double parts, std::int64_t width) const {
    double sum = 0.0;
    double below = 0.0;
    double power_below = 0.0;
    visit_steps(width, [&](std::int64_t step, double probability) {
      below += probability;
      const double power = power_of(below < 1.0 ? below : 1.0, parts);
      sum += static_cast<double>(step) * (power - power_below);
      power_below = power;
    });
    return sum;
  }

 private:
  enum class Kind : std::int8_t { kBinomial, kHypergeometric, kBetaBinomial };

  // Weights relative to the mode's, at[begin] of `first` and rising, and their sum: each is formed once, by
  // one division that does not wait for the one before it.
  static constexpr int kReach = 1024;
  struct Weights {
    static constexpr int kBlank = 16;  // before the first, for those who take several at once
    static constexpr int kMode = kBlank + kReach;
    double at[kMode + kReach];
    int begin;
    int end;
    std::int64_t first;
    double total;
  };
  // False where more values count than there is room for: some 53,000 points of density 0.5.
  bool collect(Weights& out) const noexcept;
  // The same of a binomial with a known mode, from the greatest value down until P(X < x) is below `gone` or
  // the mode is reached, if that is later: half of the work.
  bool collect_upper(Weights& out, double gone) const noexcept;
  // Whether mode_probability() is within 1e-14.
  bool knows_mode() const noexcept;
  double mode_probability(std::int64_t top) const noexcept;

  // p(x + 1) / p(x).
  double ratio(std::int64_t x) const;
  std::int64_t lowest() const;
  std::int64_t highest() const;
  std::int64_t mode() const;
  // visit(x, weight) for every x that counts, rising; weights are relative to the mode's. Without room for
  // any.
  template <typename Visit>
  void walk(Visit visit) const {
    const std::int64_t top = mode();
    std::int64_t x = top;
    double weight = 1.0;
    while (x > lowest() && weight > kNegligible) {
      --x;
      weight /= ratio(x);
    }
    for (; x < top; ++x) {
      visit(x, weight);
      weight *= ratio(x);
    }
    weight = 1.0;
    for (x = top; x <= highest() && weight > kNegligible; ++x) {
      visit(x, weight);
      if (x < highest()) weight *= ratio(x);
    }
  }

  // What is left out is below the rounding of the sum.
  static constexpr double kNegligible = 1e-17;

  Kind kind_ = Kind::kBinomial;
  std::int64_t points_ = 0;
  double density_ = 0.0;       // all but hypergeometric
  double odds_ = 0.0;          // binomial: density / (1 - density)
  std::int64_t total_ = 0;     // hypergeometric
  std::int64_t nonzeros_ = 0;  // hypergeometric
  double alpha_ = 0.0;         // beta-binomial
  double beta_ = 0.0;
};

// Expected maximum of `parts` independent standard normal variables, by Blom's approximation
// Phi^-1((parts - 0.375) / (parts + 0.25)): within 0.6 % from 16 on.
double expected_normal_maximum(double parts);

// Expected fullest of `bins` bins (at most kMostBalls) that balls fall into evenly, of 0 to `bins` balls: the
// bank conflicts of that many accesses. Exact, by counting the ways in which no bin holds more than t. Of the
// calling thread, until it asks for other bins.
inline constexpr int kMostBalls = 128;
const double* expected_fullest_bins(int bins);

}  // namespace sparsemark::accelerator
