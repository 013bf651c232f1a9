// Reading the stream of a packed matrix; its layout stands at the head of formats/packed.cc. For kernel files
// only.
#pragma once

#include "kernel.h"

namespace sparsemark::SPARSEMARK_ISA {
namespace {

// A number of the stream.
[[gnu::always_inline]] inline std::size_t half(const std::uint8_t* at) {
  std::uint16_t number = 0;
  __builtin_memcpy(&number, at, sizeof(number));
  return number;
}

struct Stream {
  const std::uint8_t* at;
  const float* value;
};

struct Run {
  std::int32_t pairs;  // 0: a single row of length rest
  std::int32_t both;
  std::int32_t alternate;
  std::int32_t rest;
};

[[gnu::always_inline]] inline Run take_run(Stream& stream) {
  const std::uint8_t* at = stream.at;
  stream.at += 8;
  return {static_cast<std::int32_t>(half(at)), static_cast<std::int32_t>(half(at + 2)),
          static_cast<std::int32_t>(half(at + 4)), static_cast<std::int32_t>(half(at + 6))};
}

}  // namespace
}  // namespace sparsemark::SPARSEMARK_ISA
