// How much of C goes past the caches, where a product writes it once and on vectors' boundaries. Stands below
// the header of an instruction set. For kernel files only.
//
// All of it, where B and C leave kCacheBytes: a line that is stored is read first and written back later. On
// a Zen 5, packed and blocks of 4 x 4 and 16 x 1, 5 layers with k of 64 and 128, it gains 4 to 18 %, with
// AVX2 0 to 17 %; 256 x 64 x 3136 at 0.9 took 145 us instead of 251 on a Xeon.
//
// Every other row, where the product is faster than memory (simd/near_l3.h): L3 takes the others meanwhile.
// With 3 nonzeros a row of A packed runs at 1.2 to 1.5 of streaming all, blocks at 1.2 to 1.9; of streaming
// none at 1.06 to 1.1 and 0.99 to 1.15. With 6, of streaming all, packed 0.9 to 1.1 (AVX2 0.9 to 1.0), blocks
// 0.96 to 1.5. int8 in blocks of 1 x 4 with 2 to 5 of them a row 1.2 to 2.0.
#pragma once

#include "../simd/near_l3.h"
#include "kernel.h"

namespace sparsemark::SPARSEMARK_ISA {
namespace {

// Of a private L2 of 1 or 2 MiB.
constexpr std::int64_t kCacheBytes = 1 << 20;

enum class Streamed : std::int8_t { kNone, kAll, kHalf };

// products: of vectors, of all of A for one vector of columns.
static inline Streamed streamed(std::int64_t rows, std::int64_t cols, std::int64_t products, std::int32_t n) {
  if ((rows + cols) * n * 4 <= kCacheBytes) return Streamed::kNone;
  return products * 16 < rows * kLanes * products_a_streamed_line ? Streamed::kHalf : Streamed::kAll;
}

static inline const char* say_streamed(Streamed streamed) {
  return streamed == Streamed::kAll    ? ", C streamed"
         : streamed == Streamed::kHalf ? ", half of C streamed"
                                       : "";
}

}  // namespace
}  // namespace sparsemark::SPARSEMARK_ISA
