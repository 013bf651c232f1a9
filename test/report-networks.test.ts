import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bestOfAll } from '../src/report/curves.ts';
import { derive } from '../src/report/derive.ts';
import { familiesOf, networksOf, paretoFront } from '../src/report/networks.ts';
import { layersWords } from '../src/report/words.ts';
import type { Result, WorkloadRecord } from '../src/terms.ts';
import { exact, resultOf } from './fake-cells.ts';
import { fakeHeader, fakeNetworkResult, fakeWorkload } from './fakes.ts';

describe('networks', () => {
  const networks = networksOf(derive(fakeNetworkResult()));

  test('sum the layers times their count; the best takes the fastest of each', () => {
    const csr = networks.filter((network) => network.kernel === 'native-csr-avx512');
    expect(csr.map((network) => network.density)).toEqual([0.5, 0.2, 0.1, 0.02]);
    for (const network of networks) {
      expect(network.layers).toBe(3);
      const best = networks.find((each) => each.density === network.density && each.kernel === bestOfAll)!;
      expect(best.timeNs).toBeLessThanOrEqual(network.timeNs);
      expect(best.timeNs).toBeLessThanOrEqual(best.denseNs!);
    }
    const flops = 2 * (64 * 576 * 3136 * 3 + 256 * 1152 * 784 * 4 + 512 * 4608 * 49 * 2);
    expect(csr[0]!.denseNs! / flops).toBeGreaterThan(1 / 150 / 1.02);
  });

  test('a kernel that lacks a layer gives no network', () => {
    const result = fakeNetworkResult();
    const dropped = result.measurements.findIndex((measurement) => measurement.format === 'csr');
    const measurements = result.measurements.filter((_, i) => i !== dropped);
    const csr = networksOf(derive({ ...result, measurements })).filter(
      (each) => each.kernel === 'native-csr-avx512',
    );
    expect(csr.map((network) => network.density)).toEqual([0.2, 0.1, 0.02]);
  });

  test('a model whose layers run at several n is one network at each n', () => {
    const quality = { model: 'transformer', metric: 'BLEU', value: 27 };
    const records = [32, 128].flatMap((n) =>
      ['q', 'k'].map((layer) =>
        fakeWorkload({
          shape: { m: 64, k: 64, n },
          cache: 'hot',
          label: 'dlmc',
          density: 0.1,
          seed: 1,
          layer,
          quality,
        }),
      ),
    );
    const cells = records.map((record) => exact(record, 'native', 'csr', record.shape.n));
    const found = networksOf(derive(resultOf(records, cells))).filter((each) => each.kernel !== bestOfAll);
    expect(found.map((network) => [network.layers, network.timeNs])).toEqual([
      [2, 64],
      [2, 256],
    ]);
  });

  test('layers of mixed cache states and seeds make one network; one with layers missing is not compared', () => {
    const quality = (value: number) => ({ model: 'rn50', metric: 'top-1 %', value });
    const record = (layer: string, n: number, density: number, seed: number) =>
      fakeWorkload({
        shape: { m: 64, k: 64, n },
        cache: n <= 32 ? 'cold' : 'hot',
        label: 'dlmc-rn50-magnitude',
        density,
        seed,
        layer,
        quality: quality(70 + density),
      });
    const records = [record('a', 196, 0.1, 1), record('b', 1, 0.1, 2), record('a', 196, 0.5, 1)];
    const result = resultOf(
      records,
      records.map((each) => exact(each, 'native', 'csr', 10 * each.shape.n)),
    );
    const found = networksOf(derive(result)).filter((each) => each.kernel !== bestOfAll);
    expect(found.map(({ layers, timeNs, cache, complete }) => ({ layers, timeNs, cache, complete }))).toEqual(
      [
        { layers: 2, timeNs: 1970, cache: 'mixed', complete: true },
        { layers: 1, timeNs: 1960, cache: 'hot', complete: false },
      ],
    );
    expect([...familiesOf(found).values()].map((family) => family.length)).toEqual([1]);
  });

  test('claims all layers only where the run was complete and unfiltered, and the model is known to have no more', () => {
    const run = (layers: number, model = 'rn50', change: Partial<Result> = {}): string[] => {
      const records = Array.from({ length: layers }, (_, i) =>
        fakeWorkload({
          shape: { m: 64, k: 64, n: 49 },
          cache: 'hot',
          label: `dlmc-${model}-magnitude`,
          density: 0.1,
          seed: 1,
          layer: `layer-${i}`,
          quality: { model, metric: 'top-1 %', value: 70 },
        }),
      );
      const cells = records.map((record) => exact(record, 'native', 'csr', 100));
      const { end } = fakeNetworkResult();
      const found = networksOf(derive({ ...resultOf(records, cells), end, ...change }));
      return [...new Set(found.map(layersWords))];
    };
    const header = fakeHeader(54);
    const filtered = { ...header, protocol: { ...header.protocol, filter: 'rn50' } };
    expect(run(54)).toEqual(['all 54 layers']);
    expect(run(53)).toEqual(['53 layers measured']);
    expect(run(54, 'rn50', { end: null })).toEqual(['54 layers measured']);
    expect(run(54, 'rn50', { end: { ...fakeNetworkResult().end!, complete: false } })).toEqual([
      '54 layers measured',
    ]);
    expect(run(54, 'rn50', { header: filtered })).toEqual(['54 layers measured']);
    expect(run(96, 'transformer')).toEqual(['all 96 layers of the suite']);
    expect(run(1, 'transformer', { end: null })).toEqual(['1 layer measured']);
  });

  test('methods of different layers are not compared, however many they have', () => {
    const record = (layer: string, method: string) =>
      fakeWorkload({
        shape: { m: 64, k: 64, n: 49 },
        cache: 'hot',
        label: `dlmc-rn50-${method}`,
        density: 0.1,
        seed: 1,
        layer,
        quality: { model: 'rn50', metric: 'top-1 %', value: 70 },
      });
    const families = (records: readonly WorkloadRecord[]) => {
      const cells = records.map((each) => exact(each, 'native', 'csr', 100));
      return [...familiesOf(networksOf(derive(resultOf(records, cells)))).values()].map(
        (own) => new Set(own.map(({ label }) => label)).size,
      );
    };
    expect(families([record('a', 'magnitude'), record('a', 'random')])).toEqual([2]);
    expect(families([record('a', 'magnitude'), record('b', 'random')])).toEqual([1, 1]);
  });

  test('a layer that no kernel managed makes every level of its method incomplete', () => {
    const result = fakeNetworkResult();
    const lost = new Set(result.workloads.filter((each) => each.layer === 'conv-b').map((each) => each.id));
    const measurements = result.measurements.filter((each) => !lost.has(each.workload));
    const found = networksOf(derive({ ...result, measurements }));
    expect(found.length).toBeGreaterThan(0);
    expect(found.some(({ complete }) => complete)).toBe(false);
  });

  test('the Pareto front holds what nothing beats, and nothing else', () => {
    const points = fc.array(fc.record({ cost: fc.nat(20), benefit: fc.nat(20) }));
    fc.assert(
      fc.property(points, (all) => {
        const front = paretoFront(
          all,
          (p) => p.cost,
          (p) => p.benefit,
        );
        const beats = (a: (typeof all)[number], b: (typeof all)[number]) =>
          a.cost <= b.cost && a.benefit >= b.benefit && (a.cost < b.cost || a.benefit > b.benefit);
        for (const point of front) expect(all.some((other) => beats(other, point))).toBe(false);
        for (const point of all) {
          const covered = front.some((other) => other.cost <= point.cost && other.benefit >= point.benefit);
          expect(covered).toBe(true);
        }
      }),
    );
  });
});
