import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  bootstrapInterval,
  bootstrapMedians,
  type CrossoverPoint,
  crossover,
  geometricMean,
  isSteady,
  median,
  medianInterval,
  medianLogRatio,
  percentileInterval,
  relativeHalfWidth,
  seededRandom,
  seedOf,
  signTestRank,
} from '../src/statistics.ts';

const normal = (random: () => number) =>
  Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());

describe('seededRandom', () => {
  test('same seed, same numbers; other seed, others', () => {
    const draw = (seed: number) => {
      const random = seededRandom(seed);
      return Array.from({ length: 4 }, () => random());
    };
    expect(draw(7)).toEqual(draw(7));
    expect(draw(7)).not.toEqual(draw(8));
  });

  test('is uniform: each of 16 bins holds its share within five standard deviations', () => {
    const random = seededRandom(3);
    const bins = new Array<number>(16).fill(0);
    for (let i = 0; i < 160_000; i++) bins[Math.floor(random() * 16)]!++;
    for (const count of bins) expect(Math.abs(count - 10_000)).toBeLessThan(5 * 97);
  });

  test('names have seeds of their own', () => {
    expect(seedOf('')).toBe(0x811c9dc5);
    expect(seedOf('a')).toBe(0xe40c292c);
    expect(seedOf('csr')).not.toBe(seedOf('csc'));
  });
});

describe('medianInterval', () => {
  // Rank pairs and coverages of the sign test, from the binomial distribution.
  test.each([
    [6, 1, 0.969],
    [15, 4, 0.965],
    [31, 10, 0.971],
    [51, 19, 0.951],
    [101, 41, 0.954],
  ])('of %i values takes rank %i', (n, rank, coverage) => {
    const found = signTestRank(n, 0.95);
    expect(found?.rank).toBe(rank);
    expect(found?.coverage).toBeCloseTo(coverage, 2);
  });

  test('99 % and 99.9 % of 51 values', () => {
    expect(signTestRank(51, 0.99)?.rank).toBe(16);
    expect(signTestRank(51, 0.999)?.rank).toBe(14);
  });

  test('says nothing below six values', () => {
    const five = medianInterval([1, 2, 3, 4, 5]);
    expect(five).toEqual({
      median: 3,
      interval: [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY],
      coverage: 0,
    });
    expect(relativeHalfWidth(five.interval, five.median)).toBe(Number.POSITIVE_INFINITY);
    expect(() => medianInterval([])).toThrow(RangeError);
  });

  test('does not underflow for thousands of values', () => {
    expect(signTestRank(5000, 0.95)?.rank).toBe(2431);
  });

  test('covers the true median of skewed data at least as often as it says', () => {
    const random = seededRandom(11);
    let covered = 0;
    const trials = 2000;
    for (let t = 0; t < trials; t++) {
      const values = Array.from({ length: 15 }, () => Math.exp(normal(random)));
      const { interval } = medianInterval(values);
      if (interval[0] <= 1 && 1 <= interval[1]) covered++;
    }
    expect(covered / trials).toBeGreaterThan(0.95);
    expect(covered / trials).toBeLessThan(0.98);
  });

  test('contains the median and shifts with the data', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 1000 }), { minLength: 6, maxLength: 60 }), (values) => {
        const found = medianInterval(values);
        expect(found.median).toBe(median(values));
        expect(found.interval[0]).toBeLessThanOrEqual(found.median);
        expect(found.interval[1]).toBeGreaterThanOrEqual(found.median);
        const shifted = medianInterval(values.map((value) => value + 5));
        expect(shifted.interval).toEqual([found.interval[0] + 5, found.interval[1] + 5]);
      }),
    );
  });
});

describe('ratios and means', () => {
  test('geometric mean and median log ratio', () => {
    expect(geometricMean([1, 4, 16])).toBeCloseTo(4, 12);
    expect(geometricMean([])).toBeNaN();
    expect(medianLogRatio([2, 2, 8], [1, 1, 1])).toBeCloseTo(Math.LN2, 12);
    expect(() => medianLogRatio([1], [1, 2])).toThrow(RangeError);
  });
});

describe('bootstrap', () => {
  test('interval of a mean comes near the closed form', () => {
    const random = seededRandom(5);
    const values = Array.from({ length: 400 }, () => 10 + normal(random));
    const [low, high] = bootstrapInterval(values, (drawn) => drawn.reduce((a, b) => a + b, 0) / drawn.length);
    expect((high - low) / 2).toBeCloseTo(1.96 / 20, 1);
    expect(low).toBeLessThan(10);
    expect(high).toBeGreaterThan(10);
  });

  test('medians of one round equal those of resampling by sorting', () => {
    const values = [5, 1, 9, 7, 3, 2, 8];
    const random = seededRandom(4);
    const replicates = bootstrapMedians(values, [7], 300, random);
    const again = seededRandom(4);
    const slow = Array.from({ length: 300 }, () => {
      again();
      return median(values.map(() => values[Math.floor(again() * 7)]!));
    });
    expect([...replicates]).toEqual(slow);
  });

  test('rounds that drift widen the interval', () => {
    const quiet = Array.from({ length: 40 }, (_, i) => 100 + (i % 4));
    const drifting = quiet.map((value, i) => value + 2 * Math.floor(i / 4));
    const width = (samples: number[], rounds: number[]) => {
      const [low, high] = percentileInterval(bootstrapMedians(samples, rounds, 1000, seededRandom(2)));
      return high - low;
    };
    const rounds = new Array<number>(10).fill(4);
    expect(width(drifting, rounds)).toBeGreaterThan(1.3 * width(drifting, [40]));
    expect(() => bootstrapMedians(quiet, [39], 10, seededRandom(1))).toThrow(RangeError);
  });
});

describe('isSteady', () => {
  test('needs the whole window', () => expect(isSteady(new Array(7).fill(1))).toBe(false));
  test('flat is steady', () => expect(isSteady(new Array(8).fill(100))).toBe(true));
  test('one slow batch does not matter', () =>
    expect(isSteady([100, 101, 160, 99, 100, 102, 98, 100])).toBe(true));
  test('a ramp is not steady', () => expect(isSteady([180, 160, 150, 140, 130, 125, 120, 118])).toBe(false));
  test('a step in the middle is not steady', () =>
    expect(isSteady([151, 150, 152, 150.5, 101, 100, 102, 100.5])).toBe(false));
  test('a ramp below 1 % is steady', () =>
    expect(isSteady([1000, 1001, 1002, 1003, 1004, 1005, 1006, 1007])).toBe(true));
  test('only the last batches count', () =>
    expect(isSteady([900, 500, 300, ...new Array(8).fill(100)])).toBe(true));

  test('noise alone is found steady at least four times of five', () => {
    const random = seededRandom(9);
    let steady = 0;
    for (let t = 0; t < 1000; t++) {
      if (isSteady(Array.from({ length: 8 }, () => 100 + 5 * normal(random)))) steady++;
    }
    expect(steady).toBeGreaterThan(850);
    expect(steady).toBeLessThan(1000);
  });
});

describe('crossover', () => {
  const point = (density: number, ...speedups: number[]): CrossoverPoint => ({
    density,
    seeds: speedups.map((speedup) => ({ logSpeedup: Math.log(speedup), replicates: [Math.log(speedup)] })),
  });

  test('a power law crosses where its formula says', () => {
    // speed-up = 0.3 / density: a straight line in the logarithms, so the interpolation is exact.
    const found = crossover([0.05, 0.1, 0.2, 0.4, 0.8].map((density) => point(density, 0.3 / density)));
    expect(found).toMatchObject({ kind: 'at', agreement: 1, open: { low: false, high: false } });
    expect(found?.kind === 'at' && found.density).toBeCloseTo(0.3, 12);
  });

  test('any power law, in any order of points', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.051, max: 0.79, noNaN: true }),
        fc.double({ min: 0.2, max: 3, noNaN: true }),
        (at, slope) => {
          const points = [0.8, 0.05, 0.2, 0.4, 0.1].map((density) => point(density, (at / density) ** slope));
          const found = crossover(points, { resamples: 10 });
          expect(found?.kind === 'at' && found.density).toBeCloseTo(at, 9);
        },
      ),
    );
  });

  test('always, never, several, nothing', () => {
    expect(crossover([point(0.1, 4), point(0.5, 1.2)])?.kind).toBe('always');
    expect(crossover([point(0.1, 0.4), point(0.5, 0.2)])?.kind).toBe('never');
    expect(crossover([point(0.1, 1), point(0.5, 0.5)])?.kind).toBe('never');
    expect(crossover([])).toBeNull();
    expect(crossover([point(0, 2)])).toBeNull();
    const twice = crossover([point(0.05, 0.8), point(0.2, 2), point(0.6, 0.5)]);
    expect(twice).toMatchObject({ kind: 'several', crossings: [{ pays: 'above' }, { pays: 'below' }] });
    const reverse = crossover([point(0.05, 0.8), point(0.2, 2)]);
    expect(reverse).toMatchObject({ kind: 'several', crossings: [{ pays: 'above' }] });
  });

  test('the interval widens with the spread of the seeds and holds the crossover', () => {
    const of = (spread: number) =>
      crossover(
        [0.1, 0.2, 0.4, 0.8].map((d) =>
          point(d, (0.3 / d) * (1 - spread), 0.3 / d, (0.3 / d) * (1 + spread)),
        ),
        { random: seededRandom(1) },
      );
    const narrow = of(0.01);
    const wide = of(0.1);
    if (narrow?.kind !== 'at' || wide?.kind !== 'at') throw new Error('expected crossings');
    expect(wide.interval[1] - wide.interval[0]).toBeGreaterThan(
      4 * (narrow.interval[1] - narrow.interval[0]),
    );
    for (const { interval, density } of [narrow, wide]) {
      expect(interval[0]).toBeLessThan(density);
      expect(interval[1]).toBeGreaterThan(density);
    }
  });

  test('an interval that leaves the measured range is open there', () => {
    const found = crossover([point(0.1, 1.4, 1.2, 1.3), point(0.5, 0.9, 1.05, 0.99)]);
    expect(found).toMatchObject({ kind: 'at', open: { low: false, high: true } });
    expect(found?.kind === 'at' && found.interval[1]).toBe(0.5);
    expect(found?.agreement).toBeLessThan(1);
  });

  test('without replicates the crossing stands and its interval is open', () => {
    const bare = [0.1, 0.9].map((density) => ({
      density,
      seeds: [{ logSpeedup: Math.log(0.3 / density), replicates: [] }],
    }));
    expect(crossover(bare)).toMatchObject({
      kind: 'at',
      interval: [0.1, 0.9],
      open: { low: true, high: true },
      agreement: null,
    });
  });
});
