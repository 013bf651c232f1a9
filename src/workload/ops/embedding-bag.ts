/**
 * Look-up of bags in an embedding table, each bag a weighted sum of rows: C[i] = sum over the nonzeros of row i of
 * A[i, j] B[j]. A is m bags x k rows of the table, B is the table, n its width. A one-hot product with every row of the
 * table would be the dense way; nobody takes it, so that there is no dense baseline.
 */
import { denseOperand } from '../operands.ts';
import { type Op, productShape } from './op.ts';
import { productReference } from './product.ts';

export const embeddingBag: Op = {
  ...productShape,
  name: 'embedding_bag',
  summary: 'sums of rows of a table, C[i] = sum of A[i, j] B[j] over bag i',
  dtypes: ['f32'],
  operands: ({ shape: { k, n }, dtype }, _, draw) => ({ b: denseOperand(dtype, k, n, draw) }),
  // A row of the table for each nonzero, whether or not another bag reads it too: tables are larger than caches.
  operandBytes: ({ shape: { m, n } }, nnz) => 4 * n * (nnz + m),
  reference: ({ a, operands, workload }) => productReference(a, operands.b!, workload.shape),
};
