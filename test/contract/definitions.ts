/** Each op by its definition, over dense matrices and without a thought of speed: what its reference is held against. */
import type { Csr, Problem } from '../../src/terms.ts';

/** Row-major rows x cols. */
export function denseOf({ rows, cols, rowOffsets, colIndices, values }: Csr): Float64Array {
  const dense = new Float64Array(rows * cols);
  for (let i = 0; i < rows; i += 1) {
    for (let p = rowOffsets[i]!; p < rowOffsets[i + 1]!; p += 1)
      dense[i * cols + colIndices[p]!] = values[p]!;
  }
  return dense;
}

function product({ a, operands, workload }: Problem): Float64Array {
  const { m, k, n } = workload.shape;
  const dense = denseOf(a);
  const b = operands.sparseB === undefined ? operands.b! : denseOf(operands.sparseB);
  const c = new Float64Array(m * n);
  for (let i = 0; i < m; i += 1) {
    for (let j = 0; j < n; j += 1) {
      for (let l = 0; l < k; l += 1) c[i * n + j]! += dense[i * k + l]! * b[l * n + j]!;
    }
  }
  return c;
}

function transposedProduct({ a, operands, workload }: Problem): Float64Array {
  const { m, k, n } = workload.shape;
  const dense = denseOf(a);
  const c = new Float64Array(k * n);
  for (let l = 0; l < k; l += 1) {
    for (let j = 0; j < n; j += 1) {
      for (let i = 0; i < m; i += 1) c[l * n + j]! += dense[i * k + l]! * operands.b![i * n + j]!;
    }
  }
  return c;
}

/** What remains when all but the `keep` largest magnitudes are struck out, one after another. */
function pruned({ operands }: Problem): Float64Array {
  const dense = Float64Array.from(operands.b!);
  const order = [...dense.keys()].sort((x, y) => Math.abs(dense[y]!) - Math.abs(dense[x]!) || x - y);
  for (const at of order.slice(operands.keep!)) dense[at] = 0;
  return dense;
}

export const definitions: Readonly<Record<string, (problem: Problem) => Float64Array>> = {
  spmm: product,
  spmv: product,
  spmm_t: transposedProduct,
  spmm_bias_relu: (problem) =>
    product(problem).map((value, at) =>
      Math.max(0, value + problem.operands.b2![Math.floor(at / problem.workload.shape.n)]!),
    ),
  spmspm: product,
  spmspv: product,
  embedding_bag: product,
  encode: ({ a }) => denseOf(a),
  prune: pruned,
};
