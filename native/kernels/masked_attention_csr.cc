// masked_attention on csr: a query at a time, in one pass over its keys for the scores, two over the scores
// for the softmax, one over its values. Scores stay in the thread's scratch, k floats.
#include "dots.h"
#include "exponential.h"
#include "pairs.h"

namespace sparsemark::SPARSEMARK_ISA {
namespace {

std::int64_t scratch_bytes(const Encoded& a, std::int32_t) { return a.cols * 4LL; }

// Scores become weights: softmax(scale * score), without overflow since the largest is subtracted first.
void softmax(float* scores, std::int32_t count, float scale_by) {
  const std::int32_t whole = count / kLanes * kLanes;
  const int last = count - whole;
  float largest = scores[0];
  if (whole > 0) {
    Vec most = load(scores);
    for (std::int32_t p = kLanes; p < whole; p += kLanes) most = max(most, load(scores + p));
    float lanes[kLanes];
    store(lanes, most);
    for (int lane = 0; lane < kLanes; ++lane) largest = lanes[lane] > largest ? lanes[lane] : largest;
  }
  for (std::int32_t p = whole; p < count; ++p) largest = scores[p] > largest ? scores[p] : largest;
  const Vec factor = broadcast(scale_by);
  const Vec offset = broadcast(-largest * scale_by);
  Vec total = zero();
  for (std::int32_t p = 0; p < whole; p += kLanes) {
    const Vec weight = exponential(fma(load(scores + p), factor, offset));
    store(scores + p, weight);
    total = add(total, weight);
  }
  if (last > 0) {
    const Vec part = exponential(fma(load_first(scores + whole, last), factor, offset));
    const Vec weight = select((1u << last) - 1u, part, zero());
    store_first(scores + whole, weight, last);
    total = add(total, weight);
  }
  const float share = 1.0f / sum(total);
  const Vec shares = broadcast(share);
  for (std::int32_t p = 0; p < whole; p += kLanes) store(scores + p, load(scores + p) * shares);
  for (std::int32_t p = whole; p < count; ++p) scores[p] *= share;
}

// A row of C from the weights in the scratch; the shard is that row.
struct Body {
  static constexpr int kMost = 8;

  template <int V, bool kTail>
  static void panel(const Operands& o, const Shard& s, std::int32_t col, int last) {
    const Encoded& a = *o.a;
    const std::size_t n = static_cast<std::size_t>(o.n);
    const std::int32_t begin = a.offsets[s.unit_begin];
    combine_rows<V, kTail>(
        static_cast<const float*>(o.scratch), a.indices + begin, a.offsets[s.unit_end] - begin, o.b3 + col, n,
        o.c + static_cast<std::size_t>(s.unit_begin) * n + static_cast<std::size_t>(col), last);
  }
};

void run(const Operands& o, const Shard& s) noexcept {
  if (o.n == 0) return;
  const Encoded& a = *o.a;
  const std::size_t n = static_cast<std::size_t>(o.n);
  const float scale_by = 1.0f / __builtin_sqrtf(static_cast<float>(o.n));
  float* scores = static_cast<float*>(o.scratch);
  for (std::int32_t i = s.unit_begin; i < s.unit_end; ++i) {
    const std::int32_t begin = a.offsets[i];
    const std::int32_t count = a.offsets[i + 1] - begin;
    if (count > 0) {
      row_dots(o.b + static_cast<std::size_t>(i) * n, o.b2, a.indices + begin, count, n, scores);
      softmax(scores, count, scale_by);
    }
    all_panels<Body>(o, {i, i + 1, 0, o.n}, 1);
  }
}

void tiling(const Encoded&, std::int32_t, char* text) {
  append(append(append(say_rows(text, 1), ", groups of "), kDots), " products");
}

}  // namespace

extern const Kernel masked_attention_csr = {.op = "masked_attention",
                                            .name = "csr",
                                            .format = "csr",
                                            .isa = SPARSEMARK_ISA_NAME,
                                            .split = Split::kUnits,
                                            .scratch_bytes = scratch_bytes,
                                            .tiling = tiling,
                                            .run = run};

}  // namespace sparsemark::SPARSEMARK_ISA
