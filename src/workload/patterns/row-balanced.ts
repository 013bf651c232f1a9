/** Rows of equal length: round(density * rows * cols) nonzeros in all, rows differing by at most one, columns uniform. */
import { exactNonzeros, type GeneratedPattern, maskOfRows, nearestNonzeros } from './pattern.ts';

export const rowBalanced: GeneratedPattern = {
  kind: 'generated',
  name: 'row-balanced',
  summary: 'equally many nonzeros in each row, uniformly placed',
  parameters: {},
  label: () => 'row-balanced',
  nonzeros: exactNonzeros,
  seeded: () => true,
  generate(request, random) {
    const { rows, cols } = request;
    const count = nearestNonzeros(request);
    const width = Math.floor(count / rows);
    const longer = new Uint8Array(rows);
    for (const row of random.sample(count - width * rows, rows)) longer[row] = 1;
    return maskOfRows(rows, (row) => random.sample(width + longer[row]!, cols));
  },
};
