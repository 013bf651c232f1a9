// Reading the stream of a packed matrix; its layout stands at the head of formats/packed.cc. For kernel files
// only.
#pragma once

#include "kernel.h"

namespace sparsemark::SPARSEMARK_ISA {
namespace {

// A word of the stream: four numbers of 16 bits.
constexpr std::size_t kWordBytes = 8;

[[gnu::always_inline]] inline std::uint64_t word_at(const std::uint8_t* at) {
  std::uint64_t word = 0;
  __builtin_memcpy(&word, at, sizeof(word));
  return word;
}

// Number I of a word.
template <int I>
[[gnu::always_inline]] inline std::size_t number(std::uint64_t word) {
  return word >> (16 * I) & 0xffff;
}

// The words of a stream in turn, each loaded when the one before it is taken: vector loads whose address
// waits for a load in flight keep a Zen 5 at 1.4 loads a cycle; with the addresses known it does 1.6 to 1.8,
// and the loop over alternate columns gains 13 %. Reads a word beyond the last one taken.
class Words {
 public:
  [[gnu::always_inline]] explicit Words(const std::uint8_t* at) : at_(at), next_(word_at(at)) {}

  [[gnu::always_inline]] std::uint64_t take() {
    const std::uint64_t word = next_;
    at_ += kWordBytes;
    next_ = word_at(at_);
    // Here, not where it is used.
    __asm__("" : "+r"(next_));
    return word;
  }

  // Of the word that comes next.
  [[gnu::always_inline]] const std::uint8_t* at() const { return at_; }

 private:
  const std::uint8_t* at_;
  std::uint64_t next_;
};

struct Stream {
  const std::uint8_t* at;
  const float* value;
};

struct Run {
  std::int32_t pairs;  // 0: a single row
  std::int32_t both;   // a multiple of 4
  std::int32_t alternate;
  std::int32_t rest;  // a multiple of 4
};

[[gnu::always_inline]] inline Run take_run(Stream& stream) {
  const std::uint64_t word = word_at(stream.at);
  stream.at += kWordBytes;
  return {static_cast<std::int32_t>(number<0>(word)), static_cast<std::int32_t>(number<1>(word)),
          static_cast<std::int32_t>(number<2>(word)), static_cast<std::int32_t>(number<3>(word))};
}

}  // namespace
}  // namespace sparsemark::SPARSEMARK_ISA
