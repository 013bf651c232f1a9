// spmv on packed, one nonzero at a time: the format is made for spmm, and spmv on sell or bitmask is several
// times as fast; this is for a workload of one column that shares its weights with wider ones.
#include "../simd/simd.h"
#include "packed_runs.h"

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
          float* first = c + half(stream.at);
          stream.at += 2;
          float* second = nullptr;
          if (run.pairs > 0) {
            second = c + half(stream.at);
            stream.at += 2;
          }
          float x = add ? *first : 0.0f;
          float y = add && second != nullptr ? *second : 0.0f;
          for (std::int32_t i = run.both; i > 0; --i, stream.at += 2, stream.value += 2) {
            const float other = b[half(stream.at)];
            x += stream.value[0] * other;
            y += stream.value[1] * other;
          }
          for (std::int32_t i = run.alternate; i > 0; --i, stream.at += 4, stream.value += 2) {
            x += stream.value[0] * b[half(stream.at)];
            y += stream.value[1] * b[half(stream.at + 2)];
          }
          for (std::int32_t i = run.rest; i > 0; --i, stream.at += 2, ++stream.value) {
            x += *stream.value * b[half(stream.at)];
          }
          *first = x;
          if (second != nullptr) *second = y;
        }
      }
    }
    at += static_cast<std::size_t>(a.units - (s.unit_end - s.unit_begin)) * 2;
  }
}

}  // namespace

extern const Kernel spmv_packed = {"spmv",        "packed", "packed", SPARSEMARK_ISA_NAME,
                                   Split::kUnits, false,    nullptr,  nullptr,
                                   nullptr,       nullptr,  run};

}  // namespace sparsemark::SPARSEMARK_ISA
