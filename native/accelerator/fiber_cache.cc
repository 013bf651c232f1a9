#include "fiber_cache.h"

namespace sparsemark::accelerator {

FiberCache::FiberCache(std::int64_t fibers, std::int64_t bytes)
    : entries_(static_cast<std::size_t>(fibers) + 1, Entry{0, 0, 0}),
      end_(fibers),
      bytes_(bytes),
      left_(bytes) {
  at(end_) = {end_, end_, 0};
}

void FiberCache::unlink(std::int64_t fiber) {
  const Entry& entry = at(fiber);
  at(entry.older).newer = entry.newer;
  at(entry.newer).older = entry.older;
}

bool FiberCache::read(std::int64_t fiber, std::int64_t bytes) {
  const bool there = at(fiber).bytes > 0;
  if (there) {
    unlink(fiber);
  } else {
    // An empty fiber takes no room.
    if (bytes <= 0) return true;
    if (bytes > bytes_) return false;
    while (left_ < bytes) {
      const std::int64_t oldest = at(end_).newer;
      unlink(oldest);
      left_ += at(oldest).bytes;
      at(oldest).bytes = 0;
    }
    left_ -= bytes;
  }
  const std::int64_t newest = at(end_).older;
  at(fiber) = {newest, end_, bytes};
  at(newest).newer = fiber;
  at(end_).older = fiber;
  return there;
}

}  // namespace sparsemark::accelerator
