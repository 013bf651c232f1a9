/** The backward pass of a sparse layer: C[k x n] = A^T B, B[m x n]. */
import { denseOperand } from '../operands.ts';
import { type Op, operandElementBytes, outputElementBytes, productShape } from './op.ts';
import { productReference, transposed } from './product.ts';

export const spmmT: Op = {
  ...productShape,
  name: 'spmm_t',
  summary: 'transposed sparse matrix times dense matrix, C[k x n] = A^T B[m x n]: the backward pass',
  dtypes: ['f32'],
  operands: ({ shape: { m, n }, dtype }, _, draw) => ({ b: denseOperand(dtype, m, n, draw) }),
  operandBytes: ({ shape: { m, k, n }, dtype }) =>
    m * n * operandElementBytes(dtype) + k * n * outputElementBytes(dtype),
  reference: ({ a, operands, workload: { shape } }) =>
    productReference(transposed(a), operands.b!, { m: shape.k, k: shape.m, n: shape.n }),
};
