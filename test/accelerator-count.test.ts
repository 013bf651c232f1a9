/** Actual mode: counts by hand, against a plain recount, against the statistics on uniform masks, and bad masks. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { acceleratorNames, loadAccelerator } from '../src/accelerator/accelerator.ts';
import { count, estimateBoth } from '../src/accelerator/count.ts';
import { estimate } from '../src/accelerator/estimate.ts';
import { masksOf } from '../src/accelerator/masks.ts';
import { estimateCommand } from '../src/command/estimate.ts';
import type { EstimatedLayer, OperandMask } from '../src/terms/accelerator.ts';
import type { Shape } from '../src/terms.ts';
import { generateMask } from '../src/workload/patterns/index.ts';
import { randomStream } from '../src/workload/random.ts';
import { loadSuite } from '../src/workload/suite.ts';
import { boundedBlocks, hierarchicalMask, transposed } from './structured-masks.ts';

/** A generic design counts no masks. */
const countedNames = acceleratorNames().filter((name) => loadAccelerator(name).design === null);

function layerOf(shape: Shape, weightDensity = 1, activationDensity = 1): EstimatedLayer {
  return { name: 'layer', shape, groups: 1, weightDensity, activationDensity, weightCorrelation: 0 };
}

/** A mask from rows of 0 and 1. */
function maskOf(rows: readonly (readonly number[])[]): OperandMask {
  const rowOffsets = Int32Array.from({ length: rows.length + 1 }, (_, i) =>
    rows.slice(0, i).reduce((sum, row) => sum + row.reduce((all, bit) => all + bit, 0), 0),
  );
  const colIndices = Int32Array.from(rows.flatMap((row) => row.flatMap((bit, j) => (bit === 1 ? [j] : []))));
  return { rows: rows.length, cols: rows[0]!.length, rowOffsets, colIndices };
}

const made = new Map<string, OperandMask>();

/** Every place is a nonzero with that probability. Large ones are asked for again and again, and kept. */
function uniform(rows: number, cols: number, density: number, seed: number): OperandMask {
  const key = `${rows} ${cols} ${density} ${seed}`;
  const known = made.get(key);
  if (known !== undefined) return known;
  const random = randomStream(seed, `mask/${rows}x${cols}/${density}`);
  const mask = maskOf(
    Array.from({ length: rows }, () =>
      Array.from({ length: cols }, () => (random.uniform() < density ? 1 : 0)),
    ),
  );
  if (rows * cols > 10_000) made.set(key, mask);
  return mask;
}

function patterned(
  name: string,
  parameters: object,
  rows: number,
  cols: number,
  density: number,
  seed: number,
) {
  const spec = { name, label: name, parameters: parameters as Record<string, number> };
  return { rows, cols, ...generateMask(spec, { rows, cols, density, seed }) };
}

const convOf = (channels: number, size: number, kernel: number, filters: number, padding: number): Shape => {
  const out = size + 2 * padding - kernel + 1;
  const conv = {
    ...{
      batch: 1,
      channels,
      height: size,
      width: size,
      kernelHeight: kernel,
      kernelWidth: kernel,
      stride: 1,
    },
    ...{ padding, outHeight: out, outWidth: out },
  };
  return { m: filters, n: out * out, k: channels * kernel * kernel, conv };
};

describe('counts by hand', () => {
  const shape = { m: 4, n: 1, k: 4 };
  const weights = maskOf([
    [1, 0, 0, 1],
    [0, 1, 0, 1],
    [0, 0, 0, 1],
    [1, 0, 1, 1],
  ]);

  it('EIE: a column costs its element at least a cycle, a queue lets the others run ahead', () => {
    const eie = loadAccelerator('eie');
    // Two elements, no padding, no bias: entries a column 1 0 0 2 of element 0 (rows 0, 2), 1 1 1 2 of element 1.
    const two = { ...eie, parameters: [2, 7, 0, 0, 8] };
    const found = count(two, layerOf(shape), { weights, activations: null });
    // Each broadcast is sent a cycle after the last, the first at 1: both are busy 1, 1, 1, 2 cycles from then on.
    expect(found.cycles).toBe(1 + 1 + 1 + 1 + 2);
    expect(found.effectualMacs).toBe(8);
    expect(found.actions.mac).toBe(8);
    // Only columns 0 and 3 are sent.
    const activations = maskOf([[1], [0], [0], [1]]);
    expect(count(two, layerOf(shape), { weights, activations }).cycles).toBe(1 + 1 + 2);
    expect(count(two, layerOf(shape), { weights, activations }).effectualMacs).toBe(6);
  });

  it('EIE: a run of zeros longer than its code needs an entry of its own', () => {
    const one = { ...loadAccelerator('eie'), parameters: [1, 7, 4, 0, 8] };
    const column = Array.from({ length: 40 }, (_, i) => [i === 33 || i === 35 ? 1 : 0]);
    const found = count(one, layerOf({ m: 40, n: 1, k: 1 }), { weights: maskOf(column), activations: null });
    // 33 zeros are two runs of 16 and one zero: two entries of padding.
    expect(found.terms.theoreticalCycles).toBe(4);
    expect(found.terms.paddingShare).toBe(0.5);
  });

  it('SparTen: the densest filter shares a unit with the sparsest, what is left over goes alone', () => {
    const of = (pairs: number, units: number): number => {
      const parameters = [4, units, 1, 0, pairs];
      const masks = { weights, activations: null };
      return count({ ...loadAccelerator('sparten'), parameters }, layerOf(shape), masks).cycles;
    };
    // Nonzeros 2, 2, 1, 3: one unit at a time takes them all, two units 3 + 1 and 2 + 2 at once.
    expect(of(0, 1)).toBe(8);
    expect(of(1, 1)).toBe(8);
    expect(of(0, 2)).toBe(2 + 3);
    expect(of(1, 2)).toBe(4);
    // Three units: 3 and 2 alone, 2 + 1 together.
    expect(of(0, 3)).toBe(2 + 3);
    expect(of(1, 3)).toBe(3);
  });

  it('Eyeriss v2: filters, pixels and inputs are spread, the slowest element counts', () => {
    const of = (pes: number, macs: number, n: number): { cycles: number; at: readonly number[] } => {
      const parameters = [pes, macs];
      const layer = layerOf({ ...shape, n });
      const found = count({ ...loadAccelerator('eyeriss-v2'), parameters }, layer, {
        weights,
        activations: null,
      });
      const { filtersAtOnce, pixelsAtOnce, inputsAtOnce } = found.terms;
      return { cycles: found.cycles, at: [filtersAtOnce!, pixelsAtOnce!, inputsAtOnce!] };
    };
    // Inputs have 2, 1, 1 and 4 nonzero weights.
    expect(of(1, 1, 1)).toEqual({ cycles: 8, at: [1, 1, 1] });
    expect(of(1, 2, 1)).toEqual({ cycles: 1 + 1 + 1 + 2, at: [1, 1, 1] });
    // Two elements: two inputs each, 2 + 1 and 1 + 4.
    expect(of(2, 1, 1)).toEqual({ cycles: 5, at: [1, 1, 2] });
    expect(of(4, 1, 1)).toEqual({ cycles: 4, at: [1, 1, 4] });
  });

  it('the 2:4 tensor core looks whether the weights have the pattern', () => {
    const core = loadAccelerator('tensor-core-2-4');
    const of = (mask: OperandMask) => count(core, layerOf(shape), { weights: mask, activations: null });
    expect(of(weights).actions.mac).toBe(16);
    const structured = maskOf([
      [1, 0, 0, 1],
      [0, 1, 0, 1],
      [0, 0, 0, 1],
      [0, 0, 1, 1],
    ]);
    expect(of(structured).actions.mac).toBe(8);
    const { difference } = estimateBoth(core, layerOf({ m: 1, n: 4096, k: 16 }), {
      weights: maskOf([[1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]]),
      activations: null,
    });
    expect(difference.trustworthy).toBe(false);
    expect(difference.reasons[0]).toMatch(/more nonzeros than the pattern allows/);
  });

  it('Eyeriss v2: nonzero weights times nonzero activations of each input', () => {
    const activations = maskOf([
      [1, 1],
      [0, 1],
      [0, 0],
      [1, 0],
    ]);
    const found = count(loadAccelerator('eyeriss-v2-pe'), layerOf({ m: 4, n: 2, k: 4 }), {
      weights,
      activations,
    });
    expect(found.cycles).toBe(2 * 2 + 1 * 1 + 1 * 0 + 4 * 1);
    expect(found.effectualMacs).toBe(9);
  });

  it("a convolution's padding is zeros, and each input meets the filter points that reach it", () => {
    const shapeOfConv = convOf(1, 2, 3, 1, 1);
    const full = maskOf([[1, 1, 1, 1, 1, 1, 1, 1, 1]]);
    const activations = maskOf([[1, 0, 0, 0]]);
    const found = count(loadAccelerator('eyeriss-v2-pe'), layerOf(shapeOfConv), {
      weights: full,
      activations,
    });
    expect(found.effectualMacs).toBe(4);
    expect(found.macs).toBe(36);
  });
});

describe('recounts', () => {
  it('of every two-sided class: effectual multiplications, one by one', () => {
    const rows = (mask: OperandMask): number[][] =>
      Array.from({ length: mask.rows }, (_, i) => [
        ...mask.colIndices.subarray(mask.rowOffsets[i]!, mask.rowOffsets[i + 1]!),
      ]);
    fc.assert(
      fc.property(
        fc.record({
          m: fc.integer({ min: 1, max: 90 }),
          n: fc.integer({ min: 1, max: 40 }),
          k: fc.integer({ min: 1, max: 200 }),
          w: fc.double({ min: 0, max: 1, noNaN: true }),
          a: fc.double({ min: 0, max: 1, noNaN: true }),
          seed: fc.integer({ min: 1, max: 1000 }),
        }),
        ({ m, n, k, w, a, seed }) => {
          const masks = { weights: uniform(m, k, w, seed), activations: uniform(k, n, a, seed + 1) };
          const pixels = rows(masks.activations);
          const expected = rows(masks.weights)
            .flat()
            .reduce((sum, input) => sum + pixels[input]!.length, 0);
          for (const name of countedNames) {
            const found = count(loadAccelerator(name), layerOf({ m, n, k }), masks);
            expect(found.effectualMacs).toBe(expected);
            expect(found.utilisation).toBeLessThanOrEqual(1 + 1 / Math.max(found.cycles, 1) + 1e-9);
            expect(Number.isFinite(found.cycles)).toBe(true);
            for (const value of [...Object.values(found.terms), ...Object.values(found.actions)])
              expect(value).toBeGreaterThanOrEqual(0);
          }
        },
      ),
      { numRuns: 30 },
    );
  });

  it('SparTen: the most matches of any unit in each chunk', () => {
    const [m, n, k] = [7, 3, 300];
    const weights = uniform(m, k, 0.3, 3);
    const activations = uniform(k, n, 0.5, 4);
    const has = (mask: OperandMask, i: number, j: number): boolean =>
      mask.colIndices.subarray(mask.rowOffsets[i]!, mask.rowOffsets[i + 1]!).includes(j);
    let cycles = 0;
    for (let pixel = 0; pixel < n; pixel += 1) {
      let load = 0;
      for (let begin = 0; begin < k; begin += 128) {
        let most = 1;
        for (let row = 0; row < m; row += 1) {
          let matches = 0;
          for (let p = begin; p < Math.min(k, begin + 128); p += 1)
            if (has(weights, row, p) && has(activations, p, pixel)) matches += 1;
          most = Math.max(most, matches);
        }
        load += most;
      }
      cycles = Math.max(cycles, load);
    }
    expect(count(loadAccelerator('sparten'), layerOf({ m, n, k }), { weights, activations }).cycles).toBe(
      cycles,
    );
  });
});

/** Masks as an accelerator's formula takes them to be: uniform, but for those that live by a pattern. */
function weightsFor(name: string, m: number, k: number, density: number, seed: number): OperandMask {
  if (name === 'tensor-core-2-4') return patterned('nm', { n: 2, m: 4 }, m, k, 0.5, seed);
  if (name.startsWith('s2ta-')) return boundedBlocks(m, k, 8, Math.min(density, 0.5), seed);
  // 2:4 in 4:8 and in 4:4: of 512 inputs no group has a rest.
  if (name === 'highlight') return hierarchicalMask(m, k, density < 0.25 ? 8 : 4, seed);
  if (name === 'cambricon-s') {
    const shared = uniform(m / 16, k, density, seed);
    const rows = Array.from({ length: m }, (_, i) => {
      const of = Math.floor(i / 16);
      const row = new Array<number>(k).fill(0);
      for (const j of shared.colIndices.subarray(shared.rowOffsets[of]!, shared.rowOffsets[of + 1]!))
        row[j] = 1;
      return row;
    });
    return maskOf(rows);
  }
  if (name === 'ese') {
    // Element e has the rows e, e + 32, ...: each keeps equally many, anywhere in them.
    const random = randomStream(seed, `balanced/${density}`);
    const rows = Array.from({ length: m }, () => new Array<number>(k).fill(0));
    for (let element = 0; element < 32; element += 1) {
      const points = (m / 32) * k;
      let left = Math.round(points * density);
      for (let point = 0; point < points; point += 1) {
        if (random.uniform() * (points - point) >= left) continue;
        rows[element + 32 * Math.floor(point / k)]![point % k] = 1;
        left -= 1;
      }
    }
    return maskOf(rows);
  }
  if (name === 'gather-scatter-16')
    return patterned(
      'gather-scatter',
      { banks: 16, k: 16, variant: 'horizontal', spread: 0 },
      m,
      k,
      density,
      seed,
    );
  // Neighbours in a row lie in different banks: only where they are far apart do accesses fall evenly.
  return uniform(m, k, name === 'gather-scatter-16-unstructured' ? 0.03 : density, seed);
}

/** The same of the activations. */
function activationsFor(name: string, k: number, n: number, density: number, seed: number): OperandMask {
  return name === 's2ta-aw'
    ? transposed(boundedBlocks(n, k, 8, density, seed))
    : uniform(k, n, density, seed);
}

describe('against the statistics', () => {
  // Conflicts of banks are counted and no part of a formula.
  const expected = countedNames.filter((name) => name !== 'scnn-banks');
  it.each(expected)('%s: uniform masks lie within an interval of 99.99 in 100', (name) => {
    const accelerator = loadAccelerator(name);
    const shape = { m: 256, n: 64, k: 512 };
    for (const [w, a] of [
      [0.1, 0.4],
      [0.4, 0.6],
    ] as const) {
      const runs = Array.from({ length: 16 }, (_, i) => ({
        weights: weightsFor(name, shape.m, shape.k, w, i + 1),
        activations: activationsFor(name, shape.k, shape.n, a, 100 + i),
      }));
      const cycles = runs.map((masks) => count(accelerator, layerOf(shape), masks).cycles);
      const density =
        runs.reduce((sum, { weights }) => sum + weights.colIndices.length, 0) / (16 * 256 * 512);
      const expected = estimate(accelerator, [layerOf(shape, density, a)])[0]!.cycles;
      const mean = cycles.reduce((sum, one) => sum + one, 0) / 16;
      const variance = cycles.reduce((sum, one) => sum + (one - mean) ** 2, 0) / 15;
      // Student's t of 15 degrees of freedom at 0.99995, of one more answer; counts are whole.
      const half = 5.24 * Math.sqrt(variance * (1 + 1 / 16)) + 1;
      expect(Math.abs(expected - mean)).toBeLessThanOrEqual(half);
      // And no wide interval hides a formula that is off.
      expect(Math.abs(expected / mean - 1)).toBeLessThan(0.05);
    }
  });

  // A nonzero more sends those behind it to other gathers or steps, and another filter beside the one that it is in.
  const shifting = ['gather-scatter-16-unstructured', 'sparten', 'scnn-banks'];
  it.each(countedNames.filter((name) => !shifting.includes(name)))(
    '%s: no fewer cycles on a mask that holds another',
    (name) => {
      const accelerator = loadAccelerator(name);
      fc.assert(
        fc.property(
          fc.integer({ min: 1, max: 100 }),
          fc.integer({ min: 1, max: 20 }),
          fc.integer({ min: 1, max: 300 }),
          fc.integer({ min: 1, max: 1000 }),
          (m, n, k, seed) => {
            const part = (mask: OperandMask, share: number): OperandMask => {
              const random = randomStream(seed, `part/${share}`);
              const kept = [...mask.colIndices].map(() => random.uniform() < share);
              const rowOffsets = mask.rowOffsets.map((end) => kept.slice(0, end).filter(Boolean).length);
              return { ...mask, rowOffsets, colIndices: mask.colIndices.filter((_, p) => kept[p]) };
            };
            const weights = uniform(m, k, 0.4, seed);
            const activations = uniform(k, n, 0.5, seed + 1);
            const of = (w: OperandMask, a: OperandMask): number =>
              count(accelerator, layerOf({ m, n, k }), { weights: w, activations: a }).cycles;
            const whole = of(weights, activations);
            expect(of(part(weights, 0.7), activations)).toBeLessThanOrEqual(whole);
            expect(of(weights, part(activations, 0.7))).toBeLessThanOrEqual(whole);
          },
        ),
        { numRuns: 15 },
      );
    },
  );

  it('uneven rows are named where they make the statistics wrong', () => {
    const weights = patterned('power-law', { exponent: 1 }, 256, 512, 0.1, 1);
    const { difference } = estimateBoth(loadAccelerator('cambricon-x'), layerOf({ m: 256, n: 8, k: 512 }), {
      weights,
      activations: null,
    });
    expect(difference.relative).toBeLessThan(-0.1);
    expect(difference.trustworthy).toBe(false);
    expect(difference.reasons.join()).toMatch(/rows vary \d/);
    expect(difference.statistics.rowCv).toBeGreaterThan(2 * difference.statistics.uniformRowCv);
  });
});

describe('suites and files', () => {
  it('a layer whose product is not its convolution is refused', () => {
    const masks = { weights: uniform(4, 18, 0.5, 1), activations: null };
    const layer = layerOf({ ...convOf(2, 4, 3, 4, 0), n: 5 });
    for (const name of countedNames)
      expect(() => count(loadAccelerator(name), layer, masks)).toThrow(/not its convolution's/);
  });

  it('sparse activations of a suite are its own, as k x n', () => {
    const workloads = loadSuite('ops').workloads.filter(({ op }) => op === 'spmspv' || op === 'spmspm');
    expect(new Set(workloads.map(({ op }) => op)).size).toBe(2);
    for (const workload of workloads) {
      const { activations } = masksOf(workload);
      expect([activations!.rows, activations!.cols]).toEqual([workload.shape.k, workload.shape.n]);
    }
  });

  it('densities without a mask, masks of another shape and topologies are refused', async () => {
    const output = { result: () => {}, say: () => {}, redraw: () => {}, isTerminal: false };
    const out = { ...output, lineWidth: 80, width: 80, color: false };
    const folder = mkdtempSync(join(tmpdir(), 'sparsemark-'));
    const asked = { mode: 'both', accelerator: ['scnn'], filter: 'attention', density: [0.1] } as const;
    const options = { ...asked, out: join(folder, 'out.jsonl') };
    const command = 'sparsemark estimate';
    await expect(estimateCommand('quick', { ...options, activations: 0.4 }, out, command)).rejects.toThrow(
      /a mask for the activations of attention.*, received a density of 0.4/,
    );
    const path = join(folder, 'mask.smtx');
    writeFileSync(path, '2, 3, 2\n0 1 2\n0 2\n');
    await expect(
      estimateCommand('quick', { ...options, activationMask: path }, out, command),
    ).rejects.toThrow(
      /\.s?mtx: Expected 512 x 128 places for the activations of attention .*, received a mask of 2 x 3/,
    );
    await expect(estimateCommand('topology.csv', options, out, command)).rejects.toThrow(
      /which has no masks/,
    );
    expect(await estimateCommand('quick', options, out, command)).toBe(0);
  });
});
