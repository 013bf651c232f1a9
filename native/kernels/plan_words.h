// Plans in words, each part of which has its reason in src/measure/plan-reasons.ts. Below the header of an
// instruction set, be it that of floats or of f16. For kernel files only.
#pragma once

#include "kernel.h"

namespace sparsemark::SPARSEMARK_ISA {
namespace {

static inline char* append(char* at, const char* text) {
  while (*text != '\0') *at++ = *text++;
  *at = '\0';
  return at;
}

static inline char* append(char* at, int number) {
  if (number >= 10) at = append(at, number / 10);
  *at++ = static_cast<char>('0' + number % 10);
  *at = '\0';
  return at;
}

// "4 rows x 6 vectors of 16 columns" for one thread's panels.
static inline char* say_tiling(char* text, int rows, int vectors, int lanes = kLanes) {
  text = append(append(text, rows), rows == 1 ? " row x " : " rows x ");
  text = append(append(text, vectors), vectors == 1 ? " vector of " : " vectors of ");
  return append(append(text, lanes), lanes == 1 ? " column" : " columns");
}

static inline char* say_rows(char* text, int rows) {
  return append(append(text, rows), rows == 1 ? " row" : " rows");
}

// For kernels of one column of B that pick its elements by A's columns: "1 row, 2 chains of sums, B
// gathered".
static inline char* say_dots(char* text, int rows, int chains) {
  text = append(append(say_rows(text, rows), ", "), chains);
  text = append(text, chains == 1 ? " chain of sums, " : " chains of sums, ");
  return append(text, gathers() ? "B gathered" : "B by single loads");
}
template <int kRows, int kChains>
void dots_tiling(const Encoded&, std::int32_t, char* text) {
  say_dots(text, kRows, kChains);
}

// For those that read some rows of A from their first column to their last: "4 rows of A x 2 vectors".
static inline char* say_streams(char* text, int rows, int vectors) {
  text = append(append(text, rows), " rows of A x ");
  return append(append(text, vectors), " vectors");
}
template <int kRows, int kVectors>
void streams_tiling(const Encoded&, std::int32_t, char* text) {
  say_streams(text, kRows, kVectors);
}

// For those that meet neighbours of B: "4 rows, B in place".
template <int kRows>
void in_place_tiling(const Encoded&, std::int32_t, char* text) {
  append(say_rows(text, kRows), ", B in place");
}

}  // namespace
}  // namespace sparsemark::SPARSEMARK_ISA
