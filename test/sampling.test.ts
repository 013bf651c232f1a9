/** A part of a layer counted: the interval holds the exact count as often as it says, and the command tells the part. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { acceleratorNames, loadAccelerator } from '../src/accelerator/accelerator.ts';
import { count } from '../src/accelerator/count.ts';
import { countSample } from '../src/accelerator/sampling.ts';
import { binomialBounds } from '../src/statistics.ts';
import type { EstimatedLayer, OperandMask } from '../src/terms/accelerator.ts';
import { randomStream } from '../src/workload/random.ts';
import { sparsemark } from './command.ts';
import { maskOfColumns } from './structured-masks.ts';

const folder = mkdtempSync(join(tmpdir(), 'sparsemark-sampling-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const layerOf = (m: number, n: number, k: number): EstimatedLayer => ({
  ...{ name: 'layer', shape: { m, n, k }, groups: 1 },
  ...{ weightDensity: 1, activationDensity: 1, weightCorrelation: 0 },
});

/** Rows of uneven densities: each its own, between 0 and 0.6. Columns likewise where asked for. */
function uneven(rows: number, cols: number, seed: number, byColumn = false): OperandMask {
  const random = randomStream(seed, `uneven/${rows}x${cols}`);
  const densities = Array.from({ length: byColumn ? cols : rows }, () => 0.6 * random.uniform() ** 2);
  const kept = Array.from({ length: rows }, (_, i) =>
    Array.from({ length: cols }, (_, j) => j).filter((j) => random.uniform() < densities[byColumn ? j : i]!),
  );
  return maskOfColumns(kept, cols);
}

const sampling = { share: 0.1, seed: 3 };

describe('a counted sample', () => {
  it.each([
    ['gather-scatter-16-unstructured', 2048, 4, 64],
    ['dual-side-tensor-core', 2080, 8, 48],
    ['eyeriss-v2-pe', 2050, 4, 48],
    ['scnn', 2048, 1024, 8],
    ['eie', 64, 1100, 64],
    ['ese', 64, 2080, 48],
    ['cambricon-x', 32, 400, 256],
    ['cambricon-s', 32, 400, 256],
  ])('%s: its 95 %% intervals hold the exact count', (name, m, n, k) => {
    const accelerator = loadAccelerator(name);
    const trials = 60;
    let held = 0;
    let smallest = Number.POSITIVE_INFINITY;
    const layer = layerOf(m, n, k);
    const masks = { weights: uneven(m, k, 1), activations: uneven(k, n, 2, true) };
    const exact = count(accelerator, layer, masks).cycles;
    for (let seed = 0; seed < trials; seed += 1) {
      const { cycles, sample } = countSample(accelerator, layer, masks, { share: 0.1, seed });
      const [low, high] = sample!.cyclesInterval;
      // Where nothing varies between blocks the interval is a point, and rounding decides.
      if (low <= exact * (1 + 1e-9) && exact * (1 - 1e-9) <= high) held += 1;
      smallest = Math.min(smallest, sample!.blocks / sample!.of);
      expect(Math.abs(cycles / exact - 1)).toBeLessThan(0.4);
    }
    // No fewer than 95 % by what 60 trials can tell.
    expect(binomialBounds(held, trials, 0.998)[1]).toBeGreaterThan(0.95);
    expect(smallest).toBeLessThan(0.5);
  });

  it('is the whole where there are few blocks, and the same for the same seed', () => {
    const accelerator = loadAccelerator('gather-scatter-16');
    const small = { weights: uneven(500, 64, 1), activations: null };
    const all = countSample(accelerator, layerOf(500, 4, 64), small, sampling);
    expect(all).toEqual(count(accelerator, layerOf(500, 4, 64), small));
    const large = { weights: uneven(4000, 64, 1), activations: null };
    const [one, other] = [0, 1].map(() => countSample(accelerator, layerOf(4000, 4, 64), large, sampling));
    expect(one).toEqual(other);
    expect(one!.sample).toMatchObject({ axis: 'rows', blocks: 30, of: 125, confidence: 0.95 });
  });

  it('counts a smaller last block by itself', () => {
    const accelerator = loadAccelerator('gather-scatter-16');
    const masks = { weights: uneven(4010, 64, 1), activations: null };
    expect(countSample(accelerator, layerOf(4010, 4, 64), masks, sampling).sample).toMatchObject({
      blocks: 31,
      of: 126,
    });
  });

  it('is refused by a class whose counts do not add up, and by a generic design', () => {
    const masks = { weights: uneven(4000, 64, 1), activations: null };
    const refused = acceleratorNames().filter((name) => {
      try {
        countSample(loadAccelerator(name), layerOf(4000, 4, 64), masks, sampling);
        return false;
      } catch (error) {
        expect(String(error)).toMatch(/Use --mode actual|Expected a layer that/);
        return true;
      }
    });
    expect(refused).toEqual(expect.arrayContaining(['sigma', 'systolic-ws-32', 'bitmask-gating']));
    expect(refused).not.toContain('gather-scatter-16');
  });
});

describe('the command', () => {
  const suite = join(folder, 'tall.yaml');
  writeFileSync(
    suite,
    `name: tall
version: "1.0"
description: one tall layer
defaults: { dtype: f32, patterns: [{ name: uniform, densities: [0.1] }] }
workloads: [{ op: spmm, shapes: { tall: [4096, 64, 8] } }]
formats: { uniform: [csr] }
`,
  );

  it('tells the interval and the part, in the table and the file', () => {
    const out = join(folder, 'sampled.jsonl');
    const run = sparsemark([
      'estimate',
      suite,
      '--accelerator',
      'dual-side-tensor-core',
      '--mode',
      'sampled',
      '--sample',
      '0.3',
      '--out',
      out,
    ]);
    expect(run.stdout).toMatch(/95 % of cycles +blocks/);
    expect(run.stdout).toMatch(/[\d,]+-[\d,]+ +39 of 128/);
    expect(readFileSync(out, 'utf8')).toMatch(/"sample":\{"axis":"rows","blocks":39,"of":128/);
    expect(sparsemark(['report', out, '--as', 'markdown']).stdout).toContain('counted 39 of 128');
  });

  it('refuses a share that is none', () => {
    const run = sparsemark(['estimate', suite, '--mode', 'sampled', '--sample', '0']);
    expect(run.status).toBe(42);
    expect(run.stderr).toMatch(/--sample .*above 0/);
  });
});
