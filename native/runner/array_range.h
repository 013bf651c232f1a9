// Big arrays of this process in a range of addresses of their own, so that they can be found. Knows no
// library.
//
// The range is filled by malloc and its family, which this program defines for everything that it opens; what
// a library gets from the system by itself is not in it.
#pragma once

#include <cstddef>
#include <vector>

namespace sparsemark::runner {

// An array's whole pages.
struct ArrayPages {
  unsigned char* begin = nullptr;
  std::size_t bytes = 0;
};

inline constexpr std::size_t kPageBytes = 4096;

// While one lives, arrays of 128 KiB to 4 MiB that this process allocates lie in the range: a smaller one
// shares its pages with others, a bigger one asks for huge pages, which cannot be taken apart. Only while
// something is made, not while it is timed: each array costs calls of the system, and its addresses are never
// used again. Changes nothing where the system has no such range, or under a sanitizer.
class ArraysInRange {
 public:
  explicit ArraysInRange(bool is_wanted);
  ~ArraysInRange();
  ArraysInRange(const ArraysInRange&) = delete;
  ArraysInRange& operator=(const ArraysInRange&) = delete;
};

// Where the next array will lie, counted from the range's begin.
std::size_t end_of_range();

// Arrays that lie from there on and were not freed; `from` becomes the range's end.
std::vector<ArrayPages> arrays_in_range(std::size_t& from);

}  // namespace sparsemark::runner
