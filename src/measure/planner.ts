/**
 * Which plan each kernel of ours chooses for a shape and a density: asked of the planners themselves, which stand in
 * `native/kernels/plan.h` and beside the kernels, so that what is shown is what runs. The reasons are in
 * `plan-reasons.ts`.
 */
import { type Dtype, type Library, type OpName, type Shape, SparsemarkError } from '../terms.ts';
import { nearestName } from '../workload/nearest-name.ts';
import { type Op, ops } from '../workload/ops/index.ts';
import { patternSpec } from '../workload/patterns/index.ts';
import { makeProblem, workloadId } from '../workload/problem.ts';
import { openSharedLibrary, type SharedLibrary } from './backends/shared-library.ts';
import { bundledLibraries } from './libraries.ts';
import { planReasons } from './plan-reasons.ts';
import { cellsOf } from './schedule.ts';

/** What to plan for: A of m x k with a uniform mask, times k x n; for spmv and conv2d what comes nearest. */
export interface PlanGrid {
  /** A format of ours; null: all of them. */
  readonly format: string | null;
  readonly m: number;
  readonly k: number;
  readonly widths: readonly number[];
  readonly densities: readonly number[];
}

/** A kernel's choice for one cell of the grid. */
export interface Plan {
  readonly op: OpName;
  readonly kernel: string;
  readonly dtype: Dtype;
  readonly isa: string;
  readonly m: number;
  readonly k: number;
  readonly n: number;
  readonly density: number;
  /** In the kernel's words, as results have it. */
  readonly tiling: string;
  /** Nonzeros of a mean row of A in one of its blocks; null where the plan has none. */
  readonly rowNonzerosPerBlock: number | null;
}

/** Plans, what their words are for, and what a tuner may choose instead. */
export interface PlanListing {
  readonly plans: readonly Plan[];
  /** Words of these plans, each with its reason. */
  readonly reasons: readonly { readonly words: string; readonly reason: string }[];
  /** Knobs of each kernel that has some, by op and kernel. */
  readonly knobs: readonly { readonly kernel: string; readonly knobs: string }[];
  /** Formats that hold no uniform mask, with their reasons. */
  readonly declined: readonly { readonly format: string; readonly reason: string }[];
}

function isCode(error: unknown, code: string): error is Error {
  return error instanceof Error && (error as { code?: unknown }).code === code;
}

/**
 * What a grid of m x k x n is for an op: spmv takes one column; a convolution has m filters of 3 x 3, and as many
 * channels and outputs of a square image as come nearest. Empty for ops that have other operands.
 */
function shapesOf(op: Op, { m, k, widths }: PlanGrid): readonly Shape[] {
  if (op.sparseActivations) return [];
  if (op.name === 'spmv') return [op.shapeOf([m, k])];
  if (op.sizes.join() === 'm,k,n') return widths.map((n) => op.shapeOf([m, k, n]));
  if (op.name !== 'conv2d') return [];
  const channels = Math.max(1, Math.round(k / 9));
  const sides = new Set(widths.map((n) => Math.max(1, Math.round(Math.sqrt(n)))));
  return [...sides].map((side) => op.shapeOf([m, channels, side, side, 3, 1, 1]));
}

/** Encodes and prepares the kernels of one workload in one format; nothing is evaluated. */
function planned(
  backend: SharedLibrary,
  library: Library,
  format: string,
  cell: { readonly op: OpName; readonly dtype: Dtype; readonly shape: Shape; readonly density: number },
): readonly Plan[] {
  const pattern = patternSpec('uniform');
  const facts = { ...cell, cache: 'hot', seed: 1 } as const;
  const { m, k, n } = cell.shape;
  const id = workloadId({ ...facts, label: pattern.label });
  const workload = { ...facts, id, pattern, layer: '', count: 1 };
  const selection = { isa: null, formats: [format], threads: [1] };
  const cells = cellsOf({ formats: {} }, workload, [library], selection).filter(
    ({ kernel }) => kernel.format === format,
  );
  if (cells.length === 0) return [];
  const { a, operands } = makeProblem(workload);
  const matrix = backend.encode(format, cell.dtype, a);
  try {
    return cells.flatMap(({ kernel }) => {
      const job = backend.prepare([matrix], kernel.index, { ...facts, operands, threads: 1 });
      const { tiling } = job;
      void job.release();
      if (tiling === '') return [];
      // A dense kernel meets all columns of a block.
      const block = kernel.dense ? undefined : /\bk (\d+)/.exec(tiling)?.[1];
      const rowNonzerosPerBlock = block === undefined ? null : (a.values.length / (m * k)) * Number(block);
      const { op, density, dtype } = cell;
      return [
        { op, kernel: kernel.name, dtype, isa: kernel.isa, m, k, n, density, tiling, rowNonzerosPerBlock },
      ];
    });
  } finally {
    matrix.release();
  }
}

/**
 * The plans of our kernels over a grid, one thread, the widest instruction set that each has, for ops with one sparse
 * operand. Throws USAGE for a format that is not ours or that holds no uniform mask.
 */
export function listPlans(grid: PlanGrid): PlanListing {
  const backend = openSharedLibrary(bundledLibraries()[0]!);
  const { name, version, config, formats } = backend;
  const library = { name, version, config, sha256: '', formats, kernels: backend.kernels } as Library;
  if (grid.format !== null && !formats.includes(grid.format)) {
    throw new SparsemarkError(
      'USAGE',
      `Expected one of ${formats.join(', ')} for list plans, received "${grid.format}". Did you mean "${nearestName(grid.format, formats)}"?`,
    );
  }
  const asked = grid.format === null ? formats : [grid.format];
  const products = [...ops.values()].map((op) => ({ ...op, shapes: shapesOf(op, grid) }));
  const plans: Plan[] = [];
  const declined = new Map<string, string>();
  for (const format of asked) {
    for (const { name: op, dtypes, shapes } of products) {
      for (const dtype of dtypes) {
        for (const shape of shapes) {
          for (const density of grid.densities) {
            try {
              plans.push(...planned(backend, library, format, { op, dtype, shape, density }));
            } catch (error) {
              if (!isCode(error, 'UNSUPPORTED')) throw error;
              declined.set(format, error.message.replace(/^.*?: /, ''));
            }
          }
        }
      }
    }
  }
  const reason = grid.format === null ? undefined : declined.get(grid.format);
  if (plans.length === 0 && grid.format !== null) {
    throw new SparsemarkError(
      'USAGE',
      `Expected a format that plans for a uniform mask for list plans, received "${grid.format}"${reason === undefined ? ', whose kernels choose nothing' : `: ${reason}`}. Name another, or see: list kernels.`,
    );
  }
  const parts = new Set(plans.flatMap(({ tiling }) => tiling.split(', ')));
  const shown = new Set(plans.map(({ op, kernel, dtype }) => `${op} ${kernel} ${dtype}`));
  const knobs = new Map(
    backend.kernels.flatMap(({ op, name: kernel, dtype, knobs: text = '' }) =>
      text === '' || !shown.has(`${op} ${kernel} ${dtype}`)
        ? []
        : [[`${op} ${kernel} ${dtype}`, text] as const],
    ),
  );
  return {
    plans,
    reasons: planReasons
      .filter(({ form }) => [...parts].some((part) => form.test(part)))
      .map(({ words, reason: text }) => ({ words, reason: text })),
    knobs: [...knobs].map(([kernel, text]) => ({ kernel, knobs: text })),
    declined: [...declined].map(([format, text]) => ({ format, reason: text })),
  };
}
