// A value of f16 is IEEE 754's binary16: a sign, 5 bits of exponent, 10 of fraction.
#pragma once

#include "format.h"

namespace sparsemark::formats {

struct F16 {
  // Narrows count values to 2 bytes each. Returns nullptr, or why it cannot: nothing is rounded, so that a
  // number beyond 65504 is refused and does not become infinity. Infinity itself and NaN with up to 10 bits
  // of payload are values.
  static const char* narrow(const float* values, std::size_t count, std::uint8_t* out) {
    for (std::size_t p = 0; p < count; ++p) {
      std::uint32_t bits = 0;
      std::memcpy(&bits, values + p, sizeof(bits));
      std::uint32_t half = bits >> 16 & 0x8000u;
      const std::uint32_t magnitude = bits & 0x7fffffffu;
      if (magnitude >= 0x7f800000u) {
        half |= 0x7c00u | (magnitude >> 13 & 0x3ffu);
      } else if (magnitude >= 0x38800000u) {  // 2^-14, the least normal number
        if (magnitude >= 0x47800000u) return "values beyond 65504, the largest of float16";
        half |= (magnitude - 0x38000000u) >> 13;
      } else if (magnitude >= 0x33800000u) {  // 2^-24, the least denormal: a fraction that counts these
        half |= (0x800000u | (magnitude & 0x7fffffu)) >> (126 - (magnitude >> 23));
      }
      const std::uint16_t narrow = static_cast<std::uint16_t>(half);
      std::memcpy(out + 2 * p, &narrow, sizeof(narrow));
      const float back = widen(out + 2 * p);
      if (std::memcmp(&back, values + p, sizeof(back)) != 0) return "values of more bits than float16 has";
    }
    return nullptr;
  }

  static float widen(const std::uint8_t* at) {
    std::uint16_t half = 0;
    std::memcpy(&half, at, sizeof(half));
    const std::uint32_t sign = static_cast<std::uint32_t>(half & 0x8000) << 16;
    std::uint32_t bits = (half & 0x7fffu) << 13;
    if (bits >= 0x0f800000u) {
      bits += 0x70000000u;  // infinity and NaN keep their fraction
    } else if (bits >= 0x00800000u) {
      bits += 0x38000000u;
    } else {
      const float denormal = static_cast<float>(half & 0x3ffu) * 0x1p-24f;
      std::memcpy(&bits, &denormal, sizeof(bits));
    }
    bits |= sign;
    float value = 0.0f;
    std::memcpy(&value, &bits, sizeof(value));
    return value;
  }
};

}  // namespace sparsemark::formats
