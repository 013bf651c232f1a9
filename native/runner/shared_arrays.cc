#include "shared_arrays.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>
#include <vector>

#include "array_range.h"

namespace sparsemark::runner {
namespace {

// An array in more pieces stays as it is: Linux allows a process 65,530 mappings.
constexpr std::size_t kMostPieces = 256;
constexpr std::size_t kNowhere = SIZE_MAX;

std::uint64_t hash_of(const unsigned char* page) {
  // Eight sums side by side, so that the processor need not wait for one product before the next.
  std::uint64_t sums[8] = {1, 2, 3, 4, 5, 6, 7, 8};
  std::uint64_t words[8];
  for (std::size_t at = 0; at < kPageBytes; at += sizeof(words)) {
    std::memcpy(words, page + at, sizeof(words));
    for (int i = 0; i < 8; ++i) sums[i] = (sums[i] ^ words[i]) * 0x9E3779B97F4A7C15u;
  }
  std::uint64_t hash = 0;
  for (const std::uint64_t sum : sums) hash = (hash ^ (sum >> 29) ^ sum) * 0xBF58476D1CE4E5B9u;
  return hash;
}

bool is_zero(const unsigned char* page) {
  static const unsigned char zeros[kPageBytes] = {};
  return std::memcmp(page, zeros, kPageBytes) == 0;
}

// Pages that lie one after the other in the file as in the array.
struct Piece {
  unsigned char* to;
  std::size_t offset, bytes;
};

}  // namespace

SharedArrays::SharedArrays(const std::string& path)
    : descriptor_(open(path.c_str(), O_RDWR | O_CLOEXEC)), from_(end_of_range()) {}

SharedArrays::~SharedArrays() {
  if (descriptor_ >= 0) close(descriptor_);
}

void SharedArrays::read_new() {
  struct stat file = {};
  if (fstat(descriptor_, &file) != 0) return;
  unsigned char page[kPageBytes];
  for (; read_ + kPageBytes <= static_cast<std::size_t>(file.st_size); read_ += kPageBytes) {
    if (pread(descriptor_, page, kPageBytes, static_cast<off_t>(read_)) != ssize_t{kPageBytes}) return;
    others_.emplace(hash_of(page), read_);
  }
}

// Where the file has this content, at the expected place if it can be; else at its end. kNowhere: it is full.
std::size_t SharedArrays::place_of(const unsigned char* page, std::size_t expected) {
  const auto is_at = [&](std::size_t offset) {
    unsigned char held[kPageBytes];
    return pread(descriptor_, held, kPageBytes, static_cast<off_t>(offset)) == ssize_t{kPageBytes} &&
           std::memcmp(held, page, kPageBytes) == 0;
  };
  const auto [first, last] = others_.equal_range(hash_of(page));
  // The first one else: both sides prepare their cells in the same order.
  auto found = first;
  for (auto at = first; at != last; ++at) {
    if (at->second == expected) found = at;
  }
  if (found != last && is_at(found->second)) {
    const std::size_t offset = found->second;
    others_.erase(found);
    return offset;
  }
  if (pwrite(descriptor_, page, kPageBytes, static_cast<off_t>(read_)) != ssize_t{kPageBytes})
    return kNowhere;
  read_ += kPageBytes;
  return read_ - kPageBytes;
}

void SharedArrays::share() {
  if (descriptor_ < 0) return;
  read_new();
  std::size_t expected = kNowhere;
  for (const ArrayPages& array : arrays_in_range(from_)) {
    std::vector<Piece> pieces;
    for (unsigned char* page = array.begin; page < array.begin + array.bytes; page += kPageBytes) {
      if (is_zero(page)) continue;
      const std::size_t offset = place_of(page, expected);
      if (offset == kNowhere) continue;
      expected = offset + kPageBytes;
      Piece* before = pieces.empty() ? nullptr : &pieces.back();
      if (before != nullptr && before->to + before->bytes == page &&
          before->offset + before->bytes == offset) {
        before->bytes += kPageBytes;
      } else {
        pieces.push_back({page, offset, kPageBytes});
      }
    }
    if (pieces.size() > kMostPieces) continue;
    for (const Piece& piece : pieces) {
      if (mmap(piece.to, piece.bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED, descriptor_,
               static_cast<off_t>(piece.offset)) == MAP_FAILED) {
        throw std::system_error(errno, std::generic_category(), "mapping pages of a matrix");
      }
    }
  }
}

}  // namespace sparsemark::runner
