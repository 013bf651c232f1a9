#include "fifo.h"

#include <limits>

namespace sparsemark::accelerator {
namespace {

// Elements begin at once or when they are free; returns when the last one begins, after now. passed: cycles
// since the last broadcast.
template <typename Time>
std::int64_t begin_all(Time* free_in, const std::uint16_t* counts, std::int32_t pes, std::int64_t passed) {
  constexpr std::int64_t kMost = std::numeric_limits<Time>::max();
  const auto since = static_cast<Time>(passed < kMost ? passed : kMost);
  Time latest = 0;
  for (std::int32_t k = 0; k < pes; ++k) {
    const Time begin = static_cast<Time>((free_in[k] > since ? free_in[k] : since) - since);
    const auto entries = static_cast<Time>(counts[k]);
    free_in[k] = static_cast<Time>(begin + (entries > 1 ? entries : 1));
    latest = begin > latest ? begin : latest;
  }
  return latest;
}

template <typename Time>
std::int64_t last_of(const Time* free_in, std::int32_t pes) {
  Time last = 0;
  for (std::int32_t k = 0; k < pes; ++k) last = free_in[k] > last ? free_in[k] : last;
  return last;
}

}  // namespace

FifoArray::FifoArray(std::int32_t pes, std::int32_t depth, std::int32_t most)
    : pes_(pes),
      depth_(depth),
      narrow_(static_cast<std::int64_t>(most > 1 ? most : 1) * (depth + 1) <=
              std::numeric_limits<std::int16_t>::max()) {}

void FifoArray::broadcast(const std::uint16_t* counts) noexcept {
  const std::int64_t before = sent_;
  sent_ += 1;
  // 0 until the ring is full.
  std::int64_t& slot = latest_begin_[slot_];
  if (slot > sent_) sent_ = slot;
  const std::int64_t passed = sent_ - before;
  slot = sent_ + (narrow_ ? begin_all(free_in_, counts, pes_, passed)
                          : begin_all(wide_free_in_, counts, pes_, passed));
  slot_ = slot_ + 1 == depth_ ? 0 : slot_ + 1;
}

std::int64_t FifoArray::cycles() const noexcept {
  return sent_ + (narrow_ ? last_of(free_in_, pes_) : last_of(wide_free_in_, pes_));
}

std::int64_t fifo_cycles(const std::uint16_t* counts, std::int64_t steps, std::int32_t pes,
                         std::int32_t depth) noexcept {
  std::int32_t most = 0;
  for (std::int64_t i = 0; i < steps * pes; ++i) most = counts[i] > most ? counts[i] : most;
  FifoArray array(pes, depth, most);
  for (std::int64_t j = 0; j < steps; ++j) array.broadcast(counts + j * pes);
  return array.cycles();
}

}  // namespace sparsemark::accelerator
