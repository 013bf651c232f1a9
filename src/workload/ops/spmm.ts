/** Sparse times dense: C[m x n] = A[m x k] B[k x n], A sparse, B and C row-major. */
import type { Op } from './op.ts';
import { productReference } from './product.ts';

export const spmm: Op = {
  name: 'spmm',
  summary: 'sparse matrix times dense matrix, C[m x n] = A[m x k] B[k x n]',
  validateShape: () => null,
  usefulFlops: (nnz, { n }) => 2 * nnz * n,
  denseEquivalentFlops: ({ m, k, n }) => 2 * m * k * n,
  reference: ({ a, b, workload }) => productReference(a, b, workload.shape),
};
