// What formats of int8 have in common: which matrices they hold.
#pragma once

#include "format.h"

namespace sparsemark::formats {

// nullptr, or why no format of int8 holds the matrix: a value that is not a whole number of -127..127, or a
// row so heavy that a sum of its products with bytes of up to 255 may leave 32 bits.
inline const char* refuse_int8(const Csr& csr) {
  for (std::int32_t i = 0; i < csr.rows; ++i) {
    std::int64_t magnitudes = 0;
    for (std::int32_t p = csr.row_offsets[i]; p < csr.row_offsets[i + 1]; ++p) {
      const float value = csr.values[p];
      if (!(value >= -127.0f && value <= 127.0f)) return "values that are not whole numbers from -127 to 127";
      const int whole = static_cast<int>(value);
      if (static_cast<float>(whole) != value) return "values that are not whole numbers from -127 to 127";
      magnitudes += whole < 0 ? -whole : whole;
    }
    if (magnitudes * 255 > INT32_MAX) return "a row whose sums may leave 32 bits";
  }
  return nullptr;
}

}  // namespace sparsemark::formats
