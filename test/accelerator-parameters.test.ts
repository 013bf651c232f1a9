/** What must hold of every accelerator whatever its parameters and the layer: statistics, and counts of masks. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadAccelerator } from '../src/accelerator/accelerator.ts';
import { count } from '../src/accelerator/count.ts';
import { estimate } from '../src/accelerator/estimate.ts';
import type { Accelerator, Estimate, EstimatedLayer, OperandMask } from '../src/terms/accelerator.ts';
import { randomStream } from '../src/workload/random.ts';
import { anyLayer, ofDensities, withAnyParameters, withParameters } from './random-accelerators.ts';
import { maskOfColumns } from './structured-masks.ts';

/** Times that something else bounds from below; a layer takes no less than any of them. */
const rooflines = [
  ...['memoryCycles', 'intersectionCycles', 'mergeCycles', 'longestRowCycles', 'multiplyMemoryCycles'],
  ...['multiplyCycles', 'mergeMemoryCycles', 'outputRowCycles', 'transferMicroseconds'],
  ...['arithmeticMicroseconds', 'transferNs', 'arithmeticNs', 'loadNs', 'gatherNs', 'theoreticalCycles'],
  'streamCycles',
];

/**
 * Of how much more cycles fewer nonzeros may come out. FIFOs are drawn: 2 % of 256 broadcasts is noise, and with less
 * than one entry a broadcast up to 3.2 % of a single element, 2.6 % of six: the most that was found of 1 to 16. The
 * normal maximum of a handful of elements with a handful of steps each is off by a step of a thousandth up to a fiftieth.
 */
const slackOf = ({ engine }: Accelerator): number =>
  engine.endsWith('-fifo')
    ? 1.035
    : ['chunk-match', 'column-pe', 'cartesian'].includes(engine)
      ? 1.03
      : 1 + 1e-9;

/** Classes whose baseline is another machine: DCNN, whose multipliers wait where SCNN's have work. */
const ofAnotherMachine = ['cartesian'];

const numbersOf = ({ cycles, denseCycles, terms, actions, energy }: Estimate): readonly number[] => [
  ...[cycles, denseCycles, energy?.total ?? 0],
  ...Object.values(terms),
  ...Object.values(actions),
];

/** Of SCALE-Sim's cycles, one less than the array is busy. */
const mostUtilisation = ({ cycles }: Estimate): number => 1 + 1 / Math.max(cycles, 1) + 1e-9;

/**
 * Whether energies may be compared: where the cheaper operand to keep in place is another, fewer cycles may cost more;
 * a layer without one whole block of a pattern has metadata and saves nothing.
 */
function sameChoice(accelerator: Accelerator, layer: EstimatedLayer, of: readonly Estimate[]): boolean {
  const [first, ...others] = of.map(
    ({ terms }) => terms.cyclesWithWStationary! <= terms.cyclesWithAStationary!,
  );
  const patterned = ['systolic', 'structured-tensor-core'].includes(accelerator.engine);
  return others.every((one) => one === first) && !(patterned && layer.shape.k < 64);
}

/** One element and one weight: the draw's noise is as large as it gets. */
function singleElement(): [Accelerator, EstimatedLayer, number] {
  const layer = { name: 'layer', shape: { m: 1, n: 1, k: 1 }, groups: 1, weightCorrelation: 0 };
  const accelerator = { ...loadAccelerator('eie'), parameters: [1, 1, 0, 0, 1] };
  return [accelerator, { ...layer, weightDensity: 1, activationDensity: 1 }, 0.535];
}

describe('statistics', () => {
  it.each([...withParameters])('%s, with any parameters', (name) => {
    let ran = 0;
    fc.assert(
      fc.property(
        withAnyParameters(name),
        anyLayer,
        fc.double({ min: 0.1, max: 1, noNaN: true }),
        (accelerator, layer, part) => {
          const { weightDensity: w, activationDensity: a } = layer;
          const [found, full, sparser, idler] = estimate(accelerator, [
            ...[layer, { ...ofDensities(layer, 1, 1), weightCorrelation: 0 }],
            ...[ofDensities(layer, w * part, a), ofDensities(layer, w, a * part)],
          ]) as [Estimate, Estimate, Estimate, Estimate];
          ran += 1;
          for (const one of [found, full, sparser, idler])
            for (const number of numbersOf(one))
              expect(Number.isFinite(number) && number >= 0, JSON.stringify(one)).toBe(true);
          expect(found.effectualMacs).toBeLessThanOrEqual(found.macs * (1 + 1e-12));
          for (const one of [found, full]) {
            expect(one.utilisation).toBeLessThanOrEqual(mostUtilisation(one));
            for (const term of rooflines)
              expect(one.cycles * (1 + 1e-9), term).toBeGreaterThanOrEqual(one.terms[term] ?? 0);
          }
          const slack = slackOf(accelerator);
          for (const fewer of [sparser, idler])
            expect(fewer.cycles).toBeLessThanOrEqual(found.cycles * slack);
          expect(found.cycles).toBeLessThanOrEqual(full.cycles * slack);
          expect(found.denseCycles).toBeCloseTo(full.denseCycles, 6);
          if (!ofAnotherMachine.includes(accelerator.engine))
            expect(full.cycles * (1 + 1e-9)).toBeGreaterThanOrEqual(full.denseCycles);
          if (found.energy === null || !sameChoice(accelerator, layer, [found, sparser, idler])) return;
          for (const fewer of [sparser, idler])
            expect(fewer.energy!.total).toBeLessThanOrEqual(found.energy.total * (1 + 1e-9));
        },
      ),
      { numRuns: 30, seed: 1, examples: name === 'eie' ? [singleElement()] : [] },
    );
    // None was declined: parameters within their bounds are an accelerator.
    expect(ran).toBeGreaterThanOrEqual(30);
  });
});

function uniform(rows: number, cols: number, density: number, seed: number): OperandMask {
  const random = randomStream(seed, `parameters/${rows}x${cols}/${density}`);
  const made = Array.from({ length: rows }, () =>
    Array.from({ length: cols }, (_, j) => j).filter(() => random.uniform() < density),
  );
  return maskOfColumns(made, cols);
}

/** The mask with some of its nonzeros. */
function partOf(mask: OperandMask, seed: number): OperandMask {
  const random = randomStream(seed, 'part');
  const rows = Array.from({ length: mask.rows }, (_, i) =>
    [...mask.colIndices.subarray(mask.rowOffsets[i]!, mask.rowOffsets[i + 1]!)].filter(
      () => random.uniform() < 0.7,
    ),
  );
  return maskOfColumns(rows, mask.cols);
}

// A nonzero more sends those behind it to other gathers or steps, and another filter beside the one that it is in.
const shifting = ['gather-scatter', 'chunk-match', 'cartesian'];

describe('counts', () => {
  it.each([...withParameters])('%s, with any parameters', (name) => {
    fc.assert(
      fc.property(
        withAnyParameters(name),
        fc.integer({ min: 1, max: 60 }),
        fc.integer({ min: 1, max: 30 }),
        fc.integer({ min: 1, max: 200 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.integer({ min: 1, max: 1000 }),
        (drawn, m, n, k, density, seed) => {
          // An array that stores N:M weights declines masks without the pattern.
          const parameters = [...drawn.parameters];
          if (drawn.engine === 'systolic') parameters[3] = 0;
          const accelerator = { ...drawn, parameters };
          const layer = { ...{ name: 'layer', shape: { m, n, k }, groups: 1 }, weightCorrelation: 0 };
          const weights = uniform(m, k, density, seed);
          const activations = uniform(k, n, 0.5, seed + 1);
          const of = (w: OperandMask, x: OperandMask): Estimate =>
            count(accelerator, ofDensities(layer as EstimatedLayer, 1, 1), { weights: w, activations: x });
          const whole = of(weights, activations);
          const fewer = [of(partOf(weights, seed), activations), of(weights, partOf(activations, seed))];
          for (const one of [whole, ...fewer]) {
            for (const number of numbersOf(one)) expect(Number.isFinite(number) && number >= 0).toBe(true);
            expect(one.effectualMacs).toBeLessThanOrEqual(one.macs);
            expect(one.utilisation).toBeLessThanOrEqual(mostUtilisation(one));
            for (const term of rooflines)
              expect(one.cycles * (1 + 1e-9), term).toBeGreaterThanOrEqual(one.terms[term] ?? 0);
          }
          if (shifting.includes(accelerator.engine)) return;
          for (const one of fewer) {
            expect(one.cycles).toBeLessThanOrEqual(whole.cycles * (1 + 1e-9));
            if (one.energy === null || !sameChoice(accelerator, layer as EstimatedLayer, [whole, one]))
              continue;
            expect(one.energy.total).toBeLessThanOrEqual(whole.energy!.total * (1 + 1e-9));
          }
        },
      ),
      { numRuns: 8, seed: 1 },
    );
  });
});
