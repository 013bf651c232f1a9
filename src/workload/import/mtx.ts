/**
 * Matrix Market coordinate files (R. Boisvert, R. Pozo, K. Remington, The Matrix Market Exchange Formats: Initial
 * Design, NISTIR 5935, 1996): real, integer or pattern; general, symmetric or skew-symmetric; indices from 1.
 */
import { nearestName } from '../nearest-name.ts';
import { orderRows } from '../rows.ts';
import { type ImportedMatrix, type Importer, type MatrixHead, maxNonzeros, readSizes } from './importer.ts';
import type { Scanner } from './scanner.ts';

const fields = ['real', 'integer', 'pattern'];
const symmetries = ['general', 'symmetric', 'skew-symmetric'];

/** What the banner and the size line say. `entries` are those of the file, before mirroring. */
interface MtxHead {
  readonly rows: number;
  readonly cols: number;
  readonly entries: number;
  readonly field: string;
  readonly symmetry: string;
}

function readHead(scanner: Scanner): MtxHead {
  const banner = scanner.restOfLine(1024);
  const [mark = '', object = '', layout = '', field = '', symmetry = '', ...more] = banner
    .toLowerCase()
    .split(/\s+/);
  const shown = `"${banner.slice(0, 60).replace(/[^\x20-\x7e]/g, '?')}"`;
  if (mark !== '%%matrixmarket' || object !== 'matrix' || more.length > 0) {
    scanner.fail(
      '"%%MatrixMarket matrix coordinate ..."',
      'the first line',
      shown,
      'This is not a Matrix Market file.',
    );
  }
  if (layout === 'array') {
    scanner.fail('a coordinate matrix', 'the first line', 'an array', 'Write the nonzeros as coordinates.');
  }
  if (layout !== 'coordinate')
    scanner.fail('"coordinate"', 'the layout', `"${layout}"`, 'Correct the first line.');
  if (field === 'complex') {
    scanner.fail(`one of ${fields.join(', ')}`, 'the field', 'complex', 'Complex numbers are not supported.');
  }
  if (!fields.includes(field)) {
    const meant = nearestName(field, fields);
    scanner.fail(
      `one of ${fields.join(', ')}`,
      'the field',
      `"${field.slice(0, 24)}"`,
      `Did you mean "${meant}"?`,
    );
  }
  if (!symmetries.includes(symmetry)) {
    const meant = symmetry === 'hermitian' ? 'symmetric' : nearestName(symmetry, symmetries);
    scanner.fail(
      `one of ${symmetries.join(', ')}`,
      'the symmetry',
      `"${symmetry.slice(0, 24)}"`,
      `Did you mean "${meant}"?`,
    );
  }
  if (field === 'pattern' && symmetry === 'skew-symmetric') {
    scanner.fail(
      'real or integer',
      'the field of a skew-symmetric matrix',
      'pattern',
      'A pattern has no signs.',
    );
  }
  scanner.skipLine();
  while (scanner.nextByte() === 37 || scanner.peek() === 'line end') scanner.skipLine();
  const { rows, cols, nonzeros } = readSizes(scanner, {
    entryBytes: field === 'pattern' ? 4 : 6,
    rowBytes: 0,
    commas: false,
  });
  if (symmetry !== 'general' && rows !== cols) {
    scanner.fail(
      `a square matrix`,
      `the size of a ${symmetry} matrix`,
      `${rows} x ${cols}`,
      'Correct the size line.',
    );
  }
  return { rows, cols, entries: nonzeros, field, symmetry };
}

/** Entries in the order of the file, indices from 0. */
interface Triplets {
  readonly rowOf: Int32Array;
  readonly colOf: Int32Array;
  readonly valuesRead: Float32Array | null;
}

function readEntries(scanner: Scanner, head: MtxHead): Triplets {
  const { rows, cols, entries, field, symmetry } = head;
  const rowOf = new Int32Array(entries);
  const colOf = new Int32Array(entries);
  const valuesRead = field === 'pattern' ? null : new Float32Array(entries);
  for (let entry = 0; entry < entries; entry += 1) {
    while (scanner.peek() === 'line end') scanner.skipLine();
    rowOf[entry] = scanner.integer('a row index', 1, rows) - 1;
    colOf[entry] = scanner.integer('a column index', 1, cols) - 1;
    if (valuesRead !== null) {
      const value = scanner.real('a value');
      if (field === 'integer' && !Number.isInteger(value)) {
        scanner.fail(
          'an integer',
          'a value',
          String(value),
          'Write "real" in the first line, or correct the value.',
        );
      }
      valuesRead[entry] = value;
    }
    if (symmetry === 'skew-symmetric' && rowOf[entry] === colOf[entry]) {
      const cell = rowOf[entry]! + 1;
      scanner.fail(
        'no diagonal entry',
        'a skew-symmetric matrix',
        `(${cell}, ${cell})`,
        'Its diagonal is zero.',
      );
    }
    scanner.endLine('the entry');
  }
  while (scanner.peek() === 'line end') scanner.skipLine();
  if (scanner.peek() === 'token') {
    scanner.fail(`${entries} entries`, 'the file', 'more', 'The size line is wrong, or lines were added.');
  }
  return { rowOf, colOf, valuesRead };
}

function read(scanner: Scanner): ImportedMatrix {
  const head = readHead(scanner);
  const { rows, cols, entries, symmetry } = head;
  const { rowOf, colOf, valuesRead } = readEntries(scanner, head);
  const mirrored = symmetry !== 'general';
  const sign = symmetry === 'skew-symmetric' ? -1 : 1;

  const counts = new Float64Array(rows + 1);
  for (let entry = 0; entry < entries; entry += 1) {
    counts[rowOf[entry]! + 1]! += 1;
    if (mirrored && rowOf[entry] !== colOf[entry]) counts[colOf[entry]! + 1]! += 1;
  }
  for (let row = 0; row < rows; row += 1) counts[row + 1]! += counts[row]!;
  const nonzeros = counts[rows]!;
  if (nonzeros > maxNonzeros) {
    scanner.fail(
      `at most ${maxNonzeros}`,
      'the number of nonzeros',
      String(nonzeros),
      'Choose a smaller matrix.',
    );
  }
  const rowOffsets = Int32Array.from(counts);
  const next = rowOffsets.slice();
  const colIndices = new Int32Array(nonzeros);
  const values = valuesRead === null ? null : new Float32Array(nonzeros);
  for (let entry = 0; entry < entries; entry += 1) {
    const row = rowOf[entry]!;
    const col = colOf[entry]!;
    const position = next[row]!;
    next[row] = position + 1;
    colIndices[position] = col;
    if (values !== null) values[position] = valuesRead![entry]!;
    if (!mirrored || row === col) continue;
    const mirror = next[col]!;
    next[col] = mirror + 1;
    colIndices[mirror] = row;
    if (values !== null) values[mirror] = sign * valuesRead![entry]!;
  }
  const { sortedEntries, duplicate } = orderRows(rowOffsets, colIndices, values);
  if (duplicate !== null) {
    const { row, col } = duplicate;
    scanner.fail(
      'each cell once',
      'the entries',
      `(${row + 1}, ${col + 1}) twice`,
      'Remove one, or add them up.',
      'line',
    );
  }
  return { rows, cols, rowOffsets, colIndices, values, sortedEntries };
}

export const mtx: Importer = {
  extension: '.mtx',
  summary: 'Matrix Market coordinate file',
  readHead(scanner): MatrixHead {
    const { rows, cols, entries, symmetry } = readHead(scanner);
    return { rows, cols, nonzeros: symmetry === 'general' ? entries : Math.min(rows * cols, 2 * entries) };
  },
  read,
};
