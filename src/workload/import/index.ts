/** The list of importers. A new file format is a file beside this one and a line here. */
import { extname } from 'node:path';
import { SparsemarkError } from '../../terms.ts';
import type { ImportedMatrix, Importer, MatrixHead } from './importer.ts';
import { mtx } from './mtx.ts';
import { openScanner, type Scanner } from './scanner.ts';
import { smtx } from './smtx.ts';

export type { ImportedMatrix, Importer, MatrixHead } from './importer.ts';

/** All importers, by file name ending. */
export const importers: ReadonlyMap<string, Importer> = new Map(
  [smtx, mtx].map((importer) => [importer.extension, importer]),
);

/** Open a matrix file and hand it to the reader of its format. */
function withScanner<T>(
  path: string,
  shownPath: string,
  use: (importer: Importer, scanner: Scanner) => T,
): T {
  const extension = extname(path).toLowerCase();
  const importer = importers.get(extension);
  if (importer === undefined) {
    throw new SparsemarkError(
      'BAD_MATRIX',
      `Expected a file ending in ${[...importers.keys()].join(' or ')} for the matrix, received "${extension}". Convert it first.`,
      { file: shownPath },
    );
  }
  const scanner = openScanner(path, shownPath);
  try {
    return use(importer, scanner);
  } finally {
    scanner.close();
  }
}

/**
 * Read a matrix file. `shownPath` is how errors call it. Throws BAD_MATRIX with file and line for whatever is not a
 * valid matrix, MISSING_FILE where it cannot be read.
 */
export function readMatrix(path: string, shownPath: string = path): ImportedMatrix {
  return withScanner(path, shownPath, (importer, scanner) => importer.read(scanner));
}

/** Read only the sizes of a matrix file. Throws as `readMatrix` does. */
export function readMatrixHead(path: string, shownPath: string = path): MatrixHead {
  return withScanner(path, shownPath, (importer, scanner) => importer.readHead(scanner));
}
