/** Traffic of generic designs: against a walk of the loop nest element by element, and as invariants. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { estimateGeneric } from '../src/accelerator/generic.ts';
import {
  type Accelerator,
  type DataSpace,
  type Dimension,
  dataSpaces,
  dimensions,
  type Estimate,
  type EstimatedLayer,
  type MappingLevel,
} from '../src/terms/accelerator.ts';

/** A level of a random design: what it keeps, its loops, and how it holds a data space. */
interface Plan {
  readonly keeps: readonly DataSpace[];
  readonly temporal: readonly (readonly [Dimension, number])[];
  readonly spatial: Readonly<Record<Dimension, number>>;
  /** Format 0..3 and action 0..2 of weights and inputs. */
  readonly formats: readonly [number, number];
  readonly actions: readonly [number, number];
}

const levelFields = 26;

function acceleratorOf(plans: readonly Plan[], bandwidth = 0): Accelerator {
  const row = new Float64Array(4 + 6 * levelFields);
  row[0] = plans.length;
  for (const [at, { keeps, spatial, formats, actions }] of plans.entries()) {
    const room = spatial.M * spatial.N * spatial.K;
    const bits = keeps.reduce((all, space) => all | (1 << dataSpaces.indexOf(space)), 0);
    const spaces = [0, 1].flatMap((s) => [8, formats[s]!, formats[s]! < 2 ? 0 : 4, 0, actions[s]!, 2 - s]);
    // One dimension along x, the others along y.
    const mesh = [spatial.M, room / spatial.M];
    row.set(
      [0, bandwidth, 0, bandwidth, bits, ...mesh, 7, ...spaces, 16, 0, 0, 0, 0, 0],
      4 + at * levelFields,
    );
  }
  const mapping: MappingLevel[] = plans.map(({ temporal, spatial }, at) => ({
    level: `L${at}`,
    temporal: temporal.map(([dimension, factor]) => ({ dimension, factor })),
    spatial: dimensions.map((dimension) => ({ dimension, factor: spatial[dimension] })),
  }));
  const levels = plans.map(({ keeps }, at) => ({
    name: `L${at}`,
    widthBits: 8,
    metadataWidthBits: 8,
    keeps,
  }));
  return {
    ...{
      name: 'random',
      title: '',
      source: '',
      engine: 'generic',
      clockMhz: 1,
      parameters: [],
      energy: null,
    },
    ...{ evidence: 'formula', against: '', baseline: '' },
    design: { row, levels, mapping, mostEvaluations: 20 },
  };
}

const product = (values: readonly number[]): number => values.reduce((all, one) => all * one, 1);

function layerOf(plans: readonly Plan[], w = 1, a = 1): EstimatedLayer {
  const bound = (dimension: Dimension): number =>
    product(
      plans.map(
        ({ temporal, spatial }) =>
          spatial[dimension] * product(temporal.filter(([d]) => d === dimension).map(([, f]) => f)),
      ),
    );
  return {
    ...{ name: 'layer', shape: { m: bound('M'), n: bound('N'), k: bound('K') }, groups: 1 },
    ...{ weightDensity: w, activationDensity: a, weightCorrelation: 0 },
  };
}

const uses: Record<DataSpace, readonly Dimension[]> = {
  Weights: ['M', 'K'],
  Inputs: ['K', 'N'],
  Outputs: ['M', 'N'],
};

type Counts = Record<'fills' | 'serves' | 'drains' | 'updates' | 'clears', number>;

/**
 * Runs the whole loop nest: every instance of every level holds sets of values by name; what a step needs and an
 * instance does not hold is fetched from the parent's instance, each different value once for all children of a parent
 * that ask in the same step. Sums are drained when their tile leaves, added up over the children of a parent, and come
 * back to one of them.
 */
function walk(plans: readonly Plan[]): Record<DataSpace, Counts>[] {
  const levels = plans.length;
  const found = plans.map(
    () =>
      Object.fromEntries(
        dataSpaces.map((space) => [space, { fills: 0, serves: 0, drains: 0, updates: 0, clears: 0 }]),
      ) as Record<DataSpace, Counts>,
  );
  // Loops from the outermost to the innermost, with the size of what lies within one step of each.
  interface Loop {
    readonly dimension: Dimension;
    readonly factor: number;
    readonly level: number;
    readonly spatial: boolean;
    stride: number;
  }
  const loops: Loop[] = plans.flatMap(({ temporal, spatial }, level) => [
    ...temporal.map(([dimension, factor]) => ({ dimension, factor, level, spatial: false, stride: 1 })),
    ...dimensions.map((dimension) => ({
      ...{ dimension, factor: spatial[dimension], level, spatial: true, stride: 1 },
    })),
  ]);
  const inside = { M: 1, N: 1, K: 1 };
  for (const loop of [...loops].reverse()) {
    loop.stride = inside[loop.dimension];
    inside[loop.dimension] *= loop.factor;
  }
  const combinations = (of: readonly Loop[]): number[][] =>
    of.reduce<number[][]>(
      (all, { factor }) => all.flatMap((head) => Array.from({ length: factor }, (_, i) => [...head, i])),
      [[]],
    );
  const temporal = loops.filter(({ spatial }) => !spatial);
  const begin = (of: readonly Loop[], at: readonly number[]): Record<Dimension, number> => {
    const origin = { M: 0, N: 0, K: 0 };
    for (const [i, { dimension, stride }] of of.entries()) origin[dimension] += stride * at[i]!;
    return origin;
  };
  const tileOf = (level: number): Record<Dimension, number> => {
    const size = { M: 1, N: 1, K: 1 };
    for (const { dimension, factor, level: own } of loops) if (own >= level) size[dimension] *= factor;
    return size;
  };
  const namesOf = (space: DataSpace, origin: Record<Dimension, number>, size: Record<Dimension, number>) => {
    const [p, q] = uses[space] as [Dimension, Dimension];
    const names: string[] = [];
    for (let i = 0; i < size[p]; i += 1)
      for (let j = 0; j < size[q]; j += 1) names.push(`${origin[p] + i},${origin[q] + j}`);
    return names;
  };
  for (const space of dataSpaces) {
    const keeping = plans.flatMap(({ keeps }, level) => (keeps.includes(space) ? [level] : []));
    for (const [at, parent] of keeping.entries()) {
      const child = keeping[at + 1] ?? levels;
      const multiplies = child === levels;
      const outer = temporal.filter(({ level }) => level < child);
      const above = loops.filter(({ spatial, level }) => spatial && level < parent);
      const between = loops.filter(({ spatial, level }) => spatial && level >= parent && level < child);
      const size = multiplies ? { M: 1, N: 1, K: 1 } : tileOf(child);
      // Temporal loops of the levels within the child's tile do not matter; those outside step one by one.
      for (const ofParent of combinations(above)) {
        const held = new Map<string, string>();
        const begun = new Set<string>();
        const siblings = combinations(between);
        for (const step of combinations(outer)) {
          const asked = new Set<string>();
          const came = new Set<string>();
          for (const sibling of siblings) {
            const places = [...outer, ...above, ...between];
            const origin = begin(places, [...step, ...ofParent, ...sibling]);
            const names = namesOf(space, origin, size);
            const tile = names.join(' ');
            const key = sibling.join(' ');
            if (!multiplies && held.get(key) === tile) continue;
            held.set(key, tile);
            for (const name of names) {
              const first = !asked.has(name);
              asked.add(name);
              if (space !== 'Outputs') {
                if (!multiplies) found[child]![space].fills += 1;
              } else if (!multiplies) {
                found[child]![space].drains += 1;
                const returns = begun.has(name) && first;
                if (returns) found[child]![space].fills += 1;
                else found[child]![space].clears += 1;
              }
            }
          }
          for (const name of asked) {
            const of = found[parent]![space];
            if (space !== 'Outputs') of.serves += 1;
            else {
              of.updates += 1;
              // An accumulator below the outermost level was cleared or filled before.
              if (begun.has(name) || (multiplies && parent > 0)) of.serves += 1;
              came.add(name);
            }
          }
          for (const name of came) begun.add(name);
        }
      }
    }
  }
  return found;
}

const factor = fc.constantFrom(1, 1, 2, 3);
const plan = (outermost: boolean): fc.Arbitrary<Plan> =>
  fc.record({
    keeps: outermost
      ? fc.constant([...dataSpaces])
      : fc.subarray([...dataSpaces], { minLength: 1 }).map((spaces) => spaces as readonly DataSpace[]),
    temporal: fc
      .tuple(
        fc.shuffledSubarray([...dimensions], { minLength: 3, maxLength: 3 }),
        fc.tuple(factor, factor, factor),
      )
      .map(([order, factors]) => order.map((dimension, i) => [dimension, factors[i]!] as const)),
    spatial: fc.oneof(
      { weight: 2, arbitrary: fc.constant({ M: 1, N: 1, K: 1 }) },
      {
        weight: 1,
        arbitrary: fc.record({
          M: fc.constantFrom(1, 2),
          N: fc.constantFrom(1, 2),
          K: fc.constantFrom(1, 2),
        }),
      },
    ),
    formats: fc.tuple(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 3 })),
    actions: fc.tuple(fc.integer({ min: 0, max: 2 }), fc.integer({ min: 0, max: 2 })),
  });
const plans = fc
  .integer({ min: 1, max: 3 })
  .chain((inner) => fc.tuple(plan(true), fc.array(plan(false), { minLength: inner, maxLength: inner })))
  .map(([first, others]) => [first, ...others])
  .filter((all) => {
    const { m, n, k } = layerOf(all).shape;
    return m * n * k <= 3000;
  });
const density = fc.oneof(fc.constantFrom(0, 1), fc.double({ min: 1e-6, max: 1, noNaN: true }));

const estimateOf = (accelerator: Accelerator, layer: EstimatedLayer): Estimate =>
  estimateGeneric(accelerator, [layer])[0]!;

describe('traffic', () => {
  it('equals that of a walk of the loop nest, value by value', () => {
    fc.assert(
      fc.property(plans, (all) => {
        const { traffic } = estimateOf(acceleratorOf(all), layerOf(all));
        const walked = walk(all);
        for (const [at, { spaces }] of traffic!.entries())
          for (const { space, dense } of spaces)
            expect([at, space, dense]).toEqual([at, space, walked[at]![space]]);
      }),
      { numRuns: 100, seed: 1 },
    );
  });
});

const total = (found: Estimate, of: 'reads' | 'writes'): number =>
  found.traffic!.flatMap(({ spaces }) => spaces).reduce((sum, one) => sum + one[of], 0);

describe('invariants', () => {
  it('values written into a level are those read from its parent times the fan-out, sums likewise upwards', () => {
    fc.assert(
      fc.property(plans, (all) => {
        const { traffic } = estimateOf(acceleratorOf(all), layerOf(all));
        for (const space of dataSpaces) {
          const keeping = all.flatMap(({ keeps }, level) => (keeps.includes(space) ? [level] : []));
          for (const [at, child] of keeping.entries()) {
            if (at === 0) continue;
            const parent = keeping[at - 1]!;
            const fanOut = product(
              all
                .slice(parent, child)
                .flatMap(({ spatial }) =>
                  dimensions.filter((d) => !uses[space].includes(d)).map((d) => spatial[d]),
                ),
            );
            const of = (level: number) => traffic![level]!.spaces.find((one) => one.space === space)!.dense;
            if (space === 'Outputs') {
              expect(of(child).drains).toBe(of(parent).updates * fanOut);
              expect(of(child).fills).toBe(of(parent).serves);
              expect(of(child).fills + of(child).clears).toBe(of(child).drains);
            } else expect(of(child).fills).toBe(of(parent).serves * fanOut);
          }
        }
      }),
      { numRuns: 200, seed: 1 },
    );
  });

  it('never above the multipliers or a port, never below zero, never more than without zeros', () => {
    fc.assert(
      fc.property(plans, density, density, (all, w, a) => {
        const accelerator = acceleratorOf(all, 16);
        const found = estimateOf(accelerator, layerOf(all, w, a));
        const multipliers = product(all.map(({ spatial: { M, N, K } }) => M * N * K));
        expect(found.effectualMacs).toBeLessThanOrEqual(found.macs);
        expect(found.utilisation).toBeLessThanOrEqual(1 + 1e-9);
        expect(found.cycles * (1 + 1e-9)).toBeGreaterThanOrEqual(found.effectualMacs / multipliers);
        const {
          'compute.mac': done,
          'compute.mac_gated': gated,
          'compute.mac_skipped': skipped,
        } = found.actions;
        expect(done! + gated! + skipped!).toBeCloseTo(found.macs, 6);
        expect(done!).toBeGreaterThanOrEqual(found.effectualMacs * (1 - 1e-9) - 1e-9);
        for (const value of Object.values(found.actions)) expect(value).toBeGreaterThanOrEqual(-1e-9);
        for (const { cycles, spaces } of found.traffic!) {
          expect(found.cycles).toBeGreaterThanOrEqual(cycles);
          for (const { dense, reads, gatedReads, writes, gatedWrites } of spaces) {
            expect(reads + gatedReads).toBeLessThanOrEqual((dense.serves + dense.drains) * (1 + 1e-9) + 1e-9);
            const into = dense.fills + dense.updates + dense.clears;
            expect(writes + gatedWrites).toBeLessThanOrEqual(into * (1 + 1e-9) + 1e-9);
          }
        }
        expect(Number.isFinite(found.cycles + found.denseCycles)).toBe(true);
      }),
      { numRuns: 200, seed: 1 },
    );
  });

  it('more nonzeros: no fewer cycles, reads and writes; none zero: no faster than with its sparsity off', () => {
    fc.assert(
      fc.property(plans, density, density, density, (all, w, a, part) => {
        const accelerator = acceleratorOf(all, 16);
        const [most, fewer] = [1, part].map((share) =>
          estimateOf(accelerator, layerOf(all, w * share, a * share)),
        ) as [Estimate, Estimate];
        expect(fewer.cycles).toBeLessThanOrEqual(most.cycles * (1 + 1e-9));
        for (const of of ['reads', 'writes'] as const)
          expect(total(fewer, of)).toBeLessThanOrEqual(total(most, of) * (1 + 1e-9) + 1e-9);
        const off = all.map((one): Plan => ({ ...one, formats: [0, 0], actions: [0, 0] }));
        const full = estimateOf(accelerator, layerOf(all));
        const plain = estimateOf(acceleratorOf(off, 16), layerOf(all));
        expect(full.cycles).toBeGreaterThanOrEqual(plain.cycles * (1 - 1e-9));
        // The best mapping of the baseline is at least as good as this one.
        expect(full.denseCycles).toBeLessThanOrEqual(plain.cycles * (1 + 1e-9));
      }),
      { numRuns: 200, seed: 1 },
    );
  });
});
