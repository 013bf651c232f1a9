/** The judgement of a comparison: what is slower, what is only noise, and what a run does not show. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { judge, verdictOf } from '../src/result/compare.ts';
import { judgeResults } from '../src/result/compare-results.ts';
import {
  designEffect,
  groupedMedianInterval,
  leastWidth,
  sortedValuesOf,
} from '../src/statistics/grouped.ts';
import { bootstrapMedians, medianInterval, percentileInterval, seededRandom } from '../src/statistics.ts';
import { type FakeCell, fakeComparison } from './fake-comparison.ts';
import { fakeResult } from './fakes.ts';

/** Two uniform numbers made normal. */
function normal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

describe('the interval of grouped rounds', () => {
  /** 13 layouts of 8 rounds about 0; `shared`: standard deviation of a layout, that of a round is 1. */
  const layouts = (random: () => number, shared: number): number[][] =>
    Array.from({ length: 13 }, () => {
      const own = shared * normal(random);
      return Array.from({ length: 8 }, () => own + normal(random));
    });
  const covered = (shared: number, interval: (groups: number[][]) => readonly [number, number]): number => {
    const random = seededRandom(7);
    let hits = 0;
    for (let i = 0; i < 400; i += 1) {
      const [low, high] = interval(layouts(random, shared));
      if (low <= 0 && 0 <= high) hits += 1;
    }
    return hits / 400;
  };

  it('has an effect of 1 for one value a group and of the size for equal values', () => {
    expect(designEffect([[1], [2], [3]])).toBe(1);
    expect(
      designEffect([
        [1, 1, 1],
        [2, 2, 2],
        [3, 3, 3],
        [4, 4, 4],
      ]),
    ).toBeCloseTo(3, 9);
    expect(
      designEffect([
        [5, 5],
        [5, 5],
      ]),
    ).toBe(1);
    expect(designEffect([[], [1, 2]])).toBe(1);
    expect(() => groupedMedianInterval([[], []])).toThrow(RangeError);
  });

  it('is never narrower than the least width of its values', () => {
    const value = fc.oneof(fc.integer({ min: -3, max: 3 }), fc.double({ min: -1, max: 1, noNaN: true }));
    const groups = fc.array(fc.array(value, { maxLength: 9 }), { minLength: 1, maxLength: 12 });
    const confidence = fc.constantFrom(0.5, 0.8, 0.95, 0.999);
    fc.assert(
      fc.property(groups, confidence, (each, sure) => {
        const sorted = sortedValuesOf(each);
        fc.pre(sorted.length > 0);
        const [low, high] = groupedMedianInterval(each, sure).interval;
        expect(leastWidth(sorted, sure)).toBeLessThanOrEqual(high - low);
      }),
    );
    // Where nothing is shared it is no further away than the steps of the ranks.
    expect(
      leastWidth(
        Float64Array.from({ length: 51 }, (_, i) => i),
        0.95,
      ),
    ).toBeGreaterThan(12);
  });

  it('covers where layouts differ, where the plain one does not', () => {
    expect(covered(1, (groups) => medianInterval(groups.flat()).interval)).toBeLessThan(0.8);
    expect(covered(1, (groups) => groupedMedianInterval(groups).interval)).toBeGreaterThan(0.92);
  });

  it('by bootstrap covers as well, whether layouts differ or not', () => {
    const draws = seededRandom(11);
    const bootstrap = (groups: number[][]) =>
      percentileInterval(
        bootstrapMedians(
          groups.flat(),
          groups.map(({ length }) => length),
          300,
          draws,
        ),
      );
    for (const shared of [0, 1]) {
      const share = covered(shared, bootstrap);
      expect(share).toBeGreaterThan(0.91);
      expect(share).toBeLessThan(1);
    }
  });

  it('is hardly wider where they do not', () => {
    expect(covered(0, (groups) => groupedMedianInterval(groups).interval)).toBeGreaterThan(0.94);
    const groups = Array.from({ length: 4 }, (_, g) => Array.from({ length: 8 }, (_, i) => g + 4 * i));
    expect(groupedMedianInterval(groups)).toEqual(medianInterval(groups.flat()));
  });
});

describe('a verdict', () => {
  const protocol = { threshold: 0.05, margin: 0.01 };
  /** `alone` is the same interval: as if there were this one cell. */
  const verdict = (...intervals: readonly (readonly [number, number])[]) =>
    verdictOf(
      intervals.map((interval) => ({ interval, alone: interval })),
      protocol,
    );

  it('needs two measurements that agree', () => {
    expect(verdict([1.02, 1.1], [1.03, 1.2])).toBe('slower');
    expect(verdict([0.8, 0.9], [0.7, 0.98])).toBe('faster');
    expect(verdict([1.02, 1.1])).toBe('inconclusive');
    expect(verdict([1.02, 1.1], [0.99, 1.02])).toBe('inconclusive');
    expect(verdict([1.02, 1.1], [0.8, 0.9])).toBe('inconclusive');
  });

  it('is the same only inside the threshold', () => {
    expect(verdict([0.97, 1.04])).toBe('same');
    expect(verdict([1.011, 1.04], [0.99, 1.03])).toBe('same');
    expect(verdict([0.97, 1.06])).toBe('inconclusive');
    expect(verdict()).toBe('inconclusive');
  });

  it('is slower by the corrected interval, the same by that of the cell alone', () => {
    const of = (interval: readonly [number, number], alone: readonly [number, number]) =>
      verdictOf(
        [
          { interval, alone },
          { interval, alone },
        ],
        protocol,
      );
    expect(of([0.93, 1.09], [0.97, 1.03])).toBe('same');
    expect(of([0.99, 1.2], [1.06, 1.12])).toBe('inconclusive');
    expect(of([1.02, 1.2], [1.06, 1.12])).toBe('slower');
  });
});

describe('a comparison', () => {
  const same = (count: number): FakeCell[] => Array.from({ length: count }, () => ({ ratio: 1 }));
  const judged = (cells: readonly FakeCell[], change: Parameters<typeof fakeComparison>[1] = {}) =>
    judge(fakeComparison(cells, change));

  it('passes where nothing changed', () => {
    const { exitCode, counts, controls, voided, controlled } = judged(same(12));
    expect({ exitCode, voided, controlled, same: counts.same }).toEqual({
      exitCode: 0,
      voided: false,
      controlled: true,
      same: 12,
    });
    expect(controls).toHaveLength(4);
  });

  it('fails for a cell that is slower in both measurements, by any share', () => {
    const { exitCode, counts, cells } = judged([...same(11), { ratio: 1.04, attempts: 2 }]);
    expect({ exitCode, slower: counts.slower }).toEqual({ exitCode: 2, slower: 1 });
    expect(cells.at(-1)!.estimate!.ratio).toBeCloseTo(1.04, 2);
    expect(cells.at(-1)!.headNs! / cells.at(-1)!.baseNs!).toBeCloseTo(1.04, 1);
  });

  it('does not fail for one measurement, nor for less than the margin', () => {
    const once = judged([...same(11), { ratio: 1.1 }]);
    expect([once.exitCode, once.cells.at(-1)!.verdict]).toEqual([0, 'inconclusive']);
    expect(once.cells.at(-1)!.reason).toBe('slower, not measured again');
    expect(judged([...same(11), { ratio: 1.008, attempts: 2 }]).exitCode).toBe(0);
  });

  it('is void where identical code differs: no time is a finding then, a wrong answer still is', () => {
    const controls = [{ ratio: 1.1, attempts: 2 }, ...same(3)];
    const slow = judged([...same(11), { ratio: 1.1, attempts: 2 }], { controls });
    expect([slow.voided, slow.exitCode]).toEqual([true, 3]);
    expect(judged([...same(11), { status: 'wrong' }], { controls }).exitCode).toBe(2);
  });

  it('shows nothing where the controls show nothing', () => {
    const unknown: FakeCell = { ratio: 1, noise: 0.5 };
    const skipped: FakeCell = { status: 'skipped' };
    for (const controls of [
      [unknown, unknown, unknown, { ratio: 1 }],
      [skipped, skipped, skipped, skipped],
    ]) {
      const { controlled, exitCode } = judged(same(12), { controls });
      expect([controlled, exitCode]).toEqual([false, 3]);
    }
    expect(judged(same(12), { controls: [unknown, unknown, ...same(2)] }).exitCode).toBe(0);
  });

  it('shows nothing where base fails everywhere, or head alone has the cells', () => {
    expect(judged(Array.from({ length: 5 }, (): FakeCell => ({ status: 'skipped' }))).exitCode).toBe(3);
    expect(judged(Array.from({ length: 5 }, (): FakeCell => ({ status: 'new' }))).exitCode).toBe(3);
    expect(judged([...same(5), { status: 'new' }]).exitCode).toBe(0);
  });

  it('fails for what head lacks or answers wrongly', () => {
    expect(judged([...same(5), { status: 'missing' }]).exitCode).toBe(2);
    expect(judged([...same(5), { status: 'wrong' }]).exitCode).toBe(2);
  });

  it('says where too much is inconclusive, or not all was measured', () => {
    const noisy: FakeCell = { ratio: 1, noise: 0.5 };
    expect(judged([...same(9), noisy]).exitCode).toBe(0);
    expect(judged([...same(8), noisy, noisy]).exitCode).toBe(3);
    expect(judged(same(3), { end: null }).notes.join()).toContain('the file has no end');
    expect(judged(same(3)).notes).toEqual([]);
  });

  it('counts all cells in the correction: more of them make each interval wider', () => {
    const widthOf = (cells: number): number => {
      const [low, high] = judged(same(cells)).cells[0]!.estimate!.interval;
      return high - low;
    };
    expect(widthOf(100)).toBeGreaterThan(widthOf(1));
  });
});

describe('two result files', () => {
  const protocol = { threshold: 0.05, margin: 0.01 };
  const slowed = (result: ReturnType<typeof fakeResult>, factor: number) => ({
    ...result,
    measurements: result.measurements.map((cell) =>
      cell.status === 'measured' && !cell.dense
        ? { ...cell, samplesNs: cell.samplesNs.map((timeNs) => timeNs * factor) }
        : cell,
    ),
  });

  it('are compared by their times on one machine', () => {
    const base = fakeResult();
    expect(judgeResults(base, base, protocol).counts.slower).toBe(0);
    const { counts, exitCode, cells } = judgeResults(base, slowed(base, 1.5), protocol);
    expect(counts.slower).toBeGreaterThan(0);
    expect(exitCode).toBe(2);
    expect(cells.filter(({ verdict }) => verdict === 'slower').every(({ of }) => !of.dense)).toBe(true);
  });

  it('by their ratio to the dense baseline on two, which itself is left out', () => {
    const base = fakeResult();
    const { header } = base;
    const other = {
      ...base,
      header: { ...header, machine: { ...header.machine, fingerprint: 'ffffffffffff' } },
    };
    const twice = {
      ...other,
      measurements: other.measurements.map((cell) =>
        cell.status === 'measured'
          ? { ...cell, samplesNs: cell.samplesNs.map((timeNs) => timeNs * 2) }
          : cell,
      ),
    };
    const judged = judgeResults(base, twice, protocol);
    expect(judged.counts.slower).toBe(0);
    expect(judged.notes.join(' ')).toContain('The machines differ');
    expect(judged.cells.length).toBeLessThan(judgeResults(base, base, protocol).cells.length);
  });

  it('are refused where they are of two suites or share no cell', () => {
    const base = fakeResult();
    const suite = { ...base.header.suite, digest: 'f'.repeat(64) };
    expect(() => judgeResults(base, { ...base, header: { ...base.header, suite } }, protocol)).toThrow(
      /one suite/,
    );
    expect(() => judgeResults(base, { ...base, measurements: [] }, protocol)).toThrow(/a cell in common/);
  });
});
