// oneDNN's matmul primitive, for a build that finds the headers of oneDNN 2.x. Its descriptors are plain
// structs that may change with the major version, so the library found at run time must have the same one.
//
// Two ways of using it, both faster than sgemm for few columns (512 x 2048 x 49, AVX-512, one thread: sgemm
// 850 us, plain 847, packed 677; 3072 x 768 x 8: 662, 510, 455; 3072 x 768 x 32: 977, 900, 1112):
//   plain   C = A B as it stands.
//   packed  C^T = B^T A^T with A^T as the weights, laid out beforehand as oneDNN likes it. No implementation
//           but the reference one writes C^T in place, so C^T is transposed afterwards, inside the clock.
// Plain with A in a layout of oneDNN's own choice was tried: it chooses row-major.
#pragma once

#include "dense_backend.h"

#if __has_include(<oneapi/dnnl/dnnl.h>)
#include <oneapi/dnnl/dnnl.h>
#include <oneapi/dnnl/dnnl_version.h>
#if DNNL_VERSION_MAJOR == 2
#define SPARSEMARK_ONEDNN_MATMUL 1
#endif
#endif

#if defined(SPARSEMARK_ONEDNN_MATMUL)
#include <stdexcept>

namespace sparsemark::backends::onednn {

// The functions needed, one engine and one stream; found once.
struct Api {
  decltype(dnnl_engine_create)* engine_create = nullptr;
  decltype(dnnl_stream_create)* stream_create = nullptr;
  decltype(dnnl_stream_wait)* stream_wait = nullptr;
  decltype(dnnl_memory_desc_init_by_strides)* desc_by_strides = nullptr;
  decltype(dnnl_memory_desc_init_by_tag)* desc_by_tag = nullptr;
  decltype(dnnl_matmul_desc_init)* matmul_desc_init = nullptr;
  decltype(dnnl_convolution_forward_desc_init)* convolution_desc_init = nullptr;
  decltype(dnnl_memory_desc_equal)* desc_equal = nullptr;
  decltype(dnnl_primitive_desc_create)* primitive_desc_create = nullptr;
  decltype(dnnl_reorder_primitive_desc_create)* reorder_desc_create = nullptr;
  decltype(dnnl_primitive_desc_query)* query = nullptr;
  decltype(dnnl_primitive_desc_query_md)* query_md = nullptr;
  decltype(dnnl_primitive_desc_destroy)* primitive_desc_destroy = nullptr;
  decltype(dnnl_primitive_create)* primitive_create = nullptr;
  decltype(dnnl_primitive_execute)* primitive_execute = nullptr;
  decltype(dnnl_primitive_destroy)* primitive_destroy = nullptr;
  decltype(dnnl_memory_create)* memory_create = nullptr;
  decltype(dnnl_memory_destroy)* memory_destroy = nullptr;
  dnnl_engine_t engine = nullptr;
  dnnl_stream_t stream = nullptr;
};
inline Api& api() {
  static Api one;
  return one;
}

// Whether every function is there and an engine could be made.
inline bool find_primitives(void* handle) {
  Api& a = api();
  bool all = true;
  const auto seek = [&](auto*& function, const char* symbol) {
    function = find<std::remove_reference_t<decltype(*function)>>(handle, symbol);
    all = all && function != nullptr;
  };
  seek(a.engine_create, "dnnl_engine_create");
  seek(a.stream_create, "dnnl_stream_create");
  seek(a.stream_wait, "dnnl_stream_wait");
  seek(a.desc_by_strides, "dnnl_memory_desc_init_by_strides");
  seek(a.desc_by_tag, "dnnl_memory_desc_init_by_tag");
  seek(a.matmul_desc_init, "dnnl_matmul_desc_init");
  seek(a.convolution_desc_init, "dnnl_convolution_forward_desc_init");
  seek(a.desc_equal, "dnnl_memory_desc_equal");
  seek(a.primitive_desc_create, "dnnl_primitive_desc_create");
  seek(a.reorder_desc_create, "dnnl_reorder_primitive_desc_create");
  seek(a.query, "dnnl_primitive_desc_query");
  seek(a.query_md, "dnnl_primitive_desc_query_md");
  seek(a.primitive_desc_destroy, "dnnl_primitive_desc_destroy");
  seek(a.primitive_create, "dnnl_primitive_create");
  seek(a.primitive_execute, "dnnl_primitive_execute");
  seek(a.primitive_destroy, "dnnl_primitive_destroy");
  seek(a.memory_create, "dnnl_memory_create");
  seek(a.memory_destroy, "dnnl_memory_destroy");
  return all && a.engine_create(&a.engine, dnnl_cpu, 0) == dnnl_success &&
         a.stream_create(&a.stream, a.engine, dnnl_stream_default_flags) == dnnl_success;
}

inline void must(dnnl_status_t status, const char* what) {
  if (status == dnnl_out_of_memory) throw std::bad_alloc();
  if (status != dnnl_success) {
    throw std::runtime_error(std::string("oneDNN cannot ") + what + " (status " + std::to_string(status) +
                             ")");
  }
}

inline dnnl_memory_desc_t matrix_of(dnnl_data_type_t type, std::int64_t rows, std::int64_t cols,
                                    std::int64_t row_stride, std::int64_t col_stride) {
  dnnl_memory_desc_t desc{};
  const dnnl_dims_t dims = {rows, cols};
  const dnnl_dims_t strides = {row_stride, col_stride};
  must(api().desc_by_strides(&desc, 2, dims, type, strides), "describe an operand");
  return desc;
}

inline dnnl_memory_desc_t floats(std::int64_t rows, std::int64_t cols, std::int64_t row_stride,
                                 std::int64_t col_stride) {
  return matrix_of(dnnl_f32, rows, cols, row_stride, col_stride);
}

// A matrix in a layout of oneDNN's choice.
inline dnnl_memory_desc_t any_matrix(dnnl_data_type_t type, std::int64_t rows, std::int64_t cols) {
  dnnl_memory_desc_t desc{};
  const dnnl_dims_t dims = {rows, cols};
  must(api().desc_by_tag(&desc, 2, dims, type, dnnl_format_tag_any), "describe an operand");
  return desc;
}

// Primitives in the order in which they run, with all that they need.
class Plan {
 public:
  Plan() = default;
  Plan(const Plan&) = delete;
  Plan& operator=(const Plan&) = delete;
  ~Plan() {
    for (Step& step : steps_) api().primitive_destroy(step.primitive);
    for (dnnl_memory_t memory : memories_) api().memory_destroy(memory);
  }

  // data: nullptr lets oneDNN allocate.
  dnnl_memory_t memory(const dnnl_memory_desc_t& desc, const void* data) {
    dnnl_memory_t made = nullptr;
    void* place = data == nullptr ? DNNL_MEMORY_ALLOCATE : const_cast<void*>(data);
    must(api().memory_create(&made, &desc, api().engine, place), "hold an operand");
    memories_.push_back(made);
    return made;
  }

  // Takes over the descriptor.
  void add(dnnl_primitive_desc_t desc, std::vector<dnnl_exec_arg_t> args) {
    dnnl_primitive_t primitive = nullptr;
    const dnnl_status_t status = api().primitive_create(&primitive, desc);
    api().primitive_desc_destroy(desc);
    must(status, "make a primitive");
    steps_.push_back({primitive, std::move(args)});
  }

  void add_reorder(const dnnl_memory_desc_t& from, dnnl_memory_t source, const dnnl_memory_desc_t& to,
                   dnnl_memory_t target) {
    dnnl_primitive_desc_t desc = nullptr;
    must(api().reorder_desc_create(&desc, &from, api().engine, &to, api().engine, nullptr), "reorder");
    add(desc, {{DNNL_ARG_FROM, source}, {DNNL_ARG_TO, target}});
  }

  dnnl_status_t execute() const {
    dnnl_status_t status = dnnl_success;
    for (const Step& step : steps_) {
      if (status == dnnl_success) {
        status = api().primitive_execute(step.primitive, api().stream, static_cast<int>(step.args.size()),
                                         step.args.data());
      }
    }
    return status == dnnl_success ? api().stream_wait(api().stream) : status;
  }

 private:
  struct Step {
    dnnl_primitive_t primitive;
    std::vector<dnnl_exec_arg_t> args;
  };
  std::vector<Step> steps_;
  std::vector<dnnl_memory_t> memories_;
};

// The descriptor of a primitive and the name of its implementation. Refuses the reference one: it is orders
// of magnitude slower, and no baseline.
inline dnnl_primitive_desc_t describe_primitive(const_dnnl_op_desc_t op, std::string& implementation) {
  dnnl_primitive_desc_t desc = nullptr;
  must(api().primitive_desc_create(&desc, op, nullptr, api().engine, nullptr), "compute this product");
  const char* name = nullptr;
  api().query(desc, dnnl_query_impl_info_str, 0, static_cast<void*>(&name));
  implementation = name == nullptr ? "unknown" : name;
  if (implementation.rfind("ref", 0) == 0) {
    api().primitive_desc_destroy(desc);
    throw std::runtime_error("oneDNN has only its reference implementation for this product");
  }
  return desc;
}

inline dnnl_primitive_desc_t describe_matmul(const dnnl_memory_desc_t& src, const dnnl_memory_desc_t& weights,
                                             const dnnl_memory_desc_t& dst, std::string& implementation) {
  dnnl_matmul_desc_t op{};
  must(api().matmul_desc_init(&op, &src, &weights, nullptr, &dst), "describe this product");
  return describe_primitive(&op, implementation);
}

inline void plan_plain(Plan& plan, const sparsemark_matrix& a, const sparsemark_product& p,
                       std::string& implementation) {
  const dnnl_memory_desc_t src = floats(a.rows, a.cols, a.cols, 1);
  const dnnl_memory_desc_t weights = floats(a.cols, p.n, p.n, 1);
  const dnnl_memory_desc_t dst = floats(a.rows, p.n, p.n, 1);
  plan.add(describe_matmul(src, weights, dst, implementation),
           {{DNNL_ARG_SRC, plan.memory(src, a.values.data())},
            {DNNL_ARG_WEIGHTS, plan.memory(weights, b_of(p))},
            {DNNL_ARG_DST, plan.memory(dst, c_of(p))}});
}

inline void plan_packed(Plan& plan, const sparsemark_matrix& a, const sparsemark_product& p,
                        std::string& implementation) {
  const dnnl_memory_desc_t src = floats(p.n, a.cols, 1, p.n);           // B^T
  const dnnl_memory_desc_t stored = floats(a.cols, a.rows, 1, a.cols);  // A^T as A lies
  const dnnl_memory_desc_t turned = floats(p.n, a.rows, a.rows, 1);     // C^T, row-major
  const dnnl_memory_desc_t dst = floats(p.n, a.rows, 1, p.n);           // C^T as C lies

  dnnl_primitive_desc_t product =
      describe_matmul(src, any_matrix(dnnl_f32, a.cols, a.rows), turned, implementation);
  const dnnl_memory_desc_t packed = *api().query_md(product, dnnl_query_weights_md, 0);
  dnnl_memory_t weights = plan.memory(packed, nullptr);
  dnnl_memory_t result = plan.memory(turned, nullptr);
  plan.add(product,
           {{DNNL_ARG_SRC, plan.memory(src, b_of(p))}, {DNNL_ARG_WEIGHTS, weights}, {DNNL_ARG_DST, result}});
  plan.add_reorder(turned, result, dst, plan.memory(dst, c_of(p)));

  Plan packing;
  packing.add_reorder(stored, packing.memory(stored, a.values.data()), packed, weights);
  must(packing.execute(), "pack the weights");
}

// Makes the plan and executes it once: what cannot be executed is declined here, not found out in run.
template <void (*make)(Plan&, const sparsemark_matrix&, const sparsemark_product&, std::string&)>
std::function<void()> bind(const sparsemark_matrix& a, const sparsemark_product& p,
                           sparsemark_message* message) {
  try {
    auto plan = std::make_shared<Plan>();
    std::string implementation;
    make(*plan, a, p, implementation);
    must(plan->execute(), "execute this product");
    say(message, implementation);
    return [plan] { plan->execute(); };
  } catch (const std::runtime_error& error) {
    say(message, error.what());
    return {};
  }
}

}  // namespace sparsemark::backends::onednn
#endif
