// How many instructions an evaluation of each AVX2 kernel, and of encode and prune of each format, takes on a
// fixed problem: run under callgrind, one dump a kernel. Instructions are no time, but the same on every
// machine and in every run: a change of a kernel shows in review. Of one row of the table in CMakeLists.txt
// alone, since valgrind knows no AVX-512.
//   instructions <libsparsemark-native.so>
#include <valgrind/callgrind.h>

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "../../native/door.h"

namespace {

using sparsemark::Element;

// Numbers that are the same everywhere (Steele and Vigna's SplitMix64).
std::uint64_t state = 1;
std::uint64_t draw() {
  std::uint64_t z = (state += 0x9e3779b97f4a7c15ULL);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

constexpr std::int32_t kRows = 128;
constexpr std::int32_t kCols = 256;
constexpr std::int32_t kWidth = 48;  // n, where the op does not say otherwise

// 28 channels, 3 x 3, same padding, on 8 x 8 pixels.
constexpr sparsemark_conv kConv = {1, 28, 8, 8, 3, 3, 1, 1, 8, 8};
constexpr std::int32_t kConvCols = 28 * 3 * 3;

struct Mask {
  std::int32_t rows, cols;
  std::vector<std::int32_t> offsets{0}, indices;
  std::vector<float> values;
  sparsemark_csr csr() const {
    return {rows, cols, offsets.back(), offsets.data(), indices.data(), values.data()};
  }
  std::vector<float> dense() const {
    std::vector<float> all(static_cast<std::size_t>(rows) * static_cast<std::size_t>(cols));
    for (std::int32_t i = 0; i < rows; ++i) {
      for (auto p = static_cast<std::size_t>(offsets[static_cast<std::size_t>(i)]);
           p < static_cast<std::size_t>(offsets[static_cast<std::size_t>(i) + 1]); ++p) {
        all[static_cast<std::size_t>(i * cols + indices[p])] = values[p];
      }
    }
    return all;
  }
};

template <typename Keep>
Mask mask(std::int32_t rows, std::int32_t cols, Keep keep) {
  Mask made{rows, cols, {0}, {}, {}};
  state = 42;
  for (std::int32_t i = 0; i < rows; ++i) {
    for (std::int32_t j = 0; j < cols; ++j) {
      // Small whole numbers: values of every data type.
      const float value = static_cast<float>(1 + draw() % 7);
      if (!keep(i, j)) continue;
      made.indices.push_back(j);
      made.values.push_back(value);
    }
    made.offsets.push_back(static_cast<std::int32_t>(made.indices.size()));
  }
  return made;
}

std::vector<unsigned char> filled(const sparsemark::OperandSize& size) {
  std::vector<unsigned char> bytes(size.length * sparsemark::bytes_of(size.element));
  for (std::size_t i = 0; i < size.length; ++i) {
    const float value = static_cast<float>(draw() % 15) - 7.0f;
    switch (size.element) {
      case Element::kFloat32:
        std::memcpy(&bytes[4 * i], &value, 4);
        break;
      default:
        bytes[i * sparsemark::bytes_of(size.element)] = static_cast<unsigned char>(draw() % 15);
    }
  }
  return bytes;
}

void count_job(sparsemark::HostJob& job, const sparsemark_kernel& kernel) {
  job.evaluate();
  CALLGRIND_START_INSTRUMENTATION;
  job.evaluate();
  CALLGRIND_STOP_INSTRUMENTATION;
  const std::string name = std::string(kernel.op) + " " + kernel.name + " " + kernel.dtype;
  CALLGRIND_DUMP_STATS_AT(name.c_str());
}

// encode and prune: from the mask as a dense matrix; prune to half of what is there.
void count_maker(const std::shared_ptr<sparsemark::Library>& library, int index, const Mask& mask) {
  const std::vector<float> dense = mask.dense();
  sparsemark::HostOperands operands;
  operands.n = 1;
  operands.b = dense.data();
  operands.rows = mask.rows;
  operands.cols = mask.cols;
  operands.keep = mask.offsets.back() / 2;
  sparsemark::HostJob job(library, {}, index, operands);
  count_job(job, library->table().kernels[index]);
}

void count_product(const std::shared_ptr<sparsemark::Library>& library, int index, const Mask& mask) {
  const sparsemark_kernel& kernel = library->table().kernels[index];
  auto matrix = std::make_shared<sparsemark::HostMatrix>(library, kernel.format, kernel.dtype, mask.csr());
  const bool convolves = std::strcmp(kernel.op, "conv2d") == 0;
  const bool vector = std::strcmp(kernel.op, "spmv") == 0 || std::strcmp(kernel.op, "spmspv") == 0;
  sparsemark::HostOperands operands;
  operands.n = convolves ? kConv.out_height * kConv.out_width : vector ? 1 : kWidth;
  operands.conv = convolves ? &kConv : nullptr;
  const sparsemark::OperandSizes sizes = sparsemark::sizes_of(*library, index, matrix.get(), operands);
  const Mask sparse = ::mask(sizes.sparse_rows, sizes.sparse_cols,
                             [](std::int32_t, std::int32_t) { return draw() % 5 == 0; });
  const sparsemark_csr sparse_b = sparse.csr();
  operands.sparse_b = sizes.sparse_b ? &sparse_b : nullptr;
  const std::vector<unsigned char> b = filled(sizes.b), b2 = filled(sizes.b2), b3 = filled(sizes.b3);
  operands.b = b.data();
  operands.b2 = b2.data();
  operands.b3 = b3.data();
  sparsemark::HostJob job(library, {matrix}, index, operands);
  count_job(job, kernel);
}

// Counts a kernel on the first mask that its format takes; false where it takes none.
bool count(const std::shared_ptr<sparsemark::Library>& library, int index, const std::vector<Mask>& masks) {
  const char* op = library->table().kernels[index].op;
  const bool makes = std::strcmp(op, "encode") == 0 || std::strcmp(op, "prune") == 0;
  for (const Mask& mask : masks) {
    try {
      makes ? count_maker(library, index, mask) : count_product(library, index, mask);
      return true;
    } catch (const sparsemark::DoorError& error) {
      if (std::strcmp(error.code, "UNSUPPORTED") != 0) throw;
    }
  }
  return false;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "instructions <kernel library>\n");
    return 42;
  }
  try {
    const auto library = sparsemark::Library::open(argv[1]);
    const auto one_of_five = [](std::int32_t, std::int32_t) { return draw() % 5 == 0; };
    // The last one suits conv2d alone, whose geometry fits no other.
    const std::vector<Mask> masks = {
        mask(kRows, kCols, one_of_five),
        mask(kRows, kCols, [](std::int32_t i, std::int32_t j) { return (i + j) % 4 < 2; }),
        mask(kRows, kCols, [](std::int32_t i, std::int32_t j) { return (i + j) % 4 == 0; }),
        mask(kRows, kCols, [](std::int32_t i, std::int32_t j) { return j <= i; }),
        mask(kRows, kCols, [](std::int32_t i, std::int32_t j) { return (i + j / 16) % 4 == 0; }),
        mask(kRows, kConvCols, one_of_five),
    };
    int counted = 0;
    for (int index = 0; index < library->table().kernel_count; ++index) {
      // Makers are of no instruction set.
      const char* isa = library->table().kernels[index].isa;
      if (std::strcmp(isa, "avx2") != 0 && std::strcmp(isa, "auto") != 0) continue;
      if (count(library, index, masks)) ++counted;
    }
    std::printf("%d\n", counted);
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
