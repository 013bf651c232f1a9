// spmv of int8 on packed-1x4, one quad at a time: the format is made for spmm; this is for a workload of one
// column that shares its weights with wider ones.
#include "../simd/simd.h"
#include "packed_runs.h"
#include "plan_words.h"

namespace sparsemark::SPARSEMARK_ISA {
namespace {

// The sum of a quad's products with b, of whose numbers `left` are there at least.
std::int32_t products(const float* value, const std::uint8_t* b, std::int32_t left) {
  std::int8_t four[4];
  __builtin_memcpy(four, value, sizeof(four));
  std::int32_t sum = 0;
  for (int r = 0; r < 4 && r < left; ++r) sum += four[r] * b[r];
  return sum;
}

void run(const Operands& o, const Shard& s) noexcept {
  const Encoded& a = *o.a;
  std::size_t at = static_cast<std::size_t>(s.unit_begin) * 2;
  for (std::int32_t col = 0; col == 0 || col < a.cols; col += a.p0 * 4) {
    const bool add = col > 0;
    Stream stream = {a.bytes + static_cast<std::size_t>(a.offsets[at]) * 2, a.values + a.offsets[at + 1]};
    const auto next = [&](std::size_t column) {
      const std::int32_t j = col + static_cast<std::int32_t>(column) * 4;
      return products(stream.value++, o.b_bytes + j, a.cols - j);
    };
    for (std::int32_t unit = s.unit_begin; unit < s.unit_end; ++unit) {
      std::int32_t* c = o.c_integers + static_cast<std::size_t>(unit) * static_cast<std::size_t>(a.p1);
      at += 2;
      const std::uint8_t* end = a.bytes + static_cast<std::size_t>(a.offsets[at]) * 2;
      while (stream.at < end) {
        const Run run = take_run(stream);
        for (std::int32_t pair = 0; pair == 0 || pair < run.pairs; ++pair) {
          Words words(stream.at);
          const std::uint64_t head = words.take();
          std::int32_t* first = c + number<0>(head);
          std::int32_t* second = run.pairs > 0 ? c + number<1>(head) : nullptr;
          std::int32_t x = add ? *first : 0;
          std::int32_t y = add && second != nullptr ? *second : 0;
          const auto each = [&](std::size_t of_x, std::size_t of_y) {
            x += next(of_x);
            y += next(of_y);
          };
          if (run.alternate % 2 != 0) each(number<2>(head), number<3>(head));
          for (std::int32_t i = run.both; i > 0; i -= 4) {
            const std::uint64_t word = words.take();
            each(number<0>(word), number<0>(word));
            each(number<1>(word), number<1>(word));
            each(number<2>(word), number<2>(word));
            each(number<3>(word), number<3>(word));
          }
          for (std::int32_t i = run.alternate / 2; i > 0; --i) {
            const std::uint64_t word = words.take();
            each(number<0>(word), number<1>(word));
            each(number<2>(word), number<3>(word));
          }
          for (std::int32_t i = run.rest; i > 0; i -= 4) {
            const std::uint64_t word = words.take();
            x += next(number<0>(word));
            x += next(number<1>(word));
            x += next(number<2>(word));
            x += next(number<3>(word));
          }
          stream.at = words.at();
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

extern const Kernel spmv_packed_1x4_int8 = {.op = "spmv",
                                            .name = "packed-1x4",
                                            .format = "packed-1x4",
                                            .isa = SPARSEMARK_ISA_NAME,
                                            .split = Split::kUnits,
                                            .tiling = tiling,
                                            .run = run,
                                            .dtype = "int8"};

}  // namespace sparsemark::SPARSEMARK_ISA
