// The contract of a storage format. One file a format, one line in formats.inc.
#pragma once

#include "../matrix.h"

namespace sparsemark {

// A memory layout of a sparse matrix.
struct Format {
  const char* name;
  // Fills matrix (view.rows, cols, nnz are set by the caller) and calls bind(). Returns nullptr, or the
  // reason why this format cannot hold the matrix, to be read before this thread's next encode. May throw
  // std::bad_alloc.
  const char* (*encode)(const Csr& csr, Matrix& matrix);
  // Writes the nonzeros into dense, rows x cols, row-major, zero-filled by the caller.
  void (*decode)(const Matrix& matrix, float* dense);
  // Type of the stored values; a format of several has one entry in the list for each.
  const char* dtype = "f32";
  // What a tuner may choose of the layout, nullptr for nothing, as in sparsemark_library.knobs; and encode
  // with a choice: a value for each knob in their order, kNotChosen where encode decides.
  const char* knobs = nullptr;
  const char* (*encode_chosen)(const Csr& csr, const std::int32_t* chosen, Matrix& matrix) = nullptr;
  // encode for a CPU whose widest vectors are AVX2's, where that wants another layout; nullptr: the same.
  const char* (*encode_narrow)(const Csr& csr, Matrix& matrix) = nullptr;
};

inline constexpr std::int32_t kNotChosen = -1;

// Stored values that a format may have, padding included: positions are 32-bit.
inline constexpr std::int64_t kMostStored = INT32_MAX;

// Where padding is stored it stands for 0 times a row of B, which is NaN where that row holds NaN or
// infinity: such values reach C through stored elements, padding included, and through no others.

// The list, in the order of formats.inc.
extern const Format* const kFormats[];
extern const int kFormatCount;

}  // namespace sparsemark
