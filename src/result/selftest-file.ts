/** The last self-test of the gate on each machine: one JSON file a machine in the data folder. */
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Selftest } from '../terms/comparison.ts';
import { SparsemarkError } from '../terms.ts';
import { selftestSchema } from './comparison-file.ts';
import { asSparsemarkError, writeWhole } from './file.ts';

/** Where the self-test of a machine is kept. Fingerprints are hexadecimal. */
export function selftestPath(dataFolder: string, fingerprint: string): string {
  return join(dataFolder, 'selftest', `${fingerprint.replace(/[^0-9a-zA-Z-]/g, '')}.json`);
}

/** The last self-test of a machine; null where there is none. Throws BAD_RESULT for a file that is none. */
export function readSelftest(dataFolder: string, fingerprint: string): Selftest | null {
  const path = selftestPath(dataFolder, fingerprint);
  if (!existsSync(path)) return null;
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    value = null;
  }
  const parsed = selftestSchema.safeParse(value);
  if (parsed.success && parsed.data.machine === fingerprint) return parsed.data as Selftest;
  throw new SparsemarkError(
    'BAD_RESULT',
    'Expected a self-test of this machine, received another file. Delete it, or run sparsemark selftest again.',
    { file: path },
  );
}

/** Keeps a self-test as the last one of its machine; returns where. Throws DISK_FULL, IO. */
export function writeSelftest(dataFolder: string, selftest: Selftest): string {
  const path = selftestPath(dataFolder, selftest.machine);
  try {
    mkdirSync(join(dataFolder, 'selftest'), { recursive: true });
  } catch (cause) {
    throw asSparsemarkError(cause, path, 'write');
  }
  writeWhole(path, [`${JSON.stringify(selftest, null, 1)}\n`]);
  return path;
}
