/** Sparse matrix times vector: c[m] = A[m x k] b[k]; a shape of spmv has n = 1. */
import { denseOperand } from '../operands.ts';
import { type Op, productShape } from './op.ts';
import { productReference } from './product.ts';

export const spmv: Op = {
  ...productShape,
  name: 'spmv',
  summary: 'sparse matrix times vector, c[m] = A[m x k] b[k]',
  dtypes: ['f32', 'bf16', 'f16', 'int8'],
  sizes: ['m', 'k'],
  shapeOf: ([m, k, n = 1]) => ({ m: m!, k: k!, n }),
  validateShape: ({ n }) => (n === 1 ? null : `n = 1 for the shape of spmv, received n = ${n}`),
  operands: ({ shape: { k, n }, dtype }, _, draw) => ({ b: denseOperand(dtype, k, n, draw) }),
  reference: ({ a, operands, workload }) => productReference(a, operands.b!, workload.shape, workload.dtype),
};
