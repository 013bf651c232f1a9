#include "shared_pages.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

namespace sparsemark {
namespace {

// Makes the file so long, with memory behind all of it: a page that the system does not have would else end
// the process when it is touched.
bool reserve(int descriptor, std::size_t bytes) {
#if defined(__linux__)
  return posix_fallocate(descriptor, 0, static_cast<off_t>(bytes)) == 0;
#else
  struct stat file = {};
  if (fstat(descriptor, &file) != 0) return false;
  return file.st_size >= static_cast<off_t>(bytes) || ftruncate(descriptor, static_cast<off_t>(bytes)) == 0;
#endif
}

}  // namespace

SharedPages::SharedPages(const std::string& path) : descriptor_(open(path.c_str(), O_RDWR | O_CLOEXEC)) {}

SharedPages::~SharedPages() {
  if (descriptor_ >= 0) close(descriptor_);
}

unsigned char* SharedPages::take(std::size_t bytes) {
  if (descriptor_ < 0 || !reserve(descriptor_, next_ + bytes)) return nullptr;
  void* pages =
      mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor_, static_cast<off_t>(next_));
  if (pages == MAP_FAILED) return nullptr;
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  next_ += (bytes + page - 1) / page * page;
  return static_cast<unsigned char*>(pages);
}

void SharedPages::release(unsigned char* pages, std::size_t bytes) { munmap(pages, bytes); }

}  // namespace sparsemark
