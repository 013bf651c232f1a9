/** The parent's side of a worker: starts it, asks, notices when it dies or hangs, starts it again. */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Library } from '../terms.ts';
import type { Answers, OpenRequest, Reply, Request } from './requests.ts';

/** The worker ended, was killed for its silence, or ran out of memory. */
export class WorkerGone extends Error {
  /** `SIGSEGV`, `timeout`, `out of memory`, `exit 3`, ... */
  readonly reason: string;
  constructor(reason: string, detail: string) {
    super(detail);
    this.name = 'WorkerGone';
    this.reason = reason;
  }
}

/** `stderr`: what the process said last. */
function goneFor(reason: string, stderr: string): WorkerGone {
  const memory = /bad_alloc|out of memory|ENOMEM|Allocation failed/i.test(stderr);
  return new WorkerGone(memory ? 'out of memory' : reason, stderr.trim().split('\n').at(-1) ?? '');
}

/** The library's own refusal, or an error that it caused: `UNSUPPORTED`, `BAD_LIBRARY`, `OUT_OF_MEMORY`. */
export class LibraryRefusal extends Error {
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.name = 'LibraryRefusal';
    this.code = code;
  }
}

export interface LibraryWorker {
  readonly path: string;
  readonly library: Library;
  readonly pinned: boolean;
  /** Where it meets a worker that takes turns with it; null: nowhere. */
  readonly waitAt: string | null;
  /** What can be chosen of a kernel's plan, by its index. */
  readonly knobs: ReadonlyMap<number, string>;
  /** Throws WorkerGone or LibraryRefusal. */
  ask<R extends Request>(request: R): Promise<Answers[R['kind']]>;
  /** Whether the library's process died, or shall not be used again, and `revive` is needed. */
  readonly gone: boolean;
  revive(): Promise<void>;
  /** The library's process is not used again: `revive` starts another. */
  retire(): void;
  /** Ends the process at once. */
  end(): void;
}

/**
 * Environment of a worker: idle threads of an OpenMP pool must soon sleep, not spin on the core measured next. Some
 * spinning stays, as long as in our own team (about 20 us): without it two threads of oneDNN were 13 to 50 % slower.
 */
const quietThreads = { OMP_WAIT_POLICY: 'passive', GOMP_SPINCOUNT: '2000', KMP_BLOCKTIME: '0' };

// Under a test runner this file is TypeScript, which a plain Node process does not run: take the compiled twin.
const workerPath = fileURLToPath(new URL('../../dist/measure/worker.js', import.meta.url));

/** Starts a worker and opens its library. Throws WorkerGone or LibraryRefusal. */
export async function startWorker(open: OpenRequest, timeoutMs: number): Promise<LibraryWorker> {
  let child: ChildProcess;
  let gone = true;
  /** Of the worker, which may outlive the library's process. */
  let isAlive = false;
  let stderr = '';
  let nextId = 0;
  let pending:
    | { id: number; resolve: (value: unknown) => void; reject: (error: Error) => void; timer: NodeJS.Timeout }
    | undefined;

  const settle = (action: (waiting: NonNullable<typeof pending>) => void): void => {
    if (pending === undefined) return;
    const waiting = pending;
    pending = undefined;
    clearTimeout(waiting.timer);
    action(waiting);
  };
  const spawn = (): void => {
    stderr = '';
    gone = false;
    isAlive = true;
    const started = fork(workerPath, [], {
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      env: { ...quietThreads, ...process.env },
      execArgv: [],
    });
    child = started;
    started.stderr?.on('data', (chunk: Buffer) => {
      stderr = (stderr + chunk.toString('utf8')).slice(-4096);
    });
    started.on('message', (reply: Reply) => {
      // An answer that a killed process had still sent belongs to no request of its successor.
      if (child !== started || pending?.id !== reply.id) return;
      settle((waiting) => {
        if (reply.ok) waiting.resolve(reply.value);
        else if (reply.reason === undefined) waiting.reject(new LibraryRefusal(reply.code, reply.message));
        else {
          // The worker lives; the process that it opened the library in does not.
          gone = true;
          waiting.reject(goneFor(reply.reason, reply.message));
        }
      });
    });
    const ended = (reason: string): void => {
      if (child !== started) return;
      gone = true;
      isAlive = false;
      settle((waiting) => waiting.reject(goneFor(reason, stderr)));
    };
    started.on('error', (error) => ended(error.message));
    started.on('close', (code, signal) => ended(signal ?? `exit ${code}`));
  };
  const ask = <R extends Request>(request: R): Promise<Answers[R['kind']]> =>
    new Promise((resolve, reject) => {
      if (gone) {
        reject(new WorkerGone('ended', 'the worker had ended before'));
        return;
      }
      const id = nextId;
      nextId += 1;
      const timer = setTimeout(() => {
        settle((waiting) => {
          gone = true;
          isAlive = false;
          child.kill('SIGKILL');
          waiting.reject(new WorkerGone('timeout', `no answer within ${timeoutMs / 1000} s`));
        });
      }, timeoutMs);
      pending = { id, resolve: resolve as (value: unknown) => void, reject, timer };
      child.send({ id, request }, (error) => {
        if (error !== null) settle((waiting) => waiting.reject(new WorkerGone('ended', error.message)));
      });
    });
  const end = (): void => {
    gone = true;
    isAlive = false;
    child.removeAllListeners('close');
    child.kill('SIGKILL');
    settle((waiting) => waiting.reject(new WorkerGone('ended', 'the run was stopped')));
  };

  spawn();
  let opened: Answers['open'];
  try {
    opened = await ask(open);
  } catch (error) {
    end();
    throw error;
  }
  return {
    path: open.path,
    library: opened.library,
    pinned: opened.pinned,
    waitAt: open.apart?.waitAt ?? null,
    knobs: opened.knobs,
    ask,
    get gone() {
      return gone;
    },
    async revive() {
      if (isAlive && open.apart !== undefined) {
        gone = false;
        await ask({ kind: 'restart' });
        return;
      }
      end();
      spawn();
      await ask(open);
    },
    retire() {
      gone = true;
    },
    end,
  };
}
