#include "process.h"

#if defined(__linux__)
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <cstddef>
#endif

namespace sparsemark {

#if defined(__linux__)
static_assert(kMostCpus <= CPU_SETSIZE);

bool become_worker(const std::vector<std::int32_t>& cpus, double memory_limit_bytes) {
  cpu_set_t set;
  CPU_ZERO(&set);
  for (const std::int32_t cpu : cpus) CPU_SET(static_cast<std::size_t>(cpu), &set);
  // A worker in an endless kernel never sees its channel close; the signal ends it with its parent.
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  const auto bytes = static_cast<rlim_t>(memory_limit_bytes);
  const rlimit limit = {bytes, bytes};
  setrlimit(RLIMIT_DATA, &limit);
  return !cpus.empty() && pthread_setaffinity_np(pthread_self(), sizeof(set), &set) == 0;
}
#else
bool become_worker(const std::vector<std::int32_t>&, double) { return false; }
#endif

}  // namespace sparsemark
