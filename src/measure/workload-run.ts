/** One workload, measured: every case started and checked, sampled in interleaved rounds, checked again. */
import type { CacheState, Measurement, Problem, Protocol, Reference } from '../terms.ts';
import { LibraryRefusal, type LibraryWorker, WorkerGone } from './library-worker.ts';
import type { Refused, Started } from './requests.ts';
import type { Cell } from './schedule.ts';
import { sampleInRounds } from './timing.ts';

/** Untimed batches at most before a case is called unsteady. */
export const maxWarmupBatches = 64;
/** Samples of a case between two changes of case. */
const samplesPerRound = 3;

/** Cold copies exceed this many times the last private cache together. */
const coldFactor = 2;

export interface WorkloadRunOptions {
  readonly protocol: Protocol;
  readonly privateCacheBytes: number;
  readonly orderSeed: number;
  /** Asked between rounds: false ends sampling once each case has its least number of samples. */
  readonly mayGoOn: () => boolean;
  /** Told before each case is started. */
  readonly onCase: (id: string) => void;
}

/** Bytes that the copies of a cold case exceed together; 0 when hot. */
export function coldBytesOf(cache: CacheState, privateCacheBytes: number): number {
  return cache === 'cold' ? coldFactor * privateCacheBytes : 0;
}

/** A library's fault as a value; any other error is thrown on. */
export function failed(error: unknown): Refused {
  if (error instanceof WorkerGone) return { status: 'failed', reason: error.reason, detail: error.message };
  if (error instanceof LibraryRefusal) {
    if (error.code === 'UNSUPPORTED') return { status: 'unsupported', reason: error.message };
    const reason = error.code === 'OUT_OF_MEMORY' ? 'out of memory' : 'broken library';
    return { status: 'failed', reason, detail: error.message };
  }
  throw error;
}

/** Measures the cells of one workload. Never throws for a library's fault: that is a Measurement too. */
export async function runWorkload(
  problem: Problem,
  reference: Reference,
  cells: readonly Cell[],
  workers: readonly LibraryWorker[],
  options: WorkloadRunOptions,
): Promise<readonly Measurement[]> {
  const { protocol } = options;
  const { workload, a, operands } = problem;
  const workerOf = new Map(workers.map((worker) => [worker.library.name, worker]));
  const started = new Map<string, Started>();
  const refused = new Map<string, Refused>();
  /** A dead worker costs its library all cases of this workload, those already started included. */
  const lost = new Map<string, Refused>();

  for (const name of new Set(cells.map((cell) => cell.case.library))) {
    const worker = workerOf.get(name)!;
    try {
      if (worker.gone) await worker.revive();
      await worker.ask({
        kind: 'load',
        op: workload.op,
        shape: workload.shape,
        dtype: workload.dtype,
        a,
        operands,
        reference,
      });
    } catch (error) {
      lost.set(name, failed(error));
    }
  }
  for (const { case: cell, kernel, plan, refusal } of cells) {
    if (refusal !== undefined) refused.set(cell.id, { status: 'unsupported', reason: refusal });
    if (refusal !== undefined || lost.has(cell.library)) continue;
    options.onCase(cell.id);
    const worker = workerOf.get(cell.library)!;
    try {
      const answer = await worker.ask({
        kind: 'start',
        key: cell.id,
        kernel: kernel.index,
        format: kernel.format,
        threads: cell.threads,
        cache: workload.cache,
        coldBytes: coldBytesOf(workload.cache, options.privateCacheBytes),
        batchTargetNs: protocol.batchTargetNs,
        maxWarmupBatches,
        ...(plan === undefined ? {} : { plan }),
      });
      if (answer.status === 'started') started.set(cell.id, answer);
      else refused.set(cell.id, answer);
    } catch (error) {
      const why = failed(error);
      if (worker.gone) lost.set(cell.library, inCase(why, cell.id));
      refused.set(cell.id, why);
    }
  }
  const timed = cells
    .filter(({ case: cell }) => started.has(cell.id) && !lost.has(cell.library))
    .map(({ case: cell }) => ({
      id: cell.id,
      // Speed-ups are taken against these.
      keep: cell.dense,
      sample: async () => {
        const worker = workerOf.get(cell.library)!;
        try {
          return await worker.ask({ kind: 'sample', key: cell.id });
        } catch (error) {
          const why = failed(error);
          if (worker.gone && !lost.has(cell.library)) lost.set(cell.library, inCase(why, cell.id));
          refused.set(cell.id, why);
          throw error;
        }
      },
    }));
  const series = await sampleInRounds(
    timed,
    { ...protocol, samplesPerRound },
    options.orderSeed,
    options.mayGoOn,
  );
  for (const { id } of timed) {
    const library = cells.find((cell) => cell.case.id === id)!.case.library;
    if (lost.has(library) || refused.has(id)) continue;
    const worker = workerOf.get(library)!;
    try {
      const after = await worker.ask({ kind: 'finish', key: id });
      if (after !== null) refused.set(id, after);
    } catch (error) {
      const why = failed(error);
      if (worker.gone) lost.set(library, inCase(why, id));
      refused.set(id, why);
    }
  }
  return cells.map(({ case: cell }): Measurement => {
    const refusal = refused.get(cell.id) ?? lost.get(cell.library);
    if (refusal !== undefined) return { ...cell, ...refusal };
    // A run times batches: a sample of several is of comparisons alone.
    const { status: _, sampling: __, ...facts } = started.get(cell.id)!;
    const { samplesNs, rounds } = series.get(cell.id)!;
    return { ...cell, status: 'measured', ...facts, samplesNs, rounds };
  });
}

function inCase(refusal: Refused, id: string): Refused {
  if (refusal.status !== 'failed') return refusal;
  return {
    ...refusal,
    detail: `its worker ended in ${id}${refusal.detail === '' ? '' : `: ${refusal.detail}`}`,
  };
}
