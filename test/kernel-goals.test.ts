/** The last lines of `bench:kernels`: which goals are met. */
import { afterEach, describe, expect, it, vi } from 'vitest';
// @ts-expect-error: a bench is plain JavaScript.
import { geomeanOf, judge, leastOf, printGoals, table } from './bench/kernel-tables/goals.mjs';

const none = Number.NaN;

describe('goals of bench:kernels', () => {
  afterEach(() => vi.restoreAllMocks());
  const printed = (print: () => void): string[] => {
    const log = vi.spyOn(console, 'log').mockImplementation(() => {});
    print();
    return log.mock.calls.flatMap(([text]) => String(text).split('\n'));
  };

  it('says met or short, at least or at most, and leaves out what was not measured', () => {
    judge('speed', [1.5, none, 2.0], [1.4, 2, 2.5], { at: [0.5, 0.7, 0.9] });
    judge('just short', 1.3999, 1.4);
    judge('bytes', 6.6, 6.6, { atMost: true });
    judge('crossover', Number.POSITIVE_INFINITY, 0.45, { atMost: true });
    judge('nothing', [none, 1], [1, none]);
    const lines = printed(() => printGoals(true, false)).map((line) => line.trim().split(/ {2,}/));
    expect(lines.slice(1)).toEqual([
      ['goals'],
      ['what', 'reached', 'goal'],
      ['speed, at 0.5 / 0.9', '1.5 / 2', '1.4 / 2.5', 'short'],
      ['just short', '1.4', '1.4', 'short'],
      ['bytes', '6.6', 'at most 6.6', 'met'],
      ['crossover', 'never', 'at most 0.45', 'short'],
    ]);
  });

  it('judges nothing on a machine that the goals are not for', () => {
    expect(printed(() => printGoals(false, true)).join('\n')).toMatch(
      /of the part that was asked for.*AVX-512/,
    );
    expect(printed(() => printGoals(false, true)).join('\n')).not.toMatch(/ (?:met|short)$/m);
  });

  it('a column is the geomean and the least of what is there', () => {
    expect(geomeanOf([2, none, 8])).toBeCloseTo(4);
    expect(leastOf([2, none, 8])).toBe(2);
    expect(leastOf([none])).toBeNaN();
    const cell = (shape: [string, number], sparsity: number): number => shape[1] * sparsity;
    const lines = printed(() =>
      table(
        'title',
        [
          ['a', 2],
          ['b', 8],
        ],
        [0.5],
        [3],
        cell,
        (figure: number) => figure,
        () => 1,
      ),
    );
    expect(lines.map((line) => line.trim().split(/ {2,}/))).toEqual([
      [''],
      ['title'],
      ['sparsity', '0.50'],
      ['a', '1.00'],
      ['b', '4.00'],
      ['geomean', '2.00'],
      ['least', '1.00'],
      ['cold, geomean', '1.00'],
      ['cold, least', '1.00'],
      ['goal', '3.00'],
    ]);
  });
});
