// The test program's own assertions: a check counts, a failed one prints where and what, and the program's
// exit code is 1. After many failures a test stops printing, not checking.
#pragma once

#include <cstdint>

namespace sparsemark::test {

struct Options {
  int samples = 1500;  // random problems a test
  std::uint64_t seed = 1;
};

struct Test {
  const char* name;
  void (*body)(const Options& options);
};

// Counts a check; prints the formatted message where it failed.
[[gnu::format(printf, 4, 5)]] void expect(bool holds, const char* file, int line, const char* format, ...);

#define SPARSEMARK_EXPECT(condition, ...) \
  ::sparsemark::test::expect(static_cast<bool>(condition), __FILE__, __LINE__, __VA_ARGS__)

}  // namespace sparsemark::test
