// Processing elements that take broadcast work from a queue of their own (EIE, ESE): the exact time at which
// the last one is done, by the recurrence of a tandem of finite queues.
#pragma once

#include <cstdint>

namespace sparsemark::accelerator {

inline constexpr std::int32_t kMostFifoPes = 1024;
inline constexpr std::int32_t kMostFifoDepth = 64;

// `pes` elements whose queues hold `depth` entries, broadcast by broadcast.
class FifoArray {
 public:
  FifoArray(std::int32_t pes, std::int32_t depth) : pes_(pes), depth_(depth) {}

  // counts: the entries that each element works off for this broadcast; one without entries costs a cycle
  // too. It is sent one cycle after the last one, and not before every element has begun the one `depth`
  // before it.
  void broadcast(const std::uint16_t* counts) noexcept;
  // Until the last element is done.
  std::int64_t cycles() const noexcept;

 private:
  std::int32_t pes_;
  std::int32_t depth_;
  // Times are kept relative to `base_`, so that 32 bits do and the inner loop is vectors of them: an element
  // is ahead of the broadcast by at most `depth` entries of 65535.
  std::int32_t free_at_[kMostFifoPes] = {};
  std::int64_t latest_begin_[kMostFifoDepth] = {};
  std::int64_t base_ = 0;
  std::int64_t sent_ = 0;
  std::int32_t slot_ = 0;
};

// Cycles for `steps` broadcasts. counts: steps x pes.
std::int64_t fifo_cycles(const std::uint16_t* counts, std::int64_t steps, std::int32_t pes,
                         std::int32_t depth) noexcept;

}  // namespace sparsemark::accelerator
