// Products of A with one dense or sparse operand: C = A B in several ways of giving B and of what follows.
#include <cmath>

#include "reference.h"

namespace sparsemark::test {
namespace {

// expected and tolerance (as sums of magnitudes) of C[i] += value * row of B, C with `rows` rows.
void accumulate(const Sample& a, std::size_t rows, std::size_t columns, bool transposed, const float* b,
                OpCase& out) {
  out.expected.assign(rows * columns, 0.0);
  out.tolerance = out.expected;
  for (std::size_t i = 0; i < static_cast<std::size_t>(a.rows); ++i) {
    for (std::size_t p = static_cast<std::size_t>(a.row_offsets[i]);
         p < static_cast<std::size_t>(a.row_offsets[i + 1]); ++p) {
      const std::size_t other = static_cast<std::size_t>(a.col_indices[p]);
      const float* row = b + (transposed ? i : other) * columns;
      const std::size_t to = (transposed ? other : i) * columns;
      for (std::size_t j = 0; j < columns; ++j) {
        const double product = static_cast<double>(a.values[p]) * static_cast<double>(row[j]);
        out.expected[to + j] += product;
        out.tolerance[to + j] += std::fabs(product);
      }
    }
  }
}

void settle(std::int32_t terms, OpCase& out) {
  for (double& magnitude : out.tolerance) magnitude = sum_tolerance(terms, magnitude);
}

bool make_spmm(const Sample& a, std::int32_t n, const Stored* stored, Random& random, OpCase& out) {
  const std::size_t columns = static_cast<std::size_t>(n);
  float* b = random_floats(out, static_cast<std::size_t>(a.cols) * columns, random);
  if (stored != nullptr) poison_unmet_rows(stored->cols, n, b);
  out.product.n = n;
  out.product.b = b;
  accumulate(a, static_cast<std::size_t>(a.rows), columns, false, b, out);
  settle(a.cols, out);
  return true;
}

// Exact: whole numbers, of which double precision holds all sums. Bytes have no NaN to poison with.
bool make_spmm_int8(const Sample& a, std::int32_t n, const Stored*, Random& random, OpCase& out) {
  const std::size_t columns = static_cast<std::size_t>(n);
  const std::size_t size = static_cast<std::size_t>(a.cols) * columns;
  auto* b = out.hold<std::uint8_t>(size);
  std::vector<float> numbers(size);
  for (std::size_t i = 0; i < size; ++i) {
    // The largest ones in plenty: sums of two leave 16 bits.
    const std::uint64_t bits = random.bits();
    b[i] = (bits & 256) != 0 ? std::uint8_t{255} : static_cast<std::uint8_t>(bits);
    numbers[i] = static_cast<float>(b[i]);
  }
  out.product.n = n;
  out.product.b = b;
  accumulate(a, static_cast<std::size_t>(a.rows), columns, false, numbers.data(), out);
  out.tolerance.assign(out.tolerance.size(), 0.0);
  return true;
}

bool make_spmv_int8(const Sample& a, std::int32_t, const Stored* stored, Random& random, OpCase& out) {
  return make_spmm_int8(a, 1, stored, random, out);
}

bool make_spmm_f16(const Sample& a, std::int32_t n, const Stored* stored, Random& random, OpCase& out) {
  const std::size_t columns = static_cast<std::size_t>(n);
  const std::size_t size = static_cast<std::size_t>(a.cols) * columns;
  Sample drawn;
  for (std::size_t i = 0; i < size; ++i) drawn.values.push_back(random.value());
  std::vector<float> numbers = sample_of(drawn, "f16").values;
  if (stored != nullptr) poison_unmet_rows(stored->cols, n, numbers.data());
  auto* b = out.hold<std::uint16_t>(size);
  for (std::size_t i = 0; i < size; ++i) b[i] = half_of(numbers[i]);
  out.product.n = n;
  out.product.b = b;
  accumulate(a, static_cast<std::size_t>(a.rows), columns, false, numbers.data(), out);
  for (double& magnitude : out.tolerance) magnitude = half_tolerance(a.cols, magnitude);
  return true;
}

bool make_spmv_f16(const Sample& a, std::int32_t, const Stored* stored, Random& random, OpCase& out) {
  return make_spmm_f16(a, 1, stored, random, out);
}

bool make_spmv(const Sample& a, std::int32_t, const Stored* stored, Random& random, OpCase& out) {
  return make_spmm(a, 1, stored, random, out);
}

bool make_spmm_t(const Sample& a, std::int32_t n, const Stored* stored, Random& random, OpCase& out) {
  const std::size_t columns = static_cast<std::size_t>(n);
  float* b = random_floats(out, static_cast<std::size_t>(a.rows) * columns, random);
  if (stored != nullptr) poison_unmet_rows(stored->rows, n, b);
  out.product.n = n;
  out.product.b = b;
  accumulate(a, static_cast<std::size_t>(a.cols), columns, true, b, out);
  settle(a.rows, out);
  return true;
}

bool make_spmm_bias_relu(const Sample& a, std::int32_t n, const Stored* stored, Random& random, OpCase& out) {
  const std::size_t columns = static_cast<std::size_t>(n);
  float* b = random_floats(out, static_cast<std::size_t>(a.cols) * columns, random);
  if (stored != nullptr) poison_unmet_rows(stored->cols, n, b);
  const float* bias = random_floats(out, static_cast<std::size_t>(a.rows), random);
  out.product.n = n;
  out.product.b = b;
  out.product.b2 = bias;
  accumulate(a, static_cast<std::size_t>(a.rows), columns, false, b, out);
  for (std::size_t at = 0; at < out.expected.size(); ++at) {
    const double of_row = static_cast<double>(bias[at / columns]);
    // Cutting at 0 brings two numbers no farther apart.
    out.expected[at] = std::fmax(0.0, out.expected[at] + of_row);
    out.tolerance[at] += std::fabs(of_row);
  }
  settle(a.cols + 1, out);
  return true;
}

// A sparse operand of rows x columns, and what it is as a dense one.
std::vector<float> hold_sparse(std::int32_t rows, std::int32_t columns, Random& random, OpCase& out) {
  const double density = random.unit();
  const Sample b =
      sample_where(random, rows, columns, "operand", [&](int, int) { return random.unit() < density; });
  auto* offsets = out.hold<std::int32_t>(b.row_offsets.size());
  auto* indices = out.hold<std::int32_t>(b.col_indices.size());
  auto* values = out.hold<float>(b.values.size());
  for (std::size_t i = 0; i < b.row_offsets.size(); ++i) offsets[i] = b.row_offsets[i];
  for (std::size_t p = 0; p < b.values.size(); ++p) {
    indices[p] = b.col_indices[p];
    values[p] = b.values[p];
  }
  out.sparse_b = {rows, columns, b.nnz(), offsets, indices, values};
  out.product.sparse_b = &out.sparse_b;
  return b.dense();
}

bool make_spmspm(const Sample& a, std::int32_t n, const Stored*, Random& random, OpCase& out) {
  const std::vector<float> b = hold_sparse(a.cols, n, random, out);
  out.product.n = n;
  accumulate(a, static_cast<std::size_t>(a.rows), static_cast<std::size_t>(n), false, b.data(), out);
  settle(a.cols, out);
  return true;
}

bool make_spmspv(const Sample& a, std::int32_t, const Stored*, Random& random, OpCase& out) {
  const std::vector<float> x = hold_sparse(1, a.cols, random, out);
  out.product.n = 1;
  accumulate(a, static_cast<std::size_t>(a.rows), 1, false, x.data(), out);
  settle(a.cols, out);
  return true;
}

}  // namespace

extern const OpReference spmm_reference = {"spmm", "f32", make_spmm};
extern const OpReference spmv_reference = {"spmv", "f32", make_spmv};
extern const OpReference spmm_bf16_reference = {"spmm", "bf16", make_spmm};
extern const OpReference spmv_bf16_reference = {"spmv", "bf16", make_spmv};
extern const OpReference spmm_f16_reference = {"spmm", "f16", make_spmm_f16};
extern const OpReference spmv_f16_reference = {"spmv", "f16", make_spmv_f16};
extern const OpReference spmm_int8_reference = {"spmm", "int8", make_spmm_int8};
extern const OpReference spmv_int8_reference = {"spmv", "int8", make_spmv_int8};
extern const OpReference spmm_t_reference = {"spmm_t", "f32", make_spmm_t};
extern const OpReference spmm_bias_relu_reference = {"spmm_bias_relu", "f32", make_spmm_bias_relu};
extern const OpReference spmspm_reference = {"spmspm", "f32", make_spmspm};
extern const OpReference spmspv_reference = {"spmspv", "f32", make_spmspv};
// A bag is a row of A, the table is B.
extern const OpReference embedding_bag_reference = {"embedding_bag", "f32", make_spmm};

}  // namespace sparsemark::test
