/** Masks of the patterns that structured accelerators live by, drawn from a seed. */
import type { OperandMask } from '../src/terms/accelerator.ts';
import { randomStream } from '../src/workload/random.ts';

/** A mask from the rising columns of each row. */
export function maskOfColumns(rows: readonly (readonly number[])[], cols: number): OperandMask {
  const rowOffsets = new Int32Array(rows.length + 1);
  for (const [i, row] of rows.entries()) rowOffsets[i + 1] = rowOffsets[i]! + row.length;
  return { rows: rows.length, cols, rowOffsets, colIndices: Int32Array.from(rows.flat()) };
}

/** Columns become rows. */
export function transposed(mask: OperandMask): OperandMask {
  const rows: number[][] = Array.from({ length: mask.cols }, () => []);
  for (let i = 0; i < mask.rows; i += 1) {
    for (let p = mask.rowOffsets[i]!; p < mask.rowOffsets[i + 1]!; p += 1) rows[mask.colIndices[p]!]!.push(i);
  }
  return maskOfColumns(rows, mask.rows);
}

/** `count` different ones of 0 to size - 1, rising. */
function drawn(random: ReturnType<typeof randomStream>, count: number, size: number): number[] {
  const chosen: number[] = [];
  for (let at = 0; at < size; at += 1) {
    if (random.uniform() * (size - at) < count - chosen.length) chosen.push(at);
  }
  return chosen;
}

/** Rows of blocks of which each has the whole numbers beside density x block nonzeros; no rest. */
export function boundedBlocks(
  rows: number,
  cols: number,
  block: number,
  density: number,
  seed: number,
): OperandMask {
  const random = randomStream(seed, `bounded/${block}/${density}`);
  const made = Array.from({ length: rows }, () =>
    Array.from({ length: cols / block }, (_, at) => {
      const least = Math.floor(density * block);
      const count = least + (random.uniform() < density * block - least ? 1 : 0);
      return drawn(random, count, block).map((place) => at * block + place);
    }).flat(),
  );
  return maskOfColumns(made, cols);
}

/** Rows of groups of `blocks` blocks of 4, of which 4 have 2 nonzeros each: 2:4 in 4:`blocks`. */
export function hierarchicalMask(rows: number, cols: number, blocks: number, seed: number): OperandMask {
  const random = randomStream(seed, `hierarchical/${blocks}`);
  const made = Array.from({ length: rows }, () => {
    const row: number[] = [];
    for (let begin = 0; begin < cols; begin += 4 * blocks) {
      for (const block of drawn(random, 4, blocks))
        row.push(...drawn(random, 2, 4).map((place) => begin + 4 * block + place));
    }
    return row.filter((j) => j < cols);
  });
  return maskOfColumns(made, cols);
}
