/** What a test needs from the machine. Where it is missing the test is skipped loudly, or fails in CI. */
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { dataFolderOf } from '../src/workload/data.ts';

/** Path of a program on PATH, or null. */
export function programPath(name: string): string | null {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    if (folder !== '' && existsSync(join(folder, name))) return join(folder, name);
  }
  return null;
}

/**
 * Whether a test must be skipped for want of `what`. Throws where the environment variable SPARSEMARK_REQUIRED, a
 * comma-separated list, says that it has to be there: a test whose packages CI installed may not be skipped.
 */
export function missing(what: string, present: boolean): boolean {
  if (present) return false;
  if ((process.env.SPARSEMARK_REQUIRED ?? '').split(',').includes(what)) {
    throw new Error(`${what} is required by SPARSEMARK_REQUIRED, but was not found`);
  }
  console.warn(`SKIPPED for want of ${what}`);
  return true;
}

/** Folder of the Deep Learning Matrix Collection in the data cache, or null. */
export function dlmcFolder(): string | null {
  const folder = join(dataFolderOf(), 'dlmc');
  return existsSync(join(folder, 'dlmc.csv')) ? folder : null;
}
