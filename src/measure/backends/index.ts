/**
 * The list of JavaScript engines: packages that a user may have installed and that compute dense products. None is
 * installed with sparsemark. Kernel libraries behind `native/sparsemark.h` are not listed: each file of
 * `native/backends/` is one.
 */
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Backend, BackendRefusal } from './backend.ts';
import { openOnnxRuntime } from './onnxruntime.ts';
import { openSharedLibrary } from './shared-library.ts';

/** A JavaScript engine: a package of npm's behind an adapter. */
export interface Engine {
  /** As in case ids. */
  readonly name: string;
  readonly package: string;
  /** How a user gets it. */
  readonly advice: string;
  /** Opens it by the path of its main file. Throws BAD_LIBRARY. */
  open(path: string): Promise<Backend>;
}

export const engines: readonly Engine[] = [
  {
    name: 'onnxruntime',
    package: 'onnxruntime-node',
    advice: 'npm install onnxruntime-node (290 MB; with --ignore-scripts it fetches nothing for GPUs).',
    open: openOnnxRuntime,
  },
];

const ownFolder = dirname(fileURLToPath(import.meta.url));

/**
 * Path of an engine's main file as a program in one of the folders would find it: where the user works, then beside
 * sparsemark itself. Throws UNSUPPORTED with what to install where it is in neither.
 */
export function findEngine(
  { name, package: packageName, advice }: Engine,
  folders: readonly string[] = [process.cwd(), ownFolder],
): string {
  for (const folder of folders) {
    try {
      return createRequire(join(folder, 'any.js')).resolve(packageName);
    } catch {
      // Not there: the next folder may have it.
    }
  }
  throw new BackendRefusal(
    'UNSUPPORTED',
    `Expected the package ${packageName} for ${name}, received none in ${folders[0]} or beside sparsemark. ${advice}`,
  );
}

/** Opens what a worker was told to: an engine by its name, or else a shared library. */
export async function openBackend(path: string, engine: string | null): Promise<Backend> {
  if (engine === null) return openSharedLibrary(path);
  return engines.find(({ name }) => name === engine)!.open(path);
}
