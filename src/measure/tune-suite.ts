/** Tunes the kernels with knobs on the workloads of a suite: one library worker each, every plan's answer checked. */
import { seedOf } from '../statistics.ts';
import type { TunedFor, TunedPlan } from '../terms/plan.ts';
import { type Case, type Problem, type Reference, SparsemarkError, type Workload } from '../terms.ts';
import type { LibraryWorker } from './library-worker.ts';
import { tunedFor } from './plans.ts';
import { ProblemCache } from './problems.ts';
import type { Refused } from './requests.ts';
import { type Cell, cellsOf, type Selection } from './schedule.ts';
import { knobsOf, type PlanBench, type PlanRefusal, type Tuning, tune } from './tune.ts';
import { coldBytesOf, failed, maxWarmupBatches } from './workload-run.ts';

/** One cell, tuned. */
export interface TunedCell {
  readonly case: Case;
  readonly of: TunedFor;
  /** Null: the library's own plan could not be measured. */
  readonly tuning: Tuning | null;
  /** The plan to keep; null where the library's own stays. */
  readonly found: TunedPlan | null;
}

export interface TuneSuiteOptions {
  readonly formats: Parameters<typeof cellsOf>[0]['formats'];
  readonly workloads: readonly Workload[];
  readonly selection: Selection;
  readonly workers: readonly LibraryWorker[];
  readonly dataFolder: string;
  readonly privateCacheBytes: number;
  readonly batchTargetNs: number;
  readonly budgetSeconds: number;
  readonly signal: AbortSignal;
  /** Told before each cell. */
  readonly onCell: (id: string, index: number, total: number) => void;
}

/** Samples of a plan while it is one of many, and when it stands against the library's own. Their numbers are fixed. */
const searching = { targetHalfWidth: 0, minSamples: 9, maxSamples: 9, samplesPerRound: 3 };
const confirming = { targetHalfWidth: 0, minSamples: 25, maxSamples: 25, samplesPerRound: 1 };

/** The cells that can be tuned. */
export function tunableCells(
  options: Pick<TuneSuiteOptions, 'formats' | 'workloads' | 'selection' | 'workers'>,
): readonly { readonly workload: Workload; readonly cell: Cell }[] {
  const libraries = options.workers.map(({ library }) => library);
  const knobs = new Map(options.workers.map((worker) => [worker.library.name, worker.knobs]));
  return options.workloads.flatMap((workload) =>
    cellsOf(options, workload, libraries, options.selection)
      .filter(
        ({ case: cell, kernel, refusal }) =>
          refusal === undefined && knobs.get(cell.library)!.has(kernel.index),
      )
      .map((cell) => ({ workload, cell })),
  );
}

/** Yields each cell when it is tuned, until all are or the budget is spent. Throws INTERRUPTED when the signal fires. */
export async function* tuneSuite(options: TuneSuiteOptions): AsyncGenerator<TunedCell> {
  const cells = tunableCells(options);
  const problems = new ProblemCache();
  const began = performance.now();
  const mayGoOn = (): boolean =>
    !options.signal.aborted && (performance.now() - began) / 1000 < options.budgetSeconds;
  for (const [index, { workload, cell }] of cells.entries()) {
    if (!mayGoOn()) break;
    options.onCell(cell.case.id, index, cells.length);
    const worker = options.workers.find(({ library }) => library.name === cell.case.library)!;
    const { problem, reference } = problems.get(workload, options.dataFolder);
    const bench = await benchOf(worker, problem, reference, cell, options);
    const tuning = await tune(knobsOf(worker.knobs.get(cell.kernel.index)!), bench, {
      searching,
      confirming,
      seed: seedOf(cell.case.id),
      mayGoOn,
    });
    if (options.signal.aborted) break;
    const of = tunedFor(cell, workload, worker.library);
    const found =
      tuning === null || tuning.plan === ''
        ? null
        : {
            ...of,
            plan: tuning.plan,
            speedup: tuning.speedup,
            interval: tuning.interval,
            tunedAt: new Date().toISOString(),
          };
    yield { case: cell.case, of, tuning, found };
  }
  if (options.signal.aborted) {
    throw new SparsemarkError('INTERRUPTED', 'The tuning was interrupted. What was tuned so far is kept.');
  }
}

function refusalOf(why: Refused): PlanRefusal {
  if (why.status === 'unsupported') return { kind: 'unfit', reason: why.reason };
  if (why.status === 'wrong') return { kind: 'wrong', reason: why.detail };
  return { kind: 'wrong', reason: [why.reason, why.detail].filter((part) => part !== '').join(': ') };
}

/** Plans of one cell in its library's worker, which is started anew after a crash. */
async function benchOf(
  worker: LibraryWorker,
  problem: Problem,
  reference: Reference,
  { case: cell, kernel }: Cell,
  options: TuneSuiteOptions,
): Promise<PlanBench> {
  const { workload, a, operands } = problem;
  const { op, shape, dtype, cache } = workload;
  const load = () => worker.ask({ kind: 'load', op, shape, dtype, a, operands, reference });
  const attempt = async (act: () => Promise<Refused | null>): Promise<PlanRefusal | null> => {
    try {
      const refused = await act();
      return refused === null ? null : refusalOf(refused);
    } catch (error) {
      return refusalOf(failed(error));
    }
  };
  if (worker.gone) await worker.revive();
  await load();
  return {
    start: (plan) =>
      attempt(async () => {
        if (worker.gone) {
          await worker.revive();
          await load();
        }
        const answer = await worker.ask({
          kind: 'start',
          key: plan,
          kernel: kernel.index,
          format: kernel.format,
          threads: cell.threads,
          cache,
          coldBytes: coldBytesOf(cache, options.privateCacheBytes),
          batchTargetNs: options.batchTargetNs,
          maxWarmupBatches,
          ...(plan === '' ? {} : { plan }),
        });
        return answer.status === 'started' ? null : answer;
      }),
    sample: (plan) => worker.ask({ kind: 'sample', key: plan }),
    finish: (plan) => attempt(() => worker.ask({ kind: 'finish', key: plan })),
  };
}
