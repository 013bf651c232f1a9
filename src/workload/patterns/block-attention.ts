/**
 * Attention in blocks of `size` positions: a query sees its own block (`local`: a block diagonal), or its own block and
 * all before it (`causal`: a triangle of whole blocks). `triangular` is the causal mask of single positions.
 *
 * Rows are queries, columns keys; row i is at position i + cols - rows, so that the last query is at the last key, as
 * with a cache of earlier keys. The last block is cut off where `size` does not divide the columns.
 */
import { type GeneratedPattern, type MaskRequest, maskOfRows } from './pattern.ts';

type Size = Omit<MaskRequest, 'density'>;

/** The keys that a row sees, from `first` up to `end`. */
function keysOf(row: number, { rows, cols, parameters }: Size) {
  const size = parameters.size as number;
  const block = Math.floor((row + cols - rows) / size);
  return {
    first: parameters.reach === 'causal' ? 0 : block * size,
    end: Math.min(cols, (block + 1) * size),
  };
}

function nonzerosOf(size: Size): number {
  let sum = 0;
  for (let row = 0; row < size.rows; row += 1) {
    const { first, end } = keysOf(row, size);
    sum += end - first;
  }
  return sum;
}

export const blockAttention: GeneratedPattern = {
  kind: 'generated',
  name: 'block-attention',
  summary: 'attention in blocks: the own one, or all up to it',
  parameters: {
    reach: { type: 'choice', choices: ['local', 'causal'], default: 'local' },
    size: { type: 'integer', min: 1, max: 1_048_576, default: 32 },
  },
  label: ({ reach, size }) => `block-${reach}-${size}`,
  refuse: ({ rows, cols }) =>
    rows <= cols
      ? null
      : `Expected no more rows than columns for pattern block-attention, received ${rows} x ${cols}. Rows are queries, columns the keys up to the last of them.`,
  fixedDensity: (size) => nonzerosOf(size) / (size.rows * size.cols),
  nonzeros(request) {
    const count = nonzerosOf(request);
    return { least: count, most: count };
  },
  seeded: () => false,
  generate(request) {
    return maskOfRows(request.rows, (row) => {
      const { first, end } = keysOf(row, request);
      return Int32Array.from({ length: end - first }, (_, at) => first + at);
    });
  },
};
