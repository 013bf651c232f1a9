// Reading and checking what JavaScript passes to addon.cc, the only file that includes this one. Whatever
// does not fit is a TypeError; errors of a library carry a code.
#pragma once

#include <napi.h>

#include <algorithm>
#include <memory>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

#include "accelerator/masks.h"
#include "door.h"
#include "timing/turns.h"

namespace sparsemark::boundary {
namespace {

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
    // A thread or a socket that the system does not grant.
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

std::int32_t kernel_of(const Napi::Value& value, const sparsemark::Library& library) {
  const std::int32_t kernel = integer(value, "kernelIndex", 0);
  if (kernel < library.table().kernel_count) return kernel;
  throw Napi::TypeError::New(value.Env(), "Expected a kernelIndex below the library's number of kernels");
}

// Elements of a typed array; 0 for anything else.
std::size_t length_of(const Napi::Value& value) {
  return value.IsTypedArray() ? value.As<Napi::TypedArray>().ElementLength() : 0;
}

// A share by which something is made longer; 0 where there is none.
double share(const Napi::Value& value) {
  if (value.IsUndefined()) return 0.0;
  const double number = value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : -1.0;
  if (number >= 0.0 && number <= 10.0) return number;
  throw Napi::TypeError::New(value.Env(), "Expected a number from 0 to 10 for slowdown");
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

napi_typedarray_type array_type_of(sparsemark::Element element) {
  switch (element) {
    case sparsemark::Element::kUint8:
      return napi_uint8_array;
    case sparsemark::Element::kFloat16:
      return napi_uint16_array;
    case sparsemark::Element::kInt32:
      return napi_int32_array;
    default:
      return napi_float32_array;
  }
}

// The bytes of a typed array of that type and length; nullptr where the op has no such operand.
const void* operand(const Napi::Value& value, const char* name, const sparsemark::OperandSize& size) {
  if (size.element == sparsemark::Element::kNone) return nullptr;
  const auto typed = array<Napi::TypedArray>(value, array_type_of(size.element), size.length, name);
  return static_cast<const unsigned char*>(typed.ArrayBuffer().Data()) + typed.ByteOffset();
}

// The places of a canonical CSR's nonzeros, out of two typed arrays.
sparsemark::accelerator::Places places_of(Napi::Env env, std::int32_t rows, std::int32_t cols,
                                          const Napi::Value& row_offsets, const Napi::Value& col_indices) {
  const auto offsets = array<Napi::Int32Array>(row_offsets, napi_int32_array,
                                               static_cast<std::size_t>(rows) + 1, "rowOffsets");
  std::int32_t previous = 0;
  for (std::size_t i = 0; i <= static_cast<std::size_t>(rows); ++i) {
    const std::int32_t offset = offsets[i];
    if (offset < previous || (i == 0 && offset != 0)) {
      throw Napi::TypeError::New(env, "Expected rowOffsets that start at 0 and never fall");
    }
    previous = offset;
  }
  const std::size_t nnz = static_cast<std::size_t>(previous);
  const auto indices = array<Napi::Int32Array>(col_indices, napi_int32_array, nnz, "colIndices");
  const std::int32_t* const columns = indices.Data();
  for (std::int32_t i = 0; i < rows; ++i) {
    const std::int32_t first = offsets[static_cast<std::size_t>(i)];
    const std::int32_t until = offsets[static_cast<std::size_t>(i) + 1];
    if (first == until) continue;
    // Without a way out of the loop it is vectors of comparisons; of columns that rise, two tell where all
    // are.
    int wrong = columns[first] < 0 || columns[until - 1] >= cols ? 1 : 0;
    for (std::int32_t p = first + 1; p < until; ++p) wrong |= columns[p] <= columns[p - 1] ? 1 : 0;
    if (wrong != 0) {
      throw Napi::TypeError::New(env, "Expected colIndices that rise within a row and lie inside the matrix");
    }
  }
  return {offsets.Data(), columns};
}

// A canonical CSR out of three typed arrays.
sparsemark_csr csr_of(Napi::Env env, std::int32_t rows, std::int32_t cols, const Napi::Value& row_offsets,
                      const Napi::Value& col_indices, const Napi::Value& all_values) {
  const auto places = places_of(env, rows, cols, row_offsets, col_indices);
  const std::int32_t nnz = places.row_offsets[rows];
  const auto values =
      array<Napi::Float32Array>(all_values, napi_float32_array, static_cast<std::size_t>(nnz), "values");
  return {rows, cols, nnz, places.row_offsets, places.col_indices, values.Data()};
}

// The same out of five arguments from the first one on: rows, cols, rowOffsets, colIndices, values.
sparsemark_csr csr_from(const Napi::CallbackInfo& info, std::size_t first) {
  const std::int32_t rows = integer(info[first], "rows", 0);
  const std::int32_t cols = integer(info[first + 1], "cols", 0);
  return csr_of(info.Env(), rows, cols, info[first + 2], info[first + 3], info[first + 4]);
}

// Eight arguments from the first one on: path, waits, first, turns, warmups, evaluations, slowdown,
// samplesNs.
sparsemark::Turns turns_from(const Napi::CallbackInfo& info, std::size_t first) {
  sparsemark::Turns turns;
  turns.path = text(info[first], "path");
  turns.waits = info[first + 1].ToBoolean();
  turns.first = info[first + 2].ToBoolean();
  turns.turns = integer(info[first + 3], "turns", 1, 1000000);
  turns.warmups = integer(info[first + 4], "warmups", 0);
  turns.evaluations = integer(info[first + 5], "evaluations", 1);
  turns.slowdown = share(info[first + 6]);
  turns.batches = static_cast<int>(length_of(info[first + 7]) / static_cast<std::size_t>(turns.turns));
  return turns;
}

// A handle of a matrix that HostMatrix makes of the arguments.
template <typename... Arguments>
Napi::Value new_matrix(Napi::Env env, const Arguments&... arguments) {
  return guarded(env, [&] { return wrap(env, std::make_shared<HostMatrix>(arguments...), kMatrixTag); });
}

// The sparse B of an op that has one.
sparsemark_csr sparse_operand(const Napi::Value& value, const sparsemark::OperandSizes& sizes) {
  if (!value.IsObject()) throw Napi::TypeError::New(value.Env(), "Expected an object for sparseB");
  const auto b = value.As<Napi::Object>();
  const Napi::Value parts[] = {b.Get("rowOffsets"), b.Get("colIndices"), b.Get("values")};
  return csr_of(value.Env(), sizes.sparse_rows, sizes.sparse_cols, parts[0], parts[1], parts[2]);
}

std::vector<std::shared_ptr<HostMatrix>> copies_of_one(const Napi::Value& value) {
  if (!value.IsArray()) {
    throw Napi::TypeError::New(value.Env(), "Expected an array of Matrix for matrices");
  }
  const auto list = value.As<Napi::Array>();
  std::vector<std::shared_ptr<HostMatrix>> matrices;
  for (std::uint32_t i = 0; i < list.Length(); ++i) {
    matrices.push_back(held<HostMatrix>(list.Get(i), kMatrixTag, "Matrix"));
    const sparsemark_encoded& one = matrices[i]->encoded();
    const sparsemark_encoded& first = matrices[0]->encoded();
    if (matrices[i]->library() != matrices[0]->library() || matrices[i]->format() != matrices[0]->format() ||
        matrices[i]->dtype() != matrices[0]->dtype() || one.rows != first.rows || one.cols != first.cols ||
        one.nnz != first.nnz) {
      throw Napi::TypeError::New(value.Env(), "Expected copies of one matrix, encoded by one library");
    }
  }
  return matrices;
}

// The fields of a convolution's geometry, in the order of sparsemark_conv.
sparsemark_conv conv_of(const Napi::Value& value) {
  const auto geometry = array<Napi::Int32Array>(value, napi_int32_array, 10, "conv");
  return {geometry[0], geometry[1], geometry[2], geometry[3], geometry[4],
          geometry[5], geometry[6], geometry[7], geometry[8], geometry[9]};
}

}  // namespace
}  // namespace sparsemark::boundary
