/**
 * A matrix that lies in a file, .smtx or .mtx: of the data cache (`from: data`, path below its folder) or of the user's
 * own (`from: path`, absolute or from the working directory). A workload's density says how the suite names it, the
 * problem's what the file has.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { SparsemarkError } from '../../terms.ts';
import { readMatrix } from '../import/index.ts';
import type { FilePattern } from './pattern.ts';

export const file: FilePattern = {
  kind: 'file',
  name: 'file',
  summary: 'a matrix file (.smtx, .mtx)',
  parameters: {
    path: { type: 'text' },
    from: { type: 'choice', choices: ['data', 'path'], default: 'path' },
    /** The pattern's label, which stands for the path in ids. */
    as: { type: 'text' },
  },
  label: (parameters) => String(parameters.as),
  read(parameters, dataFolder) {
    const path = String(parameters.path);
    if (parameters.from !== 'data') return readMatrix(path);
    const located = join(dataFolder, path);
    if (!existsSync(located)) {
      throw new SparsemarkError(
        'MISSING_DATA',
        `Expected ${path} in the data cache, received no such file. Add it with: sparsemark data add dlmc <dlmc.tar.gz or folder>.`,
        { file: path },
      );
    }
    return readMatrix(located, path);
  },
};
