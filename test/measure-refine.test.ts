/** Two more densities inside each crossover's bracket. */
import { describe, expect, it } from 'vitest';
import { refinements } from '../src/measure/refine.ts';
import type { BaselineHealth, Measured, Measurement, PatternSpec, Workload } from '../src/terms.ts';
import { workloadId } from '../src/workload/problem.ts';

const uniform: PatternSpec = { name: 'uniform', parameters: {}, label: 'uniform' };

const idOf = (workload: Omit<Workload, 'id'>): string =>
  workloadId({ ...workload, label: workload.pattern.label });

function workloadAt(density: number, seed: number, change: Partial<Workload> = {}): Workload {
  const workload: Omit<Workload, 'id'> = {
    op: 'spmm',
    dtype: 'f32',
    shape: { m: 64, k: 64, n: 16 },
    cache: 'hot',
    pattern: uniform,
    density,
    seed,
    layer: 'x',
    count: 1,
    ...change,
  };
  return { ...workload, id: idOf(workload) };
}

function measured(
  workload: Workload,
  library: string,
  kernel: string,
  timeNs: number,
  threads = 1,
): Measured {
  return {
    id: `${workload.id}/${library}-${kernel}-avx2-t${threads}`,
    workload: workload.id,
    library,
    kernel,
    format: kernel,
    isa: 'avx2',
    threads,
    dense: kernel === 'dense',
    status: 'measured',
    check: { worstRatio: 0, maxAbsError: 0 },
    footprint: { payloadBytes: 0, metadataBytes: 0, paddingBytes: 0 },
    encodeNs: 1,
    prepareNs: 1,
    evaluationsPerSample: 1,
    samplesNs: [timeNs, timeNs * 1.01, timeNs * 0.99],
    rounds: [3],
    warmup: { batches: 1, settled: true },
    copies: 1,
    tiling: '',
  };
}

/** Dense takes 1000 ns, sparse 4000 ns a density: they cross at density 0.25. */
const both = (workload: Workload): Measurement[] => [
  measured(workload, 'native', 'dense', 1000),
  measured(workload, 'native', 'csr', 4000 * workload.density),
];

describe('refinements', () => {
  it('cuts the bracket into three on a logarithmic scale, for every seed', () => {
    const workloads = [0.8, 0.4, 0.1].flatMap((density) =>
      [1, 2, 3].map((seed) => workloadAt(density, seed)),
    );
    const extra = refinements(workloads, workloads.flatMap(both), []);
    expect(extra).toHaveLength(6);
    const densities = [...new Set(extra.map(({ density }) => density))].sort((a, b) => a - b);
    expect(densities).toHaveLength(2);
    expect(densities[0]).toBeCloseTo(0.1 * 4 ** (1 / 3), 2);
    expect(densities[1]).toBeCloseTo(0.1 * 4 ** (2 / 3), 2);
    for (const density of densities) {
      expect(
        extra
          .filter((workload) => workload.density === density)
          .map(({ seed }) => seed)
          .sort(),
      ).toEqual([1, 2, 3]);
    }
    for (const workload of extra) {
      expect(workload.id).toBe(idOf(workload));
      expect(workload.shape).toEqual(workloads[0]!.shape);
    }
    expect(new Set([...workloads, ...extra].map(({ id }) => id)).size).toBe(workloads.length + 6);
  });

  it('leaves a curve alone that never or always pays', () => {
    const never = [0.8, 0.4].map((density) => workloadAt(density, 1));
    const always = [0.2, 0.1].map((density) => workloadAt(density, 1));
    expect(refinements(never, never.flatMap(both), [])).toEqual([]);
    expect(refinements(always, always.flatMap(both), [])).toEqual([]);
    expect(refinements([], [], [])).toEqual([]);
  });

  it('leaves patterns alone whose density is not free', () => {
    for (const name of ['nm', 'triangular', 'file', 'banded']) {
      const pattern = { name, parameters: {}, label: name };
      const workloads = [0.5, 0.1].map((density) => workloadAt(density, 1, { pattern }));
      expect(refinements(workloads, workloads.flatMap(both), [])).toEqual([]);
    }
  });

  it('refines each curve by itself: shapes, cache states and patterns are not mixed', () => {
    const block = { name: 'block', parameters: { rows: 4, cols: 4 }, label: 'block-4x4' };
    const curves: Partial<Workload>[] = [
      {},
      { cache: 'cold' },
      { pattern: block },
      { shape: { m: 8, k: 8, n: 8 } },
    ];
    const workloads = curves.flatMap((change) =>
      [0.5, 0.125].map((density) => workloadAt(density, 1, change)),
    );
    const extra = refinements(workloads, workloads.flatMap(both), []);
    expect(extra).toHaveLength(8);
    expect(new Set(extra.map(({ id }) => id)).size).toBe(8);
  });

  it('a bracket that is narrow already is not cut', () => {
    const workloads = [0.26, 0.24].map((density) => workloadAt(density, 1));
    expect(refinements(workloads, workloads.flatMap(both), [])).toEqual([]);
  });

  it('an unhealthy baseline is none', () => {
    const workloads = [0.8, 0.4, 0.1].map((density) => workloadAt(density, 1));
    const health: BaselineHealth[] = [
      { library: 'slow', kernel: 'dense', isa: 'avx2', gflops: 1, ofBest: 0.1, ofPeak: 0.1, healthy: false },
    ];
    // The unhealthy one is the faster one here, which would move the crossover below 0.1.
    const measurements = workloads.flatMap((workload) => [
      ...both(workload),
      measured(workload, 'slow', 'dense', 100),
    ]);
    expect(refinements(workloads, measurements, health)).toHaveLength(2);
    expect(refinements(workloads, measurements, [])).toEqual([]);
    // The same kernel of another instruction set is another kernel.
    const other = health.map((entry) => ({ ...entry, isa: 'scalar' }));
    expect(refinements(workloads, measurements, other)).toEqual([]);
  });

  it('cuts the bracket of every number of threads, and a common one once', () => {
    const workloads = [0.8, 0.4, 0.1].map((density) => workloadAt(density, 1));
    /** On two threads sparse takes `slope` ns a density where dense takes 400 ns. */
    const withTwo = (slope: number): Measurement[] =>
      workloads.flatMap((workload) => [
        ...both(workload),
        measured(workload, 'native', 'dense', 400, 2),
        measured(workload, 'native', 'csr', slope * workload.density, 2),
      ]);
    const densities = (measurements: readonly Measurement[]): number[] =>
      refinements(workloads, measurements, []).map(({ density }) => density);
    const low = densities(workloads.flatMap(both));
    expect(low).toHaveLength(2);
    // Crosses at 0.2 too: the same bracket.
    expect(densities(withTwo(2000))).toEqual(low);
    // Crosses at 0.6: a bracket of its own. The fastest times of both together cross at 1 and would hide both.
    const two = densities(withTwo(400 / 0.6));
    expect(two).toHaveLength(4);
    expect(two).toEqual(expect.arrayContaining(low));
    expect(two.filter((density) => density > 0.4 && density < 0.8)).toHaveLength(2);
  });

  it('cases without a time do not count', () => {
    const workloads = [0.8, 0.4, 0.1].map((density) => workloadAt(density, 1));
    const broken = workloads.flatMap(both).map((entry): Measurement => {
      if (entry.dense || entry.status !== 'measured') return entry;
      const { id, workload, library, kernel, format, isa, threads, dense } = entry;
      return {
        id,
        workload,
        library,
        kernel,
        format,
        isa,
        threads,
        dense,
        status: 'failed',
        reason: 'timeout',
        detail: '',
      };
    });
    expect(refinements(workloads, broken, [])).toEqual([]);
  });
});
