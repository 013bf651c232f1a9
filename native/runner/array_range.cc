#include "array_range.h"

#include <cstdlib>

// A sanitizer has a malloc of its own.
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define SPARSEMARK_SANITIZED
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SPARSEMARK_SANITIZED
#endif

#if defined(__linux__) && defined(__GLIBC__) && !defined(SPARSEMARK_SANITIZED)

#include <dlfcn.h>
#include <errno.h>
#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstring>

extern "C" {
void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);
void* __libc_memalign(std::size_t, std::size_t);
void __libc_free(void*);
}

namespace sparsemark::runner {
namespace {

constexpr std::size_t kLeastBytes = std::size_t{128} << 10;
constexpr std::size_t kMostBytes = std::size_t{4} << 20;
constexpr std::size_t kRangeBytes = std::size_t{64} << 30;
// glibc gives an array of pages of its own this place in them: its header and the alignment of the first
// line.
constexpr std::size_t kLeadBytes = 64;
constexpr std::uint32_t kFreed = std::uint32_t{1} << 31;

std::atomic<unsigned char*> range{nullptr};
// Pages of the array that begins at each page of the range, with kFreed once it was given back.
std::atomic<std::uint32_t>* lengths = nullptr;
std::atomic<std::size_t> used_bytes{0};
std::atomic<bool> is_open{false};

void* reserve(std::size_t bytes, int protection) {
  void* made = mmap(nullptr, bytes, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return made == MAP_FAILED ? nullptr : made;
}

bool is_in_range(const void* p) {
  const unsigned char* begin = range.load(std::memory_order_acquire);
  return begin != nullptr && p >= begin && p < begin + kRangeBytes;
}

// nullptr: not for the range.
void* take(std::size_t alignment, std::size_t size) {
  if (!is_open.load(std::memory_order_acquire)) return nullptr;
  if (size < kLeastBytes || size > kMostBytes || alignment > kPageBytes) return nullptr;
  const std::size_t lead = alignment > kLeadBytes ? 0 : kLeadBytes;
  const std::size_t bytes = (lead + size + kPageBytes - 1) / kPageBytes * kPageBytes;
  const std::size_t at = used_bytes.fetch_add(bytes);
  if (at + bytes > kRangeBytes) return nullptr;
  unsigned char* begin = range.load(std::memory_order_acquire) + at;
  // What may be written counts to the process's limit, so not the whole range from the first.
  if (mprotect(begin, bytes, PROT_READ | PROT_WRITE) != 0) return nullptr;
  lengths[at / kPageBytes].store(static_cast<std::uint32_t>(bytes / kPageBytes), std::memory_order_release);
  return begin + lead;
}

std::size_t offset_of(const void* p) {
  return static_cast<std::size_t>(static_cast<const unsigned char*>(p) - range.load());
}

void give_back(void* p) {
  const std::size_t page = offset_of(p) / kPageBytes;
  const std::uint32_t pages = lengths[page].fetch_or(kFreed);
  mmap(range.load() + page * kPageBytes, pages * kPageBytes, PROT_NONE,
       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
}

std::size_t usable_bytes(const void* p) {
  const std::size_t offset = offset_of(p);
  return lengths[offset / kPageBytes].load() * kPageBytes - offset % kPageBytes;
}

void* allocate(std::size_t alignment, std::size_t size) {
  void* taken = take(alignment, size);
  return taken != nullptr ? taken : __libc_memalign(alignment, size);
}

}  // namespace

ArraysInRange::ArraysInRange(bool is_wanted) {
  if (!is_wanted) return;
  static const bool is_reserved = [] {
    if (sysconf(_SC_PAGESIZE) != static_cast<long>(kPageBytes)) return false;
    lengths = static_cast<std::atomic<std::uint32_t>*>(
        reserve(kRangeBytes / kPageBytes * sizeof(std::uint32_t), PROT_READ | PROT_WRITE));
    auto* begin = static_cast<unsigned char*>(reserve(kRangeBytes, PROT_NONE));
    if (lengths != nullptr) range.store(begin, std::memory_order_release);
    return lengths != nullptr && begin != nullptr;
  }();
  is_open.store(is_reserved, std::memory_order_release);
}

ArraysInRange::~ArraysInRange() { is_open.store(false, std::memory_order_release); }

std::size_t end_of_range() { return std::min(used_bytes.load(), kRangeBytes); }

std::vector<ArrayPages> arrays_in_range(std::size_t& from) {
  std::vector<ArrayPages> found;
  while (range.load() != nullptr && from < end_of_range()) {
    const std::uint32_t entry = lengths[from / kPageBytes].load(std::memory_order_acquire);
    const std::size_t bytes = (entry & ~kFreed) * kPageBytes;
    // Another thread is about to have it, or the rest was too small for an array.
    if (bytes == 0) break;
    if ((entry & kFreed) == 0) found.push_back({range.load() + from, bytes});
    from += bytes;
  }
  return found;
}

}  // namespace sparsemark::runner

// The functions that glibc asks a replacement of its malloc to define, for every library of this process.
#pragma GCC visibility push(default)
extern "C" {

using namespace sparsemark::runner;

void* malloc(std::size_t size) noexcept {
  void* taken = take(alignof(std::max_align_t), size);
  return taken != nullptr ? taken : __libc_malloc(size);
}

void free(void* p) noexcept {
  if (is_in_range(p)) {
    give_back(p);
  } else {
    __libc_free(p);
  }
}

void* calloc(std::size_t count, std::size_t size) noexcept {
  std::size_t bytes = 0;
  if (__builtin_mul_overflow(count, size, &bytes)) return __libc_calloc(count, size);
  // Pages of the range are zero when they are new, and each is given out once.
  void* taken = take(alignof(std::max_align_t), bytes);
  return taken != nullptr ? taken : __libc_calloc(count, size);
}

void* realloc(void* p, std::size_t size) noexcept {
  if (!is_in_range(p)) return __libc_realloc(p, size);
  void* moved = size == 0 ? nullptr : malloc(size);
  if (moved != nullptr) {
    const std::size_t bytes = usable_bytes(p);
    std::memcpy(moved, p, bytes < size ? bytes : size);
  }
  if (moved != nullptr || size == 0) free(p);
  return moved;
}

void* memalign(std::size_t alignment, std::size_t size) noexcept { return allocate(alignment, size); }

void* aligned_alloc(std::size_t alignment, std::size_t size) noexcept { return allocate(alignment, size); }

int posix_memalign(void** made, std::size_t alignment, std::size_t size) noexcept {
  if (alignment % sizeof(void*) != 0 || (alignment & (alignment - 1)) != 0 || alignment == 0) return EINVAL;
  void* p = allocate(alignment, size);
  if (p == nullptr) return ENOMEM;
  *made = p;
  return 0;
}

std::size_t malloc_usable_size(void* p) noexcept {
  if (is_in_range(p)) return usable_bytes(p);
  using UsableSize = std::size_t (*)(void*);
  static const auto libc = reinterpret_cast<UsableSize>(dlsym(RTLD_NEXT, "malloc_usable_size"));
  return libc(p);
}

}  // extern "C"
#pragma GCC visibility pop

#else

namespace sparsemark::runner {

ArraysInRange::ArraysInRange(bool) {}
ArraysInRange::~ArraysInRange() = default;
std::size_t end_of_range() { return 0; }
std::vector<ArrayPages> arrays_in_range(std::size_t&) { return {}; }

}  // namespace sparsemark::runner

#endif
