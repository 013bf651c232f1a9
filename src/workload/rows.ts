/** Putting the entries of a matrix into canonical order: ascending columns in each row, none twice. */

/** Most cells of a matrix: every one is measured against a dense matrix of its size, and cell numbers fit 32 bits. */
export const maxCells = 2 ** 31 - 1;

/** What putting rows in order found. */
export interface Ordering {
  /** Entries that stood behind a larger column of their row. */
  readonly sortedEntries: number;
  /** The first cell (row, column from 0) that occurs twice, or null. */
  readonly duplicate: { readonly row: number; readonly col: number } | null;
}

/** Sort each row's columns (and values with them) in place, counting what was out of order. */
export function orderRows(
  rowOffsets: Int32Array,
  colIndices: Int32Array,
  values: Float32Array | null,
): Ordering {
  let sortedEntries = 0;
  let duplicate: Ordering['duplicate'] = null;
  for (let row = 0; row + 1 < rowOffsets.length; row += 1) {
    const begin = rowOffsets[row]!;
    const end = rowOffsets[row + 1]!;
    let descents = 0;
    for (let p = begin + 1; p < end; p += 1) if (colIndices[p]! < colIndices[p - 1]!) descents += 1;
    if (descents > 0) {
      sortedEntries += descents;
      sortRow(colIndices, values, begin, end);
    }
    for (let p = begin + 1; p < end && duplicate === null; p += 1) {
      if (colIndices[p] === colIndices[p - 1]) duplicate = { row, col: colIndices[p]! };
    }
  }
  return { sortedEntries, duplicate };
}

function sortRow(colIndices: Int32Array, values: Float32Array | null, begin: number, end: number): void {
  const columns = colIndices.subarray(begin, end);
  if (values === null) {
    columns.sort();
    return;
  }
  // Column and position in one double, both exact: the native sort of numbers beats one with a comparator tenfold.
  const length = end - begin;
  const keys = new Float64Array(length);
  for (let p = 0; p < length; p += 1) keys[p] = columns[p]! * length + p;
  keys.sort();
  const kept = values.slice(begin, end);
  for (let p = 0; p < length; p += 1) {
    const column = Math.floor(keys[p]! / length);
    columns[p] = column;
    values[begin + p] = kept[keys[p]! - column * length]!;
  }
}
