// A row of C from a row of A, for formats whose entries are not plain {value, column} pairs (those have
// pairs.h). For kernel files only.
#pragma once

#include "panel.h"

namespace sparsemark::SPARSEMARK_ISA {
namespace {

// One product that a row of C is made of: a value of A and the row of B, from the panel's first column on.
struct Term {
  float value;
  const float* row;
};

// Writes the sum of term(first) to term(end - 1), V vectors of it, to out.
template <int V, bool kTail, typename TermAt>
inline void sum_terms(std::int32_t first, std::int32_t end, TermAt term, float* out, int last) {
  // FMA latency is 4 at 2 a cycle: a narrow panel needs several chains of sums to be busy.
  constexpr int kChains = V >= 4 ? 1 : V >= 2 ? 2 : 4;
  Vec c[kChains][V];
  for (int u = 0; u < kChains; ++u) {
    for (int v = 0; v < V; ++v) c[u][v] = zero();
  }
  std::int32_t p = first;
  if constexpr (kChains > 1) {
    for (; p + kChains <= end; p += kChains) {
      for (int u = 0; u < kChains; ++u) {
        const Term t = term(p + u);
        const Vec value = broadcast(t.value);
        for (int v = 0; v < V; ++v) c[u][v] = fma(value, load_part<V, kTail>(t.row, v, last), c[u][v]);
      }
    }
  }
  for (; p < end; ++p) {
    const Term t = term(p);
    const Vec value = broadcast(t.value);
    for (int v = 0; v < V; ++v) c[0][v] = fma(value, load_part<V, kTail>(t.row, v, last), c[0][v]);
  }
  for (int u = 1; u < kChains; ++u) {
    for (int v = 0; v < V; ++v) c[0][v] = add(c[0][v], c[u][v]);
  }
  for (int v = 0; v < V; ++v) store_part<V, kTail>(out, v, c[0][v], last);
}

}  // namespace
}  // namespace sparsemark::SPARSEMARK_ISA
