// Whether lines are better left to the L3 of this CPU than sent to memory.
#pragma once

#include <cstdint>

namespace sparsemark {

// Where L3 is near, as on AMD: products of vectors that a core does while a line of 64 bytes streams to
// memory. Fewer for each line, and memory is what a product that streams all it writes would wait for. On a
// Zen 5 L3 takes 128 GB/s of a core and memory 44; on a Zen 3 17 products a line were too few and 43 enough.
// 0 where L3 is far: on Intel's Emerald Rapids it does 29 GB/s, no more than memory.
extern const std::int32_t products_a_streamed_line;

}  // namespace sparsemark
