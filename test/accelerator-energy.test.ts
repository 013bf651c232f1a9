/** Energy and traffic by level: against the published power, invariants, bad tables. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { acceleratorNames, loadAccelerator, parseAccelerator } from '../src/accelerator/accelerator.ts';
import { parseEnergyTable } from '../src/accelerator/energy.ts';
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
  return { ...found!.energy!, timeNs: found!.timeNs };
};
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
    k: fc.integer({ min: 1, max: 2000 }),
    w: fc.double({ min: 0.01, max: 1, noNaN: true }),
    a: fc.double({ min: 0.01, max: 1, noNaN: true }),
    part: fc.double({ min: 0.1, max: 1, noNaN: true }),
  });

  it('there are accelerators with prices', () => expect(priced).toContain('eie'));

  it.each(priced)('%s: levels add up, more nonzeros cost no less, nothing is below zero', (name) => {
    const accelerator = loadAccelerator(name);
    fc.assert(
      fc.property(layers, ({ m, n, k, w, a, part }) => {
        const { total, levels } = energyOf(accelerator, gemm(m, n, k, w, a));
        expect(levels.reduce((sum, { energy }) => sum + energy, 0)).toBeCloseTo(total, 6);
        for (const { accesses, bits, energy } of levels)
          for (const number of [accesses, bits, energy]) expect(number).toBeGreaterThanOrEqual(0);
        const slack = total * (1 + 1e-9);
        expect(energyOf(accelerator, gemm(m, n, k, w * part, a)).total).toBeLessThanOrEqual(slack);
        expect(energyOf(accelerator, gemm(m, n, k, w, a * part)).total).toBeLessThanOrEqual(slack);
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
