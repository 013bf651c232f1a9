// masked_attention in tiles of dense products, on csr, whose pattern is the mask:
//
//   dense    every tile: the baseline. Not on the format dense, which does not say which zeros are stored.
//   blocked  the tiles that hold a nonzero: masks of windows, triangles and blocks
//
// A block of kWidth queries at a time. Its scores are S^T = K Q^T, a row for each key and the queries side by
// side, so that the softmax is down the rows, without sums across vectors, and its result already is the
// packed operand of O^T = V^T S^T. The masked scores of a tile are computed and count as 0. Keys and values
// are packed in each evaluation: they are activations, as the queries.
#include "attention_plan.h"
#include "exponential.h"
#include "panel.h"
#include "transposed.h"

namespace sparsemark::SPARSEMARK_ISA {
namespace {

constexpr float kLowest = -3.4028234e38f;

std::size_t lines(std::int64_t floats) { return static_cast<std::size_t>((floats + 15) / 16 * 16); }

// Where in the scratch, in floats, what lies: K in panels of kRows keys, V in panels of kRows columns, the
// block's Q, S^T, O^T.
struct Places {
  std::size_t values, queries, scores, sums, end;
};

Places places_of(const Encoded& a, std::int32_t n) {
  const std::int64_t keys = static_cast<std::int64_t>(key_panels(a)) * kRows;
  const std::int64_t panels = (static_cast<std::int64_t>(n) + kRows - 1) / kRows;
  Places at;
  at.values = lines(keys * n);
  at.queries = at.values + lines(panels * kRows * a.cols);
  at.scores = at.queries + lines(static_cast<std::int64_t>(n) * kWidth);
  at.sums = at.scores + lines(keys * kWidth);
  at.end = at.sums + lines(static_cast<std::int64_t>(n) * kWidth);
  return at;
}

std::int64_t scratch_bytes(const Encoded& a, std::int32_t n) {
  return static_cast<std::int64_t>(places_of(a, n).end) * 4;
}

void tiling(const Encoded&, std::int32_t, char* text) {
  append(append(append(append(text, kRows), " keys x "), kWidth), " queries");
}

// V in panels of kRows columns. A key that no query sees weighs 0 in every tile; it is not read, so that what
// is not a number there does not spread.
void pack_values(const float* values, const Encoded& a, std::int32_t n, const std::uint8_t* met, float* out) {
  for (std::int32_t col = 0; col < n; col += kRows) {
    const std::int32_t width = n - col < kRows ? n - col : kRows;
    for (std::int32_t key = 0; key < a.cols; ++key, out += kRows) {
      const float* row = values + static_cast<std::size_t>(key) * static_cast<std::size_t>(n) + col;
      for (std::int32_t v = 0; v < width; ++v) out[v] = met[key] != 0 ? row[v] : 0.0f;
    }
  }
}

// The scores of `keys` keys become weights before their division by `totals`.
void softmax(float* scores, std::int32_t keys, const std::uint32_t* seen, float* totals) {
  Vec most[kVecs];
  Vec total[kVecs];
  for (int v = 0; v < kVecs; ++v) {
    most[v] = broadcast(kLowest);
    total[v] = zero();
  }
  float* row = scores;
  for (std::int32_t key = 0; key < keys; ++key, row += kWidth) {
    for (int v = 0; v < kVecs; ++v) {
      most[v] = max(most[v], select(seen[key] >> (v * kLanes), load(row + v * kLanes), broadcast(kLowest)));
    }
  }
  row = scores;
  for (std::int32_t key = 0; key < keys; ++key, row += kWidth) {
    for (int v = 0; v < kVecs; ++v) {
      const std::uint32_t mask = seen[key] >> (v * kLanes);
      // Of a masked score the difference may be anything.
      const Vec below = select(mask, load(row + v * kLanes) - most[v], zero());
      const Vec kept = select(mask, exponential(below), zero());
      store(row + v * kLanes, kept);
      total[v] = add(total[v], kept);
    }
  }
  for (int v = 0; v < kVecs; ++v) store(totals + v * kLanes, total[v]);
}

void attend(const Operands& o, const Shard& s, const AttentionPlan& plan, std::int32_t block) {
  const Encoded& a = *o.a;
  const std::size_t n = static_cast<std::size_t>(o.n);
  const Places at = places_of(a, o.n);
  float* packed_keys = static_cast<float*>(o.scratch);
  float* packed_values = packed_keys + at.values;
  float* queries = packed_keys + at.queries;
  float* scores = packed_keys + at.scores;
  float* sums = packed_keys + at.sums;
  const std::int32_t row = block * kWidth;
  const std::int32_t rows = a.rows - row < kWidth ? a.rows - row : kWidth;
  const float scale_by = 1.0f / __builtin_sqrtf(static_cast<float>(o.n));
  pack_transposed(o.b + static_cast<std::size_t>(row) * n, rows, n, kWidth, scale_by, queries);

  Tile t;
  t.b = queries;
  t.c = scores;
  t.c_stride = kWidth;
  t.depth = o.n;
  t.last = kLanes;
  t.add = false;
  t.next = queries;  // nothing to prefetch: a line that is at hand
  t.next_stride = 0;
  const Run* const first_run = plan.runs + plan.first_run[block];
  const Run* const end_run = plan.runs + plan.first_run[block + 1];
  std::int32_t keys = 0;
  for (const Run* run = first_run; run < end_run; ++run) {
    for (std::int32_t panel = run->panel; panel < run->panel + run->panels; ++panel) {
      // Only the last panel of all has fewer keys, and it is the last of its block.
      const std::int32_t high = a.cols - panel * kRows < kRows ? a.cols - panel * kRows : kRows;
      t.a = packed_keys + static_cast<std::size_t>(panel) * kRows * n;
      kTiles.packed[high - 1][kVecs - 1](t);
      t.c += kRows * kWidth;
      keys += high;
    }
  }
  alignas(kAlignment) float totals[kWidth];
  softmax(scores, keys, plan.seen + static_cast<std::size_t>(plan.first_slot[block]) * kRows, totals);

  for (std::int32_t col = 0; col < o.n; col += kRows) {
    const std::int32_t high = o.n - col < kRows ? o.n - col : kRows;
    t.c = sums + static_cast<std::size_t>(col) * kWidth;
    t.b = scores;
    for (const Run* run = first_run; run < end_run; ++run) {
      const std::int32_t key = run->panel * kRows;
      const std::int32_t most = run->panels * kRows;
      t.depth = a.cols - key < most ? a.cols - key : most;
      t.a = packed_values + static_cast<std::size_t>(col) * static_cast<std::size_t>(a.cols) +
            static_cast<std::size_t>(key) * kRows;
      t.add = run > first_run;
      kTiles.packed[high - 1][kVecs - 1](t);
      t.b += static_cast<std::size_t>(t.depth) * kWidth;
    }
  }
  // A shard may begin and end inside a block.
  for (std::int32_t q = 0; q < rows; ++q) {
    if (row + q < s.unit_begin || row + q >= s.unit_end) continue;
    float* out = o.c + static_cast<std::size_t>(row + q) * n;
    const bool sees = totals[q] > 0.0f;
    const float share = sees ? 1.0f / totals[q] : 0.0f;
    for (std::size_t col = 0; col < n; ++col) {
      out[col] = sees ? sums[col * kWidth + static_cast<std::size_t>(q)] * share : 0.0f;
    }
  }
}

void run(const Operands& o, const Shard& s) noexcept {
  if (o.n == 0 || s.unit_begin == s.unit_end) return;
  const Encoded& a = *o.a;
  const std::size_t n = static_cast<std::size_t>(o.n);
  const AttentionPlan plan = attention_plan(a, o.plan);
  float* packed_keys = static_cast<float*>(o.scratch);
  for (std::int32_t key = 0; key < a.cols; key += kRows) {
    pack_transposed(o.b2 + static_cast<std::size_t>(key) * n, a.cols - key < kRows ? a.cols - key : kRows, n,
                    kRows, 1.0f, packed_keys + static_cast<std::size_t>(key) * n);
  }
  pack_values(o.b3, a, o.n, plan.met, packed_keys + places_of(a, o.n).values);
  for (std::int32_t block = s.unit_begin / kWidth; block * kWidth < s.unit_end; ++block) {
    attend(o, s, plan, block);
  }
}

template <bool All>
constexpr Kernel kernel_named(const char* name) {
  return {.op = "masked_attention",
          .name = name,
          .format = "csr",
          .isa = SPARSEMARK_ISA_NAME,
          .split = Split::kUnits,
          .dense = All,
          .plan_bytes = attention_plan_bytes<All>,
          .plan = make_attention_plan<All>,
          .scratch_bytes = scratch_bytes,
          .tiling = tiling,
          .run = run};
}

}  // namespace

extern const Kernel masked_attention_dense = kernel_named<true>("dense");
extern const Kernel masked_attention_blocked = kernel_named<false>("blocked");

}  // namespace sparsemark::SPARSEMARK_ISA
