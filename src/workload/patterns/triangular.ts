/**
 * Autoregressive masks: output i may see input j only if j <= i (j < i if exclusive).
 *
 * With `tile` = t the t x t triangle is repeated over the matrix, as in a masked layer with several channels: row i
 * and column j meet at (i mod t, j mod t) (M. Germain et al., MADE, arXiv:1502.03509; D. Wu, L. Wang, P. Zhang,
 * arXiv:1809.10606). With `tile` = 0 one triangle covers the matrix, its diagonal stretched where it is not square:
 * column j is seen by row i if j * rows <= i * cols.
 */
import { type GeneratedPattern, type MaskRequest, maskOfRows } from './pattern.ts';

type Size = Omit<MaskRequest, 'density'>;

/** Number of columns that row `i` of a rows x cols triangle sees: a prefix of the row. */
function seenBy(i: number, rows: number, cols: number, exclusive: boolean): number {
  const last = (i * cols) / rows;
  return exclusive ? Math.ceil(last) : Math.min(cols, Math.floor(last) + 1);
}

/** Sizes of one triangle. */
function triangleOf({ rows, cols, parameters }: Size) {
  const tile = parameters.tile as number;
  return tile === 0 ? { height: rows, width: cols } : { height: tile, width: tile };
}

function nonzerosOf(size: Size): number {
  const { height, width } = triangleOf(size);
  let sum = 0;
  for (let i = 0; i < height; i += 1) sum += seenBy(i, height, width, size.parameters.exclusive === true);
  return sum * (size.rows / height) * (size.cols / width);
}

export const triangular: GeneratedPattern = {
  kind: 'generated',
  name: 'triangular',
  summary: 'lower triangle, whole or tiled: autoregressive masks',
  parameters: {
    tile: { type: 'integer', min: 0, max: 1_048_576, default: 0 },
    exclusive: { type: 'boolean', default: false },
  },
  label: ({ tile, exclusive }) =>
    `triangular${tile === 0 ? '' : `-t${tile}`}${exclusive === true ? '-exclusive' : ''}`,
  refuse({ rows, cols, parameters }) {
    const tile = parameters.tile as number;
    if (tile === 0 || (rows % tile === 0 && cols % tile === 0)) return null;
    return `Expected a divisor of ${rows} and ${cols} for tile of pattern triangular, received ${tile}. Choose another tile or shape.`;
  },
  fixedDensity: (size) => nonzerosOf(size) / (size.rows * size.cols),
  nonzeros(request) {
    const count = nonzerosOf(request);
    return { least: count, most: count };
  },
  seeded: () => false,
  generate(request) {
    const { rows, cols, parameters } = request;
    const { height, width } = triangleOf(request);
    return maskOfRows(rows, (row) => {
      const seen = seenBy(row % height, height, width, parameters.exclusive === true);
      const columns = new Int32Array(seen * (cols / width));
      for (let tile = 0, at = 0; tile < cols; tile += width) {
        for (let j = 0; j < seen; j += 1, at += 1) columns[at] = tile + j;
      }
      return columns;
    });
  },
};
