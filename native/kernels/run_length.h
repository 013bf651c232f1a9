// What the kernels on run-length-4 share. For kernel files only.
#pragma once

#include "kernel.h"

namespace sparsemark::SPARSEMARK_ISA {
namespace {

// Rows that processing element e holds.
static inline std::int32_t element_rows(const Encoded& a, std::int32_t e) {
  return e < a.rows ? (a.rows - e - 1) / a.p0 + 1 : 0;
}

// Zeros between entry p and the one before it.
static inline std::int32_t zeros_before(const Encoded& a, std::int32_t p) {
  return a.bytes[p / 2] >> p % 2 * 4 & 15;
}

}  // namespace
}  // namespace sparsemark::SPARSEMARK_ISA
