import * as Plot from '@observablehq/plot';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  densityTicks,
  logTicks,
  palette,
  pixelOf,
  seriesOf,
  shortened,
  spread,
  valueAt,
} from '../src/report/charts/figure.ts';
import { chartsOf } from '../src/report/charts/index.ts';
import { rooflineFigure } from '../src/report/charts/roofline-frame.ts';
import { findingsOf } from '../src/report/finding.ts';
import { shortPatternWords } from '../src/report/words.ts';
import { exact, resultOf } from './fake-cells.ts';
import { fakeNetworkResult, fakeResult, fakeWorkload } from './fakes.ts';

describe('spread', () => {
  test('leaves apart what is apart, and centres what is not', () => {
    expect(spread([10, 50, 100], 15, [0, 200])).toEqual([10, 50, 100]);
    expect(spread([50, 50, 50], 10, [0, 200])).toEqual([40, 50, 60]);
    expect(spread([3, 1], 10, [0, 200])).toEqual([10, 0]);
  });

  test('always keeps the gap, the order and, where they fit, the bounds', () => {
    const positions = fc.array(fc.double({ min: -50, max: 350, noNaN: true }), { maxLength: 20 });
    fc.assert(
      fc.property(positions, (wanted) => {
        const placed = spread(wanted, 15, [0, 300]);
        const order = wanted.map((_, i) => i).sort((a, b) => wanted[a]! - wanted[b]!);
        for (let r = 1; r < order.length; r++) {
          expect(placed[order[r]!]! - placed[order[r - 1]!]!).toBeGreaterThanOrEqual(15 - 1e-9);
        }
        for (const at of placed) {
          expect(at).toBeGreaterThanOrEqual(-1e-9);
          expect(at).toBeLessThanOrEqual(300 + 1e-9);
        }
      }),
    );
  });
});

describe('axes', () => {
  const axis = { domain: [0.05, 0.5], range: [400, 50] } as const;

  test('pixels and values are inverse', () => {
    expect(pixelOf(axis, 0.05)).toBe(400);
    expect(pixelOf(axis, 0.5)).toBeCloseTo(50, 9);
    for (const value of [0.05, 0.1, 0.37]) expect(valueAt(axis, pixelOf(axis, value))).toBeCloseTo(value, 12);
  });

  test('ticks are round, few and inside', () => {
    expect(logTicks([0.4, 30])).toEqual([0.5, 1, 2, 5, 10, 20]);
    expect(logTicks([0.002, 4000])).toEqual([0.01, 0.1, 1, 10, 100, 1000]);
  });

  test('sparsities are the usual ones, or those measured where they are few, and never too close', () => {
    expect(densityTicks([0.5, 0.3, 0.2, 0.1, 0.05], axis).map((d) => Math.round(100 * (1 - d)))).toEqual([
      95, 90, 80, 70, 50,
    ]);
    expect(densityTicks([0.25, 0.5], axis)).toEqual([0.25, 0.5]);
    const wide = { domain: [0.001, 1], range: [400, 50] } as const;
    const pixels = densityTicks([0.001, 0.01, 0.1, 1], wide).map((density) => pixelOf(wide, density));
    for (let i = 1; i < pixels.length; i++)
      expect(Math.abs(pixels[i]! - pixels[i - 1]!)).toBeGreaterThanOrEqual(38);
  });
});

test('long names are cut for charts', () => {
  expect(shortened('csr')).toBe('csr');
  expect(shortened('x'.repeat(40))).toHaveLength(26);
});

describe('charts', () => {
  const findings = findingsOf([fakeResult(), fakeNetworkResult()], { resamples: 20 });

  test('a kernel looks the same on every chart, kernels look different, and every colour is defined', () => {
    const series = [...seriesOf(findings).values()];
    expect(series.map(({ label }) => label)).toEqual(['csr', 'bitmask', 'bsr-4x4']);
    expect(new Set(series.map(({ color, symbol, dash }) => color + symbol + dash)).size).toBe(series.length);
    for (const { charts } of chartsOf(findings)) {
      for (const { svg } of charts) {
        for (const [, name] of svg.matchAll(/var\((--[a-z0-9]+)\)/g)) expect(palette).toHaveProperty([name!]);
      }
    }
  });

  test('each kind is drawn where it has something to show', () => {
    const kinds = (at: number) => chartsOf([findings[at]!]).map(({ kind }) => kind.name);
    expect(kinds(0)).toEqual(['crossover', 'heat', 'roofline']);
    expect(kinds(1)).toEqual(['crossover', 'quality', 'heat', 'roofline']);
  });

  test('a network is named for people, with its layers, and its colours have a key', () => {
    const quality = chartsOf([findings[1]!]).find(({ kind }) => kind.name === 'quality')!;
    for (const { title, svg } of quality.charts) {
      expect(title).toMatch(/^ResNet-50, 3 layers measured, /);
      expect(svg).toContain('time of 3 layers measured');
      for (const name of ['● csr', '● bitmask', '○ best of all']) expect(svg).toContain(`>${name}<`);
    }
  });

  test('every cell of a heat map has a place of its own, however long its pattern is named', () => {
    const result = fakeResult({ shapes: [{ m: 64, k: 64, n: 8 }], densities: [0.1], troubled: false });
    const label = 'a-pattern-with-a-very-long-name-indeed';
    const workloads = result.workloads.map((each) => ({
      ...each,
      pattern: { ...each.pattern, label: `${label}-${each.pattern.name}` },
    }));
    const heat = chartsOf(findingsOf([{ ...result, workloads }], { resamples: 20 })).find(
      ({ kind }) => kind.name === 'heat',
    )!;
    for (const { svg } of heat.charts) {
      const attribute = (rect: string, name: string) => new RegExp(` ${name}="([^"]+)"`).exec(rect)?.[1];
      const rects = [...svg.matchAll(/<rect [^>]*>/g)].map(([rect]) => rect);
      const places = rects.map((rect) => `${attribute(rect, 'x')} ${attribute(rect, 'y')}`);
      expect(places.length).toBe(5);
      expect(new Set(places).size).toBe(places.length);
    }
  });

  test('a heat map has no column for the densities that a crossover added, and its names are whole', () => {
    const result = fakeResult({
      shapes: [{ m: 64, k: 64, n: 64 }],
      densities: [0.1, 0.2, 0.5],
      troubled: false,
    });
    const label = 'dlmc-like-transformer-magnitude';
    const relabelled = result.workloads.map((each) =>
      each.pattern.label === 'uniform' ? { ...each, pattern: { ...each.pattern, label } } : each,
    );
    const added = relabelled
      .filter((each) => each.density === 0.2 && each.pattern.label === label && each.cache === 'hot')
      .map((each) => ({ ...each, id: each.id.replace('d0.20', 'd0.13'), density: 0.1324 }));
    const measurements = added.flatMap((record) =>
      result.measurements
        .filter((each) => each.workload === record.id.replace('d0.13', 'd0.20'))
        .map((each) => ({ ...each, workload: record.id, id: each.id.replace('d0.20', 'd0.13') })),
    );
    const refined = {
      ...result,
      workloads: [...relabelled, ...added],
      measurements: [...result.measurements, ...measurements],
    };
    const [finding] = findingsOf([refined], { resamples: 20 });
    expect(finding!.groups.some((group) => group.density === 0.1324)).toBe(true);
    const heat = chartsOf([finding!]).find(({ kind }) => kind.name === 'heat')!;
    for (const { svg } of heat.charts) {
      const texts = [...svg.matchAll(/<text [^>]*>([^<]+)<\/text>/g)].map(([, each]) => each);
      expect(texts).toEqual(expect.arrayContaining(['50', '80', '90', 'unstructured, csr']));
      expect(texts.filter((each) => each!.startsWith('86.76'))).toEqual([]);
      expect(svg).not.toContain('\u2026');
    }
  });

  test('unstructured patterns are told apart by what they are like where they are several', () => {
    const like = 'dlmc-like-transformer-magnitude';
    expect([...shortPatternWords([like, 'block-4x4']).values()]).toEqual(['unstructured', '4x4 blocks']);
    expect([...shortPatternWords([like, 'uniform', like]).values()]).toEqual([
      'like Transformer magnitude',
      'unstructured',
    ]);
  });

  test('no roof leaves the frame of the roofline', () => {
    const result = fakeResult({ shapes: [{ m: 512, k: 512, n: 512 }], densities: [0.3, 0.5] });
    const roofline = chartsOf(findingsOf([result], { resamples: 20 })).find(
      ({ kind }) => kind.name === 'roofline',
    )!;
    for (const { svg } of roofline.charts) {
      const lines = [...svg.matchAll(/<path d="M([-\d.,L]+)"/g)].map(([, d]) => d!.split(/[L,]/).map(Number));
      const rules = [...svg.matchAll(/x1="([-\d.]+)"/g)].map(([, x]) => Number(x));
      const xs = lines.filter((line) => line.length === 4).flatMap(([x1, , x2]) => [x1!, x2!]);
      expect(xs.length).toBeGreaterThan(0);
      for (const x of [...xs, ...rules]) expect(x).toBeGreaterThanOrEqual(0);
    }
  });

  test('roofs of one bandwidth take turns along their line, so that each colour shows', () => {
    const figureOf = (rates: readonly number[]): string[] => {
      const svg = rooflineFigure({
        ...{
          title: 'Roofline',
          peak: 100,
          peakText: 'peak 100',
          xLabel: 'x',
          yLabel: 'y',
          side: [],
          key: null,
        },
        roofs: rates.map((rate, at) => ({ rate, color: `var(--s${at})`, name: null })),
        points: [{ x: 1, y: 1 }],
        dots: Plot.dot([]),
      });
      return rates.map((_, at) => new RegExp(`<g[^>]*stroke="var\\(--s${at}\\)"[^>]*>`).exec(svg)![0]);
    };
    const dashes = (line: string): (number[] | undefined)[] =>
      ['dasharray', 'dashoffset'].map((of) =>
        new RegExp(`stroke-${of}="([^"]+)"`).exec(line)?.[1]?.split(' ').map(Number),
      );
    const [a, b, other, c] = figureOf([8, 8, 2, 8]).map(dashes);
    expect(other).toEqual([undefined, undefined]);
    const [dash] = a![0]!;
    expect([a, b, c].map((of) => of![0])).toEqual(new Array(3).fill([dash, 2 * dash!]));
    expect([a, b, c].map((of) => Math.abs(of![1]?.[0] ?? 0))).toEqual([0, dash, 2 * dash!]);
  });

  test('beside single points of N:M the name of dense keeps clear of those of kernels', () => {
    const records = [0.5, 0.25].map((density) =>
      fakeWorkload({
        shape: { m: 64, k: 64, n: 128 },
        cache: 'hot',
        label: density === 0.5 ? 'nm-2:4' : 'nm-1:4',
        density,
        seed: 1,
      }),
    );
    // As fast as dense, and faster, so that the axis has room.
    const cells = records.flatMap((record) => [
      exact(record, 'native', 'dense', 1000),
      exact(record, 'native', 'csr', 1000),
      exact(record, 'native', 'bitmask', 300),
    ]);
    const [nm] = findingsOf([resultOf(records, cells)], { resamples: 20 });
    const [crossover] = chartsOf([nm!]);
    const { svg } = crossover!.charts.find(({ title }) => title.includes('N:M'))!;
    const places = [...svg.matchAll(/translate\(([\d.]+),([\d.]+)\)"[^>]*>(csr|dense|bitmask)</g)];
    const [dense] = places
      .filter(([, , , name]) => name === 'dense')
      .map(([, x, y]) => [Number(x), Number(y)]);
    const beside = places.filter(([, x, , name]) => name !== 'dense' && Number(x) === dense![0]);
    expect(beside.length).toBe(2);
    for (const [, , y] of beside) expect(Math.abs(Number(y) - dense![1]!)).toBeGreaterThanOrEqual(15 - 1e-6);
  });

  test('the crossover of the best is marked where it is, and nowhere else', () => {
    const [crossover] = chartsOf([findings[0]!]);
    for (const { title, svg } of crossover!.charts) {
      expect(svg.includes('pays from'), title).toBe(!title.includes('4x4 blocks'));
    }
  });
});
