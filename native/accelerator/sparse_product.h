// What a product of two sparse operands leaves and what matching them takes: expected of densities, counted
// on masks. For engine classes that keep both operands and the output compressed.
#pragma once

#include <cstdint>

#include "engine.h"

namespace sparsemark::accelerator {

// 1 - (1 - density)^points: the chance that any of so many points is a nonzero.
double chance_of_any(double points, double density);

// Expected steps of a skip-ahead intersection (Hegde et al., ExTensor, MICRO 2019) of two fibers over
// `points` coordinates with nonzeros at the densities p and q: each step compares the coordinates at two
// heads, and a head that lies behind jumps to the first coordinate that is not behind the other. A match is a
// step. Exact for independent points.
double expected_intersection_steps(double points, double p, double q);

// The same steps counted on two rows of bits, of the coordinates begin to end - 1.
std::int64_t intersection_steps(const std::uint64_t* a, const std::uint64_t* b, std::int64_t begin,
                                std::int64_t end) noexcept;

// Cycles of a layer and those without zeros: kCyclesOf(parameters, layer, work, out) of the work that
// kWorkOf(parameters, layer) expects. Parameter kPes is the number of elements, a multiplier each.
template <auto kWorkOf, auto kCyclesOf, int kPes>
Status estimate_work(const double* parameters, const Layer& layer, Estimate& out) noexcept {
  Layer dense = layer;
  dense.weights = dense.activations = Density();
  out.dense_cycles = kCyclesOf(parameters, dense, kWorkOf(parameters, dense), out);
  out.cycles = kCyclesOf(parameters, layer, kWorkOf(parameters, layer), out);
  out.multipliers = parameters[kPes];
  return Status::kOk;
}

// Z = W A a row at a time: which outputs of a row its inputs reach.
class OutputRow {
 public:
  explicit OutputRow(const Masks& masks);

  // Begins a row anew.
  void clear();
  // The row's nonzeros among inputs begin to end - 1 meet the rows of A.
  void reach(std::int64_t row, std::int64_t begin, std::int64_t end);
  // Outputs reached so far, of the columns begin to end - 1.
  std::int64_t reached(std::int64_t begin, std::int64_t end) const { return outputs_.count(0, begin, end); }

 private:
  const Masks& masks_;
  BitMatrix outputs_;
};

}  // namespace sparsemark::accelerator
