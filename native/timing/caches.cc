#include "caches.h"

#include <cstdlib>
#include <fstream>
#include <string>

#if defined(__x86_64__)
#include <cpuid.h>
#endif
#if defined(__APPLE__)
#include <sys/sysctl.h>
#endif

namespace sparsemark {
namespace {

#if defined(__linux__)
std::string first_line(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

// "48K", "2M" as in /sys/devices/system/cpu/cpu0/cache.
std::int64_t size_of(const std::string& text) {
  if (text.empty()) return 0;
  const std::int64_t number = std::atoll(text.c_str());
  if (text.back() == 'K') return number * 1024;
  if (text.back() == 'M') return number * 1024 * 1024;
  return number;
}

Caches caches_of_system() {
  Caches caches;
  for (int i = 0; i < 8; ++i) {
    const std::string folder = "/sys/devices/system/cpu/cpu0/cache/index" + std::to_string(i) + "/";
    const std::string level = first_line(folder + "level");
    if (level.empty()) break;
    const std::int64_t bytes = size_of(first_line(folder + "size"));
    if (level == "1" && first_line(folder + "type") == "Data") caches.l1d_bytes = bytes;
    if (level == "2") caches.l2_bytes = bytes;
    if (level == "3") caches.l3_bytes = bytes;
  }
  return caches;
}
#elif defined(__APPLE__)
std::int64_t sysctl_number(const char* name) {
  std::int64_t value = 0;
  std::size_t size = sizeof(value);
  return sysctlbyname(name, &value, &size, nullptr, 0) == 0 ? value : 0;
}

Caches caches_of_system() {
  return {sysctl_number("hw.perflevel0.l1dcachesize"), sysctl_number("hw.perflevel0.l2cachesize"), 0};
}
#else
Caches caches_of_system() { return {}; }
#endif

}  // namespace

Caches caches_of_cpuid() {
  Caches caches;
#if defined(__x86_64__)
  for (const unsigned leaf : {4u, 0x8000001Du}) {
    for (unsigned index = 0; index < 8; ++index) {
      unsigned eax = 0;
      unsigned ebx = 0;
      unsigned ecx = 0;
      unsigned edx = 0;
      if (__get_cpuid_count(leaf, index, &eax, &ebx, &ecx, &edx) == 0) break;
      const unsigned type = eax & 31u;  // 1 data, 2 instructions, 3 both
      if (type == 0) break;
      const std::int64_t ways = static_cast<std::int64_t>(ebx >> 22) + 1;
      const std::int64_t partitions = static_cast<std::int64_t>(ebx >> 12 & 1023u) + 1;
      const std::int64_t line_bytes = static_cast<std::int64_t>(ebx & 4095u) + 1;
      const std::int64_t bytes = ways * partitions * line_bytes * (static_cast<std::int64_t>(ecx) + 1);
      const unsigned level = eax >> 5 & 7u;
      if (level == 1 && type == 1) caches.l1d_bytes = bytes;
      if (level == 2) caches.l2_bytes = bytes;
      if (level == 3) caches.l3_bytes = bytes;
    }
    if (caches.l1d_bytes != 0) break;
  }
#endif
  return caches;
}

Caches describe_caches() {
  Caches caches = caches_of_system();
  const Caches own = caches_of_cpuid();
  if (caches.l1d_bytes == 0) caches.l1d_bytes = own.l1d_bytes;
  if (caches.l2_bytes == 0) caches.l2_bytes = own.l2_bytes;
  if (caches.l3_bytes == 0) caches.l3_bytes = own.l3_bytes;
  return caches;
}

}  // namespace sparsemark
