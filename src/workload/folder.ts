/** A user's own matrices as a suite: `sparsemark run ./folder --n 128`. */
import { readdirSync, statSync } from 'node:fs';
import { basename, extname, join, relative, resolve, sep } from 'node:path';
import { type CacheState, type Shape, SparsemarkError, type Suite, type Workload } from '../terms.ts';
import { importers, readMatrixHead } from './import/index.ts';
import { patternSpec } from './patterns/index.ts';
import { workloadId } from './problem.ts';
import { suiteDigest } from './suite.ts';
import { headlineCache } from './suite-entry.ts';

/** How a user's matrices are to be multiplied. */
export interface FolderOptions {
  /** Columns of B, one or several; 1 makes it spmv. */
  readonly n: number | readonly number[];
  /** Cache states; default the headline's: cold for n <= 32, else hot. */
  readonly cache?: CacheState | readonly CacheState[];
  /** Formats; default those that suit any pattern. */
  readonly formats?: readonly string[];
}

const defaultFormats = ['csr', 'sell-16-128', 'sell-16-128x64', 'bitmask'];
const maxN = 2 ** 31 - 1;

/** Matrix files at a path, which is one of them or a folder searched through and through, in order of their names. */
function matrixFiles(path: string): readonly string[] {
  let stats: ReturnType<typeof statSync>;
  try {
    stats = statSync(path);
  } catch (cause) {
    throw new SparsemarkError(
      'MISSING_FILE',
      `Expected a folder or matrix file for suite, received "${path}". Check the path.`,
      {},
      { cause },
    );
  }
  if (!stats.isDirectory()) return [path];
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && importers.has(extname(entry.name).toLowerCase()))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

/** How a file is written in ids: its path below the folder without its ending, and nothing that an id cannot hold. */
function labelsOf(files: readonly string[], path: string): readonly string[] {
  const seen = new Map<string, number>();
  return files.map((file) => {
    const below = file === path ? basename(file) : relative(path, file);
    const stem = below.slice(0, below.length - extname(below).length);
    const label = `file-${stem
      .split(sep)
      .join('-')
      .replace(/[^A-Za-z0-9_.-]/g, '_')}`;
    const times = (seen.get(label) ?? 0) + 1;
    seen.set(label, times);
    return times === 1 ? label : `${label}.${times}`;
  });
}

/**
 * The matrices of a folder, or one matrix file, as a suite. The density in an id is the file's, to four decimals
 * (a symmetric file's entries counted twice). Throws MISSING_FILE where there is no matrix, BAD_MATRIX for a damaged
 * one, USAGE for an n below 1.
 */
export function workloadsFromFolder(path: string, options: FolderOptions): Suite {
  const ns = typeof options.n === 'number' ? [options.n] : options.n;
  for (const n of ns) {
    if (Number.isInteger(n) && n >= 1 && n <= maxN) continue;
    throw new SparsemarkError(
      'USAGE',
      `Expected an integer in 1..${maxN} for --n, received ${n}. Give for example --n 128.`,
    );
  }
  const files = matrixFiles(path);
  if (files.length === 0) {
    throw new SparsemarkError(
      'MISSING_FILE',
      `Expected files ending in ${[...importers.keys()].join(' or ')} for suite, received the folder "${path}" without any. Check the path.`,
    );
  }
  const labels = labelsOf(files, path);
  const workloads: Workload[] = [];
  for (const [at, file] of files.entries()) {
    const { rows, cols, nonzeros } = readMatrixHead(file);
    const density = Math.round((nonzeros / (rows * cols)) * 10_000) / 10_000;
    const pattern = patternSpec('file', { path: resolve(file), from: 'path', as: labels[at] });
    for (const n of new Set(ns)) {
      const shape: Shape = { m: rows, k: cols, n };
      const op = n === 1 ? 'spmv' : 'spmm';
      const { cache = headlineCache(shape) } = options;
      for (const state of new Set(typeof cache === 'string' ? [cache] : cache)) {
        const facts = { op, dtype: 'f32', shape, cache: state, density, seed: 1 } as const;
        const id = workloadId({ ...facts, label: pattern.label });
        workloads.push({ id, ...facts, pattern, layer: basename(file), count: 1 });
      }
    }
  }
  const formats = { '*': options.formats ?? defaultFormats };
  return {
    name: 'folder',
    version: '0',
    description: `Matrices of ${basename(resolve(path))}`,
    released: false,
    digest: suiteDigest(workloads, formats),
    workloads,
    formats,
    refine: false,
  };
}
