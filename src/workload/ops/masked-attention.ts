/**
 * Attention under a mask: row i of C is the mean of the rows of V, weighted by softmax(Q K^T / sqrt(n)) over the nonzeros
 * of row i of A, 0 where there are none. Q is m x n, K and V are k x n; A's values are not read.
 */
import type { Csr, OperandArray, Reference, Shape } from '../../terms.ts';
import { denseOperand } from '../operands.ts';
import { type Op, productShape } from './op.ts';
import { gamma, smallestDenormalF32, unitRoundoffF32 } from './product.ts';

/** Relative error permitted in a kernel's e^x: 2 units in the last place, what libraries of vector functions promise. */
const exponentialError = 2 ** -22;
/** What a weight may be off where e^x leaves the normal numbers, or is held at e^-87. */
const smallestWeight = 2 ** -125;
/** Queries are [-4, 4): scores then vary by 4/3 about 0 (standard deviation), and weights by a factor of some 10. */
const queryScale = 4;

/**
 * The answer with the error permitted in each element. With p_j the exact weights, summing to 1, and o = sum p_j v_j:
 *
 * - A score s_j is a sum of n products with three roundings more (square root, division, scaling): it is off by at most
 *   d_j = gamma_(n + 4) |q| . |k_j| / sqrt(n). The maximum that is subtracted is the same for all keys and cancels,
 *   right or wrong; the subtraction rounds by u |s_j - max|, the scores' own errors included.
 * - e^x turns an absolute error a into the relative e^a - 1 and adds its own.
 * - Weighing, summing and dividing c keys rounds c + 4 times: gamma_(c + 4), of the largest count of any order.
 *
 * Together r_j relative in each weight, in numerator and denominator: with e_N = sum p_j |v_j| r_j and e_D = sum p_j r_j
 * the quotient is off by at most (e_N + |o| e_D) / (1 - e_D).
 */
function attentionReference(
  a: Csr,
  [queries, keys, values]: readonly [OperandArray, OperandArray, OperandArray],
  { m, n }: Shape,
): Reference {
  const { rowOffsets, colIndices } = a;
  const expected = new Float64Array(m * n);
  const tolerance = new Float64Array(m * n);
  const longest = rowOffsets.reduce((most, end, i) => Math.max(most, end - (rowOffsets[i - 1] ?? 0)), 0);
  const scores = new Float64Array(longest);
  const scoreErrors = new Float64Array(longest);
  const scale = 1 / Math.sqrt(n);
  let largestValue = 0;
  for (const value of values) largestValue = Math.max(largestValue, Math.abs(value));
  for (let i = 0; i < m; i += 1) {
    const begin = rowOffsets[i]!;
    const count = rowOffsets[i + 1]! - begin;
    let largest = Number.NEGATIVE_INFINITY;
    let largestError = 0;
    for (let p = 0; p < count; p += 1) {
      const base = colIndices[begin + p]! * n;
      let sum = 0;
      let magnitude = 0;
      for (let l = 0; l < n; l += 1) {
        const term = queries[i * n + l]! * keys[base + l]!;
        sum += term;
        magnitude += Math.abs(term);
      }
      scores[p] = sum * scale;
      scoreErrors[p] = gamma(n + 4) * magnitude * scale;
      largest = Math.max(largest, scores[p]!);
      largestError = Math.max(largestError, scoreErrors[p]!);
    }
    let total = 0;
    for (let p = 0; p < count; p += 1) total += Math.exp(scores[p]! - largest);
    const row = expected.subarray(i * n, (i + 1) * n);
    const error = tolerance.subarray(i * n, (i + 1) * n);
    let totalError = count * smallestWeight;
    for (let p = 0; p < count; p += 1) {
      const weight = Math.exp(scores[p]! - largest) / total;
      const difference = scoreErrors[p]! + unitRoundoffF32 * (largest - scores[p]! + 2 * largestError);
      const weightError = (Math.expm1(difference) + 1) * (1 + exponentialError) * (1 + gamma(count + 4)) - 1;
      const base = colIndices[begin + p]! * n;
      for (let l = 0; l < n; l += 1) {
        const term = weight * values[base + l]!;
        row[l]! += term;
        error[l]! += Math.abs(term) * weightError;
      }
      totalError += weight * weightError;
    }
    const floor = count * (smallestWeight * largestValue + smallestDenormalF32);
    for (let l = 0; l < n; l += 1) {
      error[l] =
        totalError < 1
          ? (error[l]! + floor + Math.abs(row[l]!) * totalError) / (1 - totalError)
          : Number.POSITIVE_INFINITY;
    }
  }
  return { expected, tolerance, columns: n };
}

export const maskedAttention: Op = {
  ...productShape,
  name: 'masked_attention',
  summary: 'softmax(Q K^T / sqrt(n) at the nonzeros of A[m x k]) V, Q m x n, K and V k x n',
  dtypes: ['f32'],
  // Two products; the softmax between them is not counted.
  usefulFlops: (nnz, { shape }) => 4 * nnz * shape.n,
  denseEquivalentFlops: ({ m, k, n }) => 4 * m * k * n,
  operands: ({ shape: { m, k, n }, dtype }, _, draw) => ({
    b: denseOperand(dtype, m, n, draw, 'queries').map((query) => query * queryScale),
    b2: denseOperand(dtype, k, n, draw, 'keys'),
    b3: denseOperand(dtype, k, n, draw, 'values'),
  }),
  operandBytes: ({ shape: { m, k, n } }) => 8 * (m + k) * n,
  reference: ({ a, operands: { b, b2, b3 }, workload }) =>
    attentionReference(a, [b!, b2!, b3!], workload.shape),
};
