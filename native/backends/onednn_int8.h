// oneDNN's products of 8 bits. It wants bytes without a sign on the left and signed ones on the right, or
// both signed; ours are signed weights on the left. Three ways of dealing with that, all exact, none always
// the fastest (GOP/s on a Zen 5, one thread: 512 x 512 x 256, 3072 x 768 x 128, 1024 x 1024 x 49):
//   dense    B less 128 is signed; C gets back 128 times each row's sum. 591, 734, 419.
//   packed   C^T = B^T A^T, the weights laid out beforehand, C^T transposed. 560, 590, 553.
//   blocked  the same with B laid out as oneDNN likes it too, inside the clock. 534, 630, 631; the product
//   alone
//            823, 805 and 788.
#pragma once

#include "onednn_matmul.h"

namespace sparsemark::backends::onednn {

// Row-major C = alpha (A - ao) (B - bo) + beta C, and with offsets 'C' a number more for each row. Returns 0
// when done.
using GemmS8 = int(char trans_a, char trans_b, char offsets, std::int64_t m, std::int64_t n, std::int64_t k,
                   float alpha, const std::int8_t* a, std::int64_t lda, std::int8_t ao, const std::int8_t* b,
                   std::int64_t ldb, std::int8_t bo, float beta, std::int32_t* c, std::int64_t ldc,
                   const std::int32_t* co);
inline GemmS8*& gemm_s8() {
  static GemmS8* function = nullptr;
  return function;
}

// Of dnnl_cpu_isa_t: AVX-512 with VNNI. Without it oneDNN's sums of two products saturate at 16 bits.
constexpr int kVnni = 0x40;

inline std::function<void()> bind_int8(const sparsemark_matrix& a, const sparsemark_product& p,
                                       sparsemark_message*) {
  const std::size_t size = static_cast<std::size_t>(a.cols) * static_cast<std::size_t>(p.n);
  auto shifted = std::make_shared<Aligned<std::int8_t>>(size);
  auto offsets = std::make_shared<Aligned<std::int32_t>>(static_cast<std::size_t>(a.rows));
  const std::size_t cols = static_cast<std::size_t>(a.cols);
  for (std::size_t i = 0; i < offsets->size(); ++i) {
    for (std::size_t j = 0; j < cols; ++j) (*offsets)[i] += 128 * a.bytes[i * cols + j];
  }
  return [m = a.rows, k = a.cols, n = p.n, size, shifted, offsets, weights = a.bytes.data(),
          b = static_cast<const std::uint8_t*>(p.b), c = static_cast<std::int32_t*>(p.c)] {
    // Locals, or each store of a byte might change what the closure holds: 4 times slower.
    std::int8_t* __restrict to = shifted->data();
    const std::uint8_t* __restrict from = b;
    const std::size_t count = size;
    for (std::size_t i = 0; i < count; ++i) to[i] = static_cast<std::int8_t>(from[i] ^ 128u);
    gemm_s8()('N', 'N', 'C', m, n, k, 1.0f, weights, k, 0, to, n, 0, 0.0f, c, n, offsets->data());
  };
}

inline void plan_int8(Plan& plan, const sparsemark_matrix& a, const sparsemark_product& p,
                      std::string& implementation, bool blocked) {
  const HeldLayout lying = strided(kU8, {p.n, a.cols}, {1, p.n});         // B^T
  const HeldLayout stored = strided(kS8, {a.cols, a.rows}, {1, a.cols});  // A^T as A lies
  const HeldLayout turned = strided(kS32, {p.n, a.rows}, {a.rows, 1});    // C^T, row-major
  const HeldLayout destination = strided(kS32, {p.n, a.rows}, {1, p.n});  // C^T as C lies
  const HeldLayout asked = blocked ? any_layout(kU8, {p.n, a.cols}) : lying;

  const HeldDesc product = describe_matmul(asked, any_layout(kS8, {a.cols, a.rows}), turned, implementation);
  const HeldLayout packed = chosen(product, kQueryWeights);
  dnnl_memory* weights = plan.memory(packed, nullptr);
  dnnl_memory* result = plan.memory(turned, nullptr);
  dnnl_memory* b = plan.memory(lying, p.b);
  dnnl_memory* source = b;
  if (blocked) {
    const HeldLayout found = chosen(product, kQuerySource);
    source = plan.memory(found, nullptr);
    plan.add_reorder(lying, b, found, source);
  }
  plan.add(product, {{kSource, source}, {kWeights, weights}, {kDestination, result}});
  plan.add_reorder(turned, result, destination, plan.memory(destination, p.c));

  Plan packing;
  packing.add_reorder(stored, packing.memory(stored, a.bytes.data()), packed, weights);
  must(packing.execute(), "pack the weights");
}

inline void plan_packed_int8(Plan& plan, const sparsemark_matrix& a, const sparsemark_product& p,
                             std::string& implementation) {
  plan_int8(plan, a, p, implementation, false);
}

inline void plan_blocked_int8(Plan& plan, const sparsemark_matrix& a, const sparsemark_product& p,
                              std::string& implementation) {
  plan_int8(plan, a, p, implementation, true);
}

}  // namespace sparsemark::backends::onednn
