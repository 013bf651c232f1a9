// A cache of whole fibers, of any size each: the one that was read the longest ago leaves first.
#pragma once

#include <cstdint>
#include <vector>

namespace sparsemark::accelerator {

class FiberCache {
 public:
  // For fibers 0 to fibers - 1.
  FiberCache(std::int64_t fibers, std::int64_t bytes);

  // Reads a fiber, always of the same size: whether it was there. One larger than the cache passes it by.
  bool read(std::int64_t fiber, std::int64_t bytes);

 private:
  struct Entry {
    std::int64_t older;
    std::int64_t newer;
    std::int64_t bytes;  // 0: not there
  };
  Entry& at(std::int64_t fiber) { return entries_[static_cast<std::size_t>(fiber)]; }
  void unlink(std::int64_t fiber);

  // A ring from the oldest to the newest, closed by the last entry.
  std::vector<Entry> entries_;
  std::int64_t end_;
  std::int64_t bytes_;
  std::int64_t left_;
};

}  // namespace sparsemark::accelerator
