/** Plans as the planners choose them: the listing is what runs, every word of it has a reason, and rules can be seen in it. */
import { describe, expect, it } from 'vitest';
import { listPlans, planReasons } from '../src/measure/planner.ts';

const grid = { format: null, m: 96, k: 512, widths: [128], densities: [0.5, 0.02] } as const;
const big = { format: 'packed', m: 3000, k: 700, widths: [32, 512, 4096], densities: [0.3, 0.05] } as const;

describe('plans', () => {
  const all = listPlans(grid);
  const packed = listPlans(big);

  it('every part of every plan has one reason, and every reason a plan', () => {
    const parts = new Set(
      [
        ...all.plans,
        ...packed.plans,
        ...listPlans({ ...big, k: 30 }).plans,
        ...listPlans({ ...grid, m: 4000, k: 4000, format: 'dense', densities: [0.001] }).plans,
      ].flatMap(({ tiling }) => tiling.split(', ')),
    );
    expect(parts.size).toBeGreaterThan(8);
    for (const part of parts) {
      const known = planReasons.filter(({ form }) => form.test(part)).map(({ words }) => words);
      expect({ part, known: known.length }).toEqual({ part, known: 1 });
    }
    for (const { form, words } of planReasons) {
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
        .filter((plan) => plan.density === density)
        .map(({ tiling }) => Number(/k (\d+)/.exec(tiling)![1]));
    expect(new Set(blockOf(0.3)).size).toBe(1);
    expect(blockOf(0.05)[0]!).toBeGreaterThan(blockOf(0.3)[0]!);
    for (const { density, rowNonzerosPerBlock, tiling } of packed.plans) {
      const block = Number(/k (\d+)/.exec(tiling)![1]);
      expect(rowNonzerosPerBlock! / block).toBeCloseTo(density, 2);
    }
    // Rows of 512 floats are a power of two apart; of 32 they fit one tile.
    for (const { n, tiling } of packed.plans) {
      expect(tiling.includes('B copied')).toBe(n === 512 || n === 4096);
    }
  });

  it('one plan a kernel, type, density and width; the widest instruction set', () => {
    const keys = all.plans.map(({ op, kernel, dtype, density, n }) =>
      [op, kernel, dtype, density, n].join(' '),
    );
    expect(new Set(keys).size).toBe(keys.length);
    expect(packed.plans.map(({ n, density }) => `${n} ${density}`).sort()).toEqual(
      big.widths.flatMap((n) => big.densities.map((density) => `${n} ${density}`)).sort(),
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
