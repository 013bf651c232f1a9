#include "cpu.h"

#include <cstdlib>
#include <cstring>

#include "../simd/near_l3.h"
#include "../simd/slow_gathers.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif
#if defined(__APPLE__)
#include <sys/sysctl.h>
#endif
#if defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#endif

namespace sparsemark {
namespace {

bool allowed(const char* isa) {
  const char* limit = std::getenv("SPARSEMARK_ISA_LIMIT");
  if (limit == nullptr || *limit == '\0') return true;
  const std::size_t length = std::strlen(isa);
  for (const char* at = limit; *at != '\0';) {
    const char* comma = std::strchr(at, ',');
    const std::size_t size = comma == nullptr ? std::strlen(at) : static_cast<std::size_t>(comma - at);
    if (size == length && std::strncmp(at, isa, size) == 0) return true;
    if (comma == nullptr) break;
    at = comma + 1;
  }
  return false;
}

// Arithmetic of vectors of 16 bits. The compilers' own __builtin_cpu_supports has no name for it before g++
// 13.
bool multiplies_halves() {
#if defined(__x86_64__)
  unsigned eax = 0;
  unsigned ebx = 0;
  unsigned ecx = 0;
  unsigned edx = 0;
  return __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) != 0 && (edx >> 23 & 1u) != 0;
#elif defined(__aarch64__) && defined(__linux__)
  constexpr unsigned long kAsimdHp = 1ul << 10;
  return (getauxval(AT_HWCAP) & kAsimdHp) != 0;
#elif defined(__aarch64__) && defined(__APPLE__)
  int has = 0;
  std::size_t size = sizeof(has);
  return sysctlbyname("hw.optional.arm.FEAT_FP16", &has, &size, nullptr, 0) == 0 && has != 0;
#else
  return false;
#endif
}

#if defined(__x86_64__)
// From EAX of leaf 1 of CPUID.
unsigned family_of(unsigned signature) {
  const unsigned base = signature >> 8 & 15u;
  return base == 15 ? base + (signature >> 20 & 255u) : base;
}
#endif

bool present(const char* isa) {
  if (std::strcmp(isa, "scalar") == 0) return true;
#if defined(__x86_64__)
  if (std::strcmp(isa, "avx2") == 0) return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  if (std::strcmp(isa, "avx512") == 0) {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  }
  if (std::strcmp(isa, "avx512vnni") == 0) return present("avx512") && __builtin_cpu_supports("avx512vnni");
  if (std::strcmp(isa, "avx512fp16") == 0) return present("avx512") && multiplies_halves();
#elif defined(__aarch64__)
  if (std::strcmp(isa, "neon") == 0) return true;
  if (std::strcmp(isa, "neonfp16") == 0) return multiplies_halves();
#endif
  return false;
}

}  // namespace

bool cpu_has(const char* isa) { return present(isa) && allowed(isa); }

Cpu describe_cpu() {
  Cpu cpu;
  for (const char* isa : {"scalar", "avx2", "avx512", "avx512vnni", "avx512fp16", "neon", "neonfp16"}) {
    if (cpu_has(isa)) cpu.isa.emplace_back(isa);
  }
#if defined(__x86_64__)
  unsigned int word[12] = {};
  if (static_cast<unsigned int>(__get_cpuid_max(0x80000000u, nullptr)) >= 0x80000004u) {
    for (unsigned int i = 0; i < 3; ++i) {
      __get_cpuid(0x80000002u + i, &word[4 * i], &word[4 * i + 1], &word[4 * i + 2], &word[4 * i + 3]);
    }
    char brand[49] = {};
    std::memcpy(brand, word, 48);
    cpu.brand = brand;
    while (!cpu.brand.empty() && cpu.brand.back() == ' ') cpu.brand.pop_back();
    while (!cpu.brand.empty() && cpu.brand.front() == ' ') cpu.brand.erase(0, 1);
  }
  unsigned int a = 0, b = 0, c = 0, d = 0;
  if (__get_cpuid(1, &a, &b, &c, &d) != 0) {
    const unsigned int base = a >> 8 & 15u;
    const unsigned int family = family_of(a);
    const unsigned int model = base == 6 || base == 15 ? (a >> 4 & 15u) | (a >> 12 & 240u) : a >> 4 & 15u;
    cpu.model = std::to_string(family) + "-" + std::to_string(model) + "-" + std::to_string(a & 15u);
  }
#endif
  cpu.caches = describe_caches();
#if defined(__APPLE__)
  char brand[128] = {};
  std::size_t size = sizeof(brand) - 1;
  if (sysctlbyname("machdep.cpu.brand_string", brand, &size, nullptr, 0) == 0) cpu.brand = brand;
#endif
  return cpu;
}

namespace {

// The family of AMD's CPU or one made under its licence; 0 for others.
unsigned amd_family() {
#if defined(__x86_64__)
  unsigned eax = 0;
  unsigned ebx = 0;
  unsigned ecx = 0;
  unsigned edx = 0;
  constexpr unsigned kAuthenticAmd = 0x68747541;  // the first four letters
  constexpr unsigned kHygonGenuine = 0x6f677948;  // its licensee
  if (__get_cpuid(0, &eax, &ebx, &ecx, &edx) == 0 || (ebx != kAuthenticAmd && ebx != kHygonGenuine)) return 0;
  return __get_cpuid(1, &eax, &ebx, &ecx, &edx) != 0 ? family_of(eax) : 0;
#else
  return 0;
#endif
}

bool has_slow_gathers() {
  if (const char* imitated = std::getenv("SPARSEMARK_GATHER")) return std::strcmp(imitated, "slow") == 0;
  return amd_family() != 0;
}

std::int32_t count_products_a_streamed_line() {
  constexpr unsigned kZen5 = 26;
  const unsigned family = amd_family();
  return family == 0 ? 0 : family < kZen5 ? 30 : 8;
}

}  // namespace

const bool slow_gathers = has_slow_gathers();
const std::int32_t products_a_streamed_line = count_products_a_streamed_line();

}  // namespace sparsemark
