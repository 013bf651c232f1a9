// The boundary to JavaScript: with arguments.h and descriptions.h, which only it includes, all that knows
// Node. src/native.ts repeats each signature.
//
// Arguments are validated and explained in TypeScript; here they are checked again, so that a wrong handle or
// length is a TypeError and never a crash. Nothing is marshalled per evaluation.

#include <cmath>
#include <memory>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

#include "accelerator/batch.h"
#include "accelerator/generic.h"
#include "arguments.h"
#include "descriptions.h"
#include "timing/ceilings.h"
#include "timing/cpu.h"
#include "timing/process.h"
#include "timing/stopwatch.h"

namespace {

namespace model = sparsemark::accelerator;
using namespace sparsemark::boundary;
using sparsemark::HostJob;
using sparsemark::HostMatrix;
using sparsemark::Library;

// describeBuild(): { version, compiler, flags, type, sanitizer, clockResolutionNs }
Napi::Value describe_build(const Napi::CallbackInfo& info) {
  Napi::Object out = Napi::Object::New(info.Env());
  out.Set("version", SPARSEMARK_VERSION);
  out.Set("compiler", SPARSEMARK_COMPILER);
  out.Set("flags", SPARSEMARK_FLAGS);
  out.Set("type", SPARSEMARK_BUILD_TYPE);
  out.Set("sanitizer", SPARSEMARK_SANITIZER);
  out.Set("clockResolutionNs", sparsemark::clock_resolution_ns());
  return out;
}

// describeCpu(): { brand, model, isa, l1dBytes, l2Bytes, l3Bytes }
Napi::Value describe_cpu(const Napi::CallbackInfo& info) {
  const sparsemark::Cpu cpu = sparsemark::describe_cpu();
  Napi::Object out = Napi::Object::New(info.Env());
  out.Set("brand", cpu.brand);
  out.Set("model", cpu.model);
  Napi::Array isa = Napi::Array::New(info.Env(), cpu.isa.size());
  for (std::size_t i = 0; i < cpu.isa.size(); ++i) isa.Set(static_cast<std::uint32_t>(i), cpu.isa[i]);
  out.Set("isa", isa);
  out.Set("l1dBytes", static_cast<double>(cpu.caches.l1d_bytes));
  out.Set("l2Bytes", static_cast<double>(cpu.caches.l2_bytes));
  out.Set("l3Bytes", static_cast<double>(cpu.caches.l3_bytes));
  return out;
}

// measureCeilings(threads): { fmaGflops, l1GBs, l2GBs, l3GBs, dramGBs, gatherGelems }
Napi::Value measure_ceilings(const Napi::CallbackInfo& info) {
  const std::int32_t threads = integer(info[0], "threads", 1, kMostThreads);
  const sparsemark::Ceilings found =
      guarded(info.Env(), [&] { return sparsemark::measure_ceilings(threads); });
  Napi::Object out = Napi::Object::New(info.Env());
  out.Set("fmaGflops", found.fma_gflops);
  out.Set("l1GBs", found.l1_gbs);
  out.Set("l2GBs", found.l2_gbs);
  out.Set("l3GBs", found.l3_gbs);
  out.Set("dramGBs", found.dram_gbs);
  out.Set("gatherGelems", found.gather_gelems);
  return out;
}

// becomeWorker(cpus, memoryLimitBytes): boolean. Pins this thread and those it starts later, ends with the
// parent process, and bounds the data that this process may allocate. Whether it is pinned; each part is left
// out where the system has no such call.
Napi::Value become_worker(const Napi::CallbackInfo& info) {
  if (!info[0].IsArray()) throw Napi::TypeError::New(info.Env(), "Expected an array for cpus");
  const auto list = info[0].As<Napi::Array>();
  std::vector<std::int32_t> cpus;
  for (std::uint32_t i = 0; i < list.Length(); ++i) {
    cpus.push_back(integer(list.Get(i), "a CPU", 0, sparsemark::kMostCpus - 1));
  }
  const double limit_bytes = info[1].IsNumber() ? info[1].As<Napi::Number>().DoubleValue() : 0.0;
  if (!(limit_bytes >= kLeastMemoryBytes && limit_bytes <= 9007199254740991.0)) {
    throw Napi::TypeError::New(info.Env(), "Expected at least 256 MiB for memoryLimitBytes");
  }
  return Napi::Boolean::New(info.Env(), sparsemark::become_worker(cpus, limit_bytes));
}

// openLibrary(path): Library
Napi::Value open_library(const Napi::CallbackInfo& info) {
  const std::string path = text(info[0], "path");
  return guarded(info.Env(), [&] { return wrap(info.Env(), Library::open(path), kLibraryTag); });
}

// describeLibrary(library): { name, version, config, formats, kernels }
Napi::Value describe_library(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const Library& library = *held<Library>(info[0], kLibraryTag, "Library");
  const sparsemark_library& table = library.table();
  const auto string = [](const char* s) { return s == nullptr ? std::string() : std::string(s); };
  Napi::Object out = Napi::Object::New(env);
  out.Set("name", string(table.name));
  out.Set("version", string(table.version));
  out.Set("config", string(table.config));
  Napi::Array formats = Napi::Array::New(env);
  for (std::int32_t f = 0; f < table.format_count; ++f) {
    formats.Set(static_cast<std::uint32_t>(f), string(table.formats[f]));
  }
  out.Set("formats", formats);
  Napi::Array kernels = Napi::Array::New(env);
  for (std::int32_t i = 0; i < table.kernel_count; ++i) {
    const sparsemark_kernel& kernel = table.kernels[i];
    Napi::Object entry = Napi::Object::New(env);
    entry.Set("index", i);
    entry.Set("name", string(kernel.name));
    entry.Set("op", string(kernel.op));
    entry.Set("dtype", string(kernel.dtype));
    entry.Set("format", string(kernel.format));
    entry.Set("isa", string(kernel.isa));
    entry.Set("maxThreads", kernel.max_threads);
    entry.Set("dense", (kernel.flags & SPARSEMARK_KERNEL_DENSE) != 0);
    entry.Set("knobs", library.knobs(i));
    kernels.Set(static_cast<std::uint32_t>(i), entry);
  }
  out.Set("kernels", kernels);
  return out;
}

// encode(library, format, dtype, rows, cols, rowOffsets, colIndices, values): Matrix
Napi::Value encode(const Napi::CallbackInfo& info) {
  const std::shared_ptr<Library>& library = held<Library>(info[0], kLibraryTag, "Library");
  const std::string format = text(info[1], "format");
  const std::string dtype = text(info[2], "dtype");
  return new_matrix(info.Env(), library, format, dtype, csr_from(info, 3));
}

// encodePlanned(library, kernelIndex, plan, rows, cols, rowOffsets, colIndices, values): Matrix
Napi::Value encode_planned(const Napi::CallbackInfo& info) {
  const std::shared_ptr<Library>& library = held<Library>(info[0], kLibraryTag, "Library");
  const std::int32_t kernel = kernel_of(info[1], *library);
  const std::string plan = text(info[2], "plan");
  return new_matrix(info.Env(), library, kernel, plan, csr_from(info, 3));
}

// describeMatrix(matrix): { rows, cols, nnz, payloadBytes, metadataBytes, paddingBytes, encodeNs }
Napi::Value describe_matrix(const Napi::CallbackInfo& info) {
  const HostMatrix& matrix = *held<HostMatrix>(info[0], kMatrixTag, "Matrix");
  const sparsemark_encoded& encoded = matrix.encoded();
  Napi::Object out = Napi::Object::New(info.Env());
  out.Set("rows", encoded.rows);
  out.Set("cols", encoded.cols);
  out.Set("nnz", encoded.nnz);
  out.Set("payloadBytes", static_cast<double>(encoded.payload_bytes));
  out.Set("metadataBytes", static_cast<double>(encoded.metadata_bytes));
  out.Set("paddingBytes", static_cast<double>(encoded.padding_bytes));
  out.Set("encodeNs", matrix.encode_ns());
  return out;
}

// decode(matrix): Float32Array, rows x cols
Napi::Value decode(const Napi::CallbackInfo& info) {
  const HostMatrix& matrix = *held<HostMatrix>(info[0], kMatrixTag, "Matrix");
  return guarded(info.Env(), [&] { return floats(info.Env(), matrix.decode()); });
}

// prepare(library, matrices, kernelIndex, operands): Job
Napi::Value prepare(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::shared_ptr<Library>& library = held<Library>(info[0], kLibraryTag, "Library");
  std::vector<std::shared_ptr<HostMatrix>> matrices = copies_of_one(info[1]);
  if (!matrices.empty() && matrices[0]->library() != library) {
    throw Napi::TypeError::New(env, "Expected matrices that this library encoded");
  }
  const std::int32_t kernel = kernel_of(info[2], *library);
  if (!info[3].IsObject()) throw Napi::TypeError::New(env, "Expected an object for operands");
  // Every property first, every pointer afterwards: a getter could take an array's memory away.
  const auto given = info[3].As<Napi::Object>();
  sparsemark::HostOperands operands;
  operands.n = integer(given.Get("n"), "n", 0);
  operands.threads = integer(given.Get("threads"), "threads", 1, kMostThreads);
  if (matrices.empty()) {
    operands.rows = integer(given.Get("rows"), "rows", 0);
    operands.cols = integer(given.Get("cols"), "cols", 0);
    operands.keep = integer(given.Get("keep"), "keep", 0);
  }
  const Napi::Value chosen = given.Get("plan");
  const std::string plan = chosen.IsUndefined() ? "" : text(chosen, "plan");
  if (!chosen.IsUndefined()) operands.plan = plan.c_str();
  sparsemark_conv conv{};
  if (const Napi::Value geometry = given.Get("conv"); !geometry.IsUndefined() && !geometry.IsNull()) {
    conv = conv_of(geometry);
    operands.conv = &conv;
  }
  const HostMatrix* first = matrices.empty() ? nullptr : matrices[0].get();
  const sparsemark::OperandSizes sizes =
      guarded(env, [&] { return sparsemark::sizes_of(*library, kernel, first, operands); });
  const Napi::Value dense[] = {given.Get("b"), given.Get("b2"), given.Get("b3")};
  sparsemark_csr sparse{};
  if (sizes.sparse_b) {
    sparse = sparse_operand(given.Get("sparseB"), sizes);
    operands.sparse_b = &sparse;
  }
  operands.b = operand(dense[0], "b", sizes.b);
  operands.b2 = operand(dense[1], "b2", sizes.b2);
  operands.b3 = operand(dense[2], "b3", sizes.b3);
  return guarded(env, [&] {
    return wrap(env, std::make_shared<HostJob>(library, std::move(matrices), kernel, operands), kJobTag);
  });
}

// describeJob(job): { tiling, prepareNs, copies }
Napi::Value describe_job(const Napi::CallbackInfo& info) {
  const HostJob& job = *held<HostJob>(info[0], kJobTag, "Job");
  Napi::Object out = Napi::Object::New(info.Env());
  out.Set("tiling", job.tiling());
  out.Set("prepareNs", job.prepare_ns());
  out.Set("copies", static_cast<double>(job.copies()));
  return out;
}

// answer(job): the output as a typed array of the job's dtype
Napi::Value answer(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  HostJob& job = *held<HostJob>(info[0], kJobTag, "Job");
  const std::vector<unsigned char> bytes = guarded(env, [&] { return job.answer(); });
  auto buffer = Napi::ArrayBuffer::New(env, bytes.size());
  std::copy(bytes.begin(), bytes.end(), static_cast<unsigned char*>(buffer.Data()));
  const std::size_t length = bytes.size() / std::max<std::size_t>(1, sparsemark::bytes_of(job.element()));
  switch (job.element()) {
    case sparsemark::Element::kInt32:
      return Napi::Int32Array::New(env, length, buffer, 0);
    case sparsemark::Element::kFloat16:
      return Napi::Uint16Array::New(env, length, buffer, 0);
    default:
      return Napi::Float32Array::New(env, length, buffer, 0);
  }
}

// evaluate(job): undefined. One evaluation; the cheapest way in.
Napi::Value evaluate(const Napi::CallbackInfo& info) {
  held<HostJob>(info[0], kJobTag, "Job")->evaluate();
  return info.Env().Undefined();
}

// time(job, warmups, evaluations, samplesNs): undefined. Fills samplesNs with nanoseconds an evaluation.
Napi::Value time_job(const Napi::CallbackInfo& info) {
  HostJob& job = *held<HostJob>(info[0], kJobTag, "Job");
  const std::int32_t warmups = integer(info[1], "warmups", 0);
  const std::int32_t evaluations = integer(info[2], "evaluations", 1);
  if (!info[3].IsTypedArray() || info[3].As<Napi::TypedArray>().TypedArrayType() != napi_float64_array) {
    throw Napi::TypeError::New(info.Env(), "Expected a Float64Array for samplesNs");
  }
  auto samples = info[3].As<Napi::Float64Array>();
  for (std::size_t i = 0; i < samples.ElementLength(); ++i) {
    samples[i] = sparsemark::time_evaluations(job, warmups, evaluations);
  }
  return info.Env().Undefined();
}

// release(handle): undefined. Frees a Matrix or Job now instead of at the next garbage collection.
Napi::Value release(const Napi::CallbackInfo& info) {
  if (info[0].IsExternal() && info[0].As<Napi::External<void>>().CheckTypeTag(&kMatrixTag)) {
    handle_of<HostMatrix>(info[0], kMatrixTag, "Matrix").value.reset();
  } else {
    handle_of<HostJob>(info[0], kJobTag, "Job").value.reset();
  }
  return info.Env().Undefined();
}

// alignedFloats(length): Float32Array of zeros that begins on a 64-byte boundary
Napi::Value aligned_floats(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto length = static_cast<std::size_t>(integer(info[0], "length", 0));
  return guarded(env, [&]() -> Napi::Value {
    // An array buffer of V8's own ends the process where there is no memory for it.
    auto memory = std::make_unique<sparsemark::Aligned<float>>(length);
    float* data = memory->data();
    auto buffer = Napi::ArrayBuffer::New(
        env, data, length * sizeof(float),
        [](Napi::Env, void*, sparsemark::Aligned<float>* gone) { delete gone; }, memory.get());
    memory.release();
    return Napi::Float32Array::New(env, length, buffer, 0);
  });
}

// describeGeneric(): { summary, formula }
Napi::Value describe_generic(const Napi::CallbackInfo& info) { return generic_value(info.Env()); }

// describeEngines(): [{ name, summary, parameters, terms, actions, formula }]
Napi::Value describe_engines(const Napi::CallbackInfo& info) { return engine_values(info.Env()); }

// estimateLayers(engine, parameters, layers, estimates, threads): string, the first reason of a row that was
// declined
Napi::Value estimate_layers(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const model::Engine& engine = *model::kEngines[integer(info[0], "engine", 0, model::kEngineCount - 1)];
  const std::size_t count = length_of(info[2]) / model::kLayerFields;
  const auto of_one = static_cast<std::size_t>(engine.parameter_count);
  const bool each_own = length_of(info[1]) != of_one;
  const std::int32_t threads = integer(info[4], "threads", 1, kMostThreads);
  const auto parameters = array<Napi::Float64Array>(info[1], napi_float64_array,
                                                    each_own ? of_one * count : of_one, "parameters");
  const auto layers =
      array<Napi::Float64Array>(info[2], napi_float64_array, count * model::kLayerFields, "layers");
  auto estimates =
      array<Napi::Float64Array>(info[3], napi_float64_array, count * model::kEstimateFields, "estimates");
  return guarded(env, [&]() -> Napi::Value {
    const char* reason = model::estimate_batch(engine, parameters.Data(), each_own, layers.Data(),
                                               static_cast<std::int64_t>(count), estimates.Data(), threads);
    return Napi::String::New(env, reason == nullptr ? "" : reason);
  });
}

// estimateGeneric(design, layers, mappings, estimates, most, baseline): string, why a row was declined
Napi::Value estimate_generic(const Napi::CallbackInfo& info) {
  const std::size_t count = length_of(info[1]) / model::kLayerFields;
  const auto numbers = [&](std::size_t at, std::size_t length, const char* what) {
    return array<Napi::Float64Array>(info[at], napi_float64_array, length, what).Data();
  };
  const char* reason = model::estimate_generic(
      numbers(0, model::kDesignFields, "design"), numbers(1, count * model::kLayerFields, "layers"),
      static_cast<std::int64_t>(count), numbers(2, count * model::kMappingFields, "mappings"),
      numbers(3, count * model::kGenericFields, "estimates"), integer(info[4], "most", 1, 1000000),
      info[5].ToBoolean());
  return Napi::String::New(info.Env(), reason == nullptr ? "" : reason);
}

// countLayer(engine, parameters, layer, masks, estimate): string, the reason where the layer was declined
Napi::Value count_layer(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const model::Engine& engine = *model::kEngines[integer(info[0], "engine", 0, model::kEngineCount - 1)];
  const auto parameters = array<Napi::Float64Array>(
      info[1], napi_float64_array, static_cast<std::size_t>(engine.parameter_count), "parameters");
  const auto layer = array<Napi::Float64Array>(info[2], napi_float64_array, model::kLayerFields, "layer");
  auto estimate = array<Napi::Float64Array>(info[4], napi_float64_array, model::kEstimateFields, "estimate");
  if (!info[3].IsArray()) throw Napi::TypeError::New(env, "Expected an array for masks");
  const auto masks = info[3].As<Napi::Array>();
  // Rows of weights and of activations, and their columns.
  const double sizes[] = {layer[0], layer[2], layer[3], layer[11] * layer[4] * layer[5]};
  for (const double size : sizes) {
    if (!(size >= 1.0 && size <= 2147483647.0) || size != std::floor(size)) {
      throw Napi::TypeError::New(env, "Expected a layer of sizes from 1 to 2147483647");
    }
  }
  const auto places = [&](std::uint32_t at, int sized) {
    return places_of(env, static_cast<std::int32_t>(sizes[sized]),
                     static_cast<std::int32_t>(sizes[sized + 1]), masks.Get(at), masks.Get(at + 1));
  };
  const model::Places weights = places(0, 0);
  const bool sparse = masks.Length() == 4;
  const model::Places activations = sparse ? places(2, 2) : weights;
  return guarded(env, [&]() -> Napi::Value {
    const char* reason = model::count_layer(engine, parameters.Data(), layer.Data(), weights,
                                            sparse ? &activations : nullptr, estimate.Data());
    return Napi::String::New(env, reason == nullptr ? "" : reason);
  });
}

Napi::Object init(Napi::Env env, Napi::Object exports) {
  const auto add = [&](const char* name, Napi::Value (*function)(const Napi::CallbackInfo&)) {
    exports.Set(name, Napi::Function::New(env, function, name));
  };
  add("describeBuild", describe_build);
  add("describeCpu", describe_cpu);
  add("measureCeilings", measure_ceilings);
  add("becomeWorker", become_worker);
  add("openLibrary", open_library);
  add("describeLibrary", describe_library);
  add("encode", encode);
  add("encodePlanned", encode_planned);
  add("describeMatrix", describe_matrix);
  add("decode", decode);
  add("prepare", prepare);
  add("describeJob", describe_job);
  add("answer", answer);
  exports.Set("evaluate", Napi::Function::New<evaluate>(env, "evaluate"));
  add("time", time_job);
  add("release", release);
  add("alignedFloats", aligned_floats);
  add("describeEngines", describe_engines);
  add("describeGeneric", describe_generic);
  add("estimateLayers", estimate_layers);
  add("estimateGeneric", estimate_generic);
  add("countLayer", count_layer);
  return exports;
}

}  // namespace

NODE_API_MODULE(sparsemark, init)
