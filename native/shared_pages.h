// Pages of memory that several processes have at once. Knows no Node.
//
// Where an operand's pages lie in physical memory decides which lines of it share a set of a cache: the same
// product on the same operands was 2 to 7 % apart in two processes. Two processes that hold B and C in the
// same pages pay the same for their place.
#pragma once

#include <cstddef>
#include <string>

namespace sparsemark {

// A file in memory, given out piece by piece. Processes that take the same sizes in the same order get the
// same pages.
class SharedPages {
 public:
  // A file that exists. One that cannot be opened has no pages.
  explicit SharedPages(const std::string& path);
  ~SharedPages();
  SharedPages(const SharedPages&) = delete;
  SharedPages& operator=(const SharedPages&) = delete;

  // The next bytes, on a page of their own, until release(). nullptr where there are none.
  unsigned char* take(std::size_t bytes);
  static void release(unsigned char* pages, std::size_t bytes);
  // The next piece is the first one again.
  void rewind() { next_ = 0; }

 private:
  int descriptor_ = -1;
  std::size_t next_ = 0;
};

}  // namespace sparsemark
