// Systolic array in the convention of the SIGMA paper (Qin et al., HPCA 2020) for its TPU baseline: one
// operand lies still in an S x S array, the other streams past, and the cheaper of the two choices counts:
//   cycles = min over the stationary dimension s in {m, n}, t the other: ceil(k/S) ceil(s/S) (t + S + min(k,
//   S))
// Skips nothing.
#include "engine.h"

namespace sparsemark::accelerator {
namespace {

constexpr Parameter kParameters[] = {{"size", "elements", "rows and columns of the array", 1, 65536, true}};
constexpr const char* kTerms[] = {"cyclesWithMStationary", "cyclesWithNStationary"};
constexpr const char* kActions[] = {"mac", "stationaryRead", "streamRead", "sumRead", "sumWrite"};
constexpr FormulaLine kFormula[] = {
    {"cycles", "", "min(cyclesWithMStationary, cyclesWithNStationary)", "the cheaper choice"},
    {"cyclesWithMStationary", "", "ceil(k / size) * ceil(m / size) * (n + size + min(k, size)) * groups",
     "weights lie still"},
    {"cyclesWithNStationary", "", "ceil(k / size) * ceil(n / size) * (m + size + min(k, size)) * groups",
     "inputs lie still"},
};

Status estimate_stationary(const double* parameters, const Layer& layer, Estimate& out) noexcept {
  const auto size = static_cast<std::int64_t>(parameters[0]);
  Counter counter;
  const auto cycles_of = [&](std::int64_t stationary, std::int64_t streamed) {
    const std::int64_t folds = counter.times(divide_up(layer.k, size), divide_up(stationary, size));
    const std::int64_t per_fold = counter.plus(streamed, size + (layer.k < size ? layer.k : size));
    return counter.times(counter.times(folds, per_fold), layer.groups);
  };
  const std::int64_t with_m = cycles_of(layer.m, layer.n);
  const std::int64_t with_n = cycles_of(layer.n, layer.m);
  if (counter.overflow()) return Status::kOverflow;
  out.cycles = out.dense_cycles = static_cast<double>(with_m < with_n ? with_m : with_n);
  out.multipliers = static_cast<double>(size * size);
  out.terms[0] = static_cast<double>(with_m);
  out.terms[1] = static_cast<double>(with_n);
  // What lies still is loaded once; what streams passes each fold along the other side, and sums of all folds
  // along k but the first are read again.
  const bool m_lies = with_m < with_n;
  const double k = static_cast<double>(layer.k);
  const double groups = static_cast<double>(layer.groups);
  const double still = static_cast<double>(m_lies ? layer.m : layer.n);
  const double streamed = static_cast<double>(m_lies ? layer.n : layer.m);
  const double folds_of_k = static_cast<double>(divide_up(layer.k, size));
  out.actions[0] = out.macs;
  out.actions[1] = still * k * groups;
  out.actions[2] = streamed * k * static_cast<double>(divide_up(m_lies ? layer.m : layer.n, size)) * groups;
  out.actions[3] = still * streamed * (folds_of_k - 1.0) * groups;
  out.actions[4] = still * streamed * folds_of_k * groups;
  return Status::kOk;
}

}  // namespace

extern const Engine stationary_array = {
    "stationary-array", "skips nothing",    kParameters, 1, kTerms, 2, kActions, 5,
    kFormula,           estimate_stationary};

}  // namespace sparsemark::accelerator
