/**
 * Sampled dense-dense product: c[p] = X[i] . Y[j] for each nonzero p = (i, j) of A, in CSR order: the gradient of sparse
 * weights, or the scores of sparse attention. X is m x n, Y is k x n; A's values are not read.
 */
import type { Csr, OperandArray, Reference } from '../../terms.ts';
import { denseOperand } from '../operands.ts';
import { type Op, productShape } from './op.ts';
import { gamma, smallestDenormalF32 } from './product.ts';

/** The permitted error is that of a sum of n products, gamma_(n + 2) |X[i]| . |Y[j]|, as of a product's element. */
function sddmmReference(a: Csr, x: OperandArray, y: OperandArray, n: number): Reference {
  const { rows, rowOffsets, colIndices } = a;
  const expected = new Float64Array(colIndices.length);
  const tolerance = new Float64Array(colIndices.length);
  const bound = gamma(n + 2);
  for (let i = 0; i < rows; i += 1) {
    const xBase = i * n;
    for (let p = rowOffsets[i]!; p < rowOffsets[i + 1]!; p += 1) {
      const yBase = colIndices[p]! * n;
      let sum = 0;
      let magnitude = 0;
      for (let l = 0; l < n; l += 1) {
        const term = x[xBase + l]! * y[yBase + l]!;
        sum += term;
        magnitude += Math.abs(term);
      }
      expected[p] = sum;
      tolerance[p] = magnitude * bound + smallestDenormalF32;
    }
  }
  return { expected, tolerance, columns: 1 };
}

export const sddmm: Op = {
  ...productShape,
  name: 'sddmm',
  summary: 'dense times dense at the nonzeros of A[m x k], c[p] = X[m x n] row i . Y[k x n] row j',
  dtypes: ['f32'],
  operands: ({ shape: { m, k, n }, dtype }, _, draw) => ({
    b: denseOperand(dtype, m, n, draw, 'rows'),
    b2: denseOperand(dtype, k, n, draw, 'columns'),
  }),
  operandBytes: ({ shape: { m, k, n } }, nnz) => 4 * (m * n + k * n + nnz),
  reference: ({ a, operands, workload }) => sddmmReference(a, operands.b!, operands.b2!, workload.shape.n),
};
