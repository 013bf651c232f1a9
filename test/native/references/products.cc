// spmm and spmv: C = A B.
#include <cmath>

#include "reference.h"

namespace sparsemark::test {
namespace {

bool make_spmm(const Sample& a, std::int32_t n, bool poison, Random& random, OpCase& out) {
  const std::size_t columns = static_cast<std::size_t>(n);
  float* b = random_floats(out, static_cast<std::size_t>(a.cols) * columns, random);
  if (poison) poison_unmet_rows(a, n, b);
  out.product.n = n;
  out.product.b = b;
  out.expected.assign(static_cast<std::size_t>(a.rows) * columns, 0.0);
  out.tolerance = out.expected;
  for (std::size_t i = 0; i < static_cast<std::size_t>(a.rows); ++i) {
    for (std::size_t p = static_cast<std::size_t>(a.row_offsets[i]);
         p < static_cast<std::size_t>(a.row_offsets[i + 1]); ++p) {
      const float* row = b + static_cast<std::size_t>(a.col_indices[p]) * columns;
      for (std::size_t j = 0; j < columns; ++j) {
        const double product = static_cast<double>(a.values[p]) * static_cast<double>(row[j]);
        out.expected[i * columns + j] += product;
        out.tolerance[i * columns + j] += std::fabs(product);
      }
    }
  }
  for (double& magnitude : out.tolerance) magnitude = sum_tolerance(a.cols, magnitude);
  return true;
}

bool make_spmv(const Sample& a, std::int32_t, bool poison, Random& random, OpCase& out) {
  return make_spmm(a, 1, poison, random, out);
}

}  // namespace

extern const OpReference spmm_reference = {"spmm", "f32", make_spmm};
extern const OpReference spmv_reference = {"spmv", "f32", make_spmv};

}  // namespace sparsemark::test
