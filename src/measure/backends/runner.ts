/**
 * A shared library in a process that has no Node in it, `native/runner/main.cc`. It answers 7 ms after it was asked for,
 * where a worker takes 0.1 s of its core alone, so a comparison can afford to draw the layout of memory anew every few
 * rounds.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { loadNative } from '../../native.ts';
import { type Csr, type Dtype, SparsemarkError } from '../../terms.ts';
import {
  type Backend,
  BackendGone,
  type BackendJob,
  BackendRefusal,
  type EncodedMatrix,
  type JobRequest,
  type LoadedProblem,
} from './backend.ts';
import { type Field, type Incoming, MessageReader, messageOf } from './frames.ts';
import { geometryOf, openSharedLibrary } from './shared-library.ts';

/** What is asked of a runner, in the order of `Request` in `native/runner/main.cc`. */
const requests = ['problem', 'encode', 'prepare', 'answer', 'time', 'turns', 'release'] as const;
type Request = (typeof requests)[number];

/** Arrays of an answer, in the order of `Element` in `native/operands.h`. */
const answerArrays = [Float32Array, Float32Array, Uint16Array, Float32Array, Int32Array] as const;

export interface RunnerOptions {
  /** Of the library. */
  readonly path: string;
  readonly memoryLimitBytes: number;
  /** A request that takes longer ends the process. */
  readonly patienceSeconds: number;
  /** Path of the socket at which it meets another runner; absent: it never waits. */
  readonly waitAt?: string;
}

/** A library in a runner. Whatever is asked of one that has ended throws BackendGone until it is started again. */
export interface Runner extends Backend {
  load(problem: LoadedProblem): Promise<void>;
  /** Ends the process and starts it again, with nothing loaded. */
  restart(): Promise<void>;
  /** Ends the process for good. */
  end(): void;
}

interface Held extends EncodedMatrix {
  readonly id: number;
}

/** One life of the process. */
interface Life {
  ask(request: Request, fields: readonly Field[]): Promise<Incoming>;
  end(): void;
}

/** Starts the process. Throws what the library's opening throws, or BackendGone. */
async function begin({ path, memoryLimitBytes, patienceSeconds, waitAt }: RunnerOptions): Promise<Life> {
  const program = join(loadNative().folder, 'sparsemark-runner');
  if (!existsSync(program)) {
    throw new SparsemarkError(
      'MISSING_ADDON',
      `Expected sparsemark-runner beside the addon, received no ${program}. Build it: npm run build in a checkout, npx sparsemark build in an installed package.`,
    );
  }
  const child: ChildProcess = spawn(
    program,
    [path, String(memoryLimitBytes), String(patienceSeconds), ...(waitAt === undefined ? [] : [waitAt])],
    { stdio: ['ignore', 'ignore', 'pipe', 'pipe'] },
  );
  const channel = child.stdio[3] as Duplex;
  let stderr = '';
  let gone: BackendGone | undefined;
  let waiting: { resolve: (reply: Incoming) => void; reject: (error: Error) => void }[] = [];
  const ended = (reason: string): void => {
    gone ??= new BackendGone(reason, stderr.trim().split('\n').at(-1) ?? '');
    for (const { reject } of waiting) reject(gone);
    waiting = [];
  };
  const reader = new MessageReader();
  channel.on('data', (chunk: Buffer) => {
    for (const reply of reader.take(chunk)) {
      const { resolve, reject } = waiting.shift()!;
      if (reply.number() === 1) resolve(reply);
      else reject(new BackendRefusal(reply.text() as BackendRefusal['code'], reply.text()));
    }
  });
  // A process that dies closes its end; that it died, and of what, is said by `close`.
  channel.on('error', () => {});
  child.stderr!.on('data', (chunk: Buffer) => {
    stderr = (stderr + chunk.toString('utf8')).slice(-4096);
  });
  child.on('error', (error) => ended(error.message));
  child.on('close', (code, signal) => ended(signal === 'SIGALRM' ? 'timeout' : (signal ?? `exit ${code}`)));
  const reply = (): Promise<Incoming> =>
    new Promise((resolve, reject) => {
      if (gone === undefined) waiting.push({ resolve, reject });
      else reject(gone);
    });
  const life: Life = {
    ask(request, fields) {
      const answer = reply();
      for (const part of messageOf([requests.indexOf(request), ...fields])) channel.write(part);
      return answer;
    },
    end: () => {
      child.kill('SIGKILL');
    },
  };
  await reply();
  return life;
}

const csrFields = ({ rows, cols, rowOffsets, colIndices, values }: Csr): readonly Field[] => [
  ...[rows, cols, rowOffsets, colIndices, values],
];

/** Opens a shared library in a process of its own. Throws BAD_LIBRARY, UNSUPPORTED, BackendGone. */
export async function openRunner(options: RunnerOptions): Promise<Runner> {
  // What it says of itself is asked in this process, once: a runner only computes.
  const { name, version, config, files, formats, kernels } = openSharedLibrary(options.path);
  let life = await begin(options);
  let nextId = 0;
  const newId = (): number => {
    nextId += 1;
    return nextId;
  };
  const forget = async (id: number): Promise<void> => {
    await life.ask('release', [id]);
  };

  const encode = async (format: string, dtype: Dtype): Promise<Held> => {
    const id = newId();
    const reply = await life.ask('encode', [id, format, dtype]);
    const [payloadBytes, metadataBytes, paddingBytes] = [reply.number(), reply.number(), reply.number()];
    return {
      id,
      footprint: { payloadBytes, metadataBytes, paddingBytes },
      encodeNs: reply.number(),
      // Nobody waits for it; a process that has ended has freed it.
      release: () => void forget(id).catch(() => {}),
    };
  };

  const prepare = async (
    matrices: readonly EncodedMatrix[],
    kernelIndex: number,
    { threads }: JobRequest,
  ): Promise<BackendJob> => {
    const id = newId();
    const ids = matrices.map((matrix) => (matrix as Held).id);
    const prepared = await life.ask('prepare', [id, kernelIndex, threads, ids.length, ...ids]);
    return {
      tiling: prepared.text(),
      prepareNs: prepared.number(),
      async answer() {
        const reply = await life.ask('answer', [id]);
        const ArrayOf = answerArrays[reply.number()]!;
        return new ArrayOf(reply.bytes());
      },
      async time(warmups, evaluations) {
        return (await life.ask('time', [id, warmups, evaluations])).number();
      },
      async takeTurns({ path, meeting, waits, first, sampling, slowdown }) {
        const { turnsPerSample, batchesPerTurn, warmupsPerTurn, evaluationsPerBatch } = sampling;
        const reply = await life.ask('turns', [
          ...[id, path, meeting, waits, first, turnsPerSample, warmupsPerTurn, batchesPerTurn],
          ...[evaluationsPerBatch, slowdown],
        ]);
        const batchesNs = [...new Float64Array(reply.bytes())];
        return batchesNs.length === 0 ? null : batchesNs;
      },
      release: () => forget(id),
    };
  };

  return {
    ...{ name, version, config, files, formats, kernels },
    async load({ a, shape, operandsAt, weightsAt, operands: { b, b2, b3, sparseB, keep } }) {
      await life.ask('problem', [
        ...csrFields(a),
        ...[shape.n, keep ?? 0, b, b2, b3, sparseB !== undefined],
        ...(sparseB === undefined ? [] : csrFields(sparseB)),
        shape.conv && geometryOf(shape.conv),
        operandsAt,
        weightsAt,
      ]);
    },
    encode,
    prepare,
    async restart() {
      life.end();
      life = await begin(options);
    },
    end: () => life.end(),
  };
}
