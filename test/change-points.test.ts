import { describe, expect, it } from 'vitest';
import { bestSplit, changePoints, withoutSpikes } from '../src/result/change-points.ts';
import { seededRandom } from '../src/statistics.ts';
// @ts-expect-error: benchmarks are plain JavaScript
import { f1Of, scoreOf, seedsOf, seriesOf, tolerance } from './bench/history-series.mjs';
// @ts-expect-error: benchmarks are plain JavaScript
import { incompleteBeta, otavaChangePoints } from './bench/otava.mjs';

interface Series {
  readonly values: readonly number[];
  readonly changes: readonly number[];
}

/** Scatter of nearly normal shape. */
function scatter(length: number, deviation: number, seed: number): number[] {
  const random = seededRandom(seed);
  return Array.from({ length }, () => {
    let sum = 0;
    for (let i = 0; i < 12; i++) sum += random();
    return deviation * (sum - 6);
  });
}

const places = (values: readonly number[]): number[] => changePoints(values).map(({ index }) => index);

describe('the energy statistic', () => {
  it('of the best split agrees with the definition, ties included', () => {
    for (let seed = 1; seed <= 20; seed++) {
      const x = Float64Array.from(scatter(12 + seed, 1, seed), (value) =>
        seed % 2 === 0 ? value : Math.round(value * 2) / 2,
      );
      const mean = (a: Float64Array, b: Float64Array): number => {
        let sum = 0;
        for (const one of a) for (const other of b) sum += Math.abs(one - other);
        return sum / (a.length * b.length);
      };
      let best = { at: 0, energy: -1 };
      for (let at = 5; at <= x.length - 5; at++) {
        const left = x.subarray(0, at);
        const right = x.subarray(at);
        const share = (left.length * right.length) / x.length;
        const energy = share * (2 * mean(left, right) - mean(left, left) - mean(right, right));
        if (energy > best.energy + 1e-12) best = { at, energy };
      }
      const split = bestSplit(x)!;
      expect(split.energy).toBeCloseTo(best.energy, 9);
      expect(split.at).toBe(best.at);
    }
  });

  it('has nothing to say about too few points or a constant', () => {
    expect(bestSplit(new Float64Array(9))).toBeNull();
    expect(bestSplit(Float64Array.from({ length: 9 }, (_, i) => i))).toBeNull();
    expect(bestSplit(new Float64Array(100).fill(3))).toBeNull();
  });
});

describe('change points', () => {
  it('finds steps where they are, with size, interval and p-value', () => {
    const values = scatter(200, 0.01, 7);
    for (let i = 60; i < 200; i++) values[i]! += 0.05;
    for (let i = 140; i < 200; i++) values[i]! -= 0.12;
    const found = changePoints(values);
    expect(found.map(({ index }) => index)).toEqual([60, 140]);
    for (const [i, step] of [0.05, -0.12].entries()) {
      const { before, after, interval, pValue } = found[i]!;
      expect(Math.abs(after - before - step)).toBeLessThan(0.005);
      expect(interval[0]).toBeLessThan(after - before);
      expect(interval[1]).toBeGreaterThan(after - before);
      expect(interval[1] - interval[0]).toBeLessThan(0.015);
      expect(Math.abs((interval[0] + interval[1]) / 2 - step)).toBeLessThan(0.006);
      expect(pValue).toBeLessThan(1e-4);
    }
  });

  it('finds a step that is soon taken back, and one near the end', () => {
    const values = scatter(300, 0.01, 3);
    for (let i = 150; i < 158; i++) values[i]! += 0.2;
    for (let i = 293; i < 300; i++) values[i]! += 0.2;
    expect(places(values)).toEqual([150, 158, 293]);
  });

  it('says nothing of nothing: empty, short, constant, two values', () => {
    expect(places([])).toEqual([]);
    expect(places([1])).toEqual([]);
    expect(places([1, 1, 1, 1, 5, 5, 5, 5])).toEqual([]);
    expect(places(new Array<number>(500).fill(0.3))).toEqual([]);
    const random = seededRandom(5);
    expect(places(Array.from({ length: 300 }, () => (random() < 0.4 ? 0.03 : 0)))).toEqual([]);
  });

  it('calls at most one quiet series in a hundred changed', () => {
    let alarms = 0;
    for (let seed = 1; seed <= 200; seed++) alarms += places(scatter(150, 0.02, seed)).length > 0 ? 1 : 0;
    expect(alarms).toBeLessThanOrEqual(2);
  });

  it('never takes a single spike for a change, however high and wherever', () => {
    const quiet = scatter(120, 0.01, 11);
    expect(places(quiet)).toEqual([]);
    for (const height of [0.04, 0.1, 0.5, 3, 1e6]) {
      for (const sign of [1, -1]) {
        for (let at = 0; at < quiet.length; at += 1) {
          const values = [...quiet];
          values[at]! += sign * height;
          expect(places(values), `${sign * height} at ${at}`).toEqual([]);
        }
      }
    }
  });

  it('clamps single points only', () => {
    const spiky = [0, 0.1, 0, 9, 0.1, 0, 0.1, 5, 5.1, 5, 5.1, 5];
    expect([...withoutSpikes(spiky)]).toEqual([0, 0.1, 0, 0.05, 0.1, 0, 0.1, 5, 5.1, 5, 5.1, 5]);
  });

  it('calls a slow drift no change, and finds a step on it', () => {
    const drift = scatter(240, 0.005, 13).map((value, i) => value + (0.08 * i) / 240);
    expect(places(drift)).toEqual([]);
    const wave = scatter(240, 0.005, 17).map((value, i) => value + 0.015 * Math.sin((2 * Math.PI * i) / 240));
    expect(places(wave)).toEqual([]);
    for (let i = 120; i < 240; i++) drift[i]! += 0.15;
    expect(places(drift)).toEqual([120]);
  });

  it('is deterministic, and blind to an offset and to the sign', () => {
    for (const seed of seedsOf.tuning.slice(0, 12)) {
      const { values } = seriesOf(seed) as Series;
      expect(changePoints(values)).toEqual(changePoints(values));
      expect(places(values.map((value) => -value))).toEqual(places(values));
    }
  });

  it('refuses what is no number', () => {
    expect(() => changePoints([1, Number.NaN, 2])).toThrow(/finite/);
    expect(() => changePoints([1, Number.POSITIVE_INFINITY])).toThrow(RangeError);
  });

  it('takes 10,000 points in about a second', () => {
    const values = scatter(10_000, 0.01, 23).map((value, i) => value + 0.04 * (Math.floor(i / 200) % 3));
    const start = performance.now();
    const found = places(values);
    // 0.5 s on an idle core; the test machine may be busy.
    expect(performance.now() - start).toBeLessThan(3000);
    expect(found.length).toBeGreaterThanOrEqual(48);
    expect(found.every((at) => Math.abs(at - Math.round(at / 200) * 200) <= tolerance)).toBe(true);
  });
});

describe('synthetic histories', () => {
  it('are the same from the same seed, and sets do not overlap', () => {
    expect(seriesOf(5)).toEqual(seriesOf(5));
    expect(seedsOf.tuning.filter((seed: number) => seedsOf.test.includes(seed))).toEqual([]);
    expect(seedsOf.test.length).toBeGreaterThanOrEqual(200);
  });

  it('are scored one to one within the tolerance', () => {
    expect(scoreOf([10, 12, 53, 90], [11, 50, 70])).toEqual({ hits: 2, falseAlarms: 2, missed: 1 });
    expect(scoreOf([], [4])).toEqual({ hits: 0, falseAlarms: 0, missed: 1 });
    expect(f1Of([{ hits: 2, falseAlarms: 2, missed: 1 }]).f1).toBeCloseTo(4 / 7, 12);
  });

  it("F1 on the test set is 10 points above E-Divisive with Otava's defaults", { timeout: 120_000 }, () => {
    const series: Series[] = seedsOf.test.map(seriesOf);
    const f1 = (detect: (values: readonly number[]) => readonly number[]): number =>
      f1Of(series.map((one) => scoreOf(detect(one.values), one.changes))).f1;
    const theirs = f1(otavaChangePoints);
    // The competitor has to be a fair one: it finds most steps.
    expect(theirs).toBeGreaterThan(0.5);
    expect(f1(places)).toBeGreaterThan(theirs + 0.1);
  });

  it("the competitor's t-test has the right tail", () => {
    // Two-sided p of Student's t = 2.228 at 10 degrees of freedom is 0.05.
    expect(incompleteBeta(10 / (10 + 2.228139 ** 2), 5, 0.5)).toBeCloseTo(0.05, 6);
  });
});
