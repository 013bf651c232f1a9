// Two processes on one core that time their jobs in short turns.
//
// A core's clock and its share of the caches change every few milliseconds on a shared machine, so two
// samples taken one after the other differ by what the machine did between them. Of two samples that are cut
// into turns of a tenth of a millisecond and taken alternately, both see nearly the same.
#pragma once

#include <cstdint>
#include <string>

namespace sparsemark {

class HostJob;

// One side's part of a pair of samples. Both sides must agree on `turns` and `meeting`.
struct Turns {
  // Socket at which the two meet.
  std::string path;
  // Whether this side waits there, after wait_at(path); the other one comes to it.
  bool waits = false;
  // Of this pair of samples; both sides are told the same. A side that was to be in an earlier pair and has
  // not died yet is passed over.
  std::uint32_t meeting = 0;
  // Whether this side has the first turn.
  bool first = false;
  int turns = 0;
  // Evaluations before those that count, in each turn: the other process had the caches meanwhile.
  int warmups = 0;
  // Timed batches of each turn, and evaluations of each batch.
  int batches = 0;
  int evaluations = 0;
  // Share by which each timed evaluation is made longer on purpose.
  double slowdown = 0.0;
};

// Opens the socket at which this process waits for others, once in its life; a left-over one is replaced.
// Throws std::system_error.
void wait_at(const std::string& path);

// Takes turns.turns turns, alternately with the other side, and writes nanoseconds an evaluation of each
// batch to samples_ns (turns * batches). Returns false where the other side did not come within ten seconds
// or went away; the samples are then worth nothing. Throws std::system_error where a socket cannot be had.
bool take_turns(HostJob& job, const Turns& turns, double* samples_ns);

}  // namespace sparsemark
