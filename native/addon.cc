// The boundary to JavaScript: the only file that includes napi.h. src/native.ts repeats each signature.
//
// Arguments are validated and explained in TypeScript; here they are checked again, so that a wrong handle or
// length is a TypeError and never a crash. Nothing is marshalled per evaluation.
#include <napi.h>

#if defined(__linux__)
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#endif

#include <memory>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

#include "door.h"
#include "timing/ceilings.h"
#include "timing/cpu.h"
#include "timing/stopwatch.h"

namespace {

using sparsemark::HostJob;
using sparsemark::HostMatrix;
using sparsemark::Library;

// All type tags in one place, so that no value is used twice. Without them a wrong handle would corrupt
// memory instead of throwing.
constexpr napi_type_tag kLibraryTag = {0x73706172736d6b31ull, 0x6c69627261727931ull};
constexpr napi_type_tag kMatrixTag = {0x73706172736d6b31ull, 0x6d61747269783031ull};
constexpr napi_type_tag kJobTag = {0x73706172736d6b31ull, 0x6a6f623031303131ull};

template <typename T>
struct Handle {
  std::shared_ptr<T> value;  // empty once released
};

template <typename T>
Napi::Value wrap(Napi::Env env, std::shared_ptr<T> value, const napi_type_tag& tag) {
  auto* handle = new Handle<T>{std::move(value)};
  auto external = Napi::External<Handle<T>>::New(env, handle, [](Napi::Env, Handle<T>* h) { delete h; });
  external.TypeTag(&tag);
  return external;
}

template <typename T>
Handle<T>& handle_of(const Napi::Value& value, const napi_type_tag& tag, const char* what) {
  if (value.IsExternal()) {
    auto external = value.As<Napi::External<Handle<T>>>();
    if (external.CheckTypeTag(&tag)) return *external.Data();
  }
  throw Napi::TypeError::New(value.Env(), std::string("Expected a ") + what + " handle");
}

template <typename T>
std::shared_ptr<T>& held(const Napi::Value& value, const napi_type_tag& tag, const char* what) {
  Handle<T>& handle = handle_of<T>(value, tag, what);
  if (!handle.value) throw Napi::TypeError::New(value.Env(), std::string("The ") + what + " was released");
  return handle.value;
}

[[noreturn]] void rethrow(Napi::Env env, const sparsemark::DoorError& error) {
  Napi::Error thrown = Napi::Error::New(env, error.what());
  thrown.Set("code", Napi::String::New(env, error.code));
  throw thrown;
}

// Runs a callable and turns C++ errors into JavaScript ones.
template <typename F>
auto guarded(Napi::Env env, F&& call) {
  try {
    return call();
  } catch (const sparsemark::DoorError& error) {
    rethrow(env, error);
  } catch (const std::bad_alloc&) {
    rethrow(env, sparsemark::DoorError("OUT_OF_MEMORY", "out of memory"));
  } catch (const std::length_error&) {
    rethrow(env, sparsemark::DoorError("OUT_OF_MEMORY", "more elements than memory can have"));
  } catch (const std::system_error& error) {
    // A thread that the system does not grant.
    rethrow(env, sparsemark::DoorError("OUT_OF_MEMORY", error.what()));
  }
}

// More threads than any machine has cores for; starting them could end the process.
constexpr std::int32_t kMostThreads = 1024;
// Below it Node itself does not live.
constexpr double kLeastMemoryBytes = 268435456.0;

std::int32_t integer(const Napi::Value& value, const char* name, std::int32_t least,
                     std::int32_t most = 2147483647) {
  if (value.IsNumber()) {
    const double number = value.As<Napi::Number>().DoubleValue();
    if (number >= least && number <= most && number == static_cast<std::int32_t>(number)) {
      return static_cast<std::int32_t>(number);
    }
  }
  throw Napi::TypeError::New(value.Env(), std::string("Expected an integer from ") + std::to_string(least) +
                                              " to " + std::to_string(most) + " for " + name);
}

std::string text(const Napi::Value& value, const char* name) {
  if (!value.IsString())
    throw Napi::TypeError::New(value.Env(), std::string("Expected a string for ") + name);
  return value.As<Napi::String>().Utf8Value();
}

template <typename A>
A array(const Napi::Value& value, napi_typedarray_type type, std::size_t length, const char* name) {
  if (value.IsTypedArray()) {
    auto typed = value.As<Napi::TypedArray>();
    if (typed.TypedArrayType() == type && typed.ElementLength() == length) return value.As<A>();
  }
  throw Napi::TypeError::New(value.Env(), std::string("Expected a typed array of ") + std::to_string(length) +
                                              " elements for " + name);
}

Napi::Float32Array floats(Napi::Env env, const std::vector<float>& data) {
  auto out = Napi::Float32Array::New(env, data.size());
  std::copy(data.begin(), data.end(), out.Data());
  return out;
}

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
  out.Set("l1dBytes", static_cast<double>(cpu.l1d_bytes));
  out.Set("l2Bytes", static_cast<double>(cpu.l2_bytes));
  out.Set("l3Bytes", static_cast<double>(cpu.l3_bytes));
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
  for (std::uint32_t i = 0; i < list.Length(); ++i) cpus.push_back(integer(list.Get(i), "a CPU", 0));
  const double limit_bytes = info[1].IsNumber() ? info[1].As<Napi::Number>().DoubleValue() : 0.0;
  if (!(limit_bytes >= kLeastMemoryBytes && limit_bytes <= 9007199254740991.0)) {
    throw Napi::TypeError::New(info.Env(), "Expected at least 256 MiB for memoryLimitBytes");
  }
  bool pinned = false;
#if defined(__linux__)
  cpu_set_t set;
  CPU_ZERO(&set);
  for (const std::int32_t cpu : cpus) {
    if (cpu >= CPU_SETSIZE) throw Napi::TypeError::New(info.Env(), "Expected a CPU below 1024");
    CPU_SET(static_cast<std::size_t>(cpu), &set);
  }
  // A worker in an endless kernel never sees its channel close; the signal ends it with its parent.
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  const auto bytes = static_cast<rlim_t>(limit_bytes);
  const rlimit limit = {bytes, bytes};
  setrlimit(RLIMIT_DATA, &limit);
  if (!cpus.empty()) {
    pinned = pthread_setaffinity_np(pthread_self(), sizeof(set), &set) == 0;
  }
#endif
  return Napi::Boolean::New(info.Env(), pinned);
}

// openLibrary(path): Library
Napi::Value open_library(const Napi::CallbackInfo& info) {
  const std::string path = text(info[0], "path");
  return guarded(info.Env(), [&] { return wrap(info.Env(), Library::open(path), kLibraryTag); });
}

// describeLibrary(library): { name, version, config, formats, kernels }
Napi::Value describe_library(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const sparsemark_library& table = held<Library>(info[0], kLibraryTag, "Library")->table();
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
    kernels.Set(static_cast<std::uint32_t>(i), entry);
  }
  out.Set("kernels", kernels);
  return out;
}

// encode(library, format, rows, cols, rowOffsets, colIndices, values): Matrix
Napi::Value encode(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::shared_ptr<Library>& library = held<Library>(info[0], kLibraryTag, "Library");
  const std::string format = text(info[1], "format");
  const std::int32_t rows = integer(info[2], "rows", 0);
  const std::int32_t cols = integer(info[3], "cols", 0);
  const auto offsets =
      array<Napi::Int32Array>(info[4], napi_int32_array, static_cast<std::size_t>(rows) + 1, "rowOffsets");
  std::int32_t previous = 0;
  for (std::size_t i = 0; i <= static_cast<std::size_t>(rows); ++i) {
    const std::int32_t offset = offsets[i];
    if (offset < previous || (i == 0 && offset != 0)) {
      throw Napi::TypeError::New(env, "Expected rowOffsets that start at 0 and never fall");
    }
    previous = offset;
  }
  const std::size_t nnz = static_cast<std::size_t>(previous);
  const auto indices = array<Napi::Int32Array>(info[5], napi_int32_array, nnz, "colIndices");
  const auto values = array<Napi::Float32Array>(info[6], napi_float32_array, nnz, "values");
  for (std::int32_t i = 0; i < rows; ++i) {
    std::int32_t last = -1;
    for (std::size_t p = static_cast<std::size_t>(offsets[static_cast<std::size_t>(i)]);
         p < static_cast<std::size_t>(offsets[static_cast<std::size_t>(i) + 1]); ++p) {
      if (indices[p] <= last || indices[p] >= cols) {
        throw Napi::TypeError::New(env,
                                   "Expected colIndices that rise within a row and lie inside the matrix");
      }
      last = indices[p];
    }
  }
  const sparsemark_csr csr = {rows,           cols,           static_cast<std::int32_t>(nnz),
                              offsets.Data(), indices.Data(), values.Data()};
  return guarded(env,
                 [&] { return wrap(env, std::make_shared<HostMatrix>(library, format, csr), kMatrixTag); });
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

// prepare(matrices, kernelIndex, n, threads, b): Job
Napi::Value prepare(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!info[0].IsArray() || info[0].As<Napi::Array>().Length() == 0) {
    throw Napi::TypeError::New(env, "Expected an array of at least one Matrix for matrices");
  }
  const auto list = info[0].As<Napi::Array>();
  std::vector<std::shared_ptr<HostMatrix>> matrices;
  for (std::uint32_t i = 0; i < list.Length(); ++i) {
    matrices.push_back(held<HostMatrix>(list.Get(i), kMatrixTag, "Matrix"));
    if (matrices[i]->library() != matrices[0]->library() ||
        matrices[i]->encoded().rows != matrices[0]->encoded().rows ||
        matrices[i]->encoded().cols != matrices[0]->encoded().cols) {
      throw Napi::TypeError::New(env, "Expected copies of one matrix, encoded by one library");
    }
  }
  const std::int32_t kernel = integer(info[1], "kernelIndex", 0);
  if (kernel >= matrices[0]->library()->table().kernel_count) {
    throw Napi::TypeError::New(env, "Expected a kernelIndex below the library's number of kernels");
  }
  const std::int32_t n = integer(info[2], "n", 0);
  const std::int32_t threads = integer(info[3], "threads", 1, kMostThreads);
  const std::size_t size =
      static_cast<std::size_t>(matrices[0]->encoded().cols) * static_cast<std::size_t>(n);
  const auto b = array<Napi::Float32Array>(info[4], napi_float32_array, size, "b");
  return guarded(env, [&] {
    return wrap(env, std::make_shared<HostJob>(std::move(matrices), kernel, n, threads, b.Data()), kJobTag);
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

// answer(job): Float32Array, m x n
Napi::Value answer(const Napi::CallbackInfo& info) {
  HostJob& job = *held<HostJob>(info[0], kJobTag, "Job");
  return guarded(info.Env(), [&] { return floats(info.Env(), job.answer()); });
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
  if (info[0].IsExternal()) {
    auto external = info[0].As<Napi::External<void>>();
    if (external.CheckTypeTag(&kMatrixTag)) {
      handle_of<HostMatrix>(info[0], kMatrixTag, "Matrix").value.reset();
      return info.Env().Undefined();
    }
  }
  handle_of<HostJob>(info[0], kJobTag, "Job").value.reset();
  return info.Env().Undefined();
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
  add("describeMatrix", describe_matrix);
  add("decode", decode);
  add("prepare", prepare);
  add("describeJob", describe_job);
  add("answer", answer);
  exports.Set("evaluate", Napi::Function::New<evaluate>(env, "evaluate"));
  add("time", time_job);
  add("release", release);
  return exports;
}

}  // namespace

NODE_API_MODULE(sparsemark, init)
