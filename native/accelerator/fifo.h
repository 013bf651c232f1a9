// Processing elements that take broadcast work from a queue of their own (EIE, ESE): the exact time at which
// the last one is done, by the recurrence of a tandem of finite queues.
#pragma once

#include <cstdint>

namespace sparsemark::accelerator {

inline constexpr std::int32_t kMostFifoPes = 1024;
inline constexpr std::int32_t kMostFifoDepth = 64;

// Cycles for `steps` broadcasts to `pes` elements whose queues hold `depth` entries. counts: steps x pes, the
// entries that an element works off for a broadcast; one without entries costs a cycle too. Broadcast j is
// sent one cycle after the last one, and not before every element has begun broadcast j - depth.
std::int64_t fifo_cycles(const std::uint16_t* counts, std::int64_t steps, std::int32_t pes,
                         std::int32_t depth) noexcept;

}  // namespace sparsemark::accelerator
