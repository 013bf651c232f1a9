#include "operands.h"

namespace sparsemark {
namespace {

std::size_t times(std::int64_t a, std::int64_t b) {
  return static_cast<std::size_t>(a) * static_cast<std::size_t>(b);
}

std::string numbers(std::initializer_list<std::int64_t> list) {
  std::string text;
  for (const std::int64_t number : list) text += (text.empty() ? "" : " x ") + std::to_string(number);
  return text;
}

// Whether geometry, A and n belong together.
bool conv_fits(const ProductSizes& p, SizesRefusal& refusal) {
  if (p.conv == nullptr) {
    refusal = {"the geometry of a convolution for conv2d", "none"};
    return false;
  }
  const sparsemark_conv& g = *p.conv;
  for (const std::int32_t size :
       {g.batch, g.channels, g.height, g.width, g.kernel_height, g.kernel_width, g.stride}) {
    if (size < 1 || size > 65536) {
      refusal = {"sizes from 1 to 65536 for a convolution", std::to_string(size)};
      return false;
    }
  }
  const std::int64_t high = static_cast<std::int64_t>(g.height) + 2 * static_cast<std::int64_t>(g.padding);
  const std::int64_t wide = static_cast<std::int64_t>(g.width) + 2 * static_cast<std::int64_t>(g.padding);
  if (g.padding < 0 || g.padding >= g.kernel_height || g.padding >= g.kernel_width ||
      high < g.kernel_height || wide < g.kernel_width) {
    refusal = {"a padding below the kernel's size and a kernel inside of the padded input",
               "kernel " + numbers({g.kernel_height, g.kernel_width}) + ", padding " +
                   std::to_string(g.padding) + ", input " + numbers({g.height, g.width})};
    return false;
  }
  if (g.out_height != (high - g.kernel_height) / g.stride + 1 ||
      g.out_width != (wide - g.kernel_width) / g.stride + 1) {
    refusal = {"an output of " +
                   numbers({(high - g.kernel_height) / g.stride + 1, (wide - g.kernel_width) / g.stride + 1}),
               numbers({g.out_height, g.out_width})};
    return false;
  }
  const std::int64_t k = static_cast<std::int64_t>(g.kernel_height) * g.kernel_width * g.channels;
  const std::int64_t area = static_cast<std::int64_t>(g.out_height) * g.out_width;
  if (k != p.k || area > INT32_MAX || area * g.batch != p.n) {
    refusal = {"k = channels x kernel = " + std::to_string(k) + " and n = batch x output",
               numbers({p.k, p.n})};
    return false;
  }
  return true;
}

}  // namespace

std::size_t bytes_of(Element element) {
  switch (element) {
    case Element::kFloat32:
    case Element::kInt32:
      return 4;
    case Element::kFloat16:
      return 2;
    case Element::kUint8:
      return 1;
    case Element::kNone:
      break;
  }
  return 0;
}

bool operand_sizes(const std::string& op, const std::string& dtype, const ProductSizes& p,
                   OperandSizes& sizes, SizesRefusal& refusal) {
  sizes = {};
  Element in = Element::kFloat32;
  Element out = Element::kFloat32;
  if (dtype == "int8") {
    in = Element::kUint8;
    out = Element::kInt32;
  } else if (dtype == "f16") {
    in = out = Element::kFloat16;
  } else if (dtype != "f32" && dtype != "bf16") {
    refusal = {"dtype f32, bf16, f16 or int8", "\"" + dtype + "\""};
    return false;
  }
  const OperandSize k_by_n = {in, times(p.k, p.n)};
  const OperandSize m_by_n = {in, times(p.m, p.n)};
  sizes.c = {out, times(p.m, p.n)};
  if (op == "spmm" || op == "embedding_bag") {
    sizes.b = k_by_n;
  } else if (op == "spmv" || op == "spmspv") {
    if (p.n != 1) {
      refusal = {"n = 1 for " + op, std::to_string(p.n)};
      return false;
    }
    sizes.b = op == "spmv" ? k_by_n : OperandSize{};
    sizes.sparse_b = op == "spmspv";
    sizes.sparse_rows = 1;
    sizes.sparse_cols = p.k;
  } else if (op == "spmspm") {
    sizes.sparse_b = true;
    sizes.sparse_rows = p.k;
    sizes.sparse_cols = p.n;
  } else if (op == "spmm_bias_relu") {
    const OperandSize per_row = {Element::kFloat32, static_cast<std::size_t>(p.m)};
    sizes.b = k_by_n;
    sizes.b2 = per_row;
    if (dtype == "int8") {
      sizes.b3 = per_row;
      sizes.c.element = Element::kFloat32;
    }
  } else if (op == "spmm_t") {
    sizes.b = m_by_n;
    sizes.c.length = times(p.k, p.n);
  } else if (op == "sddmm") {
    sizes.b = m_by_n;
    sizes.b2 = k_by_n;
    sizes.c.length = static_cast<std::size_t>(p.nnz);
  } else if (op == "masked_attention") {
    sizes.b = m_by_n;
    sizes.b2 = sizes.b3 = k_by_n;
  } else if (op == "conv2d") {
    if (!conv_fits(p, refusal)) return false;
    sizes.b = {in, times(p.conv->batch, p.conv->channels) * times(p.conv->height, p.conv->width)};
  } else if (op == "encode" || op == "prune") {
    sizes.b = {Element::kFloat32, times(p.m, p.k)};
    sizes.c = {Element::kNone, 0};
    sizes.makes_matrix = true;
  } else {
    refusal = {"an op of native/sparsemark.h", "\"" + op + "\""};
    return false;
  }
  return true;
}

}  // namespace sparsemark
