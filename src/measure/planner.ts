/**
 * Which plan each kernel of ours chooses for a shape and a density: asked of the planners themselves, which stand in
 * `native/kernels/plan.h` and beside the kernels, so that what is shown is what runs. Only the reasons are told here.
 */
import { type Dtype, type Library, type OpName, SparsemarkError } from '../terms.ts';
import { nearestName } from '../workload/nearest-name.ts';
import { ops } from '../workload/ops/index.ts';
import { patternSpec } from '../workload/patterns/index.ts';
import { makeProblem, workloadId } from '../workload/problem.ts';
import type { Backend } from './backends/backend.ts';
import { openSharedLibrary } from './backends/shared-library.ts';
import { bundledLibraries } from './libraries.ts';
import { cellsOf } from './schedule.ts';

/** What to plan for: A of m x k with a uniform mask, times k x n. */
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

/** What each part of a tiling is for. A part is known by its form; `words` stands for it in a legend. */
export const planReasons: readonly {
  readonly form: RegExp;
  readonly words: string;
  readonly reason: string;
}[] = [
  {
    form: /^(rows \d+|\d+ rows?) x \d+ vectors?( of \d+ columns?)?$/,
    words: 'R rows x V vectors',
    reason:
      'sums of R rows and V vectors of columns of C stay in registers, where a value of A is broadcast once for V vectors; fewer where a wide tile of B would leave L1 and L2, and of equal width over all of C',
  },
  {
    form: /^k \d+$/,
    words: 'k K',
    reason:
      'a block is K columns of A, whose rows of B stay near L1 while the rows of A pass by; wider where A is sparser: a row pays a load and a store of C in each block, and should meet 10 nonzeros there',
  },
  {
    form: /^f16 sums of \d+$/,
    words: 'f16 sums of N',
    reason:
      'N products at the most are added up in f16, then in f32: the error stays that of N roundings, however long the row',
  },
  {
    form: /^groups of \d+( by \d+)?$/,
    words: 'groups of G (by U)',
    reason:
      'what threads share out are groups of G rows; by U: so many at a time pass through all blocks, since their panel of C then stays in L2',
  },
  {
    form: /^B copied$/,
    words: 'B copied',
    reason:
      'the tile of B goes to scratch first: its rows begin off a vector, or lie a power of two apart and fall into the same sets of L1',
  },
  {
    form: /^B fetched ahead$/,
    words: 'B fetched ahead',
    reason: 'A, B and C leave L2: the next tile of B comes while this one is used',
  },
  {
    form: /^C held$/,
    words: 'C held',
    reason:
      'sums stay in scratch until the last block: C is written more than once, and its rows lie badly or it leaves L2',
  },
  {
    form: /^C streamed$/,
    words: 'C streamed',
    reason: 'C is written once and leaves L2 anyway: past the caches',
  },
  {
    form: /^blocks of \d+ columns$/,
    words: 'blocks of N columns',
    reason: 'so many columns of the answer at a time, whose packed operand stays in L2',
  },
  {
    form: /^columns \d+$/,
    words: 'columns N',
    reason: 'columns of B in a block that is packed; C is added to in cache between blocks',
  },
  {
    form: /^[AB] in L2$/,
    words: 'A or B in L2',
    reason: 'A stays in L2 if it fits and B streams by; else a block of B stays, as large as fits',
  },
  {
    form: /^\d+ keys x \d+ queries$/,
    words: 'K keys x Q queries',
    reason:
      'the tile of scores in registers: a key is broadcast, a vector holds a score for each of its queries',
  },
];

function isCode(error: unknown, code: string): error is Error {
  return error instanceof Error && (error as { code?: unknown }).code === code;
}

/** Encodes and prepares the kernels of one workload in one format; nothing is evaluated. */
function planned(
  backend: Backend,
  library: Library,
  format: string,
  cell: { readonly op: OpName; readonly dtype: Dtype; readonly density: number },
  [m, k, n]: readonly [number, number, number],
): readonly Plan[] {
  const pattern = patternSpec('uniform');
  const facts = { ...cell, shape: ops.get(cell.op)!.shapeOf([m, k, n]), cache: 'hot', seed: 1 } as const;
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
      if (job instanceof Promise) return [];
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
 * The plans of our kernels over a grid, one thread, the widest instruction set that each has. Ops are those of an
 * m x k x n shape with one sparse operand; kernels without anything to choose are missing. Throws USAGE for a format
 * that is not ours or that holds no uniform mask.
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
  const products = [...ops.values()].filter(
    ({ sizes, sparseActivations }) => sizes.join() === 'm,k,n' && !sparseActivations,
  );
  const plans: Plan[] = [];
  const declined = new Map<string, string>();
  for (const format of asked) {
    for (const { name: op, dtypes } of products) {
      for (const dtype of dtypes) {
        for (const n of grid.widths) {
          for (const density of grid.densities) {
            try {
              plans.push(...planned(backend, library, format, { op, dtype, density }, [grid.m, grid.k, n]));
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
