// What a process that measures asks of its system.
#pragma once

#include <cstdint>
#include <vector>

namespace sparsemark {

// CPUs are numbered below this.
inline constexpr std::int32_t kMostCpus = 1024;

// Pins this thread and those it starts later to the CPUs (none: to none), ends with the parent process, and
// bounds the data that this process may allocate. Whether it is pinned; each part is left out where the
// system has no such call.
bool become_worker(const std::vector<std::int32_t>& cpus, double memory_limit_bytes);

}  // namespace sparsemark
