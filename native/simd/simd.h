// The operations of the instruction set that this file is being compiled for. Every header of this folder
// offers the same names in namespace sparsemark::SPARSEMARK_ISA:
//
//   Vec, kLanes                    a vector of floats and its number of lanes
//   kRegisters                     vectors that the instruction set holds in registers
//   zero() broadcast(x)            all lanes
//   load(p) store(p, v)            kLanes floats at any address
//   keep(v)                        v is in a register here: a load that several operations share is done
//   once,
//                                  where the optimiser would make it a memory operand of each
//   stream(p, v)                   store past the caches where the instruction set can; p lies on a boundary
//   of
//                                  vectors
//   end_stream()                   makes streamed stores visible to whom later stores are visible
//   load_first(p, count)           the first count lanes, the others 0; reads nothing beyond them
//   store_first(p, v, count)       the first count lanes; writes nothing beyond them
//   load_where(p, mask)            lane l = p[l] where bit l is set, else 0; reads nothing else
//   add(a, b)
//   fma(a, b, c)                   a * b + c, one rounding where the instruction set has it
//   even(a, b)                     lanes 0, 2, 4, ... of a, then those of b
//   sum(v)                         of all lanes
//   lane_sums(v)                   lane l = sum(v[l]), of kLanes vectors
//   max(a, b)                      of each lane, neither being NaN
//   select(mask, a, b)             lane l = a where bit l is set, else b
//   scale(v, exponent)             v * 2^exponent for whole exponents, where v and the result are normal
//   gather(base, index)            base[index[lane]], kLanes indices of 32 bits
//   gathers()                      whether that is one instruction here
//   gather_first(base, index, count)  the same for the first count lanes, the others 0; may read base[0] too
//   gather_fields<W>(base, offset, fields)  base[offset[lane] + field number lane of fields], W = 2 or 4 bits
//                                  each
//   gather_u16<S>(base, offset, index)  base[offset[lane] + (number lane of index << S)], kLanes numbers of
//   16
//                                  bits at any address
//   expand(mask, p)                lane l = p[number of mask bits below l] where bit l is set, else 0
//   Four load_four(p) pick<I>(four)  four floats at any address, read at once; all lanes = float I of them
//   spread<R>(p)                   lane l = p[l / R], R = 1, 4, 8 or 16; reads max(kLanes / R, 1) floats
//
// For int8, bytes of B without a sign times signed ones of A:
//
//   Ints                           kLanes integers of 32 bits
//   zero_ints() load_ints(p) store_ints(p, v) store_ints_first(p, v, count) stream_ints(p, v)  as of floats
//   lay_quad(rows, count, out)     count columns of four rows of bytes laid out for dot, where count is less
//                                  than kLanes with zeros behind: kLanes * kQuadBytes bytes; reads count of
//                                  each row
//   Quad, quad(p)                  four signed bytes, as dot takes them
//   dot(tile, quad, sums)          sums[lane] + the sum of the quad's products with the lane's column, exact
#pragma once

#define SPARSEMARK_STRING_(x) #x
#define SPARSEMARK_STRING(x) SPARSEMARK_STRING_(x)
#define SPARSEMARK_ISA_NAME SPARSEMARK_STRING(SPARSEMARK_ISA)

#if defined(SPARSEMARK_ISA_scalar)
#include "scalar.h"
#elif defined(SPARSEMARK_ISA_avx2)
#include "avx2.h"
#elif defined(SPARSEMARK_ISA_avx512)
#include "avx512.h"
#elif defined(SPARSEMARK_ISA_avx512vnni)
#include "avx512vnni.h"
#elif defined(SPARSEMARK_ISA_neon)
#include "neon.h"
#else
#error "SPARSEMARK_ISA_<name> must be defined: scalar, avx2, avx512, avx512vnni or neon"
#endif
