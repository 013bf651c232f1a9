// spmv on packed, one nonzero at a time: the format is made for spmm, and spmv on sell or bitmask is several
// times as fast; this is for a workload of one column that shares its weights with wider ones.
#include "../simd/simd.h"
#include "packed_runs.h"
#include "plan_words.h"

namespace sparsemark::SPARSEMARK_ISA {
namespace {

void run(const Operands& o, const Shard& s) noexcept {
  const Encoded& a = *o.a;
  std::size_t at = static_cast<std::size_t>(s.unit_begin) * 2;
  for (std::int32_t col = 0; col == 0 || col < a.cols; col += a.p0) {
    const float* b = o.b + col;
    const bool add = col > 0;
    Stream stream = {a.bytes + static_cast<std::size_t>(a.offsets[at]) * 2, a.values + a.offsets[at + 1]};
    for (std::int32_t unit = s.unit_begin; unit < s.unit_end; ++unit) {
      float* c = o.c + static_cast<std::size_t>(unit) * static_cast<std::size_t>(a.p1);
      at += 2;
      const std::uint8_t* end = a.bytes + static_cast<std::size_t>(a.offsets[at]) * 2;
      while (stream.at < end) {
        const Run run = take_run(stream);
        for (std::int32_t pair = 0; pair == 0 || pair < run.pairs; ++pair) {
          Words words(stream.at);
          const std::uint64_t head = words.take();
          float* first = c + number<0>(head);
          float* second = run.pairs > 0 ? c + number<1>(head) : nullptr;
          float x = add ? *first : 0.0f;
          float y = add && second != nullptr ? *second : 0.0f;
          const float* value = stream.value;
          const auto each = [&](float of_x, float of_y) __attribute__((always_inline)) {
            x += *value++ * of_x;
            y += *value++ * of_y;
          };
          if (run.alternate % 2 != 0) each(b[number<2>(head)], b[number<3>(head)]);
          for (std::int32_t i = run.both; i > 0; i -= 4) {
            const std::uint64_t word = words.take();
            each(b[number<0>(word)], b[number<0>(word)]);
            each(b[number<1>(word)], b[number<1>(word)]);
            each(b[number<2>(word)], b[number<2>(word)]);
            each(b[number<3>(word)], b[number<3>(word)]);
          }
          for (std::int32_t i = run.alternate / 2; i > 0; --i) {
            const std::uint64_t word = words.take();
            each(b[number<0>(word)], b[number<1>(word)]);
            each(b[number<2>(word)], b[number<3>(word)]);
          }
          for (std::int32_t i = run.rest; i > 0; i -= 4) {
            const std::uint64_t word = words.take();
            x += *value++ * b[number<0>(word)];
            x += *value++ * b[number<1>(word)];
            x += *value++ * b[number<2>(word)];
            x += *value++ * b[number<3>(word)];
          }
          stream = {words.at(), value};
          *first = x;
          if (second != nullptr) *second = y;
        }
      }
    }
    at += static_cast<std::size_t>(a.units - (s.unit_end - s.unit_begin)) * 2;
  }
}

void tiling(const Encoded&, std::int32_t, char* text) { append(say_rows(text, 2), ", B by single loads"); }

}  // namespace

extern const Kernel spmv_packed = {.op = "spmv",
                                   .name = "packed",
                                   .format = "packed",
                                   .isa = SPARSEMARK_ISA_NAME,
                                   .split = Split::kUnits,
                                   .tiling = tiling,
                                   .run = run};

}  // namespace sparsemark::SPARSEMARK_ISA
