// The threads of one job: a fixed team, started once, that runs the same function with part 0..parts-1. Part
// 0 is the calling thread. Waiting threads spin for a short while and then sleep, so that an idle team does
// not take a core from whoever is measured next. Where the system lets it, each member has a CPU of its own.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>
#include <vector>

namespace sparsemark {

class Team {
 public:
  using Work = void (*)(void* context, int part);

  // Throws std::system_error where the system has no more threads.
  explicit Team(int parts);
  ~Team();
  Team(const Team&) = delete;
  Team& operator=(const Team&) = delete;

  // Runs work(context, part) on every member; returns when all are done.
  void run(Work work, void* context);
  int parts() const { return parts_; }

 private:
  void serve(int part);
  void dismiss();
  // Members that the system has put on the caller's CPU would wait until it has done its part, and it for
  // them: two threads took 4 times as long as apart, for as long as a sample lasts, on a Zen 5 with 2 cores
  // whose other processes had been busy (1024 x 256 x 196 at density 0.1).
  void keep_apart();

  int parts_;
  std::vector<std::thread> threads_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::atomic<std::uint64_t> round_{0};
  std::atomic<int> pending_{0};
  std::atomic<bool> stop_{false};
  Work work_ = nullptr;
  void* context_ = nullptr;
  std::vector<int> cpus_;  // that the caller may use
  int callers_cpu_ = -1;   // when the others were last kept away from it
};

}  // namespace sparsemark
