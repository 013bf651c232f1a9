#include "plans.h"

#include <algorithm>
#include <cstring>
#include <sstream>

#include "kernel.h"

namespace sparsemark {
namespace {

// A word "name=text".
struct Pair {
  std::string name;
  std::string text;
};

std::vector<Pair> pairs_of(const char* text) {
  std::vector<Pair> pairs;
  std::istringstream words(text == nullptr ? "" : text);
  for (std::string word; words >> word;) {
    const std::size_t sign = word.find('=');
    if (sign == std::string::npos) {
      pairs.push_back({word, ""});
    } else {
      pairs.push_back({word.substr(0, sign), word.substr(sign + 1)});
    }
  }
  return pairs;
}

// Turns the knob of that name among these; false where there is none. reason: what is wrong with the value.
bool turn(const Pair& wanted, const std::vector<Pair>& knobs, std::vector<std::int32_t>& chosen,
          std::string& reason) {
  for (std::size_t i = 0; i < knobs.size(); ++i) {
    if (knobs[i].name != wanted.name) continue;
    std::istringstream values(knobs[i].text);
    bool known = false;
    for (std::string value; std::getline(values, value, '|');) known = known || value == wanted.text;
    if (!known) {
      reason = "Expected one of " + knobs[i].text + " for " + wanted.name + " of a plan, received \"" +
               wanted.text + "\".";
    } else if (chosen[i] >= 0) {
      reason = "Expected each knob once in a plan, received " + wanted.name + " again.";
    } else {
      chosen[i] = static_cast<std::int32_t>(std::stol(wanted.text));
    }
    return true;
  }
  return false;
}

}  // namespace

bool has_narrow_vectors() {
  const KernelList list = available_kernels();
  const auto has = [&](const char* isa) {
    return std::any_of(list.kernels, list.kernels + list.count,
                       [&](const Kernel* kernel) { return std::strcmp(kernel->isa, isa) == 0; });
  };
  return has("avx2") && !has("avx512");
}

std::string knobs_text(const Knobs& knobs) {
  const std::string format = knobs.of_format == nullptr ? "" : knobs.of_format;
  const std::string kernel = knobs.of_kernel == nullptr ? "" : knobs.of_kernel;
  return format + (format.empty() || kernel.empty() ? "" : " ") + kernel;
}

std::string read_plan(const char* text, const Knobs& knobs, ChosenPlan& chosen) {
  const std::vector<Pair> of_format = pairs_of(knobs.of_format);
  const std::vector<Pair> of_kernel = pairs_of(knobs.of_kernel);
  chosen.of_format.assign(of_format.size(), -1);
  chosen.of_kernel.assign(of_kernel.size(), -1);
  std::string reason;
  for (const Pair& wanted : pairs_of(text)) {
    if (!turn(wanted, of_format, chosen.of_format, reason) &&
        !turn(wanted, of_kernel, chosen.of_kernel, reason)) {
      reason = "Expected " + knobs_text(knobs) + " for a plan, received \"" + wanted.name + "\".";
    }
    if (!reason.empty()) return reason;
  }
  return reason;
}

}  // namespace sparsemark
