#include "crew.h"

namespace sparsemark::accelerator {

Crew::~Crew() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  for (std::thread& member : members_) member.join();
}

void Crew::run(int threads, const std::function<void()>& work) {
  const std::unique_lock<std::mutex> caller(callers_, std::try_to_lock);
  if (threads <= 1 || !caller.owns_lock()) return work();
  while (members_.size() + 1 < static_cast<std::size_t>(threads)) members_.emplace_back([this] { serve(); });
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    work_ = &work;
    wanted_ = threads - 1;
  }
  wake_.notify_all();
  work();
  std::unique_lock<std::mutex> lock(mutex_);
  wanted_ = 0;
  through_.wait(lock, [this] { return busy_ == 0; });
}

void Crew::serve() {
  std::unique_lock<std::mutex> lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return wanted_ > 0 || stop_; });
    if (stop_) return;
    --wanted_;
    ++busy_;
    lock.unlock();
    (*work_)();
    lock.lock();
    if (--busy_ == 0) through_.notify_one();
  }
}

}  // namespace sparsemark::accelerator
