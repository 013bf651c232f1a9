/** Compiled test libraries: `test/native/libraries`. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { programPath } from './needs.ts';

const sourceFolder = fileURLToPath(new URL('./native/libraries', import.meta.url));

/**
 * Builds some of the libraries (`example`, `crashes`, ...: the list is in their CMakeLists.txt) in a folder of their
 * own, which the caller deletes, so that test files in parallel do not meet. Library `x` is `<folder>/x.so`.
 */
export function buildLibraries(names: readonly string[]): string {
  const bundled = fileURLToPath(new URL('../node_modules/.bin/cmake', import.meta.url));
  const cmake = programPath('cmake') ?? bundled;
  if (!existsSync(cmake)) throw new Error('Expected cmake on PATH or in node_modules/.bin, received none.');
  const folder = mkdtempSync(join(tmpdir(), 'sparsemark-libraries-'));
  execFileSync(cmake, ['-S', sourceFolder, '-B', folder], { stdio: 'pipe' });
  execFileSync(cmake, ['--build', folder, '--target', ...names], { stdio: 'pipe' });
  return folder;
}
