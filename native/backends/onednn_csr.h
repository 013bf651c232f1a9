// oneDNN's matmul with compressed sparse rows, in release 3.x: indices and offsets of 32 bits, B and C
// row-major as they stand. It reads the rows as they are (doc/primitives/matmul.md, "CSR encoding"): there is
// nothing to lay out beforehand.
#pragma once

#include "csr_backend.h"
#include "onednn_matmul.h"

namespace sparsemark::backends::onednn {

inline void plan_csr(Plan& plan, const sparsemark_matrix& a, const sparsemark_product& p,
                     std::string& implementation) {
  const std::int64_t sizes[] = {a.rows, a.cols};
  dnnl_memory_desc* made = nullptr;
  must(api().layout_create_csr(&made, 2, sizes, kF32, a.nnz, kS32, kS32), "describe sparse rows");
  const HeldLayout source = held(made);
  const HeldLayout weights = strided(kF32, {a.cols, p.n}, {p.n, 1});
  const HeldLayout destination = strided(kF32, {a.rows, p.n}, {p.n, 1});
  const HeldDesc product = describe_matmul(source, weights, destination, implementation);

  // It reads them only; its interface has no const.
  void* parts[] = {const_cast<float*>(a.values.data()), const_cast<std::int32_t*>(a.indices.data()),
                   const_cast<std::int32_t*>(a.offsets.data())};
  dnnl_memory* rows = nullptr;
  must(api().memory_create_of_parts(&rows, source.get(), api().engine, 3, parts), "hold sparse rows");
  plan.add(product, {{kSource, plan.keep(rows)},
                     {kWeights, plan.memory(weights, b_of(p))},
                     {kDestination, plan.memory(destination, c_of(p))}});
}

}  // namespace sparsemark::backends::onednn
