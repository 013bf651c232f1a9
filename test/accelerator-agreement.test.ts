/** Counts of uniform masks against the statistics of the same densities, whatever the parameters of the accelerator. */
import { describe, expect, it } from 'vitest';
import { loadAccelerator } from '../src/accelerator/accelerator.ts';
import { count } from '../src/accelerator/count.ts';
import { engineOf, estimate } from '../src/accelerator/estimate.ts';
import type { Accelerator, EstimatedLayer, LayerMasks, OperandMask } from '../src/terms/accelerator.ts';
import { type Random, randomStream } from '../src/workload/random.ts';
import { withParameters } from './random-accelerators.ts';

const layers = 8;
const masksOfLayer = 10;
/** Of Student's t, 9 degrees of freedom: 99.99 % of a distribution lie within so many deviations. */
const quantile = 6.01;

/**
 * Whose counts of uniform masks are of another thing than its statistics: those that take a pattern for granted, which
 * test/accelerator-count.test.ts gives them, and one that counts conflicts of banks, which its formula leaves out.
 */
const ofAnotherThing = [
  'scnn-banks',
  ...['cambricon-s', 'gather-scatter-16', 'gather-scatter-16-unstructured', 'highlight'],
  ...['s2ta-w', 's2ta-aw', 'tensor-core-2-4'],
];

/** From a share of `least` up to `most`, by its logarithm. */
const between = (random: Random, least: number, most: number): number =>
  Math.exp(Math.log(least) + random.uniform() * Math.log(most / least));

function uniformMask(rows: number, cols: number, density: number, random: Random): OperandMask {
  const rowOffsets = new Int32Array(rows + 1);
  const found: number[] = [];
  for (let row = 0; row < rows; row += 1) {
    for (let col = 0; col < cols; col += 1) if (random.uniform() < density) found.push(col);
    rowOffsets[row + 1] = found.length;
  }
  return { rows, cols, rowOffsets, colIndices: Int32Array.from(found) };
}

/** Layers of many windows, tiles and chunks with their masks, made once for all accelerators. */
const cases: readonly { readonly layer: EstimatedLayer; readonly masks: readonly LayerMasks[] }[] =
  Array.from({ length: layers }, (_, at) => {
    const random = randomStream(at, 'agreement');
    const whole = (least: number, most: number): number => Math.round(between(random, least, most));
    const shape = { m: whole(48, 160), n: whole(16, 48), k: whole(128, 500) };
    const [weightDensity, activationDensity] = [between(random, 0.05, 1), between(random, 0.05, 1)];
    const masks = Array.from({ length: masksOfLayer }, () => ({
      weights: uniformMask(shape.m, shape.k, weightDensity, random),
      activations: uniformMask(shape.k, shape.n, activationDensity, random),
    }));
    const layer = { name: `layer ${at}`, shape, groups: 1, weightDensity, activationDensity };
    return { layer: { ...layer, weightCorrelation: 0 }, masks };
  });

/** The accelerator with other sizes: each of its whole parameters up to four times smaller or larger, or its own. */
function resized(accelerator: Accelerator, random: Random): Accelerator {
  const { engine } = engineOf(accelerator);
  const parameters = engine.parameters.map(({ least, most, whole }, at) => {
    const own = accelerator.parameters[at]!;
    const times = between(random, 0.25, 4);
    // Those of two or three values choose a kind, not a size.
    if (!whole || own <= 0 || most - least <= 2 || random.uniform() < 0.4) return own;
    return Math.min(most, Math.max(least, Math.round(own * times)));
  });
  return { ...accelerator, parameters };
}

describe('counts of uniform masks', () => {
  it.each(withParameters.filter((name) => !ofAnotherThing.includes(name)))('%s', (name) => {
    const random = randomStream(1, `agreement/${name}`);
    const accelerator = loadAccelerator(name);
    for (const { layer, masks } of cases) {
      for (const sized of [accelerator, resized(accelerator, random)]) {
        const expected = estimate(sized, [layer])[0]!.cycles;
        const counted = masks.map((of) => count(sized, layer, of).cycles);
        const mean = counted.reduce((sum, one) => sum + one, 0) / masksOfLayer;
        const square = counted.reduce((sum, one) => sum + (one - mean) ** 2, 0) / (masksOfLayer - 1);
        const half = quantile * Math.sqrt(square * (1 + 1 / masksOfLayer)) + 1;
        const what = JSON.stringify({ parameters: sized.parameters, ...layer, expected, mean, half });
        expect(Math.abs(expected - mean), what).toBeLessThanOrEqual(half);
        if (mean > 200) expect(Math.abs(expected / mean - 1), what).toBeLessThanOrEqual(0.08);
      }
    }
  });
});
