// What this machine can do at most: the denominators of every roofline.
#pragma once

#include <cstdint>

namespace sparsemark {

// Sustained rates of `threads` threads together; each the best of several short runs.
struct Ceilings {
  double fma_gflops = 0.0;     // f32, 2 FLOPs an FMA, widest instruction set
  double l1_gbs = 0.0;         // reading half of L1d
  double l2_gbs = 0.0;         // reading half of L2
  double l3_gbs = 0.0;         // reading 8 times L2, at most half of L3
  double dram_gbs = 0.0;       // reading twice L3, at least 256 MiB and at most 1 GiB
  double gather_gelems = 0.0;  // 4-byte elements from 4 KiB in L1; 0 where there is no gather instruction
};

Ceilings measure_ceilings(int threads);

}  // namespace sparsemark
