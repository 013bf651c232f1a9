/** Sparse matrix times vector: c[m] = A[m x k] b[k]; a shape of spmv has n = 1. */
import type { Op } from './op.ts';
import { productReference } from './product.ts';

export const spmv: Op = {
  name: 'spmv',
  summary: 'sparse matrix times vector, c[m] = A[m x k] b[k]',
  validateShape: ({ n }) => (n === 1 ? null : `n = 1 for the shape of spmv, received n = ${n}`),
  usefulFlops: (nnz) => 2 * nnz,
  denseEquivalentFlops: ({ m, k }) => 2 * m * k,
  reference: ({ a, b, workload }) => productReference(a, b, workload.shape),
};
