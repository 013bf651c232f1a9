// oneDNN's C functions, declared as oneapi/dnnl/dnnl.h has them in releases 2.x and 3.x, with enumerations as
// int: what is called needs no header, so a binary serves whichever release is found. The two differ in one
// thing: in 2.x descriptors are structs of the caller's, filled in by functions named _init, in 3.x objects
// of the library's. Here both are pointers to something unknown.
#pragma once

#include "backend.h"

// oneDNN's own, never looked into.
struct dnnl_engine;
struct dnnl_memory;
struct dnnl_memory_desc;
struct dnnl_primitive;
struct dnnl_primitive_attr;
struct dnnl_primitive_desc;
struct dnnl_stream;

namespace sparsemark::backends::onednn {

// dnnl_status_t
inline constexpr int kSuccess = 0;
inline constexpr int kOutOfMemory = 1;
// dnnl_engine_kind_t, dnnl_stream_flags_t
inline constexpr int kCpu = 1;
inline constexpr unsigned kDefaultStream = 1;
// dnnl_data_type_t
inline constexpr int kF32 = 3;
inline constexpr int kS32 = 4;
inline constexpr int kS8 = 5;
inline constexpr int kU8 = 6;
// dnnl_format_tag_t, dnnl_prop_kind_t, dnnl_alg_kind_t
inline constexpr int kAnyLayout = 1;
inline constexpr int kForwardInference = 96;
inline constexpr int kDirectConvolution = 1;
// dnnl_query_t
inline constexpr int kQueryImplementation = 8;
inline constexpr int kQuerySource = 129;
inline constexpr int kQueryWeights = 131;
inline constexpr int kQueryDestination = 133;
// Arguments of a primitive; those of a reorder are source and destination.
inline constexpr int kSource = 1;
inline constexpr int kDestination = 17;
inline constexpr int kWeights = 33;
// As a handle: memory that oneDNN allocates.
inline void* const kAllocate = reinterpret_cast<void*>(~std::size_t{0});

// dnnl_exec_arg_t
struct Argument {
  int arg;
  dnnl_memory* memory;
};

using Layout = const dnnl_memory_desc*;
using Sizes = const std::int64_t*;

// The same in both releases.
using EngineCreate = int(dnnl_engine** made, int kind, std::size_t index);
using StreamCreate = int(dnnl_stream** made, dnnl_engine* engine, unsigned flags);
using StreamWait = int(dnnl_stream* stream);
using DescEqual = int(Layout one, Layout other);
using ReorderDescCreate = int(dnnl_primitive_desc** made, Layout from, dnnl_engine* from_engine, Layout to,
                              dnnl_engine* to_engine, const dnnl_primitive_attr* attributes);
using Query = int(const dnnl_primitive_desc* desc, int what, int index, void* result);
using QueryLayout = Layout(const dnnl_primitive_desc* desc, int what, int index);
using PrimitiveDescDestroy = int(dnnl_primitive_desc* desc);
using PrimitiveCreate = int(dnnl_primitive** made, const dnnl_primitive_desc* desc);
using PrimitiveExecute = int(const dnnl_primitive* primitive, dnnl_stream* stream, int count,
                             const Argument* arguments);
using PrimitiveDestroy = int(dnnl_primitive* primitive);
using MemoryCreate = int(dnnl_memory** made, Layout layout, dnnl_engine* engine, void* handle);
using MemoryDestroy = int(dnnl_memory* memory);

// Of 2.x. What is filled in is a struct of the caller's; its size and that of the largest operation's
// descriptor are below these.
inline constexpr std::size_t kMostLayoutBytes = 1024;
inline constexpr std::size_t kMostOperationBytes = 16384;
using LayoutInitByStrides = int(dnnl_memory_desc* made, int count, Sizes sizes, int type, Sizes strides);
using LayoutInitByTag = int(dnnl_memory_desc* made, int count, Sizes sizes, int type, int tag);
using MatmulInit = int(void* made, Layout source, Layout weights, Layout bias, Layout destination);
using ConvolutionInit = int(void* made, int propagation, int algorithm, Layout source, Layout weights,
                            Layout bias, Layout destination, Sizes strides, Sizes padding, Sizes padding_end);
using PrimitiveDescCreate = int(dnnl_primitive_desc** made, const void* operation,
                                const dnnl_primitive_attr* attributes, dnnl_engine* engine,
                                const dnnl_primitive_desc* hint);

// Of 3.x.
using LayoutCreateByStrides = int(dnnl_memory_desc** made, int count, Sizes sizes, int type, Sizes strides);
using LayoutCreateByTag = int(dnnl_memory_desc** made, int count, Sizes sizes, int type, int tag);
using LayoutCreateCsr = int(dnnl_memory_desc** made, int count, Sizes sizes, int type, std::int64_t nnz,
                            int index_type, int offset_type);
using LayoutDestroy = int(dnnl_memory_desc* layout);
using MemoryCreateOfParts = int(dnnl_memory** made, Layout layout, dnnl_engine* engine, int count,
                                void** handles);
using MatmulDescCreate = int(dnnl_primitive_desc** made, dnnl_engine* engine, Layout source, Layout weights,
                             Layout bias, Layout destination, const dnnl_primitive_attr* attributes);
using ConvolutionDescCreate = int(dnnl_primitive_desc** made, dnnl_engine* engine, int propagation,
                                  int algorithm, Layout source, Layout weights, Layout bias,
                                  Layout destination, Sizes strides, Sizes dilations, Sizes padding,
                                  Sizes padding_end, const dnnl_primitive_attr* attributes);

// The functions needed, one engine and one stream; found once. Those of the other release stay empty.
struct Api {
  EngineCreate* engine_create = nullptr;
  StreamCreate* stream_create = nullptr;
  StreamWait* stream_wait = nullptr;
  DescEqual* desc_equal = nullptr;
  ReorderDescCreate* reorder_desc_create = nullptr;
  Query* query = nullptr;
  QueryLayout* query_layout = nullptr;
  PrimitiveDescDestroy* primitive_desc_destroy = nullptr;
  PrimitiveCreate* primitive_create = nullptr;
  PrimitiveExecute* primitive_execute = nullptr;
  PrimitiveDestroy* primitive_destroy = nullptr;
  MemoryCreate* memory_create = nullptr;
  MemoryDestroy* memory_destroy = nullptr;

  LayoutInitByStrides* layout_init_by_strides = nullptr;
  LayoutInitByTag* layout_init_by_tag = nullptr;
  MatmulInit* matmul_init = nullptr;
  ConvolutionInit* convolution_init = nullptr;
  PrimitiveDescCreate* primitive_desc_create = nullptr;

  LayoutCreateByStrides* layout_create_by_strides = nullptr;
  LayoutCreateByTag* layout_create_by_tag = nullptr;
  LayoutCreateCsr* layout_create_csr = nullptr;
  LayoutDestroy* layout_destroy = nullptr;
  MemoryCreateOfParts* memory_create_of_parts = nullptr;
  MatmulDescCreate* matmul_desc_create = nullptr;
  ConvolutionDescCreate* convolution_desc_create = nullptr;

  int major = 0;
  dnnl_engine* engine = nullptr;
  dnnl_stream* stream = nullptr;
};
inline Api& api() {
  static Api one;
  return one;
}

// Whether every function of that release is there and an engine could be made.
inline bool find_primitives(void* handle, int major) {
  Api& a = api();
  bool all = true;
  const auto seek = [&](auto*& function, const char* symbol) {
    function = find<std::remove_reference_t<decltype(*function)>>(handle, symbol);
    all = all && function != nullptr;
  };
  a.major = major;
  seek(a.engine_create, "dnnl_engine_create");
  seek(a.stream_create, "dnnl_stream_create");
  seek(a.stream_wait, "dnnl_stream_wait");
  seek(a.desc_equal, "dnnl_memory_desc_equal");
  seek(a.reorder_desc_create, "dnnl_reorder_primitive_desc_create");
  seek(a.query, "dnnl_primitive_desc_query");
  seek(a.query_layout, "dnnl_primitive_desc_query_md");
  seek(a.primitive_desc_destroy, "dnnl_primitive_desc_destroy");
  seek(a.primitive_create, "dnnl_primitive_create");
  seek(a.primitive_execute, "dnnl_primitive_execute");
  seek(a.primitive_destroy, "dnnl_primitive_destroy");
  seek(a.memory_create, "dnnl_memory_create");
  seek(a.memory_destroy, "dnnl_memory_destroy");
  if (major == 2) {
    seek(a.layout_init_by_strides, "dnnl_memory_desc_init_by_strides");
    seek(a.layout_init_by_tag, "dnnl_memory_desc_init_by_tag");
    seek(a.matmul_init, "dnnl_matmul_desc_init");
    seek(a.convolution_init, "dnnl_convolution_forward_desc_init");
    seek(a.primitive_desc_create, "dnnl_primitive_desc_create");
  } else if (major == 3) {
    seek(a.layout_create_by_strides, "dnnl_memory_desc_create_with_strides");
    seek(a.layout_create_by_tag, "dnnl_memory_desc_create_with_tag");
    seek(a.layout_destroy, "dnnl_memory_desc_destroy");
    seek(a.matmul_desc_create, "dnnl_matmul_primitive_desc_create");
    seek(a.convolution_desc_create, "dnnl_convolution_forward_primitive_desc_create");
  } else {
    return false;
  }
  return all && a.engine_create(&a.engine, kCpu, 0) == kSuccess &&
         a.stream_create(&a.stream, a.engine, kDefaultStream) == kSuccess;
}

// Whether this release can describe compressed sparse rows: since 3.3, and where its builders let it.
inline bool find_csr(void* handle) {
  api().layout_create_csr = find<LayoutCreateCsr>(handle, "dnnl_memory_desc_create_with_csr_encoding");
  api().memory_create_of_parts = find<MemoryCreateOfParts>(handle, "dnnl_memory_create_v2");
  return api().layout_create_csr != nullptr && api().memory_create_of_parts != nullptr;
}

}  // namespace sparsemark::backends::onednn
