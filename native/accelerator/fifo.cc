#include "fifo.h"

namespace sparsemark::accelerator {

void FifoArray::broadcast(const std::uint16_t* counts) noexcept {
  sent_ += 1;
  // 0 until the ring is full.
  std::int64_t& slot = latest_begin_[slot_];
  if (slot > sent_) sent_ = slot;
  const auto now = static_cast<std::int32_t>(sent_ - base_);
  std::int32_t latest = 0;
  for (std::int32_t k = 0; k < pes_; ++k) {
    const std::int32_t begin = free_at_[k] > now ? free_at_[k] : now;
    const std::int32_t entries = counts[k];
    free_at_[k] = begin + (entries > 1 ? entries : 1);
    latest = begin > latest ? begin : latest;
  }
  slot = base_ + latest;
  slot_ = slot_ + 1 == depth_ ? 0 : slot_ + 1;
  // Every element is busy until `sent_` at least by now, so that nothing falls below zero.
  if (now > (1 << 29)) {
    for (std::int32_t k = 0; k < pes_; ++k) free_at_[k] -= now;
    base_ = sent_;
  }
}

std::int64_t FifoArray::cycles() const noexcept {
  std::int32_t last = 0;
  for (std::int32_t k = 0; k < pes_; ++k) last = free_at_[k] > last ? free_at_[k] : last;
  return base_ + last;
}

std::int64_t fifo_cycles(const std::uint16_t* counts, std::int64_t steps, std::int32_t pes,
                         std::int32_t depth) noexcept {
  FifoArray array(pes, depth);
  for (std::int64_t j = 0; j < steps; ++j) array.broadcast(counts + j * pes);
  return array.cycles();
}

}  // namespace sparsemark::accelerator
