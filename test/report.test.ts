import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bestOfAll } from '../src/report/curves.ts';
import { derive } from '../src/report/derive.ts';
import { findingsOf } from '../src/report/finding.ts';
import { renderReport, reportNamed } from '../src/report/index.ts';
import { rooflineOf } from '../src/report/roofline.ts';
import { sentenceOf } from '../src/report/sentence.ts';
import { baselineTable } from '../src/report/tables.ts';
import type { Measured, Measurement, Result, WorkloadRecord } from '../src/terms.ts';
import { exact, resultOf } from './fake-cells.ts';
import { fakeCase, fakeKernel, fakeMachine, fakeNetworkResult, fakeResult, fakeWorkload } from './fakes.ts';

const shape = { m: 100, k: 200, n: 50 };
const workload = fakeWorkload({ shape, cache: 'hot', label: 'uniform', density: 0.1, seed: 1 });

describe('roofline', () => {
  const machine = fakeMachine();
  const footprint = { payloadBytes: 8000, metadataBytes: 8404, paddingBytes: 0 };
  const at = (record: WorkloadRecord, change: Partial<Measured> = {}) =>
    rooflineOf(record, exact(record, 'native', 'csr', 1000, { footprint, ...change }), machine)!;

  test('of a small hot product: arithmetic against L2', () => {
    const found = at(workload);
    const bytes = 16404 + 4 * 200 * 50 + 4 * 100 * 50;
    expect(found).toMatchObject({ bytes, level: 'L2', bound: 'compute' });
    expect(found.floorNs).toBeCloseTo(Math.max((2 * 2000 * 50) / 177, bytes / 138), 9);
    expect(found.intensity).toBeCloseTo(200_000 / bytes, 12);
  });

  test('a dense case has all elements to compute', () => {
    const dense = rooflineOf(workload, exact(workload, 'native', 'dense', 1000), machine)!;
    expect(dense.floorNs).toBeCloseTo((2 * 100 * 200 * 50) / 177, 9);
  });

  test('n = 1: gathers bind where there is an index for each nonzero, and not for masks', () => {
    const vector = fakeWorkload({
      shape: { m: 100, k: 200, n: 1 },
      cache: 'hot',
      label: 'uniform',
      density: 0.1,
      seed: 1,
    });
    expect(at(vector)).toMatchObject({ bound: 'gather', floorNs: 2000 / 5.8 });
    expect(at(vector, { footprint: { ...footprint, metadataBytes: 250 } }).bound).toBe('memory');
  });

  test('cold weights come from L3, and from DRAM where their copies exceed it', () => {
    const cold = fakeWorkload({ shape, cache: 'cold', label: 'uniform', density: 0.1, seed: 1 });
    const large = { payloadBytes: 2 ** 20, metadataBytes: 0, paddingBytes: 0 };
    const set = 100 * 2 ** 20 + 4 * 200 * 50 + 4 * 100 * 50;
    const share = (60 * 2 ** 20) / set;
    const fitting = at(cold, { copies: 5, footprint: large });
    expect(fitting.level).toBe('L3');
    expect(fitting.floorNs).toBeCloseTo(2 ** 20 / 29.4, 6);
    const rotating = at(cold, { copies: 100, footprint: large });
    expect(rotating.level).toBe('DRAM');
    expect(rotating.floorNs).toBeCloseTo(2 ** 20 * (share / 29.4 + (1 - share) / 17), 6);
  });

  test('of operands beyond L2 the rest moves at the rate of L3, and beyond L3 at that of DRAM', () => {
    const payload = (bytes: number) =>
      at(workload, { footprint: { payloadBytes: bytes - 60_000, metadataBytes: 0, paddingBytes: 0 } });
    const mib = 2 ** 20;
    expect(payload(5 * mib).level).toBe('L3');
    expect(payload(5 * mib).floorNs).toBeCloseTo((2 * mib) / 138 + (3 * mib) / 29.4, 6);
    expect(payload(70 * mib).level).toBe('DRAM');
    expect(payload(70 * mib).floorNs).toBeCloseTo((2 * mib) / 138 + (60 * mib) / 29.4 + (8 * mib) / 17, 6);
  });

  test('grows with the bytes without a step, hot and cold, on one thread and two', () => {
    const sizes = fc.record({
      bytes: fc.integer({ min: 2 ** 19, max: 2 ** 27 }),
      cache: fc.constantFrom('hot' as const, 'cold' as const),
      threads: fc.constantFrom(1, 2),
      copies: fc.integer({ min: 1, max: 40 }),
    });
    fc.assert(
      fc.property(sizes, ({ bytes, cache, threads, copies }) => {
        const record = fakeWorkload({ shape, cache, label: 'uniform', density: 0.1, seed: 1 });
        const floor = (payloadBytes: number) =>
          at(record, { threads, copies, footprint: { payloadBytes, metadataBytes: 0, paddingBytes: 0 } })
            .floorNs;
        const [low, high] = [floor(bytes), floor(bytes * 1.001)];
        expect(high).toBeGreaterThanOrEqual(low);
        // A thousandth more bytes is no more than that times the fastest rate over the slowest: 276 over 33, 138 over 17.
        expect(high / low).toBeLessThan(1.009);
      }),
    );
  });

  test('is unknown for a thread count without ceilings', () => {
    const of = { ...exact(workload, 'native', 'csr', 1), threads: 3 };
    expect(rooflineOf(workload, of, machine)).toBeNull();
  });
});

describe('derive', () => {
  const dense = exact(workload, 'native', 'dense', 6000);
  const sick = exact(workload, 'sick', 'dense', 500);
  const csr = exact(workload, 'native', 'csr', 2000, { encodeNs: 9000, prepareNs: 1000 });
  const slow = exact(workload, 'native', 'coo', 7000);
  const derived = derive(resultOf([workload], [dense, sick, csr, slow]));
  const cellOf = (format: string, library = 'native') =>
    derived.cells.find((cell) => cell.measured.format === format && cell.measured.library === library)!;

  test('the baseline is the fastest healthy dense case, however fast an unhealthy one seems', () => {
    expect(cellOf('csr').baseline?.kernel).toBe('native-dense-avx512');
    expect(cellOf('csr').speedup).toBe(3);
    for (const end of cellOf('csr').speedupInterval!) expect(end).toBeCloseTo(3, 12);
    expect(cellOf('dense').speedup).toBe(1);
  });

  test('rates, bytes and break-even follow their formulas', () => {
    const cell = cellOf('csr');
    expect(cell.usefulGflops).toBe((2 * 2000 * 50) / 2000);
    expect(cell.denseEquivalentGflops).toBe((2 * 100 * 200 * 50) / 2000);
    expect(cell.bytesPerNonzero).toBe((4 * 2000 + 4 * 2000 + 4 * 101) / 2000);
    expect(cell.encodeNs).toBe(10_000);
    expect(cell.breakEven).toBe(10_000 / (6000 - 2000));
    expect(cellOf('coo').breakEven).toBe(Number.POSITIVE_INFINITY);
    expect(cell.baselineStrength).toBeCloseTo((2 * 100 * 200 * 50) / 177 / 6000, 9);
  });

  test('threads are compared with equal threads alone', () => {
    const two = { ...csr, threads: 2, id: `${csr.id.slice(0, -1)}2` };
    const [, cell] = derive(resultOf([workload], [dense, two])).cells;
    expect(cell).toMatchObject({ speedup: null, baseline: null, breakEven: null });
  });

  test('a dense kernel that the gate does not list is judged by its library', () => {
    const other = { ...sick, kernel: 'gemv', id: sick.id.replace('dense', 'gemv') };
    const unknown = { ...exact(workload, 'fresh', 'dense', 5000) };
    const cells = derive(resultOf([workload], [dense, other, unknown])).cells;
    expect(cells[0]!.baseline?.kernel).toBe('fresh-dense-avx512');
  });

  test('a fraction that cannot be true is marked, and is not shown as strong', () => {
    const impossible = exact(workload, 'native', 'dense', 10_000 / 4);
    const result = resultOf([workload], [impossible, exact(workload, 'native', 'csr', 2000)]);
    const [finding] = findingsOf([result], { resamples: 20 });
    const [group] = finding!.groups.filter((each) => !each.dense);
    expect(group!.baselineStrength).toBeGreaterThan(4);
    const table = baselineTable(finding!);
    expect(table.rows[0]![5]).toMatchObject({ text: '452^', tone: 'warn' });
    for (const name of ['terminal', 'markdown', 'latex']) {
      const text = renderReport(reportNamed(name)!, [result], { resamples: 20 }) as string;
      expect(text).toMatch(/452(\^|\\textasciicircum)/);
      expect(text).toContain('ceiling measured too low');
    }
  });

  test('a group is the geometric mean over its seeds, and its interval holds their spread', () => {
    const seeds = [1, 2, 3, 4].map((seed) =>
      fakeWorkload({ shape, cache: 'hot', label: 'uniform', density: 0.1, seed }),
    );
    const times = [1000, 2000, 1000, 2000];
    const cells = seeds.flatMap((record, i) => [
      exact(record, 'native', 'dense', 4000),
      exact(record, 'native', 'csr', times[i]!),
    ]);
    const group = derive(resultOf(seeds, cells)).groups.find((each) => each.format === 'csr')!;
    expect(group.cells.length).toBe(4);
    expect(group.speedup).toBeCloseTo(Math.sqrt(8), 12);
    expect(group.speedupInterval![0]).toBeCloseTo(2, 6);
    expect(group.speedupInterval![1]).toBeCloseTo(4, 6);
  });

  test('the same file gives the same figures, and intervals hold their speed-ups', () => {
    const result = fakeResult({ densities: [0.1, 0.4] });
    const [once, again] = [derive(result), derive(result)];
    expect(once.groups.map((group) => group.speedupInterval)).toEqual(
      again.groups.map((group) => group.speedupInterval),
    );
    for (const cell of once.cells) {
      expect(cell.speedupInterval![0]).toBeLessThanOrEqual(cell.speedup!);
      expect(cell.speedupInterval![1]).toBeGreaterThanOrEqual(cell.speedup!);
    }
  });
});

describe('curves', () => {
  const [finding] = findingsOf([fakeResult()]);
  const curvesAt = (id: string) => finding!.curves.filter((curve) => curve.setting.id === id);

  test('each setting has its best of all first, never below a kernel', () => {
    const curves = curvesAt('spmm-f32-512x2048x128-hot/uniform-t1');
    expect(curves.map((curve) => curve.kernel)).toEqual([
      bestOfAll,
      'native-csr-avx512',
      'native-bitmask-avx512',
    ]);
    const [best, ...others] = curves;
    for (const other of others) {
      for (const [i, point] of other.points.entries()) {
        expect(best!.points[i]!.speedup).toBeGreaterThanOrEqual(point.speedup!);
      }
    }
  });

  test('the crossover stands where the fake rates meet', () => {
    // csr: 58 (1 - 0.15 (1 - d)) GFLOP/s on 2 d m k n FLOPs against 150 on 2 m k n: equal at d near 0.353.
    const csr = curvesAt('spmm-f32-512x2048x128-hot/uniform-t1')[1]!.crossover;
    if (csr.kind !== 'at') throw new Error(csr.kind);
    expect(csr.density).toBeGreaterThan(0.33);
    expect(csr.density).toBeLessThan(0.375);
    expect(csr.interval[0]).toBeLessThan(csr.density);
    expect(csr.interval[1]).toBeGreaterThan(csr.density);
  });
});

describe('the sentence', () => {
  const said = (result: Result) => sentenceOf(findingsOf([result], { resamples: 50 })[0]!);
  const dense = (record: WorkloadRecord) => exact(record, 'native', 'dense', 1000);
  /** A run of one label whose csr has these speed-ups by density. */
  const run = (speedups: Record<number, number>, label = 'uniform', denseNs = 7000): Result => {
    const records = Object.keys(speedups).map((density) =>
      fakeWorkload({
        shape: { m: 64, k: 64, n: 128 },
        cache: 'hot',
        label,
        density: Number(density),
        seed: 1,
      }),
    );
    const cells = records.flatMap((record) => [
      exact(record, 'native', 'dense', denseNs),
      exact(record, 'native', 'csr', denseNs / speedups[record.density]!),
    ]);
    return resultOf(records, cells);
  };

  test('of a whole run', () => {
    expect(said(fakeResult())).toMatch(
      /^On this Fake Xeon 8400, at batch 128 with hot weights, unstructured pruning pays from \d\d % sparsity and 4x4 blocks pay at every sparsity measured \(from 50 %\); at batch 1 with cold weights, .*; the best case was \d+\.\dx with native-bsr-4x4-avx512 at 95 % sparsity.*\.$/,
    );
  });

  test('of imitated arithmetic has no speed-up', () => {
    const imitated = JSON.stringify(run({ 0.1: 4 }))
      .replaceAll('-f32-', '-f16-')
      .replaceAll('"dtype":"f32"', '"dtype":"f16"')
      .replaceAll('avx512', 'scalar');
    expect(said(JSON.parse(imitated))).toMatch(/16 bits was imitated, which says nothing of speed\.$/);
  });

  test('of a network', () => {
    expect(said(fakeNetworkResult())).toMatch(
      /ResNet-50 magnitude pruning pays from \d\d % sparsity on half of 3 shapes;/,
    );
  });

  test.each<[string, Result, RegExp]>([
    [
      'at',
      run({ 0.1: 2, 0.4: 0.5 }),
      /batch 128 with hot weights, unstructured pruning pays from 80 % sparsity; the best case was 2.00x with native-csr-avx512 at 90 % sparsity/,
    ],
    [
      'always',
      run({ 0.1: 4, 0.5: 1.5 }),
      /unstructured pruning pays at every sparsity measured \(from 50 %\)/,
    ],
    [
      'never',
      run({ 0.1: 0.5, 0.5: 0.2 }),
      /unstructured pruning does not pay up to 90 % sparsity; the least bad case reached 0.50x/,
    ],
    ['several', run({ 0.05: 0.5, 0.1: 2, 0.5: 0.5 }), /pays in parts only \(it crosses dense 2 times\)/],
    ['one density, pays', run({ 0.5: 1.5 }, 'nm-2:4'), /2:4 pays at the 50 % measured/],
    [
      'one density, does not pay',
      run({ 0.5: 0.5 }, 'block-4x4'),
      /4x4 blocks do not pay at the 50 % measured/,
    ],
    ['a pattern of its own', run({ 0.5: 0.5 }, 'banded'), /banded pruning does not pay/],
    [
      'no baseline',
      resultOf([workload], [exact(workload, 'native', 'csr', 5)]),
      /no healthy dense baseline was measured/,
    ],
    [
      'an unhealthy baseline',
      resultOf([workload], [exact(workload, 'sick', 'dense', 5), exact(workload, 'native', 'csr', 5)]),
      /no healthy dense baseline/,
    ],
    ['dense alone', resultOf([workload], [dense(workload)]), /only dense kernels were measured/],
    ['nothing', resultOf([], []), /^On this Fake Xeon 8400, nothing was measured\.$/],
  ])('%s', (_name, result, expected) => expect(said(result)).toMatch(expected));

  test('says so when everything failed', () => {
    const failed: Measurement = {
      ...fakeCase(workload, 'native', fakeKernel(0, 'csr', 'avx512')),
      status: 'failed',
      reason: 'SIGSEGV',
      detail: '',
    };
    expect(said(resultOf([workload], [failed]))).toMatch(
      /nothing was measured: all 1 cases were wrong, failed or unsupported/,
    );
  });

  test('owns up to a weak baseline', () => {
    expect(said(run({ 0.1: 2, 0.4: 0.5 }))).not.toMatch(/weak/);
    expect(said(run({ 0.1: 2, 0.4: 0.5 }, 'uniform', 50_000))).toMatch(
      /weak dense baseline \(not for publishing\)/,
    );
  });
});
