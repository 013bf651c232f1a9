// Processing elements that take broadcast work from a queue of their own (EIE, ESE): the exact time at which
// the last one is done, by the recurrence of a tandem of finite queues.
#pragma once

#include <cstdint>

namespace sparsemark::accelerator {

inline constexpr std::int32_t kMostFifoPes = 1024;
inline constexpr std::int32_t kMostFifoDepth = 64;

// `pes` elements whose queues hold `depth` entries, broadcast by broadcast. `most`: no count is larger.
class FifoArray {
 public:
  FifoArray(std::int32_t pes, std::int32_t depth, std::int32_t most = 65535);

  // counts: the entries that each element works off for this broadcast; one without entries costs a cycle
  // too. It is sent one cycle after the last one, and not before every element has begun the one `depth`
  // before it.
  void broadcast(const std::uint16_t* counts) noexcept;
  // Until the last element is done.
  std::int64_t cycles() const noexcept;

 private:
  std::int32_t pes_;
  std::int32_t depth_;
  // Cycles after `sent_` in which elements will be free: at most the entries of `depth` + 1 broadcasts, so
  // that 16 bits do for most arrays. Vectors have twice as many of them, and a maximum of them even in SSE2:
  // 64 elements take 11 ns a broadcast, of 32 bits 22.
  bool narrow_;
  alignas(64) std::int16_t free_in_[kMostFifoPes] = {};
  std::int32_t wide_free_in_[kMostFifoPes] = {};
  std::int64_t latest_begin_[kMostFifoDepth] = {};
  std::int64_t sent_ = 0;
  std::int32_t slot_ = 0;
};

// Cycles for `steps` broadcasts. counts: steps x pes.
std::int64_t fifo_cycles(const std::uint16_t* counts, std::int64_t steps, std::int32_t pes,
                         std::int32_t depth) noexcept;

}  // namespace sparsemark::accelerator
