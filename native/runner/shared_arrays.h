// Arrays whose pages another process has too.
//
// Where an array's pages lie in physical memory decides which of its lines share a set of a cache. With B and
// C in pages of both sides but each side's matrix in its own, a csr product at density 0.7 was 4.5 to 5.6 %
// apart between layouts and 5 to 6 % within one (robust standard deviations, 30 layouts, Zen 3); with equal
// pages of the matrix in the same place 1.7 to 2.0 and 1.8 %.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

namespace sparsemark::runner {

// Pages in a file in memory that several processes open. One at a time shares.
class SharedArrays {
 public:
  // A file that exists. With one that cannot be opened every page stays the process's own.
  explicit SharedArrays(const std::string& path);
  ~SharedArrays();
  SharedArrays(const SharedArrays&) = delete;
  SharedArrays& operator=(const SharedArrays&) = delete;

  // Takes the arrays of the range that were allocated since the last call: a page whose content the file has
  // from another process is exchanged for that one, any other joins the file. No page of the file is taken
  // twice, so copies of a matrix stay copies. A page that is written later becomes the process's own again.
  // Nobody may write to the arrays meanwhile. Throws std::system_error where the system grants no mapping.
  void share();

 private:
  void read_new();
  std::size_t place_of(const unsigned char* page, std::size_t expected);

  int descriptor_ = -1;
  std::size_t from_;
  // Bytes of the file that were looked at.
  std::size_t read_ = 0;
  // Pages of other processes that this one has not taken: hash of the content -> offset.
  std::multimap<std::uint64_t, std::size_t> others_;
};

}  // namespace sparsemark::runner
