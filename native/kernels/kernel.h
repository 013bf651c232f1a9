// The contract of a kernel. One source file per op x format, compiled once per instruction set with the
// instruction set as namespace; one line in kernels.inc.
//
// Rule, with a test: files compiled with extra -m flags include no header whose inline functions could be
// emitted, and keep everything but the Kernel object static, so that their objects hold no weak symbols.
// Otherwise the linker may keep the AVX-512 copy of a shared inline function and an older CPU dies in it.
#pragma once

#include "../matrix.h"

namespace sparsemark {

// A convolution; see sparsemark_conv in sparsemark.h.
struct Conv {
  std::int32_t batch, channels, height, width;
  std::int32_t kernel_height, kernel_width;
  std::int32_t stride, padding;
  std::int32_t out_height, out_width;
};

// What an evaluation reads and writes: which of the operands an op has, and their sizes, stands at the head
// of sparsemark.h. All are row-major, 64-byte aligned, unpadded.
struct Operands {
  const Encoded* a;
  const float* b;
  float* c;
  std::int32_t n;
  const void* plan;  // what the kernel's plan() wrote; nullptr where it has none
  void* scratch;     // this thread's scratch_bytes(), 64-byte aligned
  const float* b2;
  const float* b3;
  const Csr* sparse_b;
  const Conv* conv;
  const std::uint8_t* b_bytes;  // b of int8
  std::int32_t* c_integers;     // c of int8
};

// A thread's share: units [unit_begin, unit_end) of A, columns [col_begin, col_end) of C. It must write all
// of that part of C, whatever C held, and nothing else.
struct Shard {
  std::int32_t unit_begin;
  std::int32_t unit_end;
  std::int32_t col_begin;
  std::int32_t col_end;
};

// Columns for which a kernel that reads all of A for any number of columns is about as fast as for more.
inline constexpr std::int32_t kWideColumns = 96;

// How a job is shared out over threads.
enum class Split : std::int8_t {
  kUnits,    // by A's units, balanced by Encoded::work
  kColumns,  // by columns of C, in multiples of 16; of a convolution that is not 1 x 1, by whole rows of
             // outputs
  kWide,     // by columns where each thread gets kWideColumns or there are fewer units than threads, else by
             // units
  kNone,     // one thread only
};

// What a kernel of conv2d has in place of plan_bytes, plan, scratch_bytes and tiling; all but tiling may be
// nullptr. The geometry lives as long as the job.
struct ConvPlanning {
  std::int64_t (*plan_bytes)(const Encoded& a, const Conv& g);
  void (*plan)(const Encoded& a, const Conv& g, void* storage);
  std::int64_t (*scratch_bytes)(const Encoded& a, const Conv& g);
  void (*tiling)(const Encoded& a, const Conv& g, char* text);
};

// A convolution that is a product as it stands: each image is B, and nothing is to be moved.
static constexpr bool pointwise(const Conv& g) {
  return g.kernel_height == 1 && g.kernel_width == 1 && g.stride == 1 && g.padding == 0;
}

// Written with designated initialisers, each of which a kernel leaves out where it takes what stands here.
struct Kernel {
  const char* op = nullptr;
  const char* name = nullptr;
  const char* format = nullptr;
  const char* isa = nullptr;
  Split split = Split::kUnits;
  bool dense = false;
  // Bytes of storage that plan() fills once per job; both nullptr where nothing is planned.
  std::int64_t (*plan_bytes)(const Encoded& a, std::int32_t n) = nullptr;
  void (*plan)(const Encoded& a, std::int32_t n, void* storage) = nullptr;
  // Bytes of scratch a thread; nullptr for none.
  std::int64_t (*scratch_bytes)(const Encoded& a, std::int32_t n) = nullptr;
  // Writes the tiling in words, at most 128 characters, into text; nullptr for none.
  void (*tiling)(const Encoded& a, std::int32_t n, char* text) = nullptr;
  void (*run)(const Operands& operands, const Shard& shard) noexcept = nullptr;
  const char* dtype = "f32";
  const ConvPlanning* conv = nullptr;  // of conv2d alone
};

// Every kernel of the instruction sets that this CPU has, in the order of kernels.inc.
struct KernelList {
  const Kernel* const* kernels;
  int count;
};
KernelList available_kernels();

}  // namespace sparsemark
