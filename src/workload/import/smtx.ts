/**
 * `.smtx`, the format of the Deep Learning Matrix Collection: patterns without values.
 *
 * Line 1: rows, cols, nonzeros (commas). Line 2: rows + 1 row offsets. Line 3: column indices from 0.
 */
import { orderRows } from '../rows.ts';
import { type ImportedMatrix, type Importer, readSizes, type SizeLayout } from './importer.ts';
import type { Scanner } from './scanner.ts';

/** One digit and one blank each. */
const sizeLayout: SizeLayout = { entryBytes: 2, rowBytes: 2, commas: true };

function read(scanner: Scanner): ImportedMatrix {
  const { rows, cols, nonzeros } = readSizes(scanner, sizeLayout);
  const rowOffsets = new Int32Array(rows + 1);
  for (let row = 0, before = 0; row <= rows; row += 1) {
    const offset = scanner.integer('a row offset', 0, nonzeros);
    if (offset < before) {
      scanner.fail(`at least ${before}`, `offset ${row}`, String(offset), 'Row offsets never fall.');
    }
    rowOffsets[row] = offset;
    before = offset;
  }
  if (rowOffsets[0] !== 0)
    scanner.fail('0', 'the first row offset', String(rowOffsets[0]), 'Correct line 2.');
  if (rowOffsets[rows] !== nonzeros) {
    scanner.fail(
      String(nonzeros),
      'the last row offset',
      String(rowOffsets[rows]),
      'Line 1 and line 2 disagree.',
    );
  }
  scanner.endLine('the row offsets');
  const colIndices = new Int32Array(nonzeros);
  for (let p = 0; p < nonzeros; p += 1) colIndices[p] = scanner.integer('a column index', 0, cols - 1);
  const { sortedEntries, duplicate } = orderRows(rowOffsets, colIndices, null);
  if (duplicate !== null) {
    scanner.fail(
      'each cell once',
      'the column indices',
      `row ${duplicate.row}, column ${duplicate.col} (from 0) twice`,
      'Remove one.',
      'line',
    );
  }
  scanner.endLine('the column indices');
  while (scanner.peek() === 'line end') scanner.skipLine();
  scanner.endLine('the file');
  return { rows, cols, rowOffsets, colIndices, values: null, sortedEntries };
}

export const smtx: Importer = {
  extension: '.smtx',
  summary: 'pattern in compressed rows, three lines of text (DLMC)',
  readHead: (scanner) => readSizes(scanner, sizeLayout),
  read,
};
