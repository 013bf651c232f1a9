// Native memory for operands, watched at both ends. Knows no Node.
#pragma once

#include <cstddef>

namespace sparsemark {

class SharedPages;

// Bytes on a 64-byte boundary between two canaries; a big array asks for huge pages. Throws std::bad_alloc.
// `pages`: where they are taken from, if there are any left; a big array is the process's own. Other
// processes that took the same bytes see what is written there.
class GuardedBytes {
 public:
  explicit GuardedBytes(std::size_t size, SharedPages* pages = nullptr);
  ~GuardedBytes();
  GuardedBytes(const GuardedBytes&) = delete;
  GuardedBytes& operator=(const GuardedBytes&) = delete;

  unsigned char* data() { return data_; }
  const unsigned char* data() const { return data_; }
  std::size_t size() const { return size_; }
  bool intact() const;

 private:
  unsigned char* block_ = nullptr;
  std::size_t block_bytes_ = 0;
  unsigned char* data_ = nullptr;
  std::size_t size_ = 0;
  bool is_shared_ = false;
};

}  // namespace sparsemark
