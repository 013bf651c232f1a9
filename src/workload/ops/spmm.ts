/** Sparse times dense: C[m x n] = A[m x k] B[k x n], A sparse, B and C row-major. */
import { denseOperand } from '../operands.ts';
import { type Op, productShape } from './op.ts';
import { productReference } from './product.ts';

export const spmm: Op = {
  ...productShape,
  name: 'spmm',
  summary: 'sparse matrix times dense matrix, C[m x n] = A[m x k] B[k x n]',
  dtypes: ['f32', 'bf16', 'f16', 'int8'],
  operands: ({ shape: { k, n }, dtype }, _, draw) => ({ b: denseOperand(dtype, k, n, draw) }),
  reference: ({ a, operands, workload }) => productReference(a, operands.b!, workload.shape, workload.dtype),
};
