#include "stopwatch.h"

#include <chrono>
#include <limits>

#include "../door.h"

namespace sparsemark {

double now_ns() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return static_cast<double>(std::chrono::duration_cast<std::chrono::nanoseconds>(now).count());
}

double clock_resolution_ns() {
  double smallest = std::numeric_limits<double>::infinity();
  for (int i = 0; i < 1000; ++i) {
    const double start = now_ns();
    double end = now_ns();
    while (end <= start) end = now_ns();
    if (end - start < smallest) smallest = end - start;
  }
  return smallest;
}

namespace {

// What a reading of the clock costs, the fastest of some hundreds.
double reading_ns() {
  static const double fastest = [] {
    double least = std::numeric_limits<double>::infinity();
    for (int i = 0; i < 300; ++i) {
      const double start = now_ns();
      for (int reading = 0; reading < 19; ++reading) now_ns();
      const double each = (now_ns() - start) / 20.0;
      if (each < least) least = each;
    }
    return least;
  }();
  return fastest;
}

}  // namespace

double time_evaluations(HostJob& job, int warmups, int evaluations, double slowdown) noexcept {
  for (int i = 0; i < warmups; ++i) job.evaluate();
  const double start = now_ns();
  if (slowdown <= 0.0) {
    for (int i = 0; i < evaluations; ++i) job.evaluate();
    return (now_ns() - start) / evaluations;
  }
  // The two readings that a pause takes at the least are part of it: some 50 ns, which is a percent of a
  // small kernel.
  const double own_ns = 2.0 * reading_ns();
  double begun = start;
  for (int i = 0; i < evaluations; ++i) {
    job.evaluate();
    double now = now_ns();
    const double until = now + slowdown * (now - begun) - own_ns;
    do {
      now = now_ns();
    } while (now < until);
    begun = now;
  }
  return (begun - start) / evaluations;
}

}  // namespace sparsemark
