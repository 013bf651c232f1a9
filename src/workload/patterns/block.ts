/**
 * Whole r x c blocks, round(density * number of blocks) of them, uniformly placed on the grid that starts at (0, 0).
 *
 * Where a size is not a multiple of the block's, the last blocks are cut off at the edge and count as blocks all the
 * same: pruning keeps or drops them whole. The count of blocks is exact always, that of nonzeros where nothing is cut.
 */
import { type GeneratedPattern, type MaskRequest, maskOfRows } from './pattern.ts';

const largestBlock = 1024;

function grid({ rows, cols, density, parameters }: MaskRequest) {
  const blockRows = parameters.rows as number;
  const blockCols = parameters.cols as number;
  const down = Math.ceil(rows / blockRows);
  const across = Math.ceil(cols / blockCols);
  return { blockRows, blockCols, down, across, kept: Math.round(density * down * across) };
}

/** Sum of the first `count` areas of a list of [area, number of blocks of that area]. */
function areaOf(kinds: readonly (readonly [number, number])[], count: number): number {
  let rest = count;
  let sum = 0;
  for (const [area, available] of kinds) {
    const taken = Math.min(rest, available);
    sum += taken * area;
    rest -= taken;
  }
  return sum;
}

export const block: GeneratedPattern = {
  kind: 'generated',
  name: 'block',
  summary: 'whole blocks of rows x cols, uniformly placed',
  parameters: {
    rows: { type: 'integer', min: 1, max: largestBlock, default: 4 },
    cols: { type: 'integer', min: 1, max: largestBlock, default: 4 },
  },
  label: ({ rows, cols }) => `block-${rows}x${cols}`,
  nonzeros(request) {
    const { blockRows, blockCols, down, across, kept } = grid(request);
    const lastRows = request.rows - (down - 1) * blockRows;
    const lastCols = request.cols - (across - 1) * blockCols;
    const kinds: [number, number][] = [
      [blockRows * blockCols, (down - 1) * (across - 1)],
      [blockRows * lastCols, down - 1],
      [lastRows * blockCols, across - 1],
      [lastRows * lastCols, 1],
    ];
    kinds.sort(([area], [other]) => area - other);
    const least = areaOf(kinds, kept);
    return { least, most: areaOf(kinds.reverse(), kept) };
  },
  seeded: () => true,
  generate(request, random) {
    const { blockRows, blockCols, down, across, kept } = grid(request);
    const blocks = random.sample(kept, down * across);
    // First position of each row of blocks in the ascending list of blocks.
    const starts = new Int32Array(down + 1);
    for (const cell of blocks) starts[Math.floor(cell / across) + 1]! += 1;
    for (let i = 0; i < down; i += 1) starts[i + 1]! += starts[i]!;
    return maskOfRows(request.rows, (row) => {
      const blockRow = Math.floor(row / blockRows);
      const columns: number[] = [];
      for (let p = starts[blockRow]!; p < starts[blockRow + 1]!; p += 1) {
        const first = (blocks[p]! - blockRow * across) * blockCols;
        const end = Math.min(first + blockCols, request.cols);
        for (let j = first; j < end; j += 1) columns.push(j);
      }
      return columns;
    });
  },
};
