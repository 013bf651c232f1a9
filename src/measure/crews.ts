/** The processes of a comparison: crews that measure different cells at once, each with a worker for every place. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { asSparsemarkError } from '../result/file.ts';
import { SparsemarkError } from '../terms.ts';
import { workerMemoryBytes } from './libraries.ts';
import { LibraryRefusal, type LibraryWorker, startWorker, WorkerGone } from './library-worker.ts';
import { measuringCrews } from './machine.ts';
import type { PairWorkers } from './paired.ts';
import type { OpenRequest } from './requests.ts';

/** Groups of workers that measure at once. More than two were never held against one. */
const mostCrews = 2;
/** A socket's whole path has at most 103 characters on some systems. */
const longestFolder = 70;

/** What crews are opened with. */
export interface CrewOptions {
  /** Paths of the kernel libraries. */
  readonly base: string;
  readonly head: string;
  readonly relinked?: string;
  /** CPUs of one crew, which the user chose; null: as many crews as the machine has cores for. */
  readonly cpus: readonly number[] | null;
  /** Most threads of a case. */
  readonly threads: number;
  readonly timeoutMs: number;
  /** Ends the processes at once, whatever they do. */
  readonly signal: AbortSignal;
  /** Throws when the signal has fired. */
  readonly check: () => void;
}

/** The open crews of a comparison, one at least. */
export interface Crews {
  readonly workers: readonly PairWorkers[];
  /** CPUs that the workers are pinned to; empty where pinning is not possible. */
  readonly pinnedCpus: readonly number[];
  /** Ends the processes and removes what they met at. */
  close(): void;
}

/** Opens the libraries in every crew. Throws BAD_LIBRARY for one that cannot be opened, and what `check` throws. */
export async function openCrews(options: CrewOptions): Promise<Crews> {
  const crews = options.cpus === null ? measuringCrews(options.threads, mostCrews) : [options.cpus];
  // Base comes to where the others wait for their turns.
  const meetingPlaces = newFolder();
  const opened: LibraryWorker[] = [];
  const end = (): void => {
    for (const worker of opened) worker.end();
  };
  options.signal.addEventListener('abort', end);
  const close = (): void => {
    options.signal.removeEventListener('abort', end);
    end();
    rmSync(meetingPlaces, { recursive: true, force: true });
  };
  const openCrew = async (cpus: readonly number[], crew: number): Promise<PairWorkers> => {
    const open = async (label: string, path: string, place?: string): Promise<LibraryWorker> => {
      options.check();
      const waitAt = place && join(meetingPlaces, `${place}-${crew}`);
      const worker = await openSide(label, path, { cpus, ...(waitAt && { waitAt }) }, options.timeoutMs);
      opened.push(worker);
      return worker;
    };
    const base = await open('base', options.base);
    const head = await open('head', options.head, 'head');
    const twin = await open('base', options.base, 'twin');
    const relinked = options.relinked && (await open('base, relinked', options.relinked, 'relinked'));
    return { base, head, twin, ...(relinked && { relinked }) };
  };
  try {
    const workers: PairWorkers[] = [];
    for (const [crew, cpus] of crews.entries()) workers.push(await openCrew(cpus, crew));
    const pinnedCpus = opened.every(({ pinned }) => pinned) ? crews.flat() : [];
    return { workers, pinnedCpus, close };
  } catch (error) {
    close();
    options.check();
    throw error;
  }
}

/** Opens one side. Throws BAD_LIBRARY with the library's own words. */
async function openSide(
  label: string,
  path: string,
  { cpus, waitAt }: Pick<OpenRequest, 'cpus'> & { readonly waitAt?: string },
  timeoutMs: number,
): Promise<LibraryWorker> {
  // The worker's own timeout comes first; a runner ends by itself where nobody ends it.
  const apart = { patienceSeconds: Math.ceil(timeoutMs / 1000) + 5, ...(waitAt && { waitAt }) };
  const request = { kind: 'open', path, name: null, cpus, memoryLimitBytes: workerMemoryBytes() } as const;
  try {
    return await startWorker({ ...request, apart }, timeoutMs);
  } catch (error) {
    if (!(error instanceof LibraryRefusal || error instanceof WorkerGone)) throw error;
    const why = error instanceof WorkerGone ? `${error.reason} ${error.message}` : error.message;
    throw new SparsemarkError(
      'BAD_LIBRARY',
      `Expected a kernel library (native/sparsemark.h) for ${label}, received ${path}: ${why.trim().replace(/\.+$/, '')}. Build it against this version of native/sparsemark.h.`,
      {},
      { cause: error },
    );
  }
}

/** A new folder with a path short enough for sockets in it. Throws SparsemarkError. */
function newFolder(): string {
  const parent = tmpdir().length <= longestFolder ? tmpdir() : '/tmp';
  try {
    return mkdtempSync(join(parent, 'sparsemark-'));
  } catch (cause) {
    throw asSparsemarkError(cause, parent, 'write');
  }
}
