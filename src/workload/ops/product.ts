/** The product C = A B in double precision, and how far a single-precision answer may be from it. */
import type { Csr, Reference, Shape } from '../../terms.ts';

const unitRoundoffF32 = 2 ** -24;
const smallestDenormalF32 = 2 ** -149;

/**
 * Relative bound gamma_t = t u / (1 - t u) on the error of a sum of t products in f32, in any order of summation,
 * with or without fused multiply-add (N. J. Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., 2002,
 * section 3.1, lemma 3.1 and equation 3.5). Infinite where t u >= 1.
 */
export function gamma(terms: number): number {
  const product = terms * unitRoundoffF32;
  return product < 1 ? product / (1 - product) : Number.POSITIVE_INFINITY;
}

/**
 * C = A B for A (m x k, CSR) and B (k x n, row-major), with the permitted error of each element:
 * gamma_t (|A| |B|)_ij plus one smallest denormal. t = k + 2: a dense kernel sums all k terms, each one product's
 * rounding more, and the second extra term covers the double rounding of the reference itself.
 */
export function productReference(a: Csr, b: Float32Array, shape: Shape): Reference {
  const { m, k, n } = shape;
  const expected = new Float64Array(m * n);
  const tolerance = new Float64Array(m * n);
  const bound = gamma(k + 2);
  const { rowOffsets, colIndices, values } = a;
  for (let i = 0; i < m; i += 1) {
    const base = i * n;
    for (let p = rowOffsets[i]!; p < rowOffsets[i + 1]!; p += 1) {
      const value = values[p]!;
      const bBase = colIndices[p]! * n;
      for (let j = 0; j < n; j += 1) {
        const term = value * b[bBase + j]!;
        expected[base + j]! += term;
        tolerance[base + j]! += Math.abs(term);
      }
    }
    for (let j = base; j < base + n; j += 1) tolerance[j] = tolerance[j]! * bound + smallestDenormalF32;
  }
  return { expected, tolerance };
}
