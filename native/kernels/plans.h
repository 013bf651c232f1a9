// Chosen plans: the text that comes through the kernel door, and the values that it stands for.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace sparsemark {

// Knobs of a format and of a kernel, each as in sparsemark_library.knobs or nullptr for none.
struct Knobs {
  const char* of_format;
  const char* of_kernel;
};

// A value for each knob in their order, -1 where the plan does not name it.
struct ChosenPlan {
  std::vector<std::int32_t> of_format;
  std::vector<std::int32_t> of_kernel;
};

// Whether AVX2's are the widest vectors of this CPU: some formats are laid out for these.
bool has_narrow_vectors();

// Both as one text.
std::string knobs_text(const Knobs& knobs);

// Reads a plan. Returns an empty string, or what is wrong with it: a name that is no knob, a value that the
// knob does not have, a knob turned twice.
std::string read_plan(const char* text, const Knobs& knobs, ChosenPlan& chosen);

}  // namespace sparsemark
