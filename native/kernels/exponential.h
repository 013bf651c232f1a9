// e^x of vectors. For kernel files only.
#pragma once

#include "../simd/simd.h"

namespace sparsemark::SPARSEMARK_ISA {
namespace {

// e^x for x up to about 0, as softmax has it; below -87, where the result leaves the normal numbers, e^-87 =
// 1.6e-38.
//
// x = k ln 2 + r with |r| <= ln 2 / 2, k rounded by adding 1.5 * 2^23. e^r = 1 + r + r^2 q(r), q of degree 4
// minimises the largest relative error: 2^-28 with these coefficients in single precision (fitted by
// iteratively reweighted least squares). ln 2 is split so that k times its upper 10 bits is exact. Relative
// error with all roundings at most 1.43 * 2^-24, with FMA and without, over every float of [-87, 0].
static inline Vec exponential(Vec x) {
  const Vec inside = max(x, broadcast(-87.0f));
  const Vec shift = broadcast(0x1.8p23f);
  const Vec k = fma(inside, broadcast(0x1.715476p0f), shift) - shift;
  const Vec rough = fma(k, broadcast(-0x1.63p-1f), inside);
  const Vec r = fma(k, broadcast(0x1.bd0106p-13f), rough);
  Vec q = broadcast(0x1.6a23d0p-10f);
  q = fma(q, r, broadcast(0x1.123a20p-7f));
  q = fma(q, r, broadcast(0x1.5558f2p-5f));
  q = fma(q, r, broadcast(0x1.555492p-3f));
  q = fma(q, r, broadcast(0x1.fffffcp-2f));
  return scale(add(broadcast(1.0f), fma(r * r, q, r)), k);
}

}  // namespace
}  // namespace sparsemark::SPARSEMARK_ISA
