/**
 * Masks whose nonzeros spread over rows and columns as those of really pruned networks do.
 *
 * Row i and column j get propensities p_i and q_j (log-normal, scaled to the spreads that dlmc-statistics.ts gives for
 * model, method, aspect and density); cell (i, j) is taken with probability min(1, s p_i q_j), s such that the
 * expected count is the one asked for; a few cells are then added or dropped until it is met exactly. What the
 * statistics do not hold, such as correlation between cells, is not reproduced.
 */
import { portableExp, portableLog } from '../portable-math.ts';
import type { Random } from '../random.ts';
import { type DlmcAspect, type DlmcLevel, dlmcStatistics } from './dlmc-statistics.ts';
import { exactNonzeros, type GeneratedPattern, maskOfCells, nearestNonzeros } from './pattern.ts';

/** How far rows and columns spread beyond a uniform random mask: coefficients of variation. */
export interface Spread {
  readonly row: number;
  readonly col: number;
}

function aspectOf(rows: number, cols: number): DlmcAspect {
  if (rows > 2 * cols) return 'tall';
  return cols > 2 * rows ? 'wide' : 'square';
}

/** The levels of a model and method, or undefined where the collection has none. */
function levelsOf(model: string, method: string, aspect: DlmcAspect): readonly DlmcLevel[] | undefined {
  return dlmcStatistics.get(`${model}/${method}/${aspect}`);
}

/**
 * The spread at a density: linear in ln(density) between the table's levels, the sparsest level's beyond them, and
 * from the densest level towards density 1 linear down to 0, which is what a full matrix has.
 */
export function spreadAt(levels: readonly DlmcLevel[], density: number): Spread {
  const [densest, , , densestRow, densestCol] = levels[0]!;
  if (density >= densest) {
    const share = (1 - density) / (1 - densest);
    return { row: densestRow * share, col: densestCol * share };
  }
  for (let at = 1; at < levels.length; at += 1) {
    const [upper, , , upperRow, upperCol] = levels[at - 1]!;
    const [lower, , , lowerRow, lowerCol] = levels[at]!;
    if (density < lower) continue;
    const share = (portableLog(upper) - portableLog(density)) / (portableLog(upper) - portableLog(lower));
    return { row: upperRow + share * (lowerRow - upperRow), col: upperCol + share * (lowerCol - upperCol) };
  }
  const [, , , row, col] = levels.at(-1)!;
  return { row, col };
}

/** Coefficient of variation of positive numbers. */
function variationOf(numbers: Float64Array): number {
  let sum = 0;
  for (const number of numbers) sum += number;
  const mean = sum / numbers.length;
  let squares = 0;
  for (const number of numbers) squares += (number - mean) * (number - mean);
  return Math.sqrt(squares / numbers.length) / mean;
}

/** exp(scale * normals): log-normal numbers, with the scale at which their coefficient of variation is `target`. */
function logNormal(normals: Float64Array, target: number): Float64Array {
  const numbers = new Float64Array(normals.length);
  const fill = (scale: number): void => {
    for (let at = 0; at < normals.length; at += 1) numbers[at] = portableExp(scale * normals[at]!);
  };
  // Few numbers cannot vary by more than sqrt(count - 1), whatever the scale: 8 is beyond what a level asks for.
  let low = 0;
  let high = 8;
  for (let step = 0; step < 30; step += 1) {
    const middle = (low + high) / 2;
    fill(middle);
    if (variationOf(numbers) < target) low = middle;
    else high = middle;
  }
  fill(low);
  return numbers;
}

/** Cells taken with probability min(1, scale p_i q_j): expected counts by row and column, and in all. */
interface Expectation {
  readonly scale: number;
  readonly byRow: Float64Array;
  readonly byCol: Float64Array;
}

/** The scale at which the expected number of cells is `count` (below rows * cols), by bisection on its logarithm. */
function expectationOf(p: Float64Array, q: Float64Array, count: number): Expectation {
  // With q descending and summed up, a row's expected count takes one search: cells before it are certain.
  const sorted = Float64Array.from(q).sort().reverse();
  const tail = new Float64Array(q.length + 1);
  for (let j = q.length - 1; j >= 0; j -= 1) tail[j] = tail[j + 1]! + sorted[j]!;
  const rowCount = (factor: number): number => {
    let low = 0;
    let high = sorted.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (factor * sorted[middle]! >= 1) low = middle + 1;
      else high = middle;
    }
    return low + factor * tail[low]!;
  };
  const total = (scale: number): number => {
    let sum = 0;
    for (const propensity of p) sum += rowCount(scale * propensity);
    return sum;
  };
  let low = 0;
  let high = 1;
  while (total(high) < count && high < 1e280) high *= 16;
  for (let step = 0; step < 60; step += 1) {
    const middle = (low + high) / 2;
    if (total(middle) < count) low = middle;
    else high = middle;
  }
  const byRow = p.map((propensity) => rowCount(high * propensity));
  const byCol = new Float64Array(q.length);
  for (let j = 0; j < q.length; j += 1) {
    let sum = 0;
    for (const propensity of p) sum += Math.min(1, high * propensity * q[j]!);
    byCol[j] = sum;
  }
  return { scale: high, byRow, byCol };
}

/** Cells of a rows x cols grid, `count` of them, drawn by the propensities of their row and column. */
function drawCells(
  p: Float64Array,
  q: Float64Array,
  scale: number,
  count: number,
  random: Random,
): Int32Array {
  const [rows, cols] = [p.length, q.length];
  const taken = new Uint8Array(rows * cols);
  let total = 0;
  for (let i = 0; i < rows; i += 1) {
    const factor = scale * p[i]!;
    for (let j = 0; j < cols; j += 1) {
      if (random.uniform() >= factor * q[j]!) continue;
      taken[i * cols + j] = 1;
      total += 1;
    }
  }
  const probability = (cell: number): number => {
    const row = Math.floor(cell / cols);
    return Math.min(1, scale * p[row]! * q[cell - row * cols]!);
  };
  for (; total < count; total += 1) {
    let cell = random.integer(rows * cols);
    while (taken[cell] === 1 || random.uniform() >= probability(cell)) cell = random.integer(rows * cols);
    taken[cell] = 1;
  }
  const cells = new Int32Array(total);
  for (let cell = 0, at = 0; at < total; cell += 1) {
    if (taken[cell] === 1) {
      cells[at] = cell;
      at += 1;
    }
  }
  if (total === count) return cells;
  const kept = random.sample(count, total);
  return kept.map((at) => cells[at]!);
}

export const dlmcLike: GeneratedPattern = {
  kind: 'generated',
  name: 'dlmc-like',
  summary: 'rows and columns as uneven as in really pruned networks (fitted to DLMC)',
  parameters: {
    model: { type: 'choice', choices: ['rn50', 'transformer'], default: 'transformer' },
    method: {
      type: 'choice',
      choices: ['magnitude', 'random', 'variational', 'l0', 'extended'],
      default: 'magnitude',
    },
  },
  label: ({ model, method }) => `dlmc-like-${model}-${method}`,
  refuse({ parameters: { model, method } }) {
    if (levelsOf(String(model), String(method), 'square') !== undefined) return null;
    const known = [...dlmcStatistics.keys()]
      .filter((key) => key.startsWith(`${model}/`) && key.endsWith('/square'))
      .map((key) => key.split('/')[1]);
    return `Expected one of ${known.join(', ')} for method of pattern dlmc-like with model ${model}, received "${method}". Choose another method or model.`;
  },
  nonzeros: exactNonzeros,
  seeded: () => true,
  generate(request, random) {
    const { rows, cols, density, parameters } = request;
    const count = nearestNonzeros(request);
    if (count === 0 || count === rows * cols) {
      return maskOfCells(
        rows,
        cols,
        count === 0 ? [] : Int32Array.from({ length: count }, (_, cell) => cell),
      );
    }
    const levels = levelsOf(String(parameters.model), String(parameters.method), aspectOf(rows, cols))!;
    const spread = spreadAt(levels, density);
    const rowNormals = Float64Array.from({ length: rows }, () => random.gaussian());
    const colNormals = Float64Array.from({ length: cols }, () => random.gaussian());
    // Probabilities cut off at 1 flatten what was asked for, so the targets are raised by what was lost, three times.
    let aim = spread;
    let p = logNormal(rowNormals, aim.row);
    let q = logNormal(colNormals, aim.col);
    let expectation = expectationOf(p, q, count);
    for (let round = 0; round < 3; round += 1) {
      const row = variationOf(expectation.byRow);
      const col = variationOf(expectation.byCol);
      aim = {
        row: row > 0 ? aim.row * Math.min(2, spread.row / row) : 0,
        col: col > 0 ? aim.col * Math.min(2, spread.col / col) : 0,
      };
      p = logNormal(rowNormals, aim.row);
      q = logNormal(colNormals, aim.col);
      expectation = expectationOf(p, q, count);
    }
    return maskOfCells(rows, cols, drawCells(p, q, expectation.scale, count, random));
  },
};
