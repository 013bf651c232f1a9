#include "ceilings.h"

#include <algorithm>
#include <atomic>
#include <functional>
#include <thread>
#include <vector>

#include "../matrix.h"
#include "cpu.h"
#include "stopwatch.h"

// Loops in vector extensions; the attribute gives a function its instruction set, so that one file serves
// all.
#if defined(__x86_64__)
#include <immintrin.h>
#define TARGET_AVX512 __attribute__((target("avx512f,avx512vl,fma")))
#define TARGET_AVX2 __attribute__((target("avx2,fma")))
#endif

namespace sparsemark {
namespace {

using Vec4 = float __attribute__((vector_size(16)));
using Vec8 = float __attribute__((vector_size(32)));
using Vec16 = float __attribute__((vector_size(64)));

volatile float g_sink = 0.0f;

// A sum of a few lanes, so that no loop is removed as unused.
template <typename V>
inline __attribute__((always_inline)) void keep(const V& v) {
  g_sink = v[0];
}

// Chains of dependent FMAs: one takes 4 cycles and two start each cycle, so 8 would just do.
constexpr int kChains = 10;

// Named variables, since g++ 12 keeps an array of vectors in memory once an asm statement touches it (58
// instead of 177 GFLOP/s). The asm statement stops the compiler from shortening the chains.
template <typename V>
inline __attribute__((always_inline)) void fma_loop(std::int64_t rounds) {
  V a{}, b{};
  for (unsigned lane = 0; lane < sizeof(V) / 4; ++lane) {
    a[lane] = 0.999f;
    b[lane] = 0.001f;
  }
  V c0 = b, c1 = c0 + b, c2 = c1 + b, c3 = c2 + b, c4 = c3 + b, c5 = c4 + b, c6 = c5 + b, c7 = c6 + b,
    c8 = c7 + b, c9 = c8 + b;
  for (std::int64_t r = 0; r < rounds; ++r) {
    c0 = c0 * a + b;
    c1 = c1 * a + b;
    c2 = c2 * a + b;
    c3 = c3 * a + b;
    c4 = c4 * a + b;
    c5 = c5 * a + b;
    c6 = c6 * a + b;
    c7 = c7 * a + b;
    c8 = c8 * a + b;
    c9 = c9 * a + b;
  }
  keep(c0 + c1 + c2 + c3 + c4 + c5 + c6 + c7 + c8 + c9);
}

template <typename V>
inline __attribute__((always_inline)) void read_loop(const float* data, std::int64_t floats) {
  constexpr int kLanes = sizeof(V) / 4;
  V sum[8] = {};
  for (std::int64_t i = 0; i + 8 * kLanes <= floats; i += 8 * kLanes) {
#pragma GCC unroll 8
    for (int j = 0; j < 8; ++j) sum[j] += *reinterpret_cast<const V*>(data + i + j * kLanes);
  }
  V total = sum[0];
  for (int j = 1; j < 8; ++j) total += sum[j];
  keep(total);
}

#if defined(__x86_64__)
TARGET_AVX512 void fma_avx512(std::int64_t rounds) { fma_loop<Vec16>(rounds); }
TARGET_AVX2 void fma_avx2(std::int64_t rounds) { fma_loop<Vec8>(rounds); }
TARGET_AVX512 void read_avx512(const float* data, std::int64_t floats) { read_loop<Vec16>(data, floats); }
TARGET_AVX2 void read_avx2(const float* data, std::int64_t floats) { read_loop<Vec8>(data, floats); }
TARGET_AVX512 void gather_avx512(const float* table, const std::int32_t* index, std::int64_t rounds) {
  __m512 sum[4] = {_mm512_setzero_ps(), _mm512_setzero_ps(), _mm512_setzero_ps(), _mm512_setzero_ps()};
  for (std::int64_t r = 0; r < rounds; ++r) {
    for (int j = 0; j < 4; ++j) {
      sum[j] = _mm512_add_ps(
          sum[j], _mm512_i32gather_ps(_mm512_loadu_si512(index + (r % 16) * 64 + j * 16), table, 4));
    }
  }
  g_sink = _mm512_reduce_add_ps(_mm512_add_ps(_mm512_add_ps(sum[0], sum[1]), _mm512_add_ps(sum[2], sum[3])));
}
TARGET_AVX2 void gather_avx2(const float* table, const std::int32_t* index, std::int64_t rounds) {
  __m256 sum[4] = {_mm256_setzero_ps(), _mm256_setzero_ps(), _mm256_setzero_ps(), _mm256_setzero_ps()};
  for (std::int64_t r = 0; r < rounds; ++r) {
    for (int j = 0; j < 4; ++j) {
      const auto* at = reinterpret_cast<const __m256i*>(index + (r % 16) * 64 + j * 8);
      sum[j] = _mm256_add_ps(sum[j], _mm256_i32gather_ps(table, _mm256_loadu_si256(at), 4));
    }
  }
  const __m256 total = _mm256_add_ps(_mm256_add_ps(sum[0], sum[1]), _mm256_add_ps(sum[2], sum[3]));
  g_sink = _mm_cvtss_f32(_mm256_castps256_ps128(total));
}
#endif

void fma_base(std::int64_t rounds) { fma_loop<Vec4>(rounds); }
void read_base(const float* data, std::int64_t floats) { read_loop<Vec4>(data, floats); }

// Runs work(part) on all threads at once until the shortest time has not improved by 1 % for `patience` runs,
// at most 5 times as often; returns it in nanoseconds. On a busy machine the first runs are all interrupted
// ones.
double best_ns(int threads, int patience, const std::function<void(int)>& work) {
  double best = 1e300;
  for (int r = 0, since = 0; since < patience && r < 5 * patience; ++r, ++since) {
    std::atomic<int> ready{0};
    std::atomic<bool> go{false};
    std::vector<std::thread> others;
    for (int part = 1; part < threads; ++part) {
      others.emplace_back([&, part] {
        ready.fetch_add(1);
        while (!go.load()) {
        }
        work(part);
      });
    }
    while (ready.load() < threads - 1) {
    }
    const double start = now_ns();
    go.store(true);
    work(0);
    for (std::thread& other : others) other.join();
    const double spent = now_ns() - start;
    if (spent < 0.99 * best) since = 0;
    best = std::min(best, spent);
  }
  return best;
}

}  // namespace

Ceilings measure_ceilings(int threads) {
  const Cpu cpu = describe_cpu();
  void (*fma)(std::int64_t) = fma_base;
  void (*read)(const float*, std::int64_t) = read_base;
  double lanes = 4;
#if defined(__x86_64__)
  void (*gather)(const float*, const std::int32_t*, std::int64_t) = nullptr;
  double gathered = 0;
  if (cpu_has("avx512")) {
    fma = fma_avx512;
    read = read_avx512;
    gather = gather_avx512;
    lanes = 16;
    gathered = 64;
  } else if (cpu_has("avx2")) {
    fma = fma_avx2;
    read = read_avx2;
    gather = gather_avx2;
    lanes = 8;
    gathered = 32;
  }
#endif
  Ceilings found;
  // Each run lasts some 10 ms, so that it is no burst of less than a millisecond: those read 217 to 236
  // GFLOP/s on a machine where runs of this length read 158 to 223.
  constexpr std::int64_t kRounds = 8'000'000;
  // Taken between the other measurements too, the best kept: on a shared virtual machine two calls a second
  // apart read 211 and 159 GFLOP/s. Why was not found out; it has no hardware counters.
  const auto try_fma = [&] {
    const double ns = best_ns(threads, 4, [&](int) { fma(kRounds); });
    found.fma_gflops = std::max(found.fma_gflops, 2.0 * lanes * kChains * kRounds * threads / ns);
  };
  try_fma();

  const std::int64_t l1 = cpu.caches.l1d_bytes > 0 ? cpu.caches.l1d_bytes : 32 << 10;
  const std::int64_t l2 = cpu.caches.l2_bytes > 0 ? cpu.caches.l2_bytes : 512 << 10;
  const std::int64_t l3 = cpu.caches.l3_bytes > 0 ? cpu.caches.l3_bytes : 8 << 20;
  const auto bandwidth = [&](std::int64_t bytes_a_thread, std::int64_t bytes_in_all, int patience) {
    std::vector<Aligned<float>> data;
    for (int t = 0; t < threads; ++t) data.emplace_back(static_cast<std::size_t>(bytes_a_thread / 4));
    const std::int64_t passes = std::max<std::int64_t>(1, bytes_in_all / bytes_a_thread);
    const double ns = best_ns(threads, patience, [&](int part) {
      for (std::int64_t pass = 0; pass < passes; ++pass) {
        read(data[static_cast<std::size_t>(part)].data(), bytes_a_thread / 4);
      }
    });
    return static_cast<double>(bytes_a_thread * passes * threads) / ns;
  };
  const std::int64_t from_l3 = std::max(4 * l2, std::min(8 * l2, l3 / 2));
  const std::int64_t from_dram =
      std::clamp<std::int64_t>(2 * l3, std::int64_t{256} << 20, std::int64_t{1} << 30) / threads;
  found.l1_gbs = bandwidth(l1 / 2, std::int64_t{2} << 30, 4);
  try_fma();
  found.l2_gbs = bandwidth(l2 / 2, std::int64_t{1} << 30, 4);
  try_fma();
  found.l3_gbs = bandwidth(from_l3, std::int64_t{256} << 20, 4);
  try_fma();
  found.dram_gbs = bandwidth(from_dram, from_dram, 2);
  try_fma();

#if defined(__x86_64__)
  if (gather != nullptr) {
    Aligned<float> table(1024);
    Aligned<std::int32_t> index(1024);
    for (std::size_t i = 0; i < 1024; ++i) index[i] = static_cast<std::int32_t>(i * 421 % 1024);
    constexpr std::int64_t kGathers = 800'000;
    found.gather_gelems = gathered * kGathers * threads /
                          best_ns(threads, 4, [&](int) { gather(table.data(), index.data(), kGathers); });
  }
#endif
  return found;
}

}  // namespace sparsemark
