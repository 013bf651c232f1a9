import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { dlmcMethods } from '../src/workload/dlmc.ts';
import { spreadAt } from '../src/workload/patterns/dlmc-like.ts';
import { dlmcStatistics } from '../src/workload/patterns/dlmc-statistics.ts';
import { generateMask, patternSpec } from '../src/workload/patterns/index.ts';
import { statisticsOf } from '../src/workload/problem.ts';
import { dlmcFolder, missing } from './needs.ts';

/** The commonest shape of each aspect in the Transformer. */
const shapes = { square: [512, 512], tall: [2048, 512], wide: [512, 2048] } as const;

/**
 * Largest relative distance of a mask's coefficient of variation from the table's, one seed: what 512 rows scatter by
 * is 1 / sqrt(2 * 512) = 3 % a standard deviation. suites/README.md quotes these figures.
 */
const singleTolerance = 0.12;
/** The same for the mean over 5 seeds. */
const meanTolerance = 0.06;

function variations(
  model: string,
  method: string,
  rows: number,
  cols: number,
  density: number,
  seed: number,
) {
  const mask = generateMask(patternSpec('dlmc-like', { model, method }), { rows, cols, density, seed });
  return statisticsOf({ rows, cols, ...mask });
}

const squares = [...dlmcStatistics].filter(
  ([key]) => key.startsWith('transformer/') && key.endsWith('/square'),
);

describe.each(squares)('%s', (key, levels) => {
  const [model, method] = key.split('/') as [string, string, string];
  test('masks spread over rows and columns as the collection does, at every level', () => {
    for (const [density, rowCv, colCv, rowSpread] of levels) {
      // Where medians of the variation and of its excess come from different matrices they do not fit one another:
      // the group's matrices differ too much to have a typical one (variational dropout at its sparsest level).
      const uniform = Math.sqrt((1 - density) / (density * 512));
      if (Math.abs(Math.hypot(rowSpread, uniform) / rowCv - 1) > 0.1) continue;
      const seeds = [1, 2, 3, 4, 5].map((seed) => variations(model, method, 512, 512, density, seed));
      for (const { rowCv: row, colCv: col } of seeds) {
        expect(Math.abs(row / rowCv - 1)).toBeLessThan(singleTolerance);
        expect(Math.abs(col / colCv - 1)).toBeLessThan(singleTolerance);
      }
      const mean = (of: 'rowCv' | 'colCv') =>
        seeds.reduce((sum, statistics) => sum + statistics[of], 0) / seeds.length;
      expect(Math.abs(mean('rowCv') / rowCv - 1)).toBeLessThan(meanTolerance);
      expect(Math.abs(mean('colCv') / colCv - 1)).toBeLessThan(meanTolerance);
    }
  });
});

test.each([...dlmcStatistics.keys()])('%s: spread beyond uniform is the table’s at a middle level', (key) => {
  const [model, method, aspect] = key.split('/') as [string, string, keyof typeof shapes];
  const [rows, cols] = shapes[aspect];
  const levels = dlmcStatistics.get(key)!;
  const [density, , , rowSpread, colSpread] = levels[Math.floor(levels.length / 2)]!;
  const { rowCv, colCv } = variations(model, method, rows, cols, density, 1);
  const expected = (spread: number, others: number) =>
    Math.hypot(spread, Math.sqrt((1 - density) / (density * others)));
  expect(Math.abs(rowCv / expected(rowSpread, cols) - 1)).toBeLessThan(singleTolerance);
  expect(Math.abs(colCv / expected(colSpread, rows) - 1)).toBeLessThan(singleTolerance);
});

test('real pruning is unlike a uniform mask, and dlmc-like shows it', () => {
  const uniform = statisticsOf({
    rows: 512,
    cols: 512,
    ...generateMask(patternSpec('uniform'), { rows: 512, cols: 512, density: 0.05, seed: 1 }),
  });
  const magnitude = variations('transformer', 'magnitude', 512, 512, 0.05, 1);
  const variational = variations('transformer', 'variational', 512, 512, 0.05, 1);
  expect(magnitude.rowCv / uniform.rowCv).toBeGreaterThan(1.6);
  expect(variational.rowCv / uniform.rowCv).toBeGreaterThan(2.5);
});

test('between levels the spread is between theirs, at density 1 it is gone', () => {
  const levels = dlmcStatistics.get('transformer/l0/square')!;
  const at = (density: number) => spreadAt(levels, density);
  expect(at(levels[2]![0])).toEqual({ row: levels[2]![3], col: levels[2]![4] });
  const between = at(0.06);
  expect(between.row).toBeGreaterThan(levels[4]![3]);
  expect(between.row).toBeLessThan(levels[5]![3]);
  expect(at(1)).toEqual({ row: 0, col: 0 });
  expect(at(1e-6)).toEqual({ row: levels.at(-1)![3], col: levels.at(-1)![4] });
});

const csv = join(dlmcFolder() ?? '', 'dlmc.csv');
const skipped = missing('dlmc', dlmcFolder() !== null);

test.skipIf(skipped)('the table is what dlmc.csv gives', () => {
  const names = new Map([...dlmcMethods].map(([name, folder]) => [folder, name]));
  const groups = new Map<string, number[][]>();
  for (const line of readFileSync(csv, 'utf8').trimEnd().split('\n').slice(1)) {
    const fields = line.split(',');
    const [, model, folder, level] = fields[2]!.split('/');
    const [rows, cols, nonzeros, rowMean, rowDeviation, colMean, colDeviation] = fields
      .slice(4)
      .map(Number) as [number, number, number, number, number, number, number];
    if (nonzeros === 0) continue;
    const aspect = rows > 2 * cols ? 'tall' : cols > 2 * rows ? 'wide' : 'square';
    const density = nonzeros / (rows * cols);
    const [row, col] = [rowDeviation / rowMean, colDeviation / colMean];
    const key = `${model}/${names.get(folder!)}/${aspect}/${level}`;
    const matrix = [
      density,
      row,
      col,
      row ** 2 - (1 - density) / (density * cols),
      col ** 2 - (1 - density) / (density * rows),
    ];
    groups.set(key, [...(groups.get(key) ?? []), matrix]);
  }
  const median = (numbers: number[]) => {
    const sorted = numbers.sort((one, other) => one - other);
    const middle = sorted.length / 2;
    return sorted.length % 2 === 1
      ? sorted[Math.floor(middle)]!
      : (sorted[middle - 1]! + sorted[middle]!) / 2;
  };
  const levels = [...groups.keys()].sort(
    (one, other) => Number(one.split('/')[3]) - Number(other.split('/')[3]),
  );
  for (const [key, table] of dlmcStatistics) {
    const own = levels.filter((level) => level.startsWith(`${key}/`));
    expect(table.length).toBe(own.length);
    for (const [at, level] of own.entries()) {
      const matrices = groups.get(level)!;
      const fitted = [0, 1, 2, 3, 4].map((column) => {
        const value = median(matrices.map((matrix) => matrix[column]!));
        return column < 3 ? value : Math.sqrt(Math.max(0, value));
      });
      for (const [column, value] of table[at]!.entries()) {
        expect(Math.abs(value - fitted[column]!), `${level} ${column}`).toBeLessThan(0.001);
      }
    }
  }
  expect([...dlmcStatistics.values()].reduce((sum, table) => sum + table.length, 0)).toBe(levels.length);
});

test.skipIf(skipped)('masks vary as much as the real matrix of their size and density, in the median', () => {
  const ratios: number[] = [];
  const uniformRatios: number[] = [];
  const lines = readFileSync(csv, 'utf8').trimEnd().split('\n').slice(1);
  const magnitude = lines.filter(
    (line) => /\/magnitude_pruning\//.test(line) && !/symbol_modality/.test(line),
  );
  for (const line of magnitude.filter((_, at) => at % 32 === 0)) {
    const fields = line.split(',');
    const [rows, cols, nonzeros, rowMean, rowDeviation] = fields.slice(4).map(Number) as [
      number,
      number,
      number,
      number,
      number,
    ];
    const density = nonzeros / (rows * cols);
    const { rowCv } = variations(fields[2]!.split('/')[1]!, 'magnitude', rows, cols, density, 1);
    ratios.push(rowCv / (rowDeviation / rowMean));
    uniformRatios.push(Math.sqrt((1 - density) / (density * cols)) / (rowDeviation / rowMean));
  }
  const middle = (numbers: number[]) =>
    numbers.sort((one, other) => one - other)[Math.floor(numbers.length / 2)]!;
  expect(ratios.length).toBeGreaterThan(25);
  expect(Math.abs(middle(ratios) - 1)).toBeLessThan(0.15);
  expect(middle(uniformRatios)).toBeLessThan(0.6);
});
