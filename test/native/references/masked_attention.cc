// masked_attention: softmax(Q K^T / sqrt(n) at the nonzeros) V. How the tolerance comes about stands in
// src/workload/ops/masked-attention.ts.
#include <algorithm>
#include <cmath>

#include "reference.h"

namespace sparsemark::test {
namespace {

constexpr double kUnitRoundoff = 0x1p-24;
constexpr double kExponentialError = 0x1p-22;
constexpr double kSmallestWeight = 0x1p-125;

double gamma_of(std::size_t terms) {
  const double product = static_cast<double>(terms) * kUnitRoundoff;
  return product / (1 - product);
}

// Without the denormals and powers of two of the other operands: a score of 2^40 is off by more than any
// weight is worth, and nothing could be said of the answer.
float* plain_floats(OpCase& out, std::size_t size, float scale, Random& random) {
  float* data = out.hold<float>(size);
  for (std::size_t l = 0; l < size; ++l) data[l] = scale * static_cast<float>(2 * random.unit() - 1);
  return data;
}

struct Score {
  const float* values;  // of its key
  double score;
  double error;
};

// A row of C and its tolerance.
void attend(const std::vector<Score>& scores, std::size_t n, double* row, double* error) {
  double largest = -HUGE_VAL;
  double largest_error = 0;
  for (const Score& one : scores) {
    largest = std::max(largest, one.score);
    largest_error = std::max(largest_error, one.error);
  }
  double total = 0;
  for (const Score& one : scores) total += std::exp(one.score - largest);
  const double count = static_cast<double>(scores.size());
  double total_error = count * kSmallestWeight;
  for (const Score& one : scores) {
    const double weight = std::exp(one.score - largest) / total;
    const double difference = one.error + kUnitRoundoff * (largest - one.score + 2 * largest_error);
    const double weight_error =
        std::exp(difference) * (1 + kExponentialError) * (1 + gamma_of(scores.size() + 4)) - 1;
    for (std::size_t l = 0; l < n; ++l) {
      const double term = weight * static_cast<double>(one.values[l]);
      row[l] += term;
      error[l] += std::fabs(term) * weight_error + kSmallestWeight;
    }
    total_error += weight * weight_error;
  }
  for (std::size_t l = 0; l < n; ++l) {
    error[l] = total_error < 1 ? (error[l] + std::fabs(row[l]) * total_error) / (1 - total_error) : HUGE_VAL;
  }
}

bool make_attention(const Sample& a, std::int32_t n, const Stored* stored, Random& random, OpCase& out) {
  const std::size_t columns = static_cast<std::size_t>(n);
  // Up to 64: differences of scores of some hundred, whose e^x overflows and underflows.
  const float scale = static_cast<float>(1 << random.below(7));
  const float* queries = plain_floats(out, static_cast<std::size_t>(a.rows) * columns, scale, random);
  float* keys = plain_floats(out, static_cast<std::size_t>(a.cols) * columns, 1.0f, random);
  float* values = plain_floats(out, static_cast<std::size_t>(a.cols) * columns, 1.0f, random);
  if (stored != nullptr) {
    poison_unmet_rows(stored->cols, n, keys);
    poison_unmet_rows(stored->cols, n, values);
  }
  out.product.n = n;
  out.product.b = queries;
  out.product.b2 = keys;
  out.product.b3 = values;
  out.expected.assign(static_cast<std::size_t>(a.rows) * columns, 0.0);
  out.tolerance = out.expected;
  if (n == 0) return true;
  const double factor = 1 / std::sqrt(static_cast<double>(n));
  for (std::size_t i = 0; i < static_cast<std::size_t>(a.rows); ++i) {
    std::vector<Score> scores;
    for (std::size_t p = static_cast<std::size_t>(a.row_offsets[i]);
         p < static_cast<std::size_t>(a.row_offsets[i + 1]); ++p) {
      const std::size_t key = static_cast<std::size_t>(a.col_indices[p]) * columns;
      double sum = 0;
      double magnitude = 0;
      for (std::size_t l = 0; l < columns; ++l) {
        const double product =
            static_cast<double>(queries[i * columns + l]) * static_cast<double>(keys[key + l]);
        sum += product;
        magnitude += std::fabs(product);
      }
      scores.push_back({values + key, sum * factor, gamma_of(columns + 4) * magnitude * factor});
    }
    attend(scores, columns, &out.expected[i * columns], &out.tolerance[i * columns]);
  }
  return true;
}

}  // namespace

extern const OpReference masked_attention_reference = {"masked_attention", "f32", make_attention};

}  // namespace sparsemark::test
