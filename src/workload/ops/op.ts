/** What every op offers. The list of ops is index.ts. */
import type { Csr, Dtype, Operands, OpName, Problem, Reference, Shape, Workload } from '../../terms.ts';
import type { Draw } from '../operands.ts';

/** One operation on a sparse matrix: its shapes, its FLOPs, its right answer. */
export interface Op {
  readonly name: OpName;
  /** One line for `list`. */
  readonly summary: string;
  /** Types that it has a right answer for. */
  readonly dtypes: readonly Dtype[];
  /** Names of the sizes that a suite gives, in its order: `m`, `k`, `n`. */
  readonly sizes: readonly string[];
  /** The shape of those sizes, each at least 1 (but for a padding). */
  shapeOf(sizes: readonly number[]): Shape;
  /** The shape as ids write it, e.g. `512x2048x128`. */
  shapeText(shape: Shape): string;
  /** Whether B is sparse: then workloads have an `activationDensity`. */
  readonly sparseActivations: boolean;
  /** Why a shape does not fit the op, as the part of an error message after "Expected ", or null if it fits. */
  validateShape(shape: Shape): string | null;
  /** FLOPs that touch a nonzero: 2 * nnz * n for a product; where B is sparse, those expected to meet one there too. */
  usefulFlops(nnz: number, workload: Pick<Workload, 'shape' | 'activationDensity'>): number;
  /** FLOPs that a dense kernel does: 2 * m * k * n for a product. */
  denseEquivalentFlops(shape: Shape): number;
  /** What A is multiplied with: the same bits for the same workload, everywhere. */
  operands(workload: Workload, a: Csr, draw: Draw): Operands;
  /** Bytes of all operands but A, and of the output. */
  operandBytes(workload: Workload, nnz: number): number;
  /** The slow right answer in double precision with the error permitted in each element. */
  reference(problem: Problem): Reference;
}

/** Bytes of an element of B, and of C. */
export function operandElementBytes(dtype: Dtype): number {
  return { f32: 4, bf16: 4, f16: 2, int8: 1 }[dtype];
}
export function outputElementBytes(dtype: Dtype): number {
  return dtype === 'f16' ? 2 : 4;
}

/** What products of m x k by k x n have in common. */
export const productShape = {
  sizes: ['m', 'k', 'n'],
  shapeOf: ([m, k, n]: readonly number[]): Shape => ({ m: m!, k: k!, n: n! }),
  shapeText: ({ m, k, n }: Shape): string => `${m}x${k}x${n}`,
  sparseActivations: false,
  validateShape: (): string | null => null,
  usefulFlops: (nnz: number, { shape }: Pick<Workload, 'shape'>): number => 2 * nnz * shape.n,
  denseEquivalentFlops: ({ m, k, n }: Shape): number => 2 * m * k * n,
  operandBytes: ({ shape: { m, k, n }, dtype }: Workload): number =>
    k * n * operandElementBytes(dtype) + m * n * outputElementBytes(dtype),
} as const;
