// Which tiles of keys a block of queries meets, and which of its queries each key: the plan of the tiled
// kernels of masked_attention. For kernel files only.
//
// A block is kWidth consecutive queries, a panel kRows consecutive keys. The plan lists for each block its
// panels, in runs of consecutive ones; a slot is a panel's place in that list.
#pragma once

#include "dense_tiles.h"

namespace sparsemark::SPARSEMARK_ISA {
namespace {

// Consecutive panels of a block.
struct Run {
  std::int32_t panel;
  std::int32_t panels;
};

struct AttentionPlan {
  std::int32_t* first_run;   // blocks + 1
  std::int32_t* first_slot;  // blocks + 1
  Run* runs;                 // at most slots
  std::uint32_t* seen;       // kRows a slot: bit q is set where query q of the block sees the key
  std::uint8_t* met;         // keys that any query sees
  std::int64_t bytes;
};

static inline std::int32_t query_blocks(const Encoded& a) { return (a.rows + kWidth - 1) / kWidth; }
static inline std::int32_t key_panels(const Encoded& a) { return (a.cols + kRows - 1) / kRows; }

// Calls visit(block, panel, seen) for the panels of all blocks, ascending; with All also for those that no
// query of the block sees. seen: kRows words as in the plan.
template <bool All, typename Visit>
void visit_panels(const Encoded& a, Visit visit) {
  for (std::int32_t block = 0; block < query_blocks(a); ++block) {
    std::int32_t next[kWidth];
    const std::int32_t row = block * kWidth;
    const std::int32_t rows = a.rows - row < kWidth ? a.rows - row : kWidth;
    for (std::int32_t q = 0; q < rows; ++q) next[q] = a.offsets[row + q];
    for (std::int32_t panel = 0; panel < key_panels(a); ++panel) {
      if constexpr (!All) {
        // The nearest panel that a query has yet to see.
        std::int32_t nearest = key_panels(a);
        for (std::int32_t q = 0; q < rows; ++q) {
          if (next[q] == a.offsets[row + q + 1]) continue;
          const std::int32_t its = a.indices[next[q]] / kRows;
          if (its < nearest) nearest = its;
        }
        panel = nearest;
        if (panel == key_panels(a)) break;
      }
      std::uint32_t seen[kRows] = {};
      const std::int32_t key = panel * kRows;
      for (std::int32_t q = 0; q < rows; ++q) {
        for (; next[q] < a.offsets[row + q + 1] && a.indices[next[q]] - key < kRows; ++next[q]) {
          seen[a.indices[next[q]] - key] |= 1u << q;
        }
      }
      visit(block, panel, seen);
    }
  }
}

// The parts of a plan in its storage, for that many slots.
static inline AttentionPlan plan_at(const Encoded& a, std::int64_t slots, void* storage) {
  const std::int64_t blocks = query_blocks(a) + 1LL;
  AttentionPlan plan;
  plan.first_run = static_cast<std::int32_t*>(storage);
  plan.first_slot = plan.first_run + blocks;
  plan.runs = reinterpret_cast<Run*>(plan.first_slot + blocks);
  plan.seen = reinterpret_cast<std::uint32_t*>(plan.runs + slots);
  plan.met = reinterpret_cast<std::uint8_t*>(plan.seen + slots * kRows);
  plan.bytes = blocks * 8 + slots * (8 + 4LL * kRows) + a.cols;
  return plan;
}

template <bool All>
std::int64_t count_slots(const Encoded& a) {
  if (All) return static_cast<std::int64_t>(query_blocks(a)) * key_panels(a);
  std::int64_t slots = 0;
  visit_panels<All>(a, [&](std::int32_t, std::int32_t, const std::uint32_t*) { ++slots; });
  return slots;
}

template <bool All>
std::int64_t attention_plan_bytes(const Encoded& a, std::int32_t) {
  // The number of slots stands before the parts, on a line of its own.
  alignas(kAlignment) char nothing[kAlignment];
  return static_cast<std::int64_t>(kAlignment) + plan_at(a, count_slots<All>(a), nothing).bytes;
}

// The storage is zero.
template <bool All>
void make_attention_plan(const Encoded& a, std::int32_t, void* storage) {
  const std::int64_t slots = count_slots<All>(a);
  *static_cast<std::int64_t*>(storage) = slots;
  AttentionPlan plan = plan_at(a, slots, static_cast<char*>(storage) + kAlignment);
  std::int32_t slot = 0;
  std::int32_t run = -1;
  std::int32_t run_block = -1;
  visit_panels<All>(a, [&](std::int32_t block, std::int32_t panel, const std::uint32_t* seen) {
    if (run_block == block && plan.runs[run].panel + plan.runs[run].panels == panel) {
      ++plan.runs[run].panels;
    } else {
      plan.runs[++run] = {panel, 1};
      run_block = block;
    }
    for (std::int32_t r = 0; r < kRows; ++r) {
      plan.seen[static_cast<std::int64_t>(slot) * kRows + r] = seen[r];
      if (seen[r] != 0) plan.met[panel * kRows + r] = 1;
    }
    ++slot;
    plan.first_run[block + 1] = run + 1;
    plan.first_slot[block + 1] = slot;
  });
  // Blocks that see nothing begin where the ones before end.
  for (std::int32_t block = 0; block < query_blocks(a); ++block) {
    if (plan.first_slot[block + 1] == 0) {
      plan.first_run[block + 1] = plan.first_run[block];
      plan.first_slot[block + 1] = plan.first_slot[block];
    }
  }
}

static inline AttentionPlan attention_plan(const Encoded& a, const void* storage) {
  // Only read from here on.
  char* at = static_cast<char*>(const_cast<void*>(storage));
  return plan_at(a, *reinterpret_cast<const std::int64_t*>(at), at + kAlignment);
}

}  // namespace
}  // namespace sparsemark::SPARSEMARK_ISA
