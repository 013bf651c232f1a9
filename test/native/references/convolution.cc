// conv2d: a convolution by its definition, pixel by pixel; batches, rectangular kernels, every stride.
#include <algorithm>
#include <cmath>
#include <limits>
#include <tuple>
#include <utility>

#include "reference.h"

namespace sparsemark::test {
namespace {

constexpr std::int32_t kMostKernel = 7;

// A geometry whose kernel divides A's columns, with about n outputs.
sparsemark_conv random_geometry(std::int32_t columns, std::int32_t n, Random& random) {
  std::vector<std::pair<std::int32_t, std::int32_t>> kernels;
  for (std::int32_t height = 1; height <= kMostKernel; ++height) {
    for (std::int32_t width = 1; width <= kMostKernel; ++width) {
      if (columns % (height * width) == 0) kernels.emplace_back(height, width);
    }
  }
  sparsemark_conv g = {};
  std::tie(g.kernel_height, g.kernel_width) =
      kernels[static_cast<std::size_t>(random.below(static_cast<std::int32_t>(kernels.size())))];
  g.channels = columns / (g.kernel_height * g.kernel_width);
  g.batch = 1 + random.below(std::min(3, n));
  g.stride = random.below(2) == 0 ? 1 : 1 + random.below(3);
  g.padding = random.below(std::min(g.kernel_height, g.kernel_width));
  g.out_width = 1 + random.below(std::min(n / g.batch, 100));
  g.out_height = std::max(1, n / g.batch / g.out_width);
  // Up to stride - 1 pixels at the far edges are read by nothing.
  const auto input = [&](std::int32_t outputs, std::int32_t kernel) {
    return std::max(1, (outputs - 1) * g.stride + kernel - 2 * g.padding + random.below(g.stride));
  };
  const auto output = [&](std::int32_t size, std::int32_t kernel) {
    return (size + 2 * g.padding - kernel) / g.stride + 1;
  };
  g.height = input(g.out_height, g.kernel_height);
  g.width = input(g.out_width, g.kernel_width);
  g.out_height = output(g.height, g.kernel_height);
  g.out_width = output(g.width, g.kernel_width);
  return g;
}

bool make_conv2d(const Sample& a, std::int32_t n, const Stored* stored, Random& random, OpCase& out) {
  if (a.cols == 0 || n == 0) return false;
  const sparsemark_conv g = random_geometry(a.cols, n, random);
  const std::size_t area = static_cast<std::size_t>(g.height) * static_cast<std::size_t>(g.width);
  const std::size_t out_area = static_cast<std::size_t>(g.out_height) * static_cast<std::size_t>(g.out_width);
  const std::size_t batch = static_cast<std::size_t>(g.batch);
  const std::size_t channels = static_cast<std::size_t>(g.channels);
  const std::size_t filters = static_cast<std::size_t>(a.rows);
  float* in = random_floats(out, batch * channels * area, random);
  out.conv = g;
  out.product.conv = &out.conv;
  out.product.n = static_cast<std::int32_t>(batch * out_area);
  out.product.b = in;
  out.expected.assign(batch * filters * out_area, 0.0);
  out.tolerance = out.expected;
  // Calls visit(place in the output, pixel of the input) for all that a column of A multiplies in an image.
  const auto each_pixel = [&](std::size_t image, std::int32_t column, auto visit) {
    const std::int32_t kx = column % g.kernel_width;
    const std::int32_t ky = column / g.kernel_width % g.kernel_height;
    const std::size_t channel = static_cast<std::size_t>(column / g.kernel_width / g.kernel_height);
    for (std::size_t at = 0; at < out_area; ++at) {
      const std::int32_t oy = static_cast<std::int32_t>(at) / g.out_width;
      const std::int32_t ox = static_cast<std::int32_t>(at) % g.out_width;
      const std::int32_t y = oy * g.stride + ky - g.padding;
      const std::int32_t x = ox * g.stride + kx - g.padding;
      if (y < 0 || y >= g.height || x < 0 || x >= g.width) continue;
      visit(at, (image * channels + channel) * area + static_cast<std::size_t>(y * g.width + x));
    }
  };
  for (std::size_t image = 0; image < batch; ++image) {
    for (std::size_t i = 0; i < filters; ++i) {
      for (std::size_t p = static_cast<std::size_t>(a.row_offsets[i]);
           p < static_cast<std::size_t>(a.row_offsets[i + 1]); ++p) {
        each_pixel(image, a.col_indices[p], [&](std::size_t at, std::size_t pixel) {
          const double product = static_cast<double>(a.values[p]) * static_cast<double>(in[pixel]);
          out.expected[(image * filters + i) * out_area + at] += product;
          out.tolerance[(image * filters + i) * out_area + at] += std::fabs(product);
        });
      }
    }
  }
  for (double& magnitude : out.tolerance) magnitude = sum_tolerance(a.cols, magnitude);
  if (stored == nullptr) return true;
  std::vector<bool> met(batch * channels * area);
  for (std::size_t image = 0; image < batch; ++image) {
    for (std::int32_t column = 0; column < a.cols; ++column) {
      if (!stored->cols[static_cast<std::size_t>(column)]) continue;
      each_pixel(image, column, [&](std::size_t, std::size_t pixel) { met[pixel] = true; });
    }
  }
  for (std::size_t pixel = 0; pixel < met.size(); ++pixel) {
    if (!met[pixel]) in[pixel] = std::numeric_limits<float>::quiet_NaN();
  }
  return true;
}

}  // namespace

extern const OpReference conv2d_reference = {"conv2d", "f32", make_conv2d};

}  // namespace sparsemark::test
