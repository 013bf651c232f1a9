// The contract of an engine class: how a kind of accelerator spends cycles on a layer. One file a class, one
// line in engines.inc.
#pragma once

#include <cstdint>

#include "layer.h"
#include "masks.h"

namespace sparsemark::accelerator {

enum class Status : std::int8_t {
  kOk = 0,
  kOverflow = 1,     // a count beyond 64 bits
  kUnsupported = 2,  // the class does not run such a layer; Estimate::reason says why
};

inline constexpr int kMostParameters = 16;
inline constexpr int kMostTerms = 12;
inline constexpr int kMostActions = 12;

// A number that an accelerator file gives for an engine.
struct Parameter {
  const char* name;
  const char* unit;  // what an accelerator file must say; "1" for a number without one
  const char* meaning;
  double least;
  double most;
  bool whole;
};

// A line of an engine's formula, as pages show it: `name` is cycles, denseCycles or a term, `expression` what
// it is of terms, parameters, sizes and densities of the layer (E[..]: the expected value), empty where
// `from` alone can say it. `when`: the condition under which the line holds; empty for always. Expressions
// without an E[..] are evaluated by a test and must give the engine's numbers.
struct FormulaLine {
  const char* name;
  const char* when;
  const char* expression;
  const char* from;
};

// All lines. Has no default, so that no engine compiles without one.
struct Formula {
  template <int kCount>
  // Converts, so that a list of lines is written where a formula is asked for.
  constexpr Formula(const FormulaLine (&all)[kCount]) : lines(all), count(kCount) {}  // NOLINT
  const FormulaLine* lines;
  int count;
};

struct Estimate {
  // Expected cycles; whole where they are a count, and then below 2^53.
  double cycles = 0.0;
  // The same layer without a zero, on the same hardware with its sparsity turned off.
  double dense_cycles = 0.0;
  // Multiplications of a dense layer, and of both operands nonzero, as expected.
  double macs = 0.0;
  double effectual_macs = 0.0;
  // Of all multipliers and cycles, those that did an effectual multiplication.
  double multipliers = 0.0;
  // What the formula is made of and how often each action happens, in the order of the engine's names.
  double terms[kMostTerms] = {};
  double actions[kMostActions] = {};
  // Why a layer is declined; of a counted one, what `estimate` takes for granted and its masks lack.
  const char* reason = nullptr;
};

struct Engine {
  const char* name;     // `class` of an accelerator file
  const char* summary;  // what it skips and what it does not
  const Parameter* parameters;
  int parameter_count;
  const char* const* terms;
  int term_count;
  // Names of actions that an energy table prices.
  const char* const* actions;
  int action_count;
  Formula formula;
  // parameters: in their order, checked against least and most. Allocates nothing and does not throw.
  Status (*estimate)(const double* parameters, const Layer& layer, Estimate& out) noexcept;
  // The same counted on the real places of the nonzeros: cycles, terms and actions over what `estimate` made
  // of the masks' densities. nullptr where places do not matter. May throw std::bad_alloc.
  Status (*count)(const double* parameters, const Layer& layer, const Masks& masks, Estimate& out) = nullptr;
};

// Why a layer is none: a size below 1, a density outside of 0..1; else nullptr.
const char* fault_of(const Layer& layer) noexcept;

// Checks a layer (sizes at least 1, densities in 0..1, products below 2^63) and lets the engine estimate it.
Status estimate(const Engine& engine, const double* parameters, const Layer& layer, Estimate& out) noexcept;

// Counts a layer of one group on its masks; its densities are the masks'. May throw std::bad_alloc.
Status count(const Engine& engine, const double* parameters, const Layer& layer, const Masks& masks,
             Estimate& out);

// The list, in the order of engines.inc.
extern const Engine* const kEngines[];
extern const int kEngineCount;

// 64-bit arithmetic that remembers whether it ever overflowed.
class Counter {
 public:
  std::int64_t times(std::int64_t a, std::int64_t b) {
    std::int64_t out = 0;
    overflow_ = __builtin_mul_overflow(a, b, &out) || overflow_;
    return out;
  }
  std::int64_t plus(std::int64_t a, std::int64_t b) {
    std::int64_t out = 0;
    overflow_ = __builtin_add_overflow(a, b, &out) || overflow_;
    return out;
  }
  bool overflow() const { return overflow_; }

 private:
  bool overflow_ = false;
};

inline std::int64_t divide_up(std::int64_t a, std::int64_t b) { return a / b + (a % b != 0 ? 1 : 0); }

}  // namespace sparsemark::accelerator
