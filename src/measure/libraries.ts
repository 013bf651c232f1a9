/** Which kernel libraries and JavaScript engines there are to measure. */
import { existsSync, readdirSync } from 'node:fs';
import { freemem } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { loadNative } from '../native.ts';
import { SparsemarkError } from '../terms.ts';
import { nearestName } from '../workload/nearest-name.ts';
import { BackendRefusal } from './backends/backend.ts';
import { engines, findEngine } from './backends/index.ts';
import { LibraryRefusal, type LibraryWorker, startWorker, WorkerGone } from './library-worker.ts';

/** A library or engine that could not be opened, and why: not installed, another ABI, a crash. */
export interface Absent {
  readonly name: string;
  /** Its file; of an engine the package's name. */
  readonly path: string;
  readonly reason: string;
}

/** Share of the memory that is free on opening that a worker may allocate: the system kills nobody else for it. */
const memoryShare = 0.8;
/** The least limit that the addon takes. */
const leastMemoryBytes = 2 ** 28;

/** What a worker that is opened now may allocate. */
export function workerMemoryBytes(): number {
  return Math.max(leastMemoryBytes, Math.floor(freemem() * memoryShare));
}

const suffix = process.platform === 'darwin' ? '.dylib' : '.so';

/** Paths of the libraries that come with sparsemark, ours first. */
export function bundledLibraries(): readonly string[] {
  const { folder } = loadNative();
  const files = readdirSync(folder)
    .filter((file) => file.startsWith('libsparsemark-') && (file.endsWith(suffix) || file.endsWith('.so')))
    .sort();
  const own = files.filter((file) => file.startsWith('libsparsemark-native.'));
  return [...own, ...files.filter((file) => !own.includes(file))].map((file) => join(folder, file));
}

/**
 * `./libmine.so`, or `old=./libmine.so`: under which name, null for its own, and where. With a name a library can be
 * measured beside an older build of itself.
 */
function namedPath(given: string): { readonly name: string | null; readonly path: string } {
  const [, name, path] = /^([a-z][a-z0-9]*)=(.+)$/.exec(given) ?? [];
  if (name === undefined || path === undefined || existsSync(given))
    return { name: null, path: resolve(given) };
  return { name, path: resolve(path) };
}

/** `openblas` of `.../libsparsemark-openblas.so`. */
function bundledName(path: string): string {
  return basename(path)
    .replace(/^libsparsemark-/, '')
    .replace(/\.[a-z]+$/, '');
}

/**
 * Opens every bundled library, every engine that is installed, and the user's libraries, each in a worker of its own. A
 * competitor that is not installed is `absent`; a library that the user named and that cannot be opened is an error (BAD_LIBRARY).
 */
export async function openLibraries(options: {
  /** Paths, each with `<name>=` before it where it shall go by another name. */
  readonly userPaths: readonly string[];
  readonly cpus: readonly number[];
  readonly timeoutMs: number;
  /** Take only the bundled libraries and the engines of these names; null: all. `native` is always taken. */
  readonly only: readonly string[] | null;
}): Promise<{ workers: LibraryWorker[]; absent: Absent[] }> {
  const bundled = bundledLibraries().map((path) => ({ path, name: bundledName(path) }));
  const names = [...bundled, ...engines].map(({ name }) => name);
  const unknown = options.only?.find((name) => !names.includes(name));
  if (unknown !== undefined) {
    throw new SparsemarkError(
      'USAGE',
      `Expected one of ${names.join(', ')} for --library, received "${unknown}". Did you mean "${nearestName(unknown, names)}"?`,
    );
  }
  const workers: LibraryWorker[] = [];
  const absent: Absent[] = [];
  const memoryLimitBytes = workerMemoryBytes();
  const open = (path: string, name: string | null = null, engine?: string) =>
    startWorker(
      {
        kind: 'open',
        path,
        ...(engine === undefined ? {} : { engine }),
        name,
        cpus: options.cpus,
        memoryLimitBytes,
      },
      options.timeoutMs,
    );
  const wanted = ({ name }: { readonly name: string }): boolean =>
    options.only === null || options.only.includes(name);
  try {
    for (const { path, name } of bundled.filter((entry) => entry.name === 'native' || wanted(entry))) {
      try {
        workers.push(await open(path));
      } catch (error) {
        if (name === 'native' || !(error instanceof LibraryRefusal || error instanceof WorkerGone))
          throw error;
        absent.push({ name, path, reason: error.message });
      }
    }
    for (const engine of engines.filter(wanted)) {
      try {
        workers.push(await open(findEngine(engine), null, engine.name));
      } catch (error) {
        if (
          !(error instanceof BackendRefusal || error instanceof LibraryRefusal || error instanceof WorkerGone)
        )
          throw error;
        absent.push({ name: engine.name, path: engine.package, reason: error.message });
      }
    }
    for (const given of options.userPaths) {
      const { name, path } = namedPath(given);
      if (!existsSync(path)) {
        throw new SparsemarkError(
          'MISSING_FILE',
          `Expected a shared library for --kernels, received ${given}, which does not exist. Build it, or correct the path.`,
        );
      }
      try {
        const worker = await open(path, name);
        const twin = workers.find((other) => other.library.name === worker.library.name);
        if (twin !== undefined) {
          worker.end();
          throw new SparsemarkError(
            'BAD_LIBRARY',
            `Expected a library name that is not in use for ${given}, received "${worker.library.name}". Give it another: --kernels <name>=${path}.`,
          );
        }
        workers.push(worker);
      } catch (error) {
        if (!(error instanceof LibraryRefusal || error instanceof WorkerGone)) throw error;
        const why = error instanceof WorkerGone ? `${error.reason} ${error.message}` : error.message;
        throw new SparsemarkError(
          'BAD_LIBRARY',
          `Expected a kernel library (native/sparsemark.h) for --kernels, received ${given}: ${why.trim()}.`,
        );
      }
    }
  } catch (error) {
    for (const worker of workers) worker.end();
    throw error;
  }
  return { workers, absent };
}
