/**
 * N:M: in each row, exactly N of every M consecutive columns, uniformly chosen (2:4 is what sparse tensor cores take).
 *
 * Where the columns are not a multiple of M, the last group is narrower and keeps N of them, or all if it has fewer.
 */
import { type GeneratedPattern, type MaskRequest, maskOfRows } from './pattern.ts';

/** Nonzeros of one row. */
function rowNonzeros(cols: number, n: number, m: number): number {
  return Math.floor(cols / m) * n + Math.min(n, cols % m);
}

function nonzerosOf({ rows, cols, parameters }: Omit<MaskRequest, 'density'>): number {
  return rows * rowNonzeros(cols, parameters.n as number, parameters.m as number);
}

export const nm: GeneratedPattern = {
  kind: 'generated',
  name: 'nm',
  summary: 'n of every m consecutive columns of a row',
  parameters: {
    n: { type: 'integer', min: 1, max: 256, default: 2 },
    m: { type: 'integer', min: 2, max: 256, default: 4 },
  },
  label: ({ n, m }) => `nm-${n}:${m}`,
  refuse: ({ parameters: { n, m } }) =>
    (n as number) <= (m as number)
      ? null
      : `Expected n of at most m = ${m} for pattern nm, received n = ${n}. Swap or correct them.`,
  fixedDensity: (request) => nonzerosOf(request) / (request.rows * request.cols),
  nonzeros(request) {
    const count = nonzerosOf(request);
    return { least: count, most: count };
  },
  seeded: ({ n, m }) => n !== m,
  generate({ rows, cols, parameters }, random) {
    const n = parameters.n as number;
    const m = parameters.m as number;
    const width = rowNonzeros(cols, n, m);
    return maskOfRows(rows, () => {
      const columns = new Int32Array(width);
      let position = 0;
      for (let first = 0; first < cols; first += m) {
        const group = Math.min(m, cols - first);
        // Selection sampling (Knuth, The Art of Computer Programming, vol. 2, 3.4.2, algorithm S): ascending at once.
        let wanted = Math.min(n, group);
        for (let at = 0; wanted > 0; at += 1) {
          if (random.integer(group - at) >= wanted) continue;
          columns[position] = first + at;
          position += 1;
          wanted -= 1;
        }
      }
      return columns;
    });
  },
};
