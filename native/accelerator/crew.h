// Threads that sleep between the calls of a batch. One that is started for a call begins 0.1 to 4 ms late,
// since the kernel often gives it the processor of the thread that starts it until its next tick; one that is
// woken begins 0.06 to 0.13 ms late.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace sparsemark::accelerator {

class Crew {
 public:
  Crew() = default;
  ~Crew();
  Crew(const Crew&) = delete;
  Crew& operator=(const Crew&) = delete;

  // Calls work on at most `threads` threads at once, the calling one among them, and returns when all are
  // through. Each call must go on until nothing is left to do, for a thread that comes late is not waited
  // for, and while another caller has the crew the calling thread works alone. work must not throw. Throws
  // std::system_error where a thread cannot be started.
  void run(int threads, const std::function<void()>& work);

 private:
  void serve();

  std::mutex callers_;
  std::mutex mutex_;  // of all below
  std::condition_variable wake_;
  std::condition_variable through_;
  std::vector<std::thread> members_;
  const std::function<void()>* work_ = nullptr;
  int wanted_ = 0;
  int busy_ = 0;
  bool stop_ = false;
};

}  // namespace sparsemark::accelerator
