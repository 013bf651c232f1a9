// Rows of bits held against one other row: the most positions that any of them shares with it.
#pragma once

#include <cstdint>
#include <vector>

namespace sparsemark::accelerator {

// Sets of rows, each counted together, cut to some points and laid out so that four sets are counted at once.
class MatchRows {
 public:
  // rows: `together` words' beginnings a set, nullptr for a row without a bit. The points begin to
  // end - 1 of them are taken. May throw std::bad_alloc.
  void take(const std::vector<const std::uint64_t*>& rows, std::int64_t together, std::int64_t begin,
            std::int64_t end);
  // The most positions that a set shares with `other` among those points.
  std::int64_t most(const std::uint64_t* other) const noexcept;

 private:
  // Four sets x row of the set x word, the same word of four sets beside each other.
  std::vector<std::uint64_t> words_;
  std::int64_t fours_ = 0;
  std::int64_t together_ = 0;
  std::int64_t first_ = 0;  // word
  std::int64_t width_ = 0;  // words
};

}  // namespace sparsemark::accelerator
