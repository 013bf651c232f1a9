// The team of threads: every part once a round, whatever was written before a round is seen in it.
#include "../../native/kernels/threads.h"

#include <chrono>
#include <thread>
#include <vector>

#include "check.h"

namespace sparsemark::test {
namespace {

struct Counters {
  int round = 0;               // written by the caller before each round
  std::vector<int> rounds_of;  // written by each part
  std::vector<int> seen_by;
};

void count(void* context, int part) {
  Counters& counters = *static_cast<Counters*>(context);
  const std::size_t p = static_cast<std::size_t>(part);
  ++counters.rounds_of[p];
  counters.seen_by[p] = counters.round;
}

}  // namespace

void team_rounds(const Options& options) {
  const int rounds = options.samples;
  for (int parts = 1; parts <= 4; ++parts) {
    Counters counters;
    counters.rounds_of.assign(static_cast<std::size_t>(parts), 0);
    counters.seen_by.assign(static_cast<std::size_t>(parts), 0);
    Team team(parts);
    for (int round = 1; round <= rounds; ++round) {
      counters.round = round;
      team.run(count, &counters);
      bool all = true;
      for (const int seen : counters.seen_by) all = all && seen == round;
      SPARSEMARK_EXPECT(all, "%d parts: a part has not run in round %d", parts, round);
      // Now and then long enough for the threads to fall asleep.
      if (round % 200 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    for (const int ran : counters.rounds_of) {
      SPARSEMARK_EXPECT(ran == rounds, "%d parts: a part ran %d times in %d rounds", parts, ran, rounds);
    }
  }
}

}  // namespace sparsemark::test
