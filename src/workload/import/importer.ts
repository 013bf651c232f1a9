/** What every importer offers. The list of importers is index.ts. */
import { maxCells } from '../rows.ts';
import type { Scanner } from './scanner.ts';

/** A matrix from a file, in canonical order. */
export interface ImportedMatrix {
  readonly rows: number;
  readonly cols: number;
  readonly rowOffsets: Int32Array;
  readonly colIndices: Int32Array;
  /** null where the file gives only the pattern. A stored zero is a nonzero. */
  readonly values: Float32Array | null;
  /** Entries that stood behind a larger column of their row and were put in order. */
  readonly sortedEntries: number;
}

/** What the head of a file says. */
export interface MatrixHead {
  readonly rows: number;
  readonly cols: number;
  /** Entries of the file; a symmetric file's are mirrored, and counted twice here. */
  readonly nonzeros: number;
}

/** A reader of one file format. Both methods throw BAD_MATRIX with file and line. */
export interface Importer {
  /** File name ending, with its dot. */
  readonly extension: string;
  readonly summary: string;
  readHead(scanner: Scanner): MatrixHead;
  read(scanner: Scanner): ImportedMatrix;
}

/** Most entries: positions are 32-bit signed integers. */
export const maxNonzeros = 2 ** 31 - 1;

/** How a file's size line looks, and the fewest bytes that what it promises can take. */
export interface SizeLayout {
  readonly entryBytes: number;
  readonly rowBytes: number;
  readonly commas: boolean;
}

/** Read rows, cols and the number of entries, and refuse what cannot be true before memory is taken for it. */
export function readSizes(scanner: Scanner, layout: SizeLayout): MatrixHead {
  const { entryBytes, rowBytes, commas } = layout;
  scanner.peek(commas);
  const rows = scanner.integer('the number of rows', 1, maxCells);
  scanner.peek(commas);
  const cols = scanner.integer('the number of columns', 1, maxCells);
  scanner.peek(commas);
  const nonzeros = scanner.integer('the number of nonzeros', 0, maxNonzeros);
  if (rows * cols > maxCells) {
    scanner.fail(
      `at most ${maxCells} cells`,
      'rows * columns',
      String(rows * cols),
      'A dense matrix of this size has to fit beside it: choose a smaller one.',
    );
  }
  if (nonzeros > rows * cols) {
    scanner.fail(
      `at most ${rows * cols}`,
      'the number of nonzeros',
      String(nonzeros),
      'Correct the size line.',
    );
  }
  // The last entry may lack its line end.
  if (nonzeros * entryBytes + rows * rowBytes > scanner.sizeBytes + 1) {
    scanner.fail(
      `room for ${nonzeros} nonzeros${rowBytes > 0 ? ` and ${rows + 1} row offsets` : ''}`,
      'the file',
      `${scanner.sizeBytes} bytes`,
      'The file is cut off or its size line is wrong.',
    );
  }
  scanner.endLine('the size line');
  return { rows, cols, nonzeros };
}
