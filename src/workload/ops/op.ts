/** What every op offers. The list of ops is index.ts. */
import type { OpName, Problem, Reference, Shape } from '../../terms.ts';

/** One operation on a sparse matrix: its shapes, its FLOPs, its right answer. */
export interface Op {
  readonly name: OpName;
  /** One line for `list`. */
  readonly summary: string;
  /** Why a shape does not fit the op, as the part of an error message after "Expected ", or null if it fits. */
  validateShape(shape: Shape): string | null;
  /** FLOPs that touch a nonzero: 2 * nnz * n. */
  usefulFlops(nnz: number, shape: Shape): number;
  /** FLOPs that a dense kernel does: 2 * m * k * n. */
  denseEquivalentFlops(shape: Shape): number;
  /** The slow right answer in double precision with the error permitted in each element. */
  reference(problem: Problem): Reference;
}
