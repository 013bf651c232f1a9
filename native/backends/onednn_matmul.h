// oneDNN's matmul primitive on dense matrices, in releases 2.x and 3.x.
//
// Two ways of using it, both faster than sgemm for few columns (release 2.6.3, 512 x 2048 x 49, AVX-512, one
// thread: sgemm 850 us, plain 847, packed 677; 3072 x 768 x 8: 662, 510, 455; 3072 x 768 x 32: 977, 900,
// 1112):
//   plain   C = A B as it stands.
//   packed  C^T = B^T A^T with A^T as the weights, laid out beforehand as oneDNN likes it. No implementation
//           but the reference one writes C^T in place, so C^T is transposed afterwards, inside the clock.
// Plain with A in a layout of oneDNN's own choice was tried: it chooses row-major.
#pragma once

#include "dense_backend.h"
#include "onednn_api.h"

namespace sparsemark::backends::onednn {

inline void must(int status, const char* what) {
  if (status == kOutOfMemory) throw std::bad_alloc();
  if (status != kSuccess) {
    throw std::runtime_error(std::string("oneDNN cannot ") + what + " (status " + std::to_string(status) +
                             ")");
  }
}

// A layout with whatever holds it: the library, bytes of ours, or the primitive that it was found in.
using HeldLayout = std::shared_ptr<const dnnl_memory_desc>;
using HeldDesc = std::shared_ptr<dnnl_primitive_desc>;

// Memory for a descriptor of 2.x.
template <std::size_t bytes>
struct Bytes {
  alignas(64) unsigned char data[bytes] = {};
};

inline HeldLayout held(dnnl_memory_desc* made) {
  return {made,
          [](const dnnl_memory_desc* gone) { api().layout_destroy(const_cast<dnnl_memory_desc*>(gone)); }};
}

// Makes a layout by the function of the release that was found.
template <typename Init, typename Create>
HeldLayout make_layout(Init* init, Create* create, int type, const std::vector<std::int64_t>& sizes,
                       auto last) {
  const int count = static_cast<int>(sizes.size());
  if (api().major == 2) {
    auto bytes = std::make_shared<Bytes<kMostLayoutBytes>>();
    auto* made = reinterpret_cast<dnnl_memory_desc*>(bytes->data);
    must(init(made, count, sizes.data(), type, last), "describe an operand");
    return {bytes, made};
  }
  dnnl_memory_desc* made = nullptr;
  must(create(&made, count, sizes.data(), type, last), "describe an operand");
  return held(made);
}

inline HeldLayout strided(int type, const std::vector<std::int64_t>& sizes,
                          const std::vector<std::int64_t>& strides) {
  return make_layout(api().layout_init_by_strides, api().layout_create_by_strides, type, sizes,
                     strides.data());
}

// A layout of oneDNN's choice.
inline HeldLayout any_layout(int type, const std::vector<std::int64_t>& sizes) {
  return make_layout(api().layout_init_by_tag, api().layout_create_by_tag, type, sizes, kAnyLayout);
}

// The layout that a primitive chose for an operand.
inline HeldLayout chosen(const HeldDesc& desc, int operand) {
  return {desc, api().query_layout(desc.get(), operand, 0)};
}

// Primitives in the order in which they run, with all that they need.
class Plan {
 public:
  Plan() = default;
  Plan(const Plan&) = delete;
  Plan& operator=(const Plan&) = delete;
  ~Plan() {
    for (Step& step : steps_) api().primitive_destroy(step.primitive);
    for (dnnl_memory* memory : memories_) api().memory_destroy(memory);
  }

  // data: nullptr lets oneDNN allocate.
  dnnl_memory* memory(const HeldLayout& layout, const void* data) {
    dnnl_memory* made = nullptr;
    void* place = data == nullptr ? kAllocate : const_cast<void*>(data);
    must(api().memory_create(&made, layout.get(), api().engine, place), "hold an operand");
    return keep(made);
  }

  dnnl_memory* keep(dnnl_memory* made) {
    memories_.push_back(made);
    return made;
  }

  void add(const HeldDesc& desc, std::vector<Argument> arguments) {
    dnnl_primitive* primitive = nullptr;
    must(api().primitive_create(&primitive, desc.get()), "make a primitive");
    steps_.push_back({primitive, std::move(arguments)});
  }

  void add_reorder(const HeldLayout& from, dnnl_memory* source, const HeldLayout& to, dnnl_memory* target) {
    dnnl_primitive_desc* made = nullptr;
    must(api().reorder_desc_create(&made, from.get(), api().engine, to.get(), api().engine, nullptr),
         "reorder");
    add(HeldDesc(made, api().primitive_desc_destroy), {{kSource, source}, {kDestination, target}});
  }

  int execute() const {
    int status = kSuccess;
    for (const Step& step : steps_) {
      if (status == kSuccess) {
        status = api().primitive_execute(step.primitive, api().stream,
                                         static_cast<int>(step.arguments.size()), step.arguments.data());
      }
    }
    return status == kSuccess ? api().stream_wait(api().stream) : status;
  }

 private:
  struct Step {
    dnnl_primitive* primitive;
    std::vector<Argument> arguments;
  };
  std::vector<Step> steps_;
  std::vector<dnnl_memory*> memories_;
};

// Takes over the descriptor of a primitive and names its implementation. Refuses the reference one: it is
// orders of magnitude slower, and no baseline.
inline HeldDesc accepted(int status, dnnl_primitive_desc* made, std::string& implementation) {
  must(status, "compute this product");
  HeldDesc desc(made, api().primitive_desc_destroy);
  const char* name = nullptr;
  api().query(desc.get(), kQueryImplementation, 0, static_cast<void*>(&name));
  implementation = name == nullptr ? "unknown" : name;
  if (implementation.rfind("ref", 0) == 0) {
    throw std::runtime_error("oneDNN has only its reference implementation for this product");
  }
  return desc;
}

inline HeldDesc describe_matmul(const HeldLayout& source, const HeldLayout& weights,
                                const HeldLayout& destination, std::string& implementation) {
  dnnl_primitive_desc* made = nullptr;
  int status = kSuccess;
  if (api().major == 2) {
    Bytes<kMostOperationBytes> operation;
    status = api().matmul_init(operation.data, source.get(), weights.get(), nullptr, destination.get());
    must(status, "describe this product");
    status = api().primitive_desc_create(&made, operation.data, nullptr, api().engine, nullptr);
  } else {
    status = api().matmul_desc_create(&made, api().engine, source.get(), weights.get(), nullptr,
                                      destination.get(), nullptr);
  }
  return accepted(status, made, implementation);
}

inline void plan_plain(Plan& plan, const sparsemark_matrix& a, const sparsemark_product& p,
                       std::string& implementation) {
  const HeldLayout source = strided(kF32, {a.rows, a.cols}, {a.cols, 1});
  const HeldLayout weights = strided(kF32, {a.cols, p.n}, {p.n, 1});
  const HeldLayout destination = strided(kF32, {a.rows, p.n}, {p.n, 1});
  plan.add(describe_matmul(source, weights, destination, implementation),
           {{kSource, plan.memory(source, a.values.data())},
            {kWeights, plan.memory(weights, b_of(p))},
            {kDestination, plan.memory(destination, c_of(p))}});
}

inline void plan_packed(Plan& plan, const sparsemark_matrix& a, const sparsemark_product& p,
                        std::string& implementation) {
  const HeldLayout source = strided(kF32, {p.n, a.cols}, {1, p.n});        // B^T
  const HeldLayout stored = strided(kF32, {a.cols, a.rows}, {1, a.cols});  // A^T as A lies
  const HeldLayout turned = strided(kF32, {p.n, a.rows}, {a.rows, 1});     // C^T, row-major
  const HeldLayout destination = strided(kF32, {p.n, a.rows}, {1, p.n});   // C^T as C lies

  const HeldDesc product =
      describe_matmul(source, any_layout(kF32, {a.cols, a.rows}), turned, implementation);
  const HeldLayout packed = chosen(product, kQueryWeights);
  dnnl_memory* weights = plan.memory(packed, nullptr);
  dnnl_memory* result = plan.memory(turned, nullptr);
  plan.add(product, {{kSource, plan.memory(source, b_of(p))}, {kWeights, weights}, {kDestination, result}});
  plan.add_reorder(turned, result, destination, plan.memory(destination, c_of(p)));

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
