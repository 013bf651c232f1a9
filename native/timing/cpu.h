// What this CPU is.
#pragma once

#include <string>
#include <vector>

#include "caches.h"

namespace sparsemark {

// Whether the CPU (and the operating system's saved state) has an instruction set by our name: scalar, avx2,
// avx512, avx512vnni, avx512fp16, neon, neonfp16. Honours SPARSEMARK_ISA_LIMIT, a comma-separated list, so
// that a smaller CPU can be imitated.
bool cpu_has(const char* isa);

struct Cpu {
  std::string brand;
  std::string model;  // family-model-stepping on x86, empty elsewhere
  std::vector<std::string> isa;
  Caches caches;
};
Cpu describe_cpu();

}  // namespace sparsemark
