// Compared at compile time: what our backends declare of libraries that they open at run time, and the real
// headers, where these are installed. Compiled with -fsyntax-only, never linked.
#include <cstddef>
#include <type_traits>

#if __has_include(<rsb.h>)
#include <rsb.h>
#endif
#if __has_include(<GraphBLAS.h>)
#include <GraphBLAS.h>
#endif
#if __has_include(<oneapi/dnnl/dnnl.h>)
#include <oneapi/dnnl/dnnl.h>
#include <oneapi/dnnl/dnnl_version.h>
#define HAS_ONEDNN
#endif
#if __has_include(<mkl_spblas.h>)
#include <mkl_spblas.h>
#define HAS_MKL
#elif __has_include(<mkl/mkl_spblas.h>)
#include <mkl/mkl_spblas.h>
#define HAS_MKL
#endif

#include "../../native/backends/graphblas_api.h"
#include "../../native/backends/librsb_api.h"
#include "../../native/backends/mkl_sparse.h"
#include "../../native/backends/onednn_api.h"

namespace {

// A function's type with int for every enumeration.
template <typename T>
struct PlainType {
  using Type = std::conditional_t<std::is_enum_v<T>, int, T>;
};
#if defined(HAS_MKL)
template <>
struct PlainType<matrix_descr> {
  using Type = sparsemark::backends::mkl::Description;
};
#endif
#if defined(HAS_ONEDNN)
template <>
struct PlainType<const dnnl_exec_arg_t*> {
  using Type = const sparsemark::backends::onednn::Argument*;
};
#if DNNL_VERSION_MAJOR == 2
// Structs without a name there.
template <>
struct PlainType<dnnl_memory_desc_t*> {
  using Type = dnnl_memory_desc*;
};
template <>
struct PlainType<const dnnl_memory_desc_t*> {
  using Type = sparsemark::backends::onednn::Layout;
};
template <>
struct PlainType<dnnl_matmul_desc_t*> {
  using Type = void*;
};
template <>
struct PlainType<dnnl_convolution_desc_t*> {
  using Type = void*;
};
#endif
#endif
template <typename T>
using Plain = typename PlainType<T>::Type;
template <typename T>
struct PlainFunction;
template <typename R, typename... A>
struct PlainFunction<R(A...)> {
  using Type = Plain<R>(Plain<A>...);
};
template <typename Real, typename Ours>
constexpr bool kSame = std::is_same_v<typename PlainFunction<Real>::Type, Ours>;

#if __has_include(<rsb.h>)
namespace rsb = sparsemark::backends::librsb;
static_assert(kSame<decltype(rsb_lib_init), rsb::LibInit>);
static_assert(kSame<decltype(rsb_lib_set_opt), rsb::LibSetOpt>);
static_assert(kSame<decltype(rsb_mtx_alloc_from_csr_const), rsb::AllocFromCsr>);
static_assert(kSame<decltype(rsb_mtx_clone), rsb::Clone>);
static_assert(kSame<decltype(rsb_mtx_free), rsb::Free>);
static_assert(kSame<decltype(rsb_mtx_get_info), rsb::GetInfo>);
static_assert(kSame<decltype(rsb_mtx_add_to_dense), rsb::AddToDense>);
static_assert(kSame<decltype(rsb_tune_spmm), rsb::TuneSpmm>);
static_assert(kSame<decltype(rsb_spmm), rsb::Spmm>);
static_assert(kSame<decltype(rsb_spmv), rsb::Spmv>);
static_assert(rsb::kExecutingThreads == RSB_IO_WANT_EXECUTING_THREADS);
static_assert(rsb::kIndexBytes == RSB_MIF_INDEX_STORAGE_IN_BYTES__TO__SIZE_T);
static_assert(rsb::kLeaves == RSB_MIF_LEAVES_COUNT__TO__RSB_BLK_INDEX_T);
static_assert(rsb::kFloat == RSB_NUMERICAL_TYPE_FLOAT);
static_assert(rsb::kPlain == RSB_TRANSPOSITION_N);
static_assert(rsb::kRowMajor == RSB_FLAG_WANT_ROW_MAJOR_ORDER);
static_assert(rsb::kNoFlags == RSB_FLAG_NOFLAGS);
static_assert(rsb::kTrue == RSB_BOOL_TRUE);
static_assert(rsb::kBlocking == RSB_DEFAULT_BLOCKING);
static_assert(rsb::kOutOfMemory == RSB_ERR_ENOMEM && RSB_ERR_NO_ERROR == 0);
static_assert(sizeof(rsb_blk_idx_t) == sizeof(int));
#endif

#if __has_include(<GraphBLAS.h>)
namespace grb = sparsemark::backends::graphblas;
static_assert(GxB_IMPLEMENTATION_MAJOR == 7);
static_assert(kSame<decltype(GrB_init), grb::Init>);
static_assert(kSame<decltype(GxB_Global_Option_set_INT32), grb::SetOption>);
static_assert(kSame<decltype(GxB_Global_Option_get_INT32), grb::GetOption>);
static_assert(kSame<decltype(GrB_Matrix_new), grb::MatrixNew>);
static_assert(kSame<decltype(GrB_Matrix_free), grb::MatrixFree>);
static_assert(kSame<decltype(GrB_Matrix_wait), grb::MatrixWait>);
static_assert(kSame<decltype(GrB_Vector_new), grb::VectorNew>);
static_assert(kSame<decltype(GrB_Vector_free), grb::VectorFree>);
static_assert(kSame<decltype(GxB_Matrix_pack_CSR), grb::PackCsr>);
static_assert(kSame<decltype(GxB_Matrix_pack_FullR), grb::PackFullRows>);
static_assert(kSame<decltype(GxB_Matrix_unpack_FullR), grb::UnpackFullRows>);
static_assert(kSame<decltype(GxB_Vector_pack_Full), grb::PackFull>);
static_assert(kSame<decltype(GxB_Vector_unpack_Full), grb::UnpackFull>);
static_assert(kSame<decltype(GrB_Matrix_extractTuples_FP32), grb::ExtractTuples>);
static_assert(kSame<decltype(GrB_mxm), grb::Mxm>);
static_assert(kSame<decltype(GrB_mxv), grb::Mxv>);
static_assert(std::is_same_v<decltype(GrB_FP32), grb::Type>);
static_assert(std::is_same_v<decltype(GrB_PLUS_FP32), grb::BinaryOp>);
static_assert(std::is_same_v<decltype(GrB_PLUS_TIMES_SEMIRING_FP32), grb::Semiring>);
static_assert(grb::kSuccess == GrB_SUCCESS && grb::kOutOfMemory == GrB_OUT_OF_MEMORY);
static_assert(grb::kNonblocking == GrB_NONBLOCKING && grb::kComplete == GrB_COMPLETE);
static_assert(grb::kThreads == GxB_NTHREADS && grb::kVersion == GxB_LIBRARY_VERSION);
#endif

#if defined(HAS_ONEDNN)
namespace dnn = sparsemark::backends::onednn;
static_assert(kSame<decltype(dnnl_engine_create), dnn::EngineCreate>);
static_assert(kSame<decltype(dnnl_stream_create), dnn::StreamCreate>);
static_assert(kSame<decltype(dnnl_stream_wait), dnn::StreamWait>);
static_assert(kSame<decltype(dnnl_memory_desc_equal), dnn::DescEqual>);
static_assert(kSame<decltype(dnnl_reorder_primitive_desc_create), dnn::ReorderDescCreate>);
static_assert(kSame<decltype(dnnl_primitive_desc_query), dnn::Query>);
static_assert(kSame<decltype(dnnl_primitive_desc_query_md), dnn::QueryLayout>);
static_assert(kSame<decltype(dnnl_primitive_desc_destroy), dnn::PrimitiveDescDestroy>);
static_assert(kSame<decltype(dnnl_primitive_create), dnn::PrimitiveCreate>);
static_assert(kSame<decltype(dnnl_primitive_execute), dnn::PrimitiveExecute>);
static_assert(kSame<decltype(dnnl_primitive_destroy), dnn::PrimitiveDestroy>);
static_assert(kSame<decltype(dnnl_memory_create), dnn::MemoryCreate>);
static_assert(kSame<decltype(dnnl_memory_destroy), dnn::MemoryDestroy>);
#if DNNL_VERSION_MAJOR == 2
static_assert(kSame<decltype(dnnl_memory_desc_init_by_strides), dnn::LayoutInitByStrides>);
static_assert(kSame<decltype(dnnl_memory_desc_init_by_tag), dnn::LayoutInitByTag>);
static_assert(kSame<decltype(dnnl_matmul_desc_init), dnn::MatmulInit>);
static_assert(kSame<decltype(dnnl_convolution_forward_desc_init), dnn::ConvolutionInit>);
static_assert(kSame<decltype(dnnl_primitive_desc_create), dnn::PrimitiveDescCreate>);
static_assert(sizeof(dnnl_memory_desc_t) <= dnn::kMostLayoutBytes);
static_assert(sizeof(dnnl_matmul_desc_t) <= dnn::kMostOperationBytes);
static_assert(sizeof(dnnl_convolution_desc_t) <= dnn::kMostOperationBytes);
#else
static_assert(kSame<decltype(dnnl_memory_desc_create_with_strides), dnn::LayoutCreateByStrides>);
static_assert(kSame<decltype(dnnl_memory_desc_create_with_tag), dnn::LayoutCreateByTag>);
static_assert(kSame<decltype(dnnl_memory_desc_create_with_csr_encoding), dnn::LayoutCreateCsr>);
static_assert(kSame<decltype(dnnl_memory_desc_destroy), dnn::LayoutDestroy>);
static_assert(kSame<decltype(dnnl_memory_create_v2), dnn::MemoryCreateOfParts>);
static_assert(kSame<decltype(dnnl_matmul_primitive_desc_create), dnn::MatmulDescCreate>);
static_assert(kSame<decltype(dnnl_convolution_forward_primitive_desc_create), dnn::ConvolutionDescCreate>);
#endif
static_assert(sizeof(dnnl_exec_arg_t) == sizeof(dnn::Argument));
static_assert(offsetof(dnnl_exec_arg_t, memory) == offsetof(dnn::Argument, memory));
static_assert(dnn::kSuccess == dnnl_success && dnn::kOutOfMemory == dnnl_out_of_memory);
static_assert(dnn::kCpu == dnnl_cpu && dnn::kDefaultStream == dnnl_stream_default_flags);
static_assert(dnn::kF32 == dnnl_f32 && dnn::kS32 == dnnl_s32);
static_assert(dnn::kS8 == dnnl_s8 && dnn::kU8 == dnnl_u8);
static_assert(dnn::kAnyLayout == dnnl_format_tag_any);
static_assert(dnn::kForwardInference == dnnl_forward_inference);
static_assert(dnn::kDirectConvolution == dnnl_convolution_direct);
static_assert(dnn::kQueryImplementation == dnnl_query_impl_info_str);
static_assert(dnn::kQuerySource == dnnl_query_src_md && dnn::kQueryWeights == dnnl_query_weights_md);
static_assert(dnn::kQueryDestination == dnnl_query_dst_md);
static_assert(dnn::kSource == DNNL_ARG_SRC && dnn::kDestination == DNNL_ARG_DST);
static_assert(dnn::kSource == DNNL_ARG_FROM && dnn::kDestination == DNNL_ARG_TO);
static_assert(dnn::kWeights == DNNL_ARG_WEIGHTS);
#endif

#if defined(HAS_MKL)
namespace mkl = sparsemark::backends::mkl;
static_assert(kSame<decltype(mkl_sparse_s_create_csr), mkl::CreateCsr>);
static_assert(kSame<decltype(mkl_sparse_set_mm_hint), mkl::SetMmHint>);
static_assert(kSame<decltype(mkl_sparse_set_mv_hint), mkl::SetMvHint>);
static_assert(kSame<decltype(mkl_sparse_set_memory_hint), mkl::SetMemoryHint>);
static_assert(kSame<decltype(mkl_sparse_optimize), mkl::Optimize>);
static_assert(kSame<decltype(mkl_sparse_destroy), mkl::Destroy>);
static_assert(kSame<decltype(mkl_sparse_s_mm), mkl::Mm>);
static_assert(kSame<decltype(mkl_sparse_s_mv), mkl::Mv>);
static_assert(sizeof(matrix_descr) == sizeof(mkl::Description));
static_assert(offsetof(matrix_descr, mode) == offsetof(mkl::Description, mode));
static_assert(offsetof(matrix_descr, diag) == offsetof(mkl::Description, diagonal));
static_assert(mkl::kSuccess == SPARSE_STATUS_SUCCESS && mkl::kAllocationFailed == SPARSE_STATUS_ALLOC_FAILED);
static_assert(mkl::kNoTranspose == SPARSE_OPERATION_NON_TRANSPOSE);
static_assert(mkl::kGeneral == SPARSE_MATRIX_TYPE_GENERAL && mkl::kZeroBased == SPARSE_INDEX_BASE_ZERO);
static_assert(mkl::kLowerFill == SPARSE_FILL_MODE_LOWER && mkl::kNonUnitDiagonal == SPARSE_DIAG_NON_UNIT);
static_assert(mkl::kSparseRowMajor == SPARSE_LAYOUT_ROW_MAJOR);
static_assert(mkl::kAggressiveMemory == SPARSE_MEMORY_AGGRESSIVE);
#endif

}  // namespace
