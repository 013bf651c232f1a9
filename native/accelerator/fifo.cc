#include "fifo.h"

namespace sparsemark::accelerator {

std::int64_t fifo_cycles(const std::uint16_t* counts, std::int64_t steps, std::int32_t pes,
                         std::int32_t depth) noexcept {
  // Times are kept relative to `base`, so that 32 bits do and the inner loop is vectors of them: an element
  // is ahead of the broadcast by at most `depth` entries of 65535.
  std::int32_t free_at[kMostFifoPes] = {};
  std::int64_t latest_begin[kMostFifoDepth] = {};
  std::int64_t base = 0;
  std::int64_t sent = 0;
  for (std::int64_t j = 0; j < steps; ++j) {
    sent += 1;
    std::int64_t& slot = latest_begin[j % depth];
    if (j >= depth && slot > sent) sent = slot;
    const auto now = static_cast<std::int32_t>(sent - base);
    const std::uint16_t* of_step = counts + j * pes;
    std::int32_t latest = 0;
    for (std::int32_t k = 0; k < pes; ++k) {
      const std::int32_t begin = free_at[k] > now ? free_at[k] : now;
      const std::int32_t entries = of_step[k];
      free_at[k] = begin + (entries > 1 ? entries : 1);
      latest = begin > latest ? begin : latest;
    }
    slot = base + latest;
    // Every element is busy until `sent` at least by now, so that nothing falls below zero.
    if (now > (1 << 29)) {
      for (std::int32_t k = 0; k < pes; ++k) free_at[k] -= now;
      base = sent;
    }
  }
  std::int32_t last = 0;
  for (std::int32_t k = 0; k < pes; ++k) last = free_at[k] > last ? free_at[k] : last;
  return base + last;
}

}  // namespace sparsemark::accelerator
