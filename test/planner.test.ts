/** Plans as the planners choose them: the listing is what runs, every word of it has a reason, and rules can be seen in it. */
import { describe, expect, it } from 'vitest';
import { openSharedLibrary } from '../src/measure/backends/shared-library.ts';
import { bundledLibraries } from '../src/measure/libraries.ts';
import { planReasons } from '../src/measure/plan-reasons.ts';
import { listPlans } from '../src/measure/planner.ts';
import type { Library } from '../src/terms.ts';
import { ops } from '../src/workload/ops/index.ts';
import { patternSpec } from '../src/workload/patterns/index.ts';
import { makeProblem, workloadId } from '../src/workload/problem.ts';

const grid = { format: null, m: 96, k: 512, widths: [128], densities: [0.5, 0.02] } as const;
// As on a CPU with fast gathers, read when the library is loaded: every kernel of x86 then says what it does there.
process.env.SPARSEMARK_GATHER = 'fast';

/** Patterns of which each format holds one. */
const patterns = [
  patternSpec('uniform'),
  patternSpec('banded'),
  patternSpec('triangular'),
  patternSpec('nm', { n: 1 }),
  patternSpec('bank-balanced'),
  patternSpec('bank-balanced', { banks: 32 }),
  ...(['horizontal', 'vertical', 'scatter'] as const).flatMap((variant) =>
    [8, 16].map((banks) => patternSpec('gather-scatter', { variant, banks })),
  ),
  ...[8, 16].map((banks) => patternSpec('gather-scatter', { variant: 'hybrid', banks })),
];

/** The plan of each kernel of ours, on every instruction set, as a result would have it; null where it was never prepared. */
function everyPlan(): ReadonlyMap<string, string | null> {
  const backend = openSharedLibrary(bundledLibraries()[0]!);
  const found = new Map<string, string | null>();
  const library = { name: backend.name, kernels: backend.kernels } as Library;
  for (const { index, op: name, dtype, format, isa, name: kernel } of library.kernels) {
    const op = ops.get(name)!;
    // What encodes and prunes makes a matrix and multiplies nothing.
    if (name === 'encode' || name === 'prune') continue;
    const key = `${name} ${kernel} ${dtype} ${isa}`;
    found.set(key, null);
    const sizes = name === 'conv2d' ? [16, 8, 14, 14, 3, 1, 1] : [64, 64, 49];
    const shape = op.shapeOf(sizes.slice(0, op.sizes.length));
    for (const pattern of patterns) {
      const density = pattern.name === 'triangular' ? 0.5078125 : 0.25;
      const activations = op.sparseActivations ? { activationDensity: 0.5 } : {};
      const facts = { op: name, dtype, shape, cache: 'hot', density, ...activations, seed: 1 } as const;
      const id = workloadId({ ...facts, label: pattern.label });
      try {
        const { a, operands } = makeProblem({ ...facts, id, pattern, layer: '', count: 1 });
        const matrix = backend.encode(format, dtype, a);
        const job = backend.prepare([matrix], index, { ...facts, operands, threads: 1 });
        found.set(key, job.tiling);
        void job.release();
        matrix.release();
        break;
      } catch (error) {
        // A mask that this format, or a shape that this pattern, does not hold.
        if (!['UNSUPPORTED', 'BAD_SUITE'].includes((error as { code?: string }).code ?? '')) throw error;
      }
    }
  }
  return found;
}

const big = { format: 'packed', m: 3000, k: 700, widths: [32, 512, 4096], densities: [0.3, 0.05] } as const;

describe('plans', () => {
  const all = listPlans(grid);
  const both = listPlans(big);
  // Of floats: a CPU with arithmetic of 16 bits plans for f16 too, in vectors of twice the columns.
  const packed = { ...both, plans: both.plans.filter(({ dtype }) => dtype === 'f32') };

  const every = everyPlan();

  it('every kernel says its plan', () => {
    expect(every.size).toBeGreaterThan(100);
    expect([...every].filter(([, tiling]) => tiling === null || tiling === '')).toEqual([]);
  });

  it('every part of every plan has one reason, and every reason a plan', () => {
    const parts = new Set(
      [
        ...[...every.values()].map((tiling) => ({ tiling: tiling ?? '' })),
        ...all.plans,
        ...both.plans,
        ...listPlans({ ...big, k: 30 }).plans,
        ...listPlans({ ...grid, m: 4000, k: 4000, format: 'dense', densities: [0.001] }).plans,
      ].flatMap(({ tiling }) => tiling.split(', ')),
    );
    expect(parts.size).toBeGreaterThan(8);
    for (const part of parts) {
      const known = planReasons.filter(({ form }) => form.test(part)).map(({ words }) => words);
      expect({ part, known: known.length }).toEqual({ part, known: 1 });
    }
    const wide = [...every.keys()].some((key) => key.endsWith(' avx512'));
    for (const { form, words } of planReasons) {
      if (words === 'B gathered' && process.arch !== 'x64') continue;
      if (words === 'N columns alone' && !wide) continue;
      expect({ words, met: [...parts].some((part) => form.test(part)) }).toEqual({ words, met: true });
    }
  });

  it('a legend has the words of its plans alone', () => {
    expect(all.reasons.map(({ words }) => words)).not.toContain('C streamed');
    expect(packed.reasons.map(({ words }) => words)).toContain('C streamed');
    expect(packed.reasons.map(({ words }) => words)).not.toContain('K keys x Q queries');
  });

  it('the rules of packed: wider blocks for sparser matrices, more nonzeros of a row in them than one', () => {
    const blockOf = (density: number): number[] =>
      packed.plans
        .filter((plan) => plan.op === 'spmm' && plan.density === density)
        .map(({ tiling }) => Number(/k (\d+)/.exec(tiling)![1]));
    expect(new Set(blockOf(0.3)).size).toBe(1);
    expect(blockOf(0.05)[0]!).toBeGreaterThan(blockOf(0.3)[0]!);
    const products = packed.plans.filter(({ op }) => op === 'spmm');
    for (const { density, rowNonzerosPerBlock, tiling } of products) {
      const block = Number(/k (\d+)/.exec(tiling)![1]);
      expect(rowNonzerosPerBlock! / block).toBeCloseTo(density, 2);
    }
    // Rows of 512 floats are a power of two apart; of 32 they fit one tile.
    for (const { n, tiling } of products) {
      expect(tiling.includes('B copied')).toBe(n === 512 || n === 4096);
    }
  });

  it('one plan a kernel, type, density and width; the widest instruction set', () => {
    const keys = all.plans.map(({ op, kernel, dtype, density, n }) =>
      [op, kernel, dtype, density, n].join(' '),
    );
    expect(new Set(keys).size).toBe(keys.length);
    // spmv has one column, and a square image as many outputs as come nearest.
    const widthsOf = { spmm: big.widths, spmv: [1], conv2d: [6 * 6, 23 * 23, 64 * 64] };
    expect(packed.plans.map(({ op, n, density }) => `${op} ${n} ${density}`).sort()).toEqual(
      Object.entries(widthsOf)
        .flatMap(([op, widths]) =>
          widths.flatMap((n) => big.densities.map((density) => `${op} ${n} ${density}`)),
        )
        .sort(),
    );
    expect(packed.knobs).toEqual([
      { kernel: 'spmm packed f32', knobs: expect.stringMatching(/columns=.*vectors=/) },
    ]);
  });

  it('what holds no such mask is named with its reason', () => {
    expect(all.declined.map(({ format }) => format)).toContain('triangular');
    for (const { reason } of all.declined) expect(reason.length).toBeGreaterThan(10);
  });
});
