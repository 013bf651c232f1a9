#include "threads.h"

#if defined(__linux__)
#include <pthread.h>
#include <sched.h>

#include <algorithm>
#endif
#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace sparsemark {

namespace {

// 21 us of pauses, measured on a Xeon of family 6 model 167: longer than the gap between two evaluations of a
// sample, shorter than that between two samples.
constexpr int kSpins = 2000;

void relax() {
#if defined(__x86_64__)
  _mm_pause();
#elif defined(__aarch64__)
  __asm__ __volatile__("yield");
#endif
}

}  // namespace

Team::Team(int parts) : parts_(parts) {
#if defined(__linux__)
  cpu_set_t allowed;
  if (parts > 1 && sched_getaffinity(0, sizeof(allowed), &allowed) == 0) {
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
      if (CPU_ISSET(cpu, &allowed)) cpus_.push_back(cpu);
    }
  }
#endif
  try {
    for (int part = 1; part < parts; ++part) {
      threads_.emplace_back([this, part] { serve(part); });
    }
  } catch (...) {
    dismiss();
    throw;
  }
}

Team::~Team() { dismiss(); }

void Team::dismiss() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    stop_.store(true);
    round_.fetch_add(1);
  }
  wake_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void Team::keep_apart() {
#if defined(__linux__)
  const int here = sched_getcpu();
  if (here == callers_cpu_ || cpus_.size() < 2) return;
  callers_cpu_ = here;
  auto next = std::find(cpus_.begin(), cpus_.end(), here);
  for (std::thread& thread : threads_) {
    if (next == cpus_.end() || ++next == cpus_.end()) next = cpus_.begin();
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(*next, &one);
    pthread_setaffinity_np(thread.native_handle(), sizeof(one), &one);
  }
#endif
}

void Team::run(Work work, void* context) {
  if (parts_ > 1) {
    keep_apart();
    work_ = work;
    context_ = context;
    pending_.store(parts_ - 1, std::memory_order_relaxed);
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      round_.fetch_add(1, std::memory_order_release);
    }
    wake_.notify_all();
  }
  work(context, 0);
  for (int spins = 0; pending_.load(std::memory_order_acquire) > 0; ++spins) {
    if (spins < kSpins) {
      relax();
    } else {
      std::this_thread::yield();
    }
  }
}

void Team::serve(int part) {
  std::uint64_t seen = 0;
  for (;;) {
    for (int spins = 0; round_.load(std::memory_order_acquire) == seen && spins < kSpins; ++spins) relax();
    if (round_.load(std::memory_order_acquire) == seen) {
      std::unique_lock<std::mutex> lock(mutex_);
      wake_.wait(lock, [&] { return round_.load(std::memory_order_acquire) != seen; });
    }
    seen = round_.load(std::memory_order_acquire);
    if (stop_.load()) return;
    work_(context_, part);
    pending_.fetch_sub(1, std::memory_order_release);
  }
}

}  // namespace sparsemark
