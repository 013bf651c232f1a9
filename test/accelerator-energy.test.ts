/** Energy and traffic by level: against the published power, invariants, bad tables. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { acceleratorNames, loadAccelerator, parseAccelerator } from '../src/accelerator/accelerator.ts';
import { energyOf as energyOfActions, parseEnergyTable } from '../src/accelerator/energy.ts';
import { estimate } from '../src/accelerator/estimate.ts';
import { publishedTables } from '../src/accelerator/published.ts';
import { loadNative } from '../src/native.ts';
import type { Accelerator, EstimatedLayer } from '../src/terms/accelerator.ts';

const gemm = (m: number, n: number, k: number, w = 1, a = 1): EstimatedLayer => ({
  ...{ name: 'layer', shape: { m, n, k }, groups: 1 },
  ...{ weightDensity: w, activationDensity: a, weightCorrelation: 0 },
});
const energyOf = (accelerator: Accelerator, layer: EstimatedLayer) => {
  const [found] = estimate(accelerator, [layer]);
  return { ...found!.energy!, timeNs: found!.timeNs, terms: found!.terms };
};
/** SIGMA's choice, which its terms tell; null of an engine that has none. */
const liesStill = ({
  cyclesWithWStationary: w,
  cyclesWithAStationary: a,
}: Readonly<Record<string, number>>) =>
  w === undefined || a === undefined ? null : w <= a ? 'weights' : 'activations';
const priced = acceleratorNames().filter((name) => loadAccelerator(name).energy !== null);

describe('published power', () => {
  it('EIE: 0.59 W over the time of the nine layers, from whose power its table was derived, within 30 %', () => {
    const { layers } = publishedTables().find(({ name }) => name === 'eie')!;
    const watts = layers.map(({ layer }) => {
      const { total, timeNs } = energyOf(loadAccelerator('eie'), layer);
      return total / timeNs / 1000;
    });
    const mean = watts.reduce((sum, one) => sum + one, 0) / watts.length;
    expect(watts.length).toBe(9);
    // AlexNet's 4096 x 4096 layer, of which the paper gives frames a second and a joule.
    expect(Math.abs(watts[1]! / 0.59 - 1)).toBeLessThan(0.05);
    expect(Math.abs(mean / 0.59 - 1)).toBeLessThan(0.3);
  });
});

describe('invariants', () => {
  const layers = fc.record({
    m: fc.integer({ min: 1, max: 600 }),
    n: fc.integer({ min: 1, max: 100 }),
    // Less than a block of N:M weights saves nothing and has metadata all the same.
    k: fc.integer({ min: 4, max: 2000 }),
    w: fc.double({ min: 0.01, max: 1, noNaN: true }),
    a: fc.double({ min: 0.01, max: 1, noNaN: true }),
    part: fc.double({ min: 0.1, max: 1, noNaN: true }),
  });

  it('there are accelerators with prices', () => expect(priced).toContain('eie'));

  it.each(priced)('%s: levels add up, more nonzeros cost no less, nothing is below zero', (name) => {
    const accelerator = loadAccelerator(name);
    fc.assert(
      fc.property(layers, ({ m, n, k, w, a, part }) => {
        const { total, levels, terms } = energyOf(accelerator, gemm(m, n, k, w, a));
        expect(levels.reduce((sum, { energy }) => sum + energy, 0)).toBeCloseTo(total, 6);
        for (const { accesses, bits, energy } of levels)
          for (const number of [accesses, bits, energy]) expect(number).toBeGreaterThanOrEqual(0);
        const slack = total * (1 + 1e-9);
        for (const layer of [gemm(m, n, k, w * part, a), gemm(m, n, k, w, a * part)]) {
          const fewer = energyOf(accelerator, layer);
          // The operand that lies still is chosen by the time it takes, and the faster choice may read more.
          if (liesStill(fewer.terms) !== liesStill(terms)) continue;
          expect(fewer.total).toBeLessThanOrEqual(slack);
        }
      }),
      { numRuns: 40 },
    );
  });

  it("Eyeriss v2's element: each multiplication once, its sum read and written", () => {
    const { levels, total } = energyOf(loadAccelerator('eyeriss-v2-pe'), gemm(8, 4, 16, 0.5, 0.25));
    const macs = 8 * 4 * 16 * 0.5 * 0.25;
    expect(levels.map(({ level, accesses }) => [level, accesses])).toEqual([
      ['arithmetic', macs],
      ['partial-sums', 2 * macs],
      ['weight-spad', macs],
      ['activation-spad', 4 * 16 * 0.25],
    ]);
    expect(total).toBeCloseTo(macs * (0.5608 + 2 * 0.167 + 0.477) + 16 * 0.13, 9);
  });
});

describe('what is priced', () => {
  it('every accelerator has prices or says why it has none', () => {
    const silent = acceleratorNames().filter((name) => {
      const { energy, withoutEnergy } = loadAccelerator(name);
      return (energy === null) !== (withoutEnergy !== undefined);
    });
    expect(silent).toEqual([]);
    expect(loadAccelerator('ese').withoutEnergy).toMatch(/FPGA/);
  });

  it("ExTensor: the artefact's counts of the square of wiki-Vote come to its 5.12 mJ within 25 %", () => {
    // Multiplications, steps of intersection and bytes as test/accelerator-products.test.ts has them.
    const memoryByte = 2 * 1_650_800 + 12_400_000 + 29_297_792;
    const counts = { mac: 4_542_805, intersectionStep: 55_682_881, memoryByte };
    const millijoules = energyOfActions(loadAccelerator('extensor'), counts)!.total / 1e9;
    expect(millijoules / 5.1229 - 1).toBeCloseTo(0.234, 2);
  });
});

describe('what is written into a level is what is read from its parent', () => {
  const shapes = fc.record({
    m: fc.integer({ min: 1, max: 700 }),
    n: fc.integer({ min: 1, max: 700 }),
    k: fc.integer({ min: 1, max: 3000 }),
    w: fc.double({ min: 0.01, max: 1, noNaN: true }),
    a: fc.double({ min: 0.01, max: 1, noNaN: true }),
  });
  const near = (a: number, b: number): void =>
    expect(Math.abs(a - b)).toBeLessThanOrEqual(1e-9 * Math.max(Math.abs(a), Math.abs(b), 1));
  const check = (name: string, laws: (of: Flow) => void): void => {
    const accelerator = loadAccelerator(name);
    fc.assert(
      fc.property(shapes, ({ m, n, k, w, a }) => {
        const { actions, cycles } = estimate(accelerator, [gemm(m, n, k, w, a)])[0]!;
        laws({ ...{ m, n, k, w, a, cycles }, of: (action) => actions[action]! });
      }),
      { numRuns: 60 },
    );
  };
  interface Flow {
    readonly m: number;
    readonly n: number;
    readonly k: number;
    readonly w: number;
    readonly a: number;
    readonly cycles: number;
    readonly of: (action: string) => number;
  }

  it('tensor-core-2-4: registers from the buffer, the buffer from off the chip, each sum once', () =>
    check('tensor-core-2-4', ({ m, n, k, w, of }) => {
      near(of('bufferWrite'), of('offChipRead'));
      // What is read of the buffer fills registers, or goes to 64 rows of multipliers at once.
      near(of('bufferRead'), of('registerWrite') + n * k * Math.ceil(m / 64));
      near(of('registerRead'), of('mac'));
      near(of('registerRead'), (of('registerWrite') * n) / Math.ceil(n / 128));
      near(of('sumWrite') - of('sumRead'), 2 * of('offChipWrite'));
      near(of('offChipWrite'), m * n);
      // Two bits for each weight that moves, none for dense weights.
      const bits = w <= 0.5 ? 2 : 0;
      near(of('registerMetadataBit'), bits * (of('registerRead') + of('registerWrite')));
      near(of('bufferMetadataBitRead'), bits * of('registerWrite'));
    }));

  it('sigma: stationary values from the buffer, it from off the chip; every sum once a filling', () =>
    check('sigma', ({ m, n, k, w, a, of }) => {
      near(of('bufferWrite'), of('offChipRead'));
      near(of('offChipRead'), (m * w + n * a) * k);
      near(of('offChipMaskBit'), (m + n) * k);
      const lies = [m * k * w, n * k * a].map((values) => Math.abs(of('stationaryLoad') - values));
      expect(Math.min(...lies)).toBeLessThanOrEqual(1e-9 * of('stationaryLoad'));
      // A filling reads a value a point of its tile for each column that streams past, and writes its sum.
      const most = (Math.min(128, k) * of('sumWrite')) / Math.min(m, n);
      expect(of('streamRead')).toBeLessThanOrEqual(most * (1 + 1e-9));
    }));

  it('dual-side-tensor-core: a tile reads its rows and columns once each', () =>
    check('dual-side-tensor-core', ({ m, n, k, w, a, of }) => {
      near(of('bufferWrite'), of('offChipRead'));
      near(of('offChipRead'), (m * w + n * a) * k);
      near(of('operandRead'), m * k * w * Math.ceil(n / 32) + n * k * a * Math.ceil(m / 32));
      near(of('operandMaskBitRead'), k * (m * Math.ceil(n / 32) + n * Math.ceil(m / 32)));
      near(of('mac') + of('idleSlot'), of('multiplierSlot'));
      near(of('sumRead'), of('mac'));
      near(of('outputWrite'), of('offChipWrite'));
    }));

  it.each(['sparten', 'sparten-one-sided'])('%s: a match reads two values and adds to its sum', (name) =>
    check(name, ({ m, n, k, w, a, of }) => {
      near(of('weightRead') + of('inputRead'), 2 * of('mac'));
      near(of('sumAccess'), 2 * of('mac'));
      near(of('offChipRead'), (m * w + n * a) * k);
      near(of('maskBitRead'), 2 * m * n * k);
    }),
  );

  it('tpu-128-sigma: what streams passes each fold, sums pass each fold of k', () =>
    check('tpu-128-sigma', ({ m, n, k, of }) => {
      const [still, streamed] = near1(of('stationaryRead'), m * k) ? [m, n] : [n, m];
      near(of('stationaryRead'), still * k);
      near(of('streamRead'), streamed * k * Math.ceil(still / 128));
      near(of('sumWrite') - of('sumRead'), m * n);
      near(of('sumWrite'), m * n * Math.ceil(k / 128));
    }));

  it.each(['systolic-os-32', 'systolic-ws-32', 'systolic-is-32', 'tpu-128'])(
    '%s: what a multiplication needs is read once for the multipliers that it passes',
    (name) =>
      check(name, ({ m, n, k, of }) => {
        for (const action of ['inputRead', 'weightRead', 'outputWrite'])
          expect(of(action)).toBeLessThanOrEqual(of('mac') * (1 + 1e-9));
        expect(of('inputRead')).toBeGreaterThanOrEqual(n * k);
        expect(of('weightRead')).toBeGreaterThanOrEqual(m * k);
        expect(of('outputWrite')).toBeGreaterThanOrEqual(m * n);
      }),
  );
});

const near1 = (a: number, b: number): boolean => Math.abs(a - b) <= 1e-9 * Math.max(a, b);

describe('bad input', () => {
  const { native } = loadNative();
  const folder = join(import.meta.dirname, '..', 'suites', 'accelerators');
  const text = readFileSync(join(folder, 'eie.yaml'), 'utf8');
  it.each([
    ['an unknown table', text.replace('table: eie-45', 'table: eie-54'), /Did you mean "eie-45"/],
    [
      'an action that the class lacks',
      text.replace('queuePush: {', 'queuePop: {'),
      /Did you mean "queuePush"/,
    ],
    [
      'a price that the table lacks',
      text.replace('[queue-push]', '[queue-pop]'),
      /Did you mean "queue-push"/,
    ],
    ['no source', text.replace(/, source: "an entry is multiplied[^"]*"/, ''), /a key "source"/],
    ['no levels', text.replace(/ {2}levels:[\s\S]*(?=evidence:)/, ''), /a key "levels"/],
    [
      'an action at two levels',
      text.replace(
        '    pointer-memory:\n',
        '    other:\n      mac: { price: [register], bits: 0, source: "x" }\n    pointer-memory:\n',
      ),
      /each action at one level/,
    ],
  ])('%s is refused', (_, changed, message) => {
    expect(changed).not.toBe(text);
    expect(() => parseAccelerator(changed, 'mine.yaml', native.describeEngines())).toThrow(message);
  });

  it('a price of another unit, or below zero, is refused', () => {
    const table = readFileSync(join(folder, 'energy', 'eie-45.yaml'), 'utf8');
    const parse = (changed: string) => () => parseEnergyTable(changed, 'table.yaml');
    expect(parse(table)().prices['queue-push']).toBe(0.6);
    expect(parse(table.replace('0.6, unit: pJ', '0.6, unit: nJ'))).toThrow(/the unit pJ/);
    expect(parse(table.replace('value: 0.6', 'value: -0.6'))).toThrow(/a number in 0/);
  });
});
