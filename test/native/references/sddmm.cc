// sddmm: c[p] = X[i] . Y[j] at each nonzero.
#include <cmath>

#include "reference.h"

namespace sparsemark::test {
namespace {

bool make_sddmm(const Sample& a, std::int32_t n, const Stored* stored, Random& random, OpCase& out) {
  const std::size_t columns = static_cast<std::size_t>(n);
  float* x = random_floats(out, static_cast<std::size_t>(a.rows) * columns, random);
  float* y = random_floats(out, static_cast<std::size_t>(a.cols) * columns, random);
  if (stored != nullptr) {
    poison_unmet_rows(stored->rows, n, x);
    poison_unmet_rows(stored->cols, n, y);
  }
  out.product.n = n;
  out.product.b = x;
  out.product.b2 = y;
  for (std::size_t i = 0; i < static_cast<std::size_t>(a.rows); ++i) {
    for (std::size_t p = static_cast<std::size_t>(a.row_offsets[i]);
         p < static_cast<std::size_t>(a.row_offsets[i + 1]); ++p) {
      const float* row = y + static_cast<std::size_t>(a.col_indices[p]) * columns;
      double sum = 0;
      double magnitude = 0;
      for (std::size_t l = 0; l < columns; ++l) {
        const double product = static_cast<double>(x[i * columns + l]) * static_cast<double>(row[l]);
        sum += product;
        magnitude += std::fabs(product);
      }
      out.expected.push_back(sum);
      out.tolerance.push_back(sum_tolerance(n, magnitude));
    }
  }
  return true;
}

}  // namespace

extern const OpReference sddmm_reference = {"sddmm", "f32", make_sddmm};

}  // namespace sparsemark::test
