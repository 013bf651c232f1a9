/** Every set of exactly round(density * rows * cols) cells is as likely as every other. */
import { exactNonzeros, type GeneratedPattern, maskOfCells, nearestNonzeros } from './pattern.ts';

export const uniform: GeneratedPattern = {
  kind: 'generated',
  name: 'uniform',
  summary: 'uniformly random cells, exact count',
  parameters: {},
  label: () => 'uniform',
  nonzeros: exactNonzeros,
  seeded: () => true,
  generate(request, random) {
    const { rows, cols } = request;
    return maskOfCells(rows, cols, random.sample(nearestNonzeros(request), rows * cols));
  },
};
