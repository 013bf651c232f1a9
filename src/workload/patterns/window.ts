/**
 * Sliding-window attention: a query sees the `width` keys on each side of its own position and itself, only those up to
 * itself if `causal`; the first `global` tokens are seen by all and see all, again up to themselves if `causal` (I.
 * Beltagy, M. E. Peters, A. Cohan, Longformer, arXiv:2004.05150).
 *
 * Rows are queries, columns keys; row i is at position i + cols - rows, so that the last query is at the last key, as
 * with a cache of earlier keys. `banded` is a band of a given density instead, stretched where the matrix is not square.
 */
import { type GeneratedPattern, type MaskRequest, maskOfRows } from './pattern.ts';

type Size = Omit<MaskRequest, 'density'>;

/** The two runs of keys that a row sees: [0, global) and [first, end), `first` not below `global`. */
function keysOf(row: number, { rows, cols, parameters }: Size) {
  const position = row + cols - rows;
  const width = parameters.width as number;
  const tokens = parameters.global as number;
  const seen = parameters.causal === true ? position + 1 : cols;
  const all = position < tokens;
  const global = Math.min(all ? seen : tokens, seen);
  const first = Math.max(global, position - width);
  return { global, first, end: Math.max(first, all ? seen : Math.min(seen, position + width + 1)) };
}

function nonzerosOf(size: Size): number {
  let sum = 0;
  for (let row = 0; row < size.rows; row += 1) {
    const { global, first, end } = keysOf(row, size);
    sum += global + end - first;
  }
  return sum;
}

export const window: GeneratedPattern = {
  kind: 'generated',
  name: 'window',
  summary: 'sliding-window attention: the keys near a query, and global tokens',
  parameters: {
    width: { type: 'integer', min: 0, max: 1_048_576, default: 8 },
    global: { type: 'integer', min: 0, max: 1_048_576, default: 0 },
    causal: { type: 'boolean', default: false },
  },
  label: ({ width, global, causal }) =>
    `window-${width}${global === 0 ? '' : `-g${global}`}${causal === true ? '-causal' : ''}`,
  refuse: ({ rows, cols }) =>
    rows <= cols
      ? null
      : `Expected no more rows than columns for pattern window, received ${rows} x ${cols}. Rows are queries, columns the keys up to the last of them.`,
  fixedDensity: (size) => nonzerosOf(size) / (size.rows * size.cols),
  nonzeros(request) {
    const count = nonzerosOf(request);
    return { least: count, most: count };
  },
  seeded: () => false,
  generate(request) {
    return maskOfRows(request.rows, (row) => {
      const { global, first, end } = keysOf(row, request);
      return Int32Array.from({ length: global + end - first }, (_, at) =>
        at < global ? at : first + at - global,
      );
    });
  },
};
