// A value of bf16 is the upper half of a float's bits.
#pragma once

#include "format.h"

namespace sparsemark::formats {

struct Bf16 {
  // Narrows count values to 2 bytes each. Returns nullptr, or why it cannot.
  static const char* narrow(const float* values, std::size_t count, std::uint8_t* out) {
    for (std::size_t p = 0; p < count; ++p) {
      std::uint32_t bits = 0;
      std::memcpy(&bits, values + p, sizeof(bits));
      if ((bits & 0xffffu) != 0) return "values of more bits than bfloat16 has";
      const std::uint16_t upper = static_cast<std::uint16_t>(bits >> 16);
      std::memcpy(out + 2 * p, &upper, sizeof(upper));
    }
    return nullptr;
  }

  static float widen(const std::uint8_t* at) {
    std::uint16_t upper = 0;
    std::memcpy(&upper, at, sizeof(upper));
    const std::uint32_t bits = static_cast<std::uint32_t>(upper) << 16;
    float value = 0.0f;
    std::memcpy(&value, &bits, sizeof(value));
    return value;
  }
};

}  // namespace sparsemark::formats
