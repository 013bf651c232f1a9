// The threads of one job: a fixed team, started once, that runs the same function with part 0..parts-1. Part
// 0 is the calling thread. Waiting threads spin for a short while and then sleep, so that an idle team does
// not take a core from whoever is measured next.
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

  int parts_;
  std::vector<std::thread> threads_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::atomic<std::uint64_t> round_{0};
  std::atomic<int> pending_{0};
  std::atomic<bool> stop_{false};
  Work work_ = nullptr;
  void* context_ = nullptr;
};

}  // namespace sparsemark
