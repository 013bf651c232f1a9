// The clock, and the timed loop.
#pragma once

namespace sparsemark {

class HostJob;

// Nanoseconds of the steady clock.
double now_ns();

// Smallest step seen between two readings, in nanoseconds.
double clock_resolution_ns();

// Evaluates `warmups` times untimed, then `evaluations` times between two readings. Returns nanoseconds an
// evaluation. The warm-ups bring a hot job's operands back into the caches after another process had the
// core. Each timed evaluation is made longer by the share `slowdown` of its own time, by doing nothing: how a
// gate for slowdowns is tested.
double time_evaluations(HostJob& job, int warmups, int evaluations, double slowdown = 0.0) noexcept;

}  // namespace sparsemark
