// How many instructions an evaluation of each AVX2 kernel takes on a fixed problem: run under callgrind, one
// dump a kernel. Instructions are no time, but the same on every machine and in every run: a change of a
// kernel shows in review. Of one row of the table in CMakeLists.txt alone, since valgrind knows no AVX-512.
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

struct Mask {
  std::vector<std::int32_t> offsets{0}, indices;
  std::vector<float> values;
  sparsemark_csr csr() const {
    return {kRows, kCols, offsets.back(), offsets.data(), indices.data(), values.data()};
  }
};

template <typename Keep>
Mask mask(Keep keep) {
  Mask made;
  state = 42;
  for (std::int32_t i = 0; i < kRows; ++i) {
    for (std::int32_t j = 0; j < kCols; ++j) {
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

// Counts a kernel on the first mask that its format takes; false where it takes none.
bool count(const std::shared_ptr<sparsemark::Library>& library, int index, const std::vector<Mask>& masks) {
  const sparsemark_kernel& kernel = library->table().kernels[index];
  for (std::size_t at = 0; at < masks.size(); ++at) {
    try {
      auto matrix =
          std::make_shared<sparsemark::HostMatrix>(library, kernel.format, kernel.dtype, masks[at].csr());
      sparsemark::HostOperands operands;
      operands.n = std::strcmp(kernel.op, "spmv") == 0 ? 1 : 48;
      const sparsemark::OperandSizes sizes = sparsemark::sizes_of(*library, index, matrix.get(), operands);
      if (sizes.sparse_b || sizes.makes_matrix) return false;
      const std::vector<unsigned char> b = filled(sizes.b), b2 = filled(sizes.b2), b3 = filled(sizes.b3);
      operands.b = b.data();
      operands.b2 = b2.data();
      operands.b3 = b3.data();
      sparsemark::HostJob job(library, {matrix}, index, operands);
      job.evaluate();
      CALLGRIND_START_INSTRUMENTATION;
      job.evaluate();
      CALLGRIND_STOP_INSTRUMENTATION;
      const std::string name = std::string(kernel.op) + " " + kernel.name + " " + kernel.dtype;
      CALLGRIND_DUMP_STATS_AT(name.c_str());
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
    const std::vector<Mask> masks = {
        mask([](std::int32_t, std::int32_t) { return draw() % 5 == 0; }),
        mask([](std::int32_t i, std::int32_t j) { return (i + j) % 4 < 2; }),
        mask([](std::int32_t i, std::int32_t j) { return (i + j) % 4 == 0; }),
        mask([](std::int32_t i, std::int32_t j) { return j <= i; }),
    };
    int counted = 0;
    for (int index = 0; index < library->table().kernel_count; ++index) {
      if (std::strcmp(library->table().kernels[index].isa, "avx2") != 0) continue;
      if (count(library, index, masks)) ++counted;
    }
    std::printf("%d\n", counted);
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
