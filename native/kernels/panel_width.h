// How many vectors wide a panel of columns is. Knows a vector by its lanes and bytes alone, so that floats
// and numbers of 16 bits share it. For kernel files only.
#pragma once

#include <cstdint>

namespace sparsemark::SPARSEMARK_ISA {
namespace {

// A panel that fits 36 of the usual 32-48 KiB of L1 runs at its bandwidth, twice that of L2; failing that, it
// should leave room in 2 MiB of L2 for A and C.
constexpr std::int64_t kL1Bytes = 36 * 1024;
constexpr std::int64_t kL2Bytes = 1280 * 1024;

// Vectors of columns whose `height` rows stay cached, from 1 to `most`. Narrower than 4 vectors costs more in
// broadcasts than L1 gives.
static inline std::int64_t cached_vectors(std::int32_t height, std::int64_t vector_bytes, std::int64_t most) {
  const std::int64_t bytes = (height < 1 ? 1 : height) * vector_bytes;
  std::int64_t vectors = kL1Bytes / bytes;
  if (vectors < 4) vectors = kL2Bytes / bytes;
  if (vectors < 1) vectors = 1;
  return vectors > most ? most : vectors;
}

// Vectors of the widest of as few panels as cover the columns with `most` vectors each: panels of equal width
// rather than wide ones and a narrow rest.
static inline int even_width(std::int64_t columns, std::int64_t lanes, std::int64_t most) {
  const std::int64_t needed = columns < 1 ? 1 : (columns + lanes - 1) / lanes;
  const std::int64_t panels = (needed + most - 1) / most;
  return static_cast<int>((needed + panels - 1) / panels);
}

}  // namespace
}  // namespace sparsemark::SPARSEMARK_ISA
