/**
 * Row lengths that fall as a power of their rank: the r-th longest row has about r^-exponent times the longest's
 * nonzeros, none more than the columns. Ranks are dealt to rows at random, columns are uniform, the count is exact.
 */
import { portablePower } from '../portable-math.ts';
import { exactNonzeros, type GeneratedPattern, maskOfRows, nearestNonzeros } from './pattern.ts';

/** Lengths by rank that sum to `count`, proportional to rank^-exponent but for those that the columns cut off. */
function lengthsByRank(rows: number, cols: number, count: number, exponent: number): Int32Array {
  const weights = Float64Array.from({ length: rows }, (_, rank) => portablePower(rank + 1, -exponent));
  const lengths = new Int32Array(rows);
  const cellsAt = (scale: number): number => {
    let sum = 0;
    for (const weight of weights) sum += Math.min(cols, Math.floor(scale * weight));
    return sum;
  };
  let low = 0;
  let high = 1;
  while (cellsAt(high) < count) high *= 2;
  for (let step = 0; step < 60; step += 1) {
    const middle = (low + high) / 2;
    if (cellsAt(middle) <= count) low = middle;
    else high = middle;
  }
  let rest = count;
  for (let rank = 0; rank < rows; rank += 1) {
    lengths[rank] = Math.min(cols, Math.floor(low * weights[rank]!));
    rest -= lengths[rank]!;
  }
  // What rounding down left over goes one by one to the longest rows that have room.
  while (rest > 0) {
    for (let rank = 0; rank < rows && rest > 0; rank += 1) {
      if (lengths[rank] === cols) continue;
      lengths[rank]! += 1;
      rest -= 1;
    }
  }
  return lengths;
}

export const powerLaw: GeneratedPattern = {
  kind: 'generated',
  name: 'power-law',
  summary: 'few long rows and many short ones, lengths falling as a power of their rank',
  parameters: { exponent: { type: 'number', min: 0.1, max: 3, default: 1 } },
  label: ({ exponent }) => (exponent === 1 ? 'power-law' : `power-law-e${exponent}`),
  nonzeros: exactNonzeros,
  seeded: () => true,
  generate(request, random) {
    const { rows, cols } = request;
    const exponent = request.parameters.exponent as number;
    const lengths = lengthsByRank(rows, cols, nearestNonzeros(request), exponent);
    const ranks = Int32Array.from({ length: rows }, (_, rank) => rank);
    random.shuffle(ranks);
    return maskOfRows(rows, (row) => random.sample(lengths[ranks[row]!]!, cols));
  },
};
