// oneDNN's direct convolution, with the weights laid out beforehand as it likes them. Input and output stand
// as they are, NCHW; two ways of dealing with that:
//   plain    oneDNN computes on NCHW with what it has for it.
//   blocked  oneDNN chooses the layouts of input and output too; both reorders are inside the clock.
// Winograd's algorithm, which sums other terms, is left out: its errors are not those of a sum of products.
#pragma once

#include "onednn_matmul.h"

#if defined(SPARSEMARK_ONEDNN_MATMUL)

namespace sparsemark::backends::onednn {

inline dnnl_memory_desc_t tensor(const dnnl_dims_t& dims, dnnl_format_tag_t tag) {
  dnnl_memory_desc_t desc{};
  must(api().desc_by_tag(&desc, 4, dims, dnnl_f32, tag), "describe an operand");
  return desc;
}

// Whether no reorder is needed.
inline bool same_layout(const dnnl_memory_desc_t& one, const dnnl_memory_desc_t& other) {
  return api().desc_equal(&one, &other) != 0;
}

inline void plan_convolution(Plan& plan, const sparsemark_matrix& a, const sparsemark_product& p,
                             std::string& implementation, bool blocked) {
  const sparsemark_conv& g = *p.conv;
  const dnnl_dims_t src_dims = {g.batch, g.channels, g.height, g.width};
  const dnnl_dims_t weight_dims = {a.rows, g.channels, g.kernel_height, g.kernel_width};
  const dnnl_dims_t dst_dims = {g.batch, a.rows, g.out_height, g.out_width};
  const dnnl_dims_t strides = {g.stride, g.stride};
  const dnnl_dims_t padding = {g.padding, g.padding};
  const dnnl_memory_desc_t src = tensor(src_dims, dnnl_nchw);
  const dnnl_memory_desc_t weights = tensor(weight_dims, dnnl_oihw);
  const dnnl_memory_desc_t dst = tensor(dst_dims, dnnl_nchw);
  const dnnl_memory_desc_t any_weights = tensor(weight_dims, dnnl_format_tag_any);
  const dnnl_memory_desc_t asked_src = blocked ? tensor(src_dims, dnnl_format_tag_any) : src;
  const dnnl_memory_desc_t asked_dst = blocked ? tensor(dst_dims, dnnl_format_tag_any) : dst;

  dnnl_convolution_desc_t op{};
  must(api().convolution_desc_init(&op, dnnl_forward_inference, dnnl_convolution_direct, &asked_src,
                                   &any_weights, nullptr, &asked_dst, strides, padding, padding),
       "describe this convolution");
  dnnl_primitive_desc_t desc = describe_primitive(&op, implementation);
  const dnnl_memory_desc_t found_src = *api().query_md(desc, dnnl_query_src_md, 0);
  const dnnl_memory_desc_t found_weights = *api().query_md(desc, dnnl_query_weights_md, 0);
  const dnnl_memory_desc_t found_dst = *api().query_md(desc, dnnl_query_dst_md, 0);

  dnnl_memory_t in = plan.memory(src, b_of(p));
  dnnl_memory_t out = plan.memory(dst, c_of(p));
  dnnl_memory_t packed = plan.memory(found_weights, nullptr);
  dnnl_memory_t used_in = same_layout(src, found_src) ? in : plan.memory(found_src, nullptr);
  dnnl_memory_t used_out = same_layout(dst, found_dst) ? out : plan.memory(found_dst, nullptr);
  if (used_in != in) plan.add_reorder(src, in, found_src, used_in);
  plan.add(desc, {{DNNL_ARG_SRC, used_in}, {DNNL_ARG_WEIGHTS, packed}, {DNNL_ARG_DST, used_out}});
  if (used_out != out) plan.add_reorder(found_dst, used_out, dst, out);

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
#endif
