/** The product C = A B in double precision, and how far a single-precision answer may be from it. */
import type { Csr, Dtype, OperandArray, Reference, Shape } from '../../terms.ts';
import { float16ToNumber } from '../float16.ts';

/** Half the distance from 1 to the next float. */
export const unitRoundoffF32 = 2 ** -24;
export const smallestDenormalF32 = 2 ** -149;
/** The same of float16. */
export const unitRoundoffF16 = 2 ** -11;
export const smallestDenormalF16 = 2 ** -24;
/** Products that a kernel of f16 may add up in f16, before such sums are added up in f32. */
export const float16Terms = 64;

/**
 * Relative bound gamma_t = t u / (1 - t u) on the error of a sum of t products in f32 (or of another unit roundoff u),
 * in any order of summation,
 * with or without fused multiply-add (N. J. Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., 2002,
 * section 3.1, lemma 3.1 and equation 3.5). Infinite where t u >= 1.
 */
export function gamma(terms: number, unitRoundoff: number = unitRoundoffF32): number {
  const product = terms * unitRoundoff;
  return product < 1 ? product / (1 - product) : Number.POSITIVE_INFINITY;
}

/**
 * The permitted error of sums of k products, from the sum of each one's magnitudes, in place: gamma_t times the
 * magnitude plus one smallest denormal. t = k + 2: a dense kernel sums all k terms, each one product's rounding more,
 * and the second extra term covers the double rounding of the reference itself.
 */
export function productTolerance(magnitudes: Float64Array, k: number): Float64Array {
  const bound = gamma(k + 2);
  for (let at = 0; at < magnitudes.length; at += 1)
    magnitudes[at] = magnitudes[at]! * bound + smallestDenormalF32;
  return magnitudes;
}

/**
 * The same for f16, whose sums of at most 64 products are in f16 and what they are added up in f32, before C is rounded
 * to f16: ((1 + gamma16_(s + 2)) (1 + gamma32_(b + 1)) - 1) times the magnitude, s = min(k, 64) and b = ceil(k / 64).
 * Of the two extra terms of f16 one is each product's rounding, where it is not fused, the other that of C. Numbers
 * below 2^-14 are rounded to multiples of 2^-24: half of one for each of k products, k sums and C.
 * For k = 4096 the factor is 0.033; a sum of all 4096 products in f16 has no bound at all, gamma16_2048 being infinite.
 */
export function float16Tolerance(magnitudes: Float64Array, k: number): Float64Array {
  const inBlock = gamma(Math.min(k, float16Terms) + 2, unitRoundoffF16);
  const overBlocks = gamma(Math.ceil(k / float16Terms) + 1);
  const factor = (1 + inBlock) * (1 + overBlocks) - 1;
  const denormals = ((2 * k + 1) * smallestDenormalF16 * (1 + factor)) / 2;
  for (let at = 0; at < magnitudes.length; at += 1) magnitudes[at] = magnitudes[at]! * factor + denormals;
  return magnitudes;
}

/**
 * C = A B for A (m x k, CSR) and B (k x n, row-major), with the permitted error of each element:
 * that of productTolerance, of float16Tolerance, or none for int8, whose sums are exact in double precision too.
 */
export function productReference(
  a: Csr,
  operand: OperandArray,
  shape: Shape,
  dtype: Dtype = 'f32',
): Reference {
  const { m, k, n } = shape;
  const b = dtype === 'f16' ? Float32Array.from(operand, float16ToNumber) : operand;
  const expected = new Float64Array(m * n);
  const tolerance = new Float64Array(m * n);
  const { rowOffsets, colIndices, values } = a;
  for (let i = 0; i < m; i += 1) {
    const base = i * n;
    const end = rowOffsets[i + 1]!;
    let p = rowOffsets[i]!;
    // Four nonzeros a sweep over the row: a quarter of the loads and stores of C, 110 instead of 350 ms for 1e8 MACs.
    for (; p + 3 < end; p += 4) {
      const value0 = values[p]!;
      const value1 = values[p + 1]!;
      const value2 = values[p + 2]!;
      const value3 = values[p + 3]!;
      const b0 = colIndices[p]! * n;
      const b1 = colIndices[p + 1]! * n;
      const b2 = colIndices[p + 2]! * n;
      const b3 = colIndices[p + 3]! * n;
      for (let j = 0; j < n; j += 1) {
        const term0 = value0 * b[b0 + j]!;
        const term1 = value1 * b[b1 + j]!;
        const term2 = value2 * b[b2 + j]!;
        const term3 = value3 * b[b3 + j]!;
        expected[base + j]! += term0 + term1 + (term2 + term3);
        tolerance[base + j]! += Math.abs(term0) + Math.abs(term1) + (Math.abs(term2) + Math.abs(term3));
      }
    }
    for (; p < end; p += 1) {
      const value = values[p]!;
      const bBase = colIndices[p]! * n;
      for (let j = 0; j < n; j += 1) {
        const term = value * b[bBase + j]!;
        expected[base + j]! += term;
        tolerance[base + j]! += Math.abs(term);
      }
    }
  }
  const permitted =
    dtype === 'int8'
      ? tolerance.fill(0)
      : dtype === 'f16'
        ? float16Tolerance(tolerance, k)
        : productTolerance(tolerance, k);
  return { expected, tolerance: permitted, columns: n };
}

/** A^T in canonical compressed rows. */
export function transposed(a: Csr): Csr {
  const rowOffsets = new Int32Array(a.cols + 1);
  for (const col of a.colIndices) rowOffsets[col + 1]! += 1;
  for (let col = 0; col < a.cols; col += 1) rowOffsets[col + 1]! += rowOffsets[col]!;
  const next = rowOffsets.slice();
  const colIndices = new Int32Array(a.colIndices.length);
  const values = new Float32Array(a.values.length);
  for (let row = 0; row < a.rows; row += 1) {
    for (let p = a.rowOffsets[row]!; p < a.rowOffsets[row + 1]!; p += 1) {
      const at = next[a.colIndices[p]!]!;
      next[a.colIndices[p]!] = at + 1;
      colIndices[at] = row;
      values[at] = a.values[p]!;
    }
  }
  return { rows: a.cols, cols: a.rows, rowOffsets, colIndices, values };
}
