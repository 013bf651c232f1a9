// oneDNN's direct convolution, with the weights laid out beforehand as it likes them. Input and output stand
// as they are, NCHW; two ways of dealing with that:
//   plain    oneDNN computes on NCHW with what it has for it.
//   blocked  oneDNN chooses the layouts of input and output too; both reorders are inside the clock.
// Winograd's algorithm, which sums other terms, is left out: its errors are not those of a sum of products.
#pragma once

#include "onednn_matmul.h"

namespace sparsemark::backends::onednn {

using TensorSizes = std::vector<std::int64_t>;

// Row-major, the last dimension fastest: NCHW, OIHW.
inline HeldLayout tensor(const TensorSizes& sizes) {
  TensorSizes strides(sizes.size(), 1);
  for (std::size_t i = sizes.size() - 1; i > 0; --i) strides[i - 1] = strides[i] * sizes[i];
  return strided(kF32, sizes, strides);
}

// Whether no reorder is needed.
inline bool same_layout(const HeldLayout& one, const HeldLayout& other) {
  return api().desc_equal(one.get(), other.get()) != 0;
}

inline HeldDesc describe_convolution(const sparsemark_conv& g, const HeldLayout& source,
                                     const HeldLayout& weights, const HeldLayout& destination,
                                     std::string& implementation) {
  const std::int64_t strides[] = {g.stride, g.stride};
  const std::int64_t dilations[] = {0, 0};
  const std::int64_t padding[] = {g.padding, g.padding};
  dnnl_primitive_desc* made = nullptr;
  int status = kSuccess;
  if (api().major == 2) {
    Bytes<kMostOperationBytes> operation;
    status = api().convolution_init(operation.data, kForwardInference, kDirectConvolution, source.get(),
                                    weights.get(), nullptr, destination.get(), strides, padding, padding);
    must(status, "describe this convolution");
    status = api().primitive_desc_create(&made, operation.data, nullptr, api().engine, nullptr);
  } else {
    status = api().convolution_desc_create(&made, api().engine, kForwardInference, kDirectConvolution,
                                           source.get(), weights.get(), nullptr, destination.get(), strides,
                                           dilations, padding, padding, nullptr);
  }
  return accepted(status, made, implementation);
}

inline void plan_convolution(Plan& plan, const sparsemark_matrix& a, const sparsemark_product& p,
                             std::string& implementation, bool blocked) {
  const sparsemark_conv& g = *p.conv;
  const TensorSizes source_sizes = {g.batch, g.channels, g.height, g.width};
  const TensorSizes weight_sizes = {a.rows, g.channels, g.kernel_height, g.kernel_width};
  const TensorSizes destination_sizes = {g.batch, a.rows, g.out_height, g.out_width};
  const HeldLayout source = tensor(source_sizes);
  const HeldLayout weights = tensor(weight_sizes);
  const HeldLayout destination = tensor(destination_sizes);
  const HeldDesc product = describe_convolution(
      g, blocked ? any_layout(kF32, source_sizes) : source, any_layout(kF32, weight_sizes),
      blocked ? any_layout(kF32, destination_sizes) : destination, implementation);
  const HeldLayout found_source = chosen(product, kQuerySource);
  const HeldLayout found_weights = chosen(product, kQueryWeights);
  const HeldLayout found_destination = chosen(product, kQueryDestination);

  dnnl_memory* in = plan.memory(source, b_of(p));
  dnnl_memory* out = plan.memory(destination, c_of(p));
  dnnl_memory* packed = plan.memory(found_weights, nullptr);
  dnnl_memory* used_in = same_layout(source, found_source) ? in : plan.memory(found_source, nullptr);
  dnnl_memory* used_out =
      same_layout(destination, found_destination) ? out : plan.memory(found_destination, nullptr);
  if (used_in != in) plan.add_reorder(source, in, found_source, used_in);
  plan.add(product, {{kSource, used_in}, {kWeights, packed}, {kDestination, used_out}});
  if (used_out != out) plan.add_reorder(found_destination, used_out, destination, out);

  Plan packing;
  packing.add_reorder(weights, packing.memory(weights, a.values.data()), found_weights, packed);
  must(packing.execute(), "pack the weights");
}

inline void plan_plain_convolution(Plan& plan, const sparsemark_matrix& a, const sparsemark_product& p,
                                   std::string& implementation) {
  plan_convolution(plan, a, p, implementation, false);
}

inline void plan_blocked_convolution(Plan& plan, const sparsemark_matrix& a, const sparsemark_product& p,
                                     std::string& implementation) {
  plan_convolution(plan, a, p, implementation, true);
}

}  // namespace sparsemark::backends::onednn
