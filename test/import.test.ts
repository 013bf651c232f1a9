import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { SparsemarkError } from '../src/terms.ts';
import { type ImportedMatrix, importers, readMatrix, readMatrixHead } from '../src/workload/import/index.ts';

const folder = mkdtempSync(join(tmpdir(), 'sparsemark-import-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function read(name: string, content: string | Uint8Array): ImportedMatrix {
  const path = join(folder, name);
  writeFileSync(path, content);
  return readMatrix(path, name);
}

function errorOf(run: () => unknown): SparsemarkError {
  try {
    run();
  } catch (error) {
    if (error instanceof SparsemarkError) return error;
    throw error;
  }
  throw new Error('expected an error, received none');
}

/** Whether a place lies in a line of some text, or just behind it. */
function columnWithin(content: string | Uint8Array, { line, column }: SparsemarkError['place']): boolean {
  const text = typeof content === 'string' ? content : Buffer.from(content).toString('latin1');
  return column! >= 1 && column! <= (text.split('\n')[line! - 1] ?? '').length + 1;
}

/** [row, column, value] in order; value 1 where the file has none. */
function entriesOf({ rows, rowOffsets, colIndices, values }: ImportedMatrix): [number, number, number][] {
  const entries: [number, number, number][] = [];
  for (let i = 0; i < rows; i += 1) {
    for (let p = rowOffsets[i]!; p < rowOffsets[i + 1]!; p += 1) {
      entries.push([i, colIndices[p]!, values === null ? 1 : values[p]!]);
    }
  }
  return entries;
}

/** Whatever is handed on is canonical: this is what the addon relies on. */
function expectCanonical({ rows, cols, rowOffsets, colIndices, values }: ImportedMatrix): void {
  expect(rowOffsets.length).toBe(rows + 1);
  expect(rowOffsets[0]).toBe(0);
  expect(rowOffsets[rows]).toBe(colIndices.length);
  if (values !== null) expect(values.length).toBe(colIndices.length);
  for (let i = 0; i < rows; i += 1) {
    let before = -1;
    for (let p = rowOffsets[i]!; p < rowOffsets[i + 1]!; p += 1) {
      if (colIndices[p]! <= before || colIndices[p]! >= cols) throw new Error(`row ${i} is not canonical`);
      before = colIndices[p]!;
    }
  }
  if (values?.some((value) => !Number.isFinite(value))) throw new Error('a value is not finite');
}

const smtx = '3, 4, 5\n0 2 2 5\n0 3 1 2 3\n';
const banner = '%%MatrixMarket matrix coordinate';
const mtx = `${banner} real general\n% a comment\n%\n3 4 4\n1 1 0.5\n3 2 -1e-2\n\n2 4 0\n1 3 7\n`;

describe('.smtx', () => {
  test('gives the pattern and no values', () => {
    const matrix = read('a.smtx', smtx);
    expect(matrix).toMatchObject({ rows: 3, cols: 4, values: null, sortedEntries: 0 });
    expect([...matrix.rowOffsets]).toEqual([0, 2, 2, 5]);
    expect([...matrix.colIndices]).toEqual([0, 3, 1, 2, 3]);
    expect(readMatrixHead(join(folder, 'a.smtx'))).toEqual({ rows: 3, cols: 4, nonzeros: 5 });
  });

  test('takes windows line ends, no commas, a missing last line end, and no nonzeros', () => {
    expect(entriesOf(read('a.smtx', smtx.replaceAll('\n', '\r\n')))).toHaveLength(5);
    expect(entriesOf(read('a.smtx', smtx.replace(',', '').trimEnd()))).toHaveLength(5);
    expect(entriesOf(read('a.smtx', '2, 2, 0\n0 0 0\n\n'))).toEqual([]);
    expect(entriesOf(read('a.smtx', '2, 2, 0\n0 0 0'))).toEqual([]);
  });

  test('sorts rows and counts what was out of order', () => {
    const matrix = read('a.smtx', '2, 4, 5\n0 3 5\n3 1 2 3 0\n');
    expect([...matrix.colIndices]).toEqual([1, 2, 3, 0, 3]);
    expect(matrix.sortedEntries).toBe(2);
  });

  const bad: readonly (readonly [string, string | Uint8Array, RegExp, number])[] = [
    ['an empty file', '', /end of the file/, 1],
    ['a cut header', '3, 4', /number of nonzeros, received the end of the file/, 1],
    ['too many header fields', '3, 4, 5, 6\n0 2 2 5\n0 3 1 2 3\n', /end of the line/, 1],
    ['too few offsets', '3, 4, 5\n0 2 5\n0 3 1 2 3\n', /row offset, received the end of the line/, 2],
    ['too many offsets', '3, 4, 5\n0 2 2 5 5\n0 3 1 2 3\n', /received "5"/, 2],
    ['too few columns', '3, 4, 5\n0 2 2 5\n0 3 1 2\n', /column index, received the end of the line/, 3],
    ['a truncated file', '3, 4, 5\n0 2 2 5\n0 3', /received the end of the file/, 3],
    ['too many columns', '3, 4, 5\n0 2 2 5\n0 3 1 2 3 3\n', /end of the line/, 3],
    ['text after the end', `${smtx}more\n`, /end of the line/, 4],
    ['a column out of range', '3, 4, 5\n0 2 2 5\n0 4 1 2 3\n', /integer in 0\.\.3 .*received 4/, 3],
    ['a negative column', '3, 4, 5\n0 2 2 5\n0 -3 1 2 3\n', /received "-3"/, 3],
    ['falling offsets', '3, 4, 5\n0 2 1 5\n0 3 1 2 3\n', /at least 2 for offset 2/, 2],
    ['offsets that do not begin at 0', '3, 4, 5\n1 2 2 5\n0 3 1 2 3\n', /Expected 0 for the first/, 2],
    ['offsets that end elsewhere', '3, 4, 5\n0 2 2 4\n0 3 1 2 3\n', /Expected 5 for the last/, 2],
    ['an offset past the end', '3, 4, 5\n0 2 9 5\n0 3 1 2 3\n', /integer in 0\.\.5/, 2],
    ['2^31 nonzeros', '65536, 32767, 2147483648\n0\n', /integer in 0\.\.2147483647/, 1],
    ['more nonzeros than the file can hold', '46340, 46340, 2147395600\n0\n', /room for 2147395600/, 1],
    ['more nonzeros than cells', '2, 2, 5\n0 2 5\n0 1 0 1 1\n', /at most 4 /, 1],
    ['more rows than the file can hold', '1000000, 2, 1\n0 1\n0\n', / 1000001 row offsets/, 1],
    ['too many cells', '2147483647, 2, 1\n0 1\n0\n', /cells/, 1],
    ['zero rows', '0, 4, 0\n0\n\n', /number of rows, received 0/, 1],
    ['a fraction', '3, 4, 5\n0 2.5 2 5\n0 3 1 2 3\n', /received "2\.5"/, 2],
    ['a duplicate', '3, 4, 5\n0 2 2 5\n0 3 1 2 1\n', /row 2, column 1 \(from 0\) twice/, 3],
    ['binary rubbish', Uint8Array.from({ length: 300 }, (_, at) => (at * 89) % 256), /integer/, 1],
    ['a number of 1000 digits', `${'9'.repeat(1000)}, 4, 5\n`, /received "999/, 1],
  ];
  test.each(bad)('refuses %s with its line', (_, content, message, line) => {
    const error = errorOf(() => read('bad.smtx', content));
    expect([error.code, error.exitCode]).toEqual(['BAD_MATRIX', 42]);
    expect(error.message).toMatch(message);
    expect(error.place).toMatchObject({ file: 'bad.smtx', line });
    // Of a cell that is there twice the line is known alone.
    if (!/twice/.test(error.message)) expect(columnWithin(content, error.place)).toBe(true);
  });
});

describe('.mtx', () => {
  test('gives values, and a stored zero is a nonzero', () => {
    const matrix = read('a.mtx', mtx);
    expect(entriesOf(matrix)).toEqual([
      [0, 0, 0.5],
      [0, 2, 7],
      [1, 3, 0],
      [2, 1, Math.fround(-0.01)],
    ]);
    expect(matrix.sortedEntries).toBe(0);
    expect(readMatrixHead(join(folder, 'a.mtx'))).toEqual({ rows: 3, cols: 4, nonzeros: 4 });
  });

  test('pattern, integer, symmetric and skew-symmetric', () => {
    expect(read('a.mtx', `${banner} pattern general\n2 2 1\n2 1\n`).values).toBeNull();
    expect(entriesOf(read('a.mtx', `${banner} integer general\n2 2 1\n2 1 -3\n`))).toEqual([[1, 0, -3]]);
    const symmetric = read('a.mtx', `${banner} real symmetric\n3 3 3\n1 1 1\n3 1 2\n3 2 4\n`);
    expect(entriesOf(symmetric)).toEqual([
      [0, 0, 1],
      [0, 2, 2],
      [1, 2, 4],
      [2, 0, 2],
      [2, 1, 4],
    ]);
    expect(readMatrixHead(join(folder, 'a.mtx')).nonzeros).toBe(6);
    expect(entriesOf(read('a.mtx', `${banner} real skew-symmetric\n2 2 1\n2 1 3\n`))).toEqual([
      [0, 1, -3],
      [1, 0, 3],
    ]);
  });

  test('sorts entries with their values and counts them', () => {
    const matrix = read('a.mtx', `${banner} real general\n2 3 4\n2 1 4\n1 3 3\n1 1 1\n1 2 2\n`);
    expect(entriesOf(matrix).map(([, , value]) => value)).toEqual([1, 2, 3, 4]);
    expect(matrix.sortedEntries).toBe(1);
  });

  test('the banner may be written in any case, the last line end may be missing', () => {
    expect(
      entriesOf(read('a.mtx', '%%matrixmarket MATRIX Coordinate Real General\r\n1 1 1\r\n1 1 2')),
    ).toEqual([[0, 0, 2]]);
  });

  test('reads every way of writing a number as Number() does', () => {
    const written = [
      '1',
      '-0',
      '+3',
      '.5',
      '5.',
      '1e3',
      '-2.5E-3',
      '0.1',
      '123456789012345',
      '1234567890123456789',
      '3.4028235e38',
      '1e-60',
      '1e23',
      '0.000000000000000000000000000001',
      '9007199254740993e-10',
    ];
    const fast = fc.oneof(
      fc.double({ noNaN: true, min: -1e30, max: 1e30 }).map(String),
      fc.constantFrom(...written),
    );
    fc.assert(
      fc.property(fast, (text) => {
        const { values } = read('a.mtx', `${banner} real general\n1 1 1\n1 1 ${text}\n`);
        expect(values![0]).toBe(Math.fround(Number(text)));
      }),
      { numRuns: 300 },
    );
  });

  test('numbers that straddle the chunks of the reader are whole', () => {
    const count = 120_000;
    const lines = Array.from({ length: count }, (_, at) => `1 ${at + 1} ${(at * 7919) / 1000}`);
    const { values } = read('a.mtx', `${banner} real general\n1 ${count} ${count}\n${lines.join('\n')}\n`);
    expect(values!.every((value, at) => value === Math.fround((at * 7919) / 1000))).toBe(true);
  });

  const real = `${banner} real general\n`;
  const bad: readonly (readonly [string, string | Uint8Array, RegExp, number])[] = [
    ['an empty file', '', /%%MatrixMarket/, 1],
    ['another banner', '%MatrixMarket matrix coordinate real general\n', /not a Matrix Market file/, 1],
    [
      'an array',
      '%%MatrixMarket matrix array real general\n2 2\n1\n2\n3\n4\n',
      /received an array\. Write the nonzeros/,
      1,
    ],
    ['complex numbers', `${banner} complex general\n1 1 1\n1 1 1 0\n`, /received complex/, 1],
    ['hermitian', `${banner} real hermitian\n1 1 1\n1 1 1\n`, /Did you mean "symmetric"/, 1],
    ['an unknown field', `${banner} reel general\n1 1 1\n1 1 1\n`, /Did you mean "real"/, 1],
    ['an unknown layout', '%%MatrixMarket matrix coordinat real general\n', /"coordinate" for the layout/, 1],
    ['a skew pattern', `${banner} pattern skew-symmetric\n2 2 1\n2 1\n`, /A pattern has no signs/, 1],
    ['no size line', real, /number of rows, received the end of the file/, 2],
    ['a fraction as size', `${real}2.5 2 1\n1 1 1\n`, /received "2\.5"/, 2],
    ['2^31 entries', `${real}65536 32767 2147483648\n`, /integer in 0\.\.2147483647/, 2],
    ['entries that the file cannot hold', `${real}46340 46340 2147395600\n1 1 1\n`, /room for 2147395600/, 2],
    ['too many cells', `${real}50000 50000 1\n1 1 1\n`, /cells/, 2],
    ['a row 0', `${real}2 2 1\n0 1 1\n`, /row index, received 0/, 3],
    ['a row out of range', `${real}2 2 1\n3 1 1\n`, /integer in 1\.\.2 for a row index, received 3/, 3],
    ['a column out of range', `${real}2 2 1\n1 3 1\n`, /column index, received 3/, 3],
    ['a missing value', `${real}2 2 1\n1 2\n\n\n`, /a value, received the end of the line/, 3],
    ['no number as value', `${real}2 2 1\n1 2 x\n`, /received "x"/, 3],
    ['NaN', `${real}2 2 1\n1 2 nan\n`, /finite number .*received "nan"/, 3],
    ['infinity', `${real}2 2 1\n1 2 Infinity\n`, /received "Infinity"/, 3],
    ['a hexadecimal number', `${real}2 2 1\n1 2 0x10\n`, /received "0x10"/, 3],
    ['a value beyond single precision', `${real}2 2 1\n1 2 1e39\n`, /single precision .*"1e39"/, 3],
    ['too much on a line', `${real}2 2 1\n1 2 3 4\n`, /end of the line .*received "4"/, 3],
    ['too few entries', `${real}2 2 2\n1 2 3.00000000\n`, /row index, received the end of the file/, 4],
    ['too many entries', `${real}2 2 1\n1 2 3\n1 1 1\n`, /Expected 1 entries/, 4],
    ['a duplicate', `${real}2 2 3\n1 2 3\n2 2 1\n1 2 4\n`, /\(1, 2\) twice/, 6],
    ['a mirrored duplicate', `${banner} real symmetric\n2 2 2\n1 2 3\n2 1 3\n`, /\(1, 2\) twice/, 5],
    ['a symmetric matrix that is not square', `${banner} real symmetric\n2 3 1\n1 1 1\n`, /square/, 3],
    ['a skew diagonal', `${banner} real skew-symmetric\n2 2 1\n1 1 1\n`, /no diagonal entry/, 3],
    ['a fraction as integer', `${banner} integer general\n2 2 1\n1 1 1.5\n`, /an integer for a value/, 3],
    [
      'binary rubbish',
      Uint8Array.from({ length: 3000 }, (_, at) => (at * 89) % 256),
      /first line|the line/,
      1,
    ],
  ];
  test.each(bad)('refuses %s with its line', (_, content, message, line) => {
    const error = errorOf(() => read('bad.mtx', content));
    expect([error.code, error.exitCode]).toEqual(['BAD_MATRIX', 42]);
    expect(error.message).toMatch(message);
    expect(error.place).toMatchObject({ file: 'bad.mtx', line });
    // Of a cell that is there twice the line is known alone.
    if (!/twice/.test(error.message)) expect(columnWithin(content, error.place)).toBe(true);
  });
});

describe.each([...importers.values()])('importer $extension', ({ extension, summary }) => {
  const valid: Readonly<Record<string, readonly string[]>> = {
    '.smtx': [smtx, '1, 1, 1\n0 1\n0\n', '2, 3, 4\n0 3 4\n2 0 1 1\n'],
    '.mtx': [
      mtx,
      `${banner} pattern symmetric\n4 4 3\n1 1\n3 1\n4 2\n`,
      `${banner} integer skew-symmetric\n3 3 2\n2 1 5\n3 2 -6\n`,
    ],
  };

  test('says what it reads and has files to be tried with', () => {
    expect(summary).not.toBe('');
    expect(valid[extension]?.length).toBeGreaterThan(0);
    for (const text of valid[extension]!) expectCanonical(read(`valid${extension}`, text));
  });

  test('a mutated file is a canonical matrix or BAD_MATRIX, nothing else', () => {
    const edit = fc.record({
      at: fc.nat({ max: 200 }),
      removed: fc.nat({ max: 8 }),
      inserted: fc.oneof(
        fc.uint8Array({ maxLength: 5 }),
        fc
          .constantFrom(
            '0',
            '9',
            '-1',
            ' ',
            '\n',
            ',',
            '.',
            'e9',
            '4294967296',
            '2147483648',
            '99999999999999999999',
            '%',
            '\0',
          )
          .map((text) => new TextEncoder().encode(text)),
      ),
    });
    fc.assert(
      fc.property(
        fc.constantFrom(...valid[extension]!),
        fc.array(edit, { minLength: 1, maxLength: 4 }),
        (text, edits) => {
          let bytes: Uint8Array = new TextEncoder().encode(text);
          for (const { at, removed, inserted } of edits) {
            const from = Math.min(at, bytes.length);
            bytes = Uint8Array.from([...bytes.slice(0, from), ...inserted, ...bytes.slice(from + removed)]);
          }
          try {
            expectCanonical(read(`mutated${extension}`, bytes));
          } catch (error) {
            if (!(error instanceof SparsemarkError)) throw error;
            expect(error.code).toBe('BAD_MATRIX');
            expect(error.place.file).toBe(`mutated${extension}`);
            expect(error.place.line).toBeGreaterThan(0);
          }
        },
      ),
      { numRuns: 1500 },
    );
  });

  test('a file cut at any byte is refused or whole', () => {
    for (const text of valid[extension]!) {
      for (let length = 0; length < text.trimEnd().length; length += 1) {
        const cut = text.slice(0, length);
        try {
          expectCanonical(read(`cut${extension}`, cut));
        } catch (error) {
          expect((error as SparsemarkError).code).toBe('BAD_MATRIX');
        }
      }
    }
  });
});

test('a missing file, a folder and a foreign ending', () => {
  expect(errorOf(() => readMatrix(join(folder, 'none.mtx'))).code).toBe('MISSING_FILE');
  mkdirSync(join(folder, 'folder.mtx'));
  expect(errorOf(() => readMatrix(join(folder, 'folder.mtx'))).code).toBe('MISSING_FILE');
  expect(errorOf(() => readMatrix(join(folder, 'a.npz'))).message).toMatch(/\.smtx or \.mtx/);
});
