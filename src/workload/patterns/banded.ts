/**
 * A band along the diagonal that runs from the first cell to the last, stretched where the matrix is not square.
 *
 * `fill` is the share of the band's cells that are nonzero: 1 is a full band as wide as the density says, smaller
 * values give a wider band, uniformly filled. The count is exact; rows differ by at most one.
 */
import { exactNonzeros, type GeneratedPattern, maskOfRows, nearestNonzeros } from './pattern.ts';

export const banded: GeneratedPattern = {
  kind: 'generated',
  name: 'banded',
  summary: 'a band along the diagonal; fill < 1 widens and thins it',
  parameters: { fill: { type: 'number', min: 0.01, max: 1, default: 1 } },
  label: ({ fill }) => (fill === 1 ? 'banded' : `banded-f${fill}`),
  nonzeros: exactNonzeros,
  seeded: ({ fill }) => fill !== 1,
  generate(request, random) {
    const { rows, cols } = request;
    const fill = request.parameters.fill as number;
    const count = nearestNonzeros(request);
    return maskOfRows(rows, (row) => {
      // Row i ends where i + 1 even shares of the count end.
      const kept = Math.floor(((row + 1) * count) / rows) - Math.floor((row * count) / rows);
      const width = Math.min(cols, Math.round(kept / fill));
      const centre = Math.floor(((2 * row + 1) * cols) / (2 * rows));
      const first = Math.min(Math.max(0, centre - Math.floor(width / 2)), cols - width);
      return random.sample(kept, width).map((column) => first + column);
    });
  },
};
