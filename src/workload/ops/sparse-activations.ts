/** Products of two sparse operands with a dense result: activations after a ReLU, kept by their nonzeros. */
import type { Csr } from '../../terms.ts';
import { sparseOperand } from '../operands.ts';
import { type Op, productShape } from './op.ts';
import { productReference } from './product.ts';

function denseOf({ rows, cols, rowOffsets, colIndices, values }: Csr): Float32Array {
  const dense = new Float32Array(rows * cols);
  for (let i = 0; i < rows; i += 1) {
    for (let p = rowOffsets[i]!; p < rowOffsets[i + 1]!; p += 1)
      dense[i * cols + colIndices[p]!] = values[p]!;
  }
  return dense;
}

const sparse = {
  ...productShape,
  dtypes: ['f32'],
  sparseActivations: true,
  // Of the products that a nonzero weight asks for, so many find a nonzero activation.
  usefulFlops: (nnz, { shape, activationDensity = 1 }) => 2 * nnz * shape.n * activationDensity,
  // Value and column of each nonzero, and the row offsets.
  operandBytes: ({ shape: { m, k, n }, activationDensity = 1 }) =>
    8 * k * n * activationDensity + 4 * (k + 1) + 4 * m * n,
  reference: ({ a, operands, workload }) => productReference(a, denseOf(operands.sparseB!), workload.shape),
} satisfies Partial<Op>;

export const spmspm: Op = {
  ...sparse,
  name: 'spmspm',
  summary: 'sparse matrix times sparse matrix, C[m x n] dense: sparse weights and activations',
  operands: ({ shape: { k, n }, activationDensity }, _, draw) => ({
    sparseB: sparseOperand(k, n, activationDensity!, draw),
  }),
};

export const spmspv: Op = {
  ...sparse,
  name: 'spmspv',
  summary: 'sparse matrix times sparse vector, c[m] dense',
  sizes: ['m', 'k'],
  shapeOf: ([m, k, n = 1]) => ({ m: m!, k: k!, n }),
  validateShape: ({ n }) => (n === 1 ? null : `n = 1 for the shape of spmspv, received n = ${n}`),
  operands: ({ shape: { k }, activationDensity }, _, draw) => ({
    sparseB: sparseOperand(1, k, activationDensity!, draw),
  }),
};
