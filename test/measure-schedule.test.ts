/** Which cases a workload has, and in which order they are measured. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cellsOf, formatsOf, roundOrder } from '../src/measure/schedule.ts';
import { seededRandom } from '../src/statistics.ts';
import type { Kernel, Library, Workload } from '../src/terms.ts';

const kernel = (index: number, name: string, isa: string, change: Partial<Kernel> = {}): Kernel => ({
  index,
  name,
  op: 'spmm',
  dtype: 'f32',
  format: name,
  isa,
  maxThreads: 0,
  dense: name === 'dense',
  ...change,
});

const library = (name: string, kernels: readonly Kernel[]): Library => ({
  name,
  version: '1',
  config: '',
  sha256: 'a'.repeat(64),
  formats: [...new Set(kernels.map(({ format }) => format))],
  kernels,
});

const native = library('native', [
  kernel(0, 'dense', 'scalar'),
  kernel(1, 'dense', 'avx2'),
  kernel(2, 'dense', 'avx512'),
  kernel(3, 'csr', 'scalar'),
  kernel(4, 'csr', 'avx512'),
  kernel(5, 'csr', 'avx2'),
  kernel(6, 'coo', 'scalar', { maxThreads: 1 }),
  kernel(7, 'bitmask', 'avx2'),
  kernel(8, 'csr', 'avx512', { op: 'spmv' }),
]);
const openblas = library('openblas', [kernel(0, 'dense', 'auto')]);

const workload: Workload = {
  id: 'spmm-f32-8x8x8-hot/uniform-d0.10-s1',
  op: 'spmm',
  dtype: 'f32',
  shape: { m: 8, k: 8, n: 8 },
  cache: 'hot',
  pattern: { name: 'uniform', parameters: {}, label: 'uniform' },
  density: 0.1,
  seed: 1,
  layer: 'x',
  count: 1,
};
const suite = { formats: { uniform: ['csr', 'coo', 'bitmask'], '*': ['csr'] } };
const all = { isa: null, formats: null, threads: [1] };
const short = (cells: ReturnType<typeof cellsOf>): string[] =>
  cells.map(({ case: { id } }) => id.slice(workload.id.length + 1));

describe('cellsOf', () => {
  it('takes the widest instruction set of each kernel, and what a library chooses by itself', () => {
    expect(short(cellsOf(suite, workload, [native, openblas], all))).toEqual([
      'native-dense-avx512-t1',
      'native-csr-avx512-t1',
      'native-coo-scalar-t1',
      'native-bitmask-avx2-t1',
      'openblas-dense-auto-t1',
    ]);
  });

  it('says in each case which kernel it runs', () => {
    for (const { case: cell, kernel: chosen } of cellsOf(suite, workload, [native, openblas], all)) {
      expect(cell).toMatchObject({
        kernel: chosen.name,
        format: chosen.format,
        isa: chosen.isa,
        dense: chosen.dense,
        workload: workload.id,
      });
    }
  });

  it('forces an instruction set by name; a kernel that lacks it has no case', () => {
    expect(short(cellsOf(suite, workload, [native, openblas], { ...all, isa: 'avx2' }))).toEqual([
      'native-dense-avx2-t1',
      'native-csr-avx2-t1',
      'native-bitmask-avx2-t1',
      'openblas-dense-auto-t1',
    ]);
  });

  it('measures each number of threads that a kernel can use', () => {
    const cells = short(cellsOf(suite, workload, [native], { ...all, threads: [1, 2] }));
    expect(cells).toContain('native-csr-avx512-t1');
    expect(cells).toContain('native-csr-avx512-t2');
    expect(cells).toContain('native-coo-scalar-t1');
    expect(cells).not.toContain('native-coo-scalar-t2');
  });

  it('narrows to formats, dense always beside them', () => {
    expect(short(cellsOf(suite, workload, [native, openblas], { ...all, formats: ['coo'] }))).toEqual([
      'native-dense-avx512-t1',
      'native-coo-scalar-t1',
      'openblas-dense-auto-t1',
    ]);
  });

  it("takes every kernel of a user's library with formats of its own, and of ours only those asked for", () => {
    const mine = library('mine', [
      kernel(0, 'zigzag', 'auto'),
      kernel(1, 'csr', 'auto'),
      kernel(2, 'bitmask', 'auto'),
      kernel(3, 'zigzag', 'auto', { op: 'spmv' }),
    ]);
    expect(short(cellsOf({ formats: { '*': ['csr'] } }, workload, [native, mine], all))).toEqual([
      'native-dense-avx512-t1',
      'native-csr-avx512-t1',
      'mine-zigzag-auto-t1',
      'mine-csr-auto-t1',
    ]);
  });

  it("asks for a pattern's own formats before those of all others", () => {
    expect(formatsOf(suite, workload)).toEqual(['csr', 'coo', 'bitmask']);
    expect(formatsOf(suite, { ...workload, pattern: { ...workload.pattern, label: 'block-4x4' } })).toEqual([
      'csr',
    ]);
    expect(formatsOf({ formats: {} }, workload)).toEqual([]);
  });

  it('gives every case another id', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.integer({ min: 1, max: 64 }), { minLength: 1, maxLength: 4 }),
        fc.option(fc.constantFrom('scalar', 'avx2', 'avx512')),
        (threads, isa) => {
          const ids = cellsOf(suite, workload, [native, openblas], { isa, formats: null, threads }).map(
            ({ case: { id } }) => id,
          );
          expect(new Set(ids).size).toBe(ids.length);
        },
      ),
    );
  });
});

describe('numbers of 16 bits', () => {
  const half = { ...workload, id: 'spmm-f16-8x8x8-hot/uniform-d0.10-s1', dtype: 'f16' as const };
  const imitation = [
    kernel(0, 'dense', 'scalar', { dtype: 'f16' }),
    kernel(1, 'csr', 'scalar', { dtype: 'f16' }),
  ];
  const refusals = (kernels: readonly Kernel[], isa: string | null) =>
    cellsOf(suite, half, [library('native', kernels)], { ...all, isa }).map(
      ({ case: { isa: own }, refusal }) => [own, refusal !== undefined],
    );

  it('are measured where the CPU multiplies them, and not where they are only imitated', () => {
    const fast = [
      kernel(2, 'dense', 'avx512fp16', { dtype: 'f16' }),
      kernel(3, 'csr', 'avx512fp16', { dtype: 'f16' }),
    ];
    expect(refusals([...imitation, ...fast], null)).toEqual([
      ['avx512fp16', false],
      ['avx512fp16', false],
    ]);
    expect(refusals(imitation, null)).toEqual([
      ['scalar', true],
      ['scalar', true],
    ]);
  });

  it('are measured in their imitation where that is asked for, and where a library chooses by itself', () => {
    expect(refusals(imitation, 'scalar')).toEqual([
      ['scalar', false],
      ['scalar', false],
    ]);
    expect(refusals([kernel(0, 'dense', 'auto', { dtype: 'f16' })], null)).toEqual([['auto', false]]);
  });
});

describe('roundOrder', () => {
  const shuffle =
    (random: () => number) =>
    (count: number): number[] => {
      const order = Array.from({ length: count }, (_, index) => index);
      for (let i = count - 1; i > 0; i -= 1) {
        const j = Math.floor(random() * (i + 1));
        [order[i], order[j]] = [order[j]!, order[i]!];
      }
      return order;
    };

  it('holds every item once, and a pair of rounds is an order and its reverse', () => {
    fc.assert(
      fc.property(fc.nat({ max: 20 }), fc.nat({ max: 1000 }), fc.nat(), (count, pair, seed) => {
        const items = Array.from({ length: count }, (_, index) => index);
        const even = roundOrder(items, 2 * pair, shuffle(seededRandom(seed)));
        const odd = roundOrder(items, 2 * pair + 1, shuffle(seededRandom(seed)));
        expect([...even].sort((a, b) => a - b)).toEqual(items);
        expect(odd).toEqual([...even].reverse());
        // Each stands as often early as late: its two places add up to the same for all.
        for (const item of items) expect(even.indexOf(item) + odd.indexOf(item)).toBe(count - 1);
      }),
    );
  });

  it('another pair has another order', () => {
    const items = Array.from({ length: 12 }, (_, index) => index);
    const orders = Array.from({ length: 20 }, (_, pair) =>
      roundOrder(items, 2 * pair, shuffle(seededRandom(pair))).join(),
    );
    expect(new Set(orders).size).toBeGreaterThan(15);
  });
});
