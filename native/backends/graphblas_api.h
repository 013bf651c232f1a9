// What graphblas.cc calls of SuiteSparse:GraphBLAS, declared as GraphBLAS.h of 7.x has it, so that a build
// needs no header. test/native/foreign_headers.cc compares it with the real one.
#pragma once

#include <cstdint>

// The library's own, never looked into.
struct GB_Type_opaque;
struct GB_BinaryOp_opaque;
struct GB_Semiring_opaque;
struct GB_Descriptor_opaque;
struct GB_Matrix_opaque;
struct GB_Vector_opaque;

namespace sparsemark::backends::graphblas {

using Type = GB_Type_opaque*;
using BinaryOp = GB_BinaryOp_opaque*;
using Semiring = GB_Semiring_opaque*;
using Descriptor = GB_Descriptor_opaque*;
using Matrix = GB_Matrix_opaque*;
using Vector = GB_Vector_opaque*;
using Index = std::uint64_t;

inline constexpr int kSuccess = 0;         // GrB_SUCCESS
inline constexpr int kOutOfMemory = -102;  // GrB_OUT_OF_MEMORY
inline constexpr int kNonblocking = 0;     // GrB_NONBLOCKING
inline constexpr int kThreads = 5;         // GxB_NTHREADS; another number from 9.0 on
inline constexpr int kVersion = 9;         // GxB_LIBRARY_VERSION
inline constexpr int kComplete = 0;        // GrB_COMPLETE

// Functions return kSuccess or an error; enumerations are int here.
using Init = int(int mode);
using SetOption = int(int field, std::int32_t value);
using GetOption = int(int field, std::int32_t* value);
using MatrixNew = int(Matrix* matrix, Type type, Index rows, Index cols);
using MatrixFree = int(Matrix* matrix);
using MatrixWait = int(Matrix matrix, int mode);
using VectorNew = int(Vector* vector, Type type, Index size);
using VectorFree = int(Vector* vector);
// Packing moves arrays of malloc into an object at no cost, unpacking moves them out again. Sizes are in
// bytes.
using PackCsr = int(Matrix matrix, Index** offsets, Index** indices, void** values, Index offset_bytes,
                    Index index_bytes, Index value_bytes, bool same, bool jumbled, Descriptor descriptor);
using PackFullRows = int(Matrix matrix, void** values, Index bytes, bool same, Descriptor descriptor);
using UnpackFullRows = int(Matrix matrix, void** values, Index* bytes, bool* same, Descriptor descriptor);
using PackFull = int(Vector vector, void** values, Index bytes, bool same, Descriptor descriptor);
using UnpackFull = int(Vector vector, void** values, Index* bytes, bool* same, Descriptor descriptor);
using ExtractTuples = int(Index* rows, Index* cols, float* values, Index* count, Matrix matrix);
// c<mask> = accumulate(c, a b).
using Mxm = int(Matrix c, Matrix mask, BinaryOp accumulate, Semiring semiring, Matrix a, Matrix b,
                Descriptor descriptor);
using Mxv = int(Vector c, Vector mask, BinaryOp accumulate, Semiring semiring, Matrix a, Vector b,
                Descriptor descriptor);

}  // namespace sparsemark::backends::graphblas
