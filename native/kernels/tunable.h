// Kernels whose plan can be chosen from outside, by a tuner: one line each in tunables.inc.
#pragma once

#include "kernel.h"

namespace sparsemark {

// A knob that nobody turned, in a list of chosen values: the planner decides.
inline constexpr std::int32_t kNotTurned = -1;

// What such a kernel has beside its plan_bytes, plan, scratch_bytes and tiling, for jobs with a chosen plan.
struct Tunable {
  const Kernel* kernel;
  // What can be chosen beside the knobs of its format, as in sparsemark_library.knobs.
  const char* knobs;
  std::int64_t plan_bytes;
  // Fills the plan from a value for each knob in their order, kNotTurned among them. Returns nullptr, or why
  // the choice does not fit: what it lets through must give the right answer.
  const char* (*plan)(const Encoded& a, std::int32_t n, const std::int32_t* chosen, void* storage);
  std::int64_t (*scratch_bytes)(const Encoded& a, std::int32_t n, const void* plan);
  void (*tiling)(const Encoded& a, std::int32_t n, const void* plan, char* text);
};

// That of a kernel of available_kernels(); nullptr where it plans by itself alone.
const Tunable* tunable_of(const Kernel& kernel);

}  // namespace sparsemark
