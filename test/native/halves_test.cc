// Products of f16: the numbers that 16 bits hold, and sums that do not lose what they add up.
#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "../../native/formats/format.h"
#include "../../native/sparsemark.h"
#include "check.h"
#include "references/reference.h"

namespace sparsemark::test {
namespace {

double double_of(std::uint16_t half) {
  const int exponent = half >> 10 & 31;
  const double fraction = half & 1023;
  const double magnitude = exponent == 31  ? (fraction > 0 ? NAN : INFINITY)
                           : exponent == 0 ? std::ldexp(fraction, -24)
                                           : std::ldexp(1024 + fraction, exponent - 25);
  return (half & 0x8000) != 0 ? -magnitude : magnitude;
}

// So many rows of these values, nothing left out, as a canonical matrix.
sparsemark_csr rows_of(const std::vector<float>& values, std::int32_t rows,
                       std::vector<std::int32_t>& places) {
  const std::int32_t count = static_cast<std::int32_t>(values.size());
  const std::int32_t cols = rows > 0 ? count / rows : 0;
  places.clear();
  for (std::int32_t i = 0; i <= rows; ++i) places.push_back(i * cols);
  for (std::int32_t p = 0; p < count; ++p) places.push_back(p % cols);
  return {rows, cols, count, places.data(), places.data() + rows + 1, values.data()};
}
sparsemark_csr row_of(const std::vector<float>& values, std::vector<std::int32_t>& places) {
  return rows_of(values, 1, places);
}

// c = A times B (k x n) by a kernel, A of so many rows that hold these values; false, with a failed check,
// where it cannot.
bool multiply(const sparsemark_library& library, std::int32_t index, const std::vector<float>& row,
              const std::vector<std::uint16_t>& b, std::int32_t n, std::vector<std::uint16_t>& c,
              std::int32_t rows = 1) {
  std::vector<std::int32_t> places;
  const sparsemark_csr csr = rows_of(row, rows, places);
  sparsemark_matrix* matrix = nullptr;
  sparsemark_encoded encoded = {};
  sparsemark_message message = {};
  const sparsemark_kernel& kernel = library.kernels[index];
  bool fine = library.encode(kernel.format, "f16", &csr, &matrix, &encoded, &message) == SPARSEMARK_OK;
  if (fine) {
    Operand b_aligned(b.size() * 2);
    const std::size_t outputs = static_cast<std::size_t>(rows) * static_cast<std::size_t>(n);
    Operand c_aligned(outputs * 2);
    if (!b.empty()) std::memcpy(b_aligned.data(), b.data(), b_aligned.bytes());
    sparsemark_product product = {};
    product.n = n;
    product.threads = 1;
    product.b = b_aligned.data();
    product.c = c_aligned.data();
    sparsemark_job* job = nullptr;
    fine = library.prepare(index, matrix, &product, &job, &message) == SPARSEMARK_OK;
    if (fine) {
      library.run(job);
      c.resize(outputs);
      std::memcpy(c.data(), c_aligned.data(), c_aligned.bytes());
      library.free_job(job);
    }
    library.free_matrix(matrix);
  }
  SPARSEMARK_EXPECT(fine, "%s %s %s: %s", kernel.op, kernel.name, kernel.isa, message.text);
  return fine;
}

// Calls body(library, index, n) for each kernel of f16 on this CPU; n is 1 for spmv, else `wide`.
template <typename Body>
void for_each_kernel(std::int32_t wide, Body body) {
  sparsemark_message message = {};
  const sparsemark_library& library = *sparsemark_describe(SPARSEMARK_ABI_VERSION, &message);
  int found = 0;
  for (std::int32_t k = 0; k < library.kernel_count; ++k) {
    if (std::strcmp(library.kernels[k].dtype, "f16") != 0) continue;
    ++found;
    body(library, k, std::strcmp(library.kernels[k].op, "spmv") == 0 ? 1 : wide);
  }
  SPARSEMARK_EXPECT(found >= 5, "%d kernels of f16", found);
}

const Format& format_of(const char* name) {
  for (int f = 0; f < kFormatCount; ++f) {
    if (std::strcmp(kFormats[f]->name, name) == 0 && std::strcmp(kFormats[f]->dtype, "f16") == 0) {
      return *kFormats[f];
    }
  }
  std::abort();
}

}  // namespace

void half_values(const Options&) {
  // All 65536 of them, in all formats: NaN of any payload, infinities, denormals and zeros of both signs.
  std::vector<float> all;
  for (int half = 0; half < 65536; ++half) {
    const double value = double_of(static_cast<std::uint16_t>(half));
    float narrow = static_cast<float>(value);
    if (std::isnan(value)) {
      const std::uint32_t bits = static_cast<std::uint32_t>(half & 0x8000) << 16 | 0x7f800000u |
                                 static_cast<std::uint32_t>(half & 1023) << 13;
      std::memcpy(&narrow, &bits, sizeof(narrow));
    }
    all.push_back(narrow);
  }
  std::vector<std::int32_t> places;
  const sparsemark_csr row = row_of(all, places);
  const Csr csr = {1, row.cols, row.nnz, row.row_offsets, row.col_indices, row.values};
  for (const char* name : {"dense", "csr", "packed"}) {
    const Format& format = format_of(name);
    Matrix matrix;
    matrix.view.rows = 1;
    matrix.view.cols = matrix.view.nnz = csr.cols;
    const char* reason = format.encode(csr, matrix);
    SPARSEMARK_EXPECT(reason == nullptr, "%s of f16 refuses its own numbers: %s", name, reason);
    if (reason != nullptr) continue;
    std::vector<float> decoded(all.size());
    format.decode(matrix, decoded.data());
    SPARSEMARK_EXPECT(std::memcmp(decoded.data(), all.data(), all.size() * sizeof(float)) == 0,
                      "%s of f16 changes one of its own numbers", name);
    // Packed has its columns there, and values in the order of its stream.
    if (std::strcmp(name, "packed") != 0) {
      bool same = true;
      for (int half = 0; half < 65536; ++half) {
        std::uint16_t stored = 0;
        std::memcpy(&stored, matrix.bytes.data() + 2 * half, 2);
        same = same && stored == half;
      }
      SPARSEMARK_EXPECT(same, "%s of f16 stores other bits than IEEE 754's", name);
    }
    const struct {
      float value;
      const char* reason;
    } refused[] = {{65520.0f, "more bits"},        {65536.0f, "65504"},     {-1e30f, "65504"},
                   {1.0f + 0x1p-11f, "more bits"}, {0x1p-25f, "more bits"}, {0x1.8p-24f, "more bits"}};
    for (const auto& one : refused) {
      const std::int32_t offsets[] = {0, 1};
      const std::int32_t col = 0;
      const Csr single = {1, 1, 1, offsets, &col, &one.value};
      Matrix small;
      reason = format.encode(single, small);
      SPARSEMARK_EXPECT(reason != nullptr && std::strstr(reason, one.reason) != nullptr,
                        "%s of f16 holds %g, or gives a strange reason: %s", name,
                        static_cast<double>(one.value), reason == nullptr ? "none" : reason);
    }
  }
}

void half_sums(const Options& options) {
  constexpr std::size_t kTerms = 4096;
  // All positive: a sum in f16 alone stops growing once what is added is less than half its last bit.
  Random random(options.seed);
  std::vector<float> row;
  for (std::size_t j = 0; j < kTerms; ++j) {
    row.push_back(static_cast<float>(double_of(half_of(static_cast<float>(0.25 + 0.5 * random.unit())))));
  }
  for_each_kernel(3, [&](const sparsemark_library& library, std::int32_t index, std::int32_t n) {
    const std::size_t columns = static_cast<std::size_t>(n);
    std::vector<std::uint16_t> b;
    for (std::size_t i = 0; i < kTerms * columns; ++i) {
      b.push_back(half_of(static_cast<float>(0.25 + 0.5 * random.unit())));
    }
    std::vector<std::uint16_t> c;
    if (!multiply(library, index, row, b, n, c)) return;
    for (std::size_t j = 0; j < columns; ++j) {
      double expected = 0.0;
      std::uint16_t plain = 0;
      for (std::size_t p = 0; p < kTerms; ++p) {
        const double product = static_cast<double>(row[p]) * double_of(b[p * columns + j]);
        expected += product;
        plain = half_of(static_cast<float>(double_of(plain) + product));
      }
      const double permitted = half_tolerance(kTerms, expected);
      const sparsemark_kernel& kernel = library.kernels[index];
      SPARSEMARK_EXPECT(std::fabs(double_of(c[j]) - expected) <= permitted, "%s %s %s: %g, expected %g +- %g",
                        kernel.op, kernel.name, kernel.isa, double_of(c[j]), expected, permitted);
      SPARSEMARK_EXPECT(std::fabs(double_of(plain) - expected) > permitted,
                        "a sum of %zu products in f16 alone would pass: %g, expected %g +- %g", kTerms,
                        double_of(plain), expected, permitted);
    }
  });
}

void half_parts(const Options&) {
  // No more than 64 products of a row are added up in f16, wherever a format begins and ends its blocks: 64
  // times 32 are 2048, to which f16 alone can add no 1. The 32 ones behind them come from a sum of their own.
  for (const std::int32_t rows : {1, 2, 7}) {
    std::vector<float> values;
    for (std::int32_t i = 0; i < rows; ++i) {
      for (std::int32_t j = 0; j < 96; ++j) values.push_back(j < 64 ? 32.0f : 1.0f);
    }
    for (const std::int32_t wide : {3, 17, 40, 300}) {
      std::vector<std::uint16_t> b(96 * static_cast<std::size_t>(wide), half_of(1.0f));
      for_each_kernel(wide, [&](const sparsemark_library& library, std::int32_t index, std::int32_t n) {
        std::vector<std::uint16_t> c;
        if (!multiply(library, index, values, b, n, c, rows)) return;
        int wrong = 0;
        for (const std::uint16_t bits : c) wrong += double_of(bits) != 2080.0 ? 1 : 0;
        const sparsemark_kernel& kernel = library.kernels[index];
        SPARSEMARK_EXPECT(wrong == 0, "%s %s %s: %d of %d x %d sums of 96 products are not 2080", kernel.op,
                          kernel.name, kernel.isa, wrong, rows, n);
      });
    }
  }
}

void half_extremes(const Options&) {
  const std::uint16_t inf = 0x7c00;
  const std::uint16_t one = 0x3c00;
  const struct {
    float values[2];
    std::uint16_t b[2];
    double expected;  // NaN for NaN
  } cases[] = {
      {{0x1p-24f, 0.0f}, {one, one}, 0x1p-24},     // the least denormal comes through
      {{0x1p-14f, 0.0f}, {0x3800, one}, 0x1p-15},  // a denormal of two normal numbers
      {{0x1p-24f, 0.0f}, {0x3800, one}, 0.0},      // half of it: ties to even
      {{0x1p-24f, 0.0f}, {0x3a00, one}, 0x1p-24},  // three quarters of it
      {{65504.0f, 0.0f}, {one, one}, 65504.0},     // the largest
      {{65504.0f, 32.0f}, {one, one}, INFINITY},   // what is beyond it
      {{1.0f, 0.0f}, {inf, one}, INFINITY},
      {{-1.0f, 0.0f}, {inf, one}, -INFINITY},
      {{0.0f, 1.0f}, {inf, one}, NAN},
      {{1.0f, 1.0f}, {0x7e00, one}, NAN},
      {{INFINITY, 1.0f}, {one, 0xfc00}, NAN},
      {{2048.0f, 1.0f}, {one, one}, 2048.0},  // ties to even
      {{2048.0f, 3.0f}, {one, one}, 2052.0},
      {{-0.0f, -0.0f}, {0x8000, one}, 0.0},
  };
  for (const auto& at : cases) {
    for_each_kernel(2, [&](const sparsemark_library& library, std::int32_t index, std::int32_t n) {
      const std::vector<float> row = {at.values[0], at.values[1]};
      std::vector<std::uint16_t> b;
      for (const std::uint16_t bits : at.b) b.insert(b.end(), static_cast<std::size_t>(n), bits);
      std::vector<std::uint16_t> c;
      if (!multiply(library, index, row, b, n, c)) return;
      for (const std::uint16_t bits : c) {
        const double answer = double_of(bits);
        const bool right = std::isnan(at.expected) ? std::isnan(answer) : answer == at.expected;
        const sparsemark_kernel& kernel = library.kernels[index];
        SPARSEMARK_EXPECT(right, "%s %s %s: %g x %g + %g x %g = %g, expected %g", kernel.op, kernel.name,
                          kernel.isa, static_cast<double>(at.values[0]), double_of(at.b[0]),
                          static_cast<double>(at.values[1]), double_of(at.b[1]), answer, at.expected);
      }
    });
  }
}

void half_digests(const Options& options) {
  // Rounded as IEEE 754 says, in the same order of sums, an answer is the same bit for bit on every
  // instruction set: products of one row of at most 64 nonzeros and many columns, whose order is A's.
  Random random(options.seed);
  constexpr std::int32_t kWide = 300;
  for (int round = 0; round < 20; ++round) {
    std::vector<float> row;
    const int terms = 1 + random.below(64);
    for (int j = 0; j < terms; ++j) {
      row.push_back(static_cast<float>(double_of(static_cast<std::uint16_t>(random.bits() & 0xbfff))));
      // Any finite number below 2, and now and then a large one.
      if (std::fabs(row.back()) > 4.0f && random.below(8) > 0) row.back() = 1.0f;
    }
    std::vector<std::uint16_t> b;
    for (std::size_t i = 0; i < row.size() * kWide; ++i) {
      std::uint16_t bits = static_cast<std::uint16_t>(random.bits());
      if ((bits & 0x7c00) >= 0x4400) bits &= 0xbbff;
      b.push_back(bits);
    }
    std::vector<double> exact;
    for (std::int32_t j = 0; j < kWide; ++j) {
      double sum = 0.0;
      for (std::size_t p = 0; p < row.size(); ++p) {
        // Exact to many more bits than are kept: long double holds 64 of them, and a tie that it hides comes
        // once in 2^40.
        const long double term =
            static_cast<long double>(row[p]) *
            static_cast<long double>(double_of(b[p * kWide + static_cast<std::size_t>(j)]));
        const long double next = static_cast<long double>(sum) + term;
        const double magnitude = std::fabs(static_cast<double>(next));
        const int exponent = magnitude < 0x1p-14 ? -14 : std::ilogb(next);
        const double steps = static_cast<double>(std::nearbyint(std::ldexp(next, 10 - exponent)));
        sum = std::ldexp(steps, exponent - 10);
        if (std::fabs(sum) >= 65520.0) sum = std::copysign(INFINITY, sum);
      }
      exact.push_back(sum);
    }
    for_each_kernel(kWide, [&](const sparsemark_library& library, std::int32_t index, std::int32_t n) {
      std::vector<std::uint16_t> c;
      if (n == 1 || !multiply(library, index, row, b, n, c)) return;
      int wrong = 0;
      for (std::size_t j = 0; j < c.size(); ++j) {
        const double answer = double_of(c[j]);
        if (!(std::isnan(exact[j]) ? std::isnan(answer) : answer == exact[j])) ++wrong;
      }
      const sparsemark_kernel& kernel = library.kernels[index];
      SPARSEMARK_EXPECT(wrong == 0, "%s %s %s: %d of %d sums of %d products are rounded otherwise", kernel.op,
                        kernel.name, kernel.isa, wrong, n, terms);
    });
  }
}

}  // namespace sparsemark::test
