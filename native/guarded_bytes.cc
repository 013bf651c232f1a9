#include "guarded_bytes.h"

#include <cstdlib>
#include <cstring>
#include <new>

#include "matrix.h"
#include "shared_pages.h"

namespace sparsemark {
namespace {

constexpr std::size_t kCanaryBytes = 4096;
// Four of them are a NaN: a kernel that reads beyond B and uses what it finds gives a wrong answer.
constexpr unsigned char kCanary = 0xFF;
constexpr std::size_t kHugePage = std::size_t{2} << 20;

}  // namespace

GuardedBytes::GuardedBytes(std::size_t size, SharedPages* pages) : size_(size) {
  const std::size_t payload = (size + kAlignment - 1) / kAlignment * kAlignment;
  const bool huge = payload >= 2 * kHugePage;
  const std::size_t unit = huge ? kHugePage : kCanaryBytes;
  block_bytes_ = (payload + 2 * kCanaryBytes + unit - 1) / unit * unit;
  if (pages != nullptr && !huge) block_ = pages->take(block_bytes_);
  is_shared_ = block_ != nullptr;
  if (!is_shared_) block_ = static_cast<unsigned char*>(std::aligned_alloc(unit, block_bytes_));
  if (block_ == nullptr) throw std::bad_alloc();
#if defined(__linux__)
  // 4 KiB pages cost TLB misses on operands of many megabytes; the kernel grants huge ones on request.
  if (huge) madvise(block_, block_bytes_, MADV_HUGEPAGE);
#endif
  std::memset(block_, kCanary, block_bytes_);
  data_ = block_ + kCanaryBytes;
}

GuardedBytes::~GuardedBytes() {
  if (is_shared_) {
    SharedPages::release(block_, block_bytes_);
  } else {
    std::free(block_);
  }
}

bool GuardedBytes::intact() const {
  for (const unsigned char* p = block_; p < data_; ++p) {
    if (*p != kCanary) return false;
  }
  for (const unsigned char* p = data_ + size_; p < block_ + block_bytes_; ++p) {
    if (*p != kCanary) return false;
  }
  return true;
}

}  // namespace sparsemark
