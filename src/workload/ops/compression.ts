/**
 * The ops that make a matrix: encode, from a dense one to a format, and prune, which first keeps the largest
 * magnitudes of a layer (per-layer top-k, as LCS, arXiv 2110.04252, compresses on the device). What they make is A,
 * in prune with all values scaled.
 */
import type { Csr, Reference, Workload } from '../../terms.ts';
import { drawFloats } from '../operands.ts';
import { type Op, productShape } from './op.ts';

/** Weights before pruning are scaled by this, so that the threshold lies inside of a binade as it does in a network. */
const scale = Math.fround(1.3);

function denseOf({ rows, cols, rowOffsets, colIndices, values }: Csr): Float32Array {
  const dense = new Float32Array(rows * cols);
  for (let i = 0; i < rows; i += 1) {
    for (let p = rowOffsets[i]!; p < rowOffsets[i + 1]!; p += 1)
      dense[i * cols + colIndices[p]!] = values[p]!;
  }
  return dense;
}

function exactly(made: Float32Array, columns: number): Reference {
  return { expected: Float64Array.from(made), tolerance: new Float64Array(made.length), columns };
}

const makesMatrix = {
  ...productShape,
  dtypes: ['f32'],
  sizes: ['m', 'k'],
  shapeOf: ([m, k, n = 1]: readonly number[]) => ({ m: m!, k: k!, n }),
  shapeText: ({ m, k }: Workload['shape']) => `${m}x${k}`,
  validateShape: ({ n }: Workload['shape']) =>
    n === 1 ? null : `n = 1 for the shape of an op that multiplies nothing, received n = ${n}`,
  // There is nothing to multiply: what counts is how fast the dense matrix is read.
  usefulFlops: () => 0,
  denseEquivalentFlops: () => 0,
  operandBytes: ({ shape: { m, k } }: Workload) => 4 * m * k,
} as const;

export const encode: Op = {
  ...makesMatrix,
  name: 'encode',
  summary: 'dense matrix A[m x k] into a sparse format',
  operands: (_, a) => ({ b: denseOf(a) }),
  reference: ({ a }) => exactly(denseOf(a), a.cols),
};

/** Where A has a zero there stands a weight smaller than all that A keeps. */
export const prune: Op = {
  ...makesMatrix,
  name: 'prune',
  summary: 'the largest magnitudes of a dense matrix A[m x k] into a sparse format',
  operands: (_, a, draw) => {
    let smallest = Number.POSITIVE_INFINITY;
    for (const value of a.values) smallest = Math.min(smallest, Math.abs(value));
    const bound = 0.999 * (smallest === Number.POSITIVE_INFINITY ? 1 : smallest);
    const kept = denseOf(a);
    const weights = drawFloats(kept.length, draw(`pruned/${a.rows}x${a.cols}`));
    return {
      b: weights.map((weight, at) => (kept[at] === 0 ? weight * bound : kept[at]!) * scale),
      keep: a.values.length,
    };
  },
  reference: ({ a }) =>
    exactly(
      denseOf(a).map((value) => value * scale),
      a.cols,
    ),
};
