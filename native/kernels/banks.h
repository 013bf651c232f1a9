// What the kernels on bank-balanced share. For kernel files only.
#pragma once

#include "../simd/simd.h"
#include "kernel.h"

namespace sparsemark::SPARSEMARK_ISA {
namespace {

// First column of each of L banks.
template <int L>
struct BankBegins {
  alignas(64) std::int32_t of[L];
  explicit BankBegins(std::int32_t cols) {
    for (int b = 0; b < L; ++b) of[b] = static_cast<std::int32_t>(static_cast<std::int64_t>(b) * cols / L);
  }
};

// Place of an entry in its bank, stored in kBytes bytes.
template <int kBytes>
inline std::int32_t place_at(const std::uint8_t* bytes, std::size_t slot) {
  if constexpr (kBytes == 1) {
    return bytes[slot];
  } else {
    return bytes[2 * slot] | bytes[2 * slot + 1] << 8;
  }
}

}  // namespace
}  // namespace sparsemark::SPARSEMARK_ISA
