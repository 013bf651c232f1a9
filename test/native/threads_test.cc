// The team of threads: every part once a round, whatever was written before a round is seen in it.
#include "../../native/kernels/threads.h"

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "../../native/accelerator/crew.h"
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

// Whatever a call hands out is done once and before it returns, by one caller or by two at once.
void crew_calls(const Options& options) {
  accelerator::Crew crew;
  const auto call = [&](int threads) {
    constexpr int kItems = 300;
    std::vector<int> done(kItems);
    std::atomic<int> next{0};
    std::atomic<int> at_once{0};
    std::atomic<int> most_at_once{0};
    crew.run(threads, [&] {
      const int now = ++at_once;
      for (int most = most_at_once; now > most && !most_at_once.compare_exchange_weak(most, now);) {
      }
      for (int i = next++; i < kItems; i = next++) ++done[static_cast<std::size_t>(i)];
      --at_once;
    });
    bool all = at_once == 0 && most_at_once <= threads;
    for (const int times : done) all = all && times == 1;
    return all;
  };
  for (int round = 0; round < options.samples; ++round) {
    bool other = false;
    std::thread beside([&] { other = call(2); });
    const bool all = call(1 + round % 4);
    beside.join();
    SPARSEMARK_EXPECT(all && other, "%d threads: items missing or done twice", 1 + round % 4);
  }
}

}  // namespace sparsemark::test
