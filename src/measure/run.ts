/** The walk of a run: libraries, machine, health, then workload by workload into the journal. */
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadNative } from '../native.ts';
import { openJournal, resumeRefusal } from '../result/journal.ts';
import { readResult } from '../result/result.ts';
import { schemaVersion } from '../result/schema.ts';
import { seedOf } from '../statistics.ts';
import type { TunedPlan } from '../terms/plan.ts';
import {
  type Build,
  type Library,
  type Machine,
  type Measurement,
  type Protocol,
  type Result,
  type RunHeader,
  type Shard,
  SparsemarkError,
  type Suite,
  type Workload,
  type WorkloadRecord,
} from '../terms.ts';
import { dataFolderOf } from '../workload/data.ts';
import { workOf } from '../workload/ops/index.ts';
import { patternNamed } from '../workload/patterns/index.ts';
import { measureLimits } from './health.ts';
import { type Absent, openLibraries } from './libraries.ts';
import type { LibraryWorker } from './library-worker.ts';
import { describeMachineOnly, measuringCpus } from './machine.ts';
import { tunedCells } from './plans.ts';
import { checkMatrices, ProblemCache } from './problems.ts';
import { refinements } from './refine.ts';
import { cellsOf, checkNames, type Selection } from './schedule.ts';
import { batchTargetNs } from './timing.ts';
import { runWorkload } from './workload-run.ts';

/** What happens during a run, for whoever shows it. Sent only between timed sections. */
export type RunEvent =
  | { readonly kind: 'preparing'; readonly what: string }
  | {
      readonly kind: 'ready';
      readonly header: RunHeader;
      readonly absent: readonly Absent[];
      readonly resumed: number;
    }
  | {
      readonly kind: 'workload';
      readonly workload: string;
      readonly index: number;
      readonly total: number;
      readonly elapsedSeconds: number;
      readonly remainingSeconds: number;
    }
  | { readonly kind: 'sorted'; readonly workload: string; readonly entries: number }
  | { readonly kind: 'measured'; readonly measurements: readonly Measurement[] }
  | { readonly kind: 'refining'; readonly workloads: number };

export interface RunOptions {
  /** The suite, already narrowed by --filter and --density; its header tells the whole suite's digest. */
  readonly suite: Suite;
  readonly workloads: readonly Workload[];
  readonly dataFolder?: string;
  readonly selection: Selection;
  /** CPUs to pin to; null: chosen. */
  readonly cpus: readonly number[] | null;
  readonly budgetSeconds: number;
  readonly filter: string | null;
  /** Which part of a longer list `workloads` is, with the place of each in it; absent: the whole list. */
  readonly shard?: Shard & { readonly places: ReadonlyMap<string, number> };
  /** Kernel libraries of the user's. */
  readonly kernels: readonly string[];
  /** Bundled libraries to open beside ours; null: all that are installed. */
  readonly libraries: readonly string[] | null;
  readonly timeoutSeconds: number;
  /** Plans tuned on this machine: each cell that has one is measured once more with it. Absent: the libraries' own alone. */
  readonly plans?: readonly TunedPlan[];
  /** Path of the result file; its journal lies beside while the run goes on. */
  readonly out: string;
  readonly resume: boolean;
  /** What another run found out on this machine; measured anew where it is not given. A resumed run keeps its own. */
  readonly limits?: Pick<RunHeader, 'health'> & Pick<Machine, 'ceilings'>;
  readonly command: string;
  readonly quality?: (workload: Workload) => WorkloadRecord['quality'];
  readonly signal: AbortSignal;
  readonly onEvent: (event: RunEvent) => void;
}

const targetHalfWidth = 0.02;
const minSamples = 9;
const maxSamples = 51;
/** Share of the budget that the suite's own workloads are planned to take where crossovers are refined after them. */
const unrefinedShare = 0.75;
/** Share of a workload's time after which no further round starts: the last one has to end, too. */
const samplingShare = 0.85;

/** Unique and sortable: `<UTC time>-<random>`. */
export function newRunId(startedAt: Date): string {
  return `${startedAt.toISOString().replace(/[-:]|\.\d+/g, '')}-${randomBytes(4).toString('hex')}`;
}

/** The addon's build, with the commit where this is a checkout. */
export function describeBuild(): Build {
  const { native, binary } = loadNative();
  const { version, compiler, flags, type, sanitizer } = native.describeBuild();
  const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
  const git = (...args: string[]): string | null => {
    // Without a .git of its own it is an installed package, perhaps inside somebody else's repository.
    if (binary.origin !== 'checkout' || !existsSync(join(root, '.git'))) return null;
    try {
      return execFileSync('git', args, {
        cwd: root,
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      }).trim();
    } catch {
      return null;
    }
  };
  // Without its optional lock: a run that is killed just then would leave the lock, and git would refuse to commit.
  const status = git('--no-optional-locks', 'status', '--porcelain', '--', 'native', 'CMakeLists.txt', 'src');
  return {
    origin: binary.origin,
    sha256: binary.sha256,
    compiler,
    flags,
    type,
    sanitizer,
    version,
    gitCommit: git('rev-parse', 'HEAD'),
    gitDirty: status === null ? null : status !== '',
  };
}

/**
 * Runs a suite and writes its result file. Ends early when the signal fires (INTERRUPTED; the journal stays for
 * `--resume`) or the budget is spent (the result says so). Throws SparsemarkError.
 */
export async function runSuite(options: RunOptions): Promise<{ path: string; result: Result }> {
  const threads = options.selection.threads;
  const cpus = options.cpus ?? measuringCpus(Math.max(...threads));
  const journal = openJournal(options.out, { resume: options.resume });
  let workers: LibraryWorker[] = [];
  let started = false;
  const stop = (): void => {
    for (const worker of workers) worker.end();
  };
  options.signal.addEventListener('abort', stop);
  const interrupted = (): void => {
    if (!options.signal.aborted) return;
    throw new SparsemarkError(
      'INTERRUPTED',
      `The run was interrupted. What is finished is kept: go on with the same command and --resume --out ${options.out}.`,
    );
  };
  const withLimits = async (header: RunHeader): Promise<RunHeader> => {
    if (options.limits !== undefined) {
      const { ceilings, health } = options.limits;
      return { ...header, machine: { ...header.machine, ceilings }, health };
    }
    options.onEvent({
      kind: 'preparing',
      what: 'ceilings of this machine and health of the dense baselines',
    });
    const measured = await measureLimits(
      workers,
      options.selection.isa,
      threads.includes(1) ? threads : [1, ...threads],
    );
    interrupted();
    return { ...header, ...measured };
  };
  try {
    options.onEvent({ kind: 'preparing', what: 'kernel libraries' });
    const timeoutMs = options.timeoutSeconds * 1000;
    const opened = await openLibraries({
      userPaths: options.kernels,
      cpus,
      timeoutMs,
      only: options.libraries,
    });
    workers = opened.workers;
    interrupted();
    checkNames(
      options.suite,
      options.workloads,
      workers.map((worker) => worker.library),
      options.selection,
    );
    if (options.workloads.some(({ pattern }) => patternNamed(pattern.name).kind === 'file')) {
      options.onEvent({ kind: 'preparing', what: 'matrices' });
      await checkMatrices(options.workloads, options.dataFolder ?? dataFolderOf(), interrupted);
    }
    const protocol: Protocol = {
      threads,
      pinnedCpus: workers.every((worker) => worker.pinned) ? cpus : [],
      budgetSeconds: options.budgetSeconds,
      targetHalfWidth,
      minSamples,
      maxSamples,
      batchTargetNs: batchTargetNs(loadNative().native.describeBuild().clockResolutionNs),
      orderSeed: 1,
      filter: options.filter,
      isa: options.selection.isa,
      formats: options.selection.formats,
      ...(options.plans === undefined ? {} : { tuned: true }),
      ...(options.shard === undefined
        ? {}
        : {
            shard: {
              index: options.shard.index,
              count: options.shard.count,
              total: options.shard.total,
            },
          }),
    };
    const libraries: Library[] = workers.map((worker) => worker.library);
    const { workloads: _, ...suite } = options.suite;
    const startedAt = new Date();
    const limitless: RunHeader = {
      schemaVersion,
      runId: newRunId(startedAt),
      startedAt: startedAt.toISOString(),
      command: options.command,
      suite: { ...suite, workloadCount: options.workloads.length },
      machine: describeMachineOnly(),
      build: describeBuild(),
      libraries,
      health: [],
      protocol,
    };
    const earlier = journal.earlier;
    const refusal = earlier === null ? null : resumeRefusal(earlier.result.header, limitless);
    if (refusal !== null) {
      throw new SparsemarkError(
        'USAGE',
        `Expected the same run for --resume, but ${refusal}. Give another --out, or delete ${journal.path}.`,
      );
    }
    const header = earlier?.result.header ?? (await withLimits(limitless));
    // From here on the journal is this run's own; one that was refused for --resume may be another's.
    started = true;
    if (earlier === null) journal.append({ kind: 'run', ...header });
    const { machine } = header;
    options.onEvent({ kind: 'ready', header, absent: opened.absent, resumed: earlier?.finished.size ?? 0 });

    const startMs = performance.now();
    const elapsed = (): number => (performance.now() - startMs) / 1000;
    const problems = new ProblemCache();
    const seen: Measurement[] = [...(earlier?.result.measurements ?? [])];
    let stopReason = 'finished';

    const measure = async (
      workload: Workload,
      index: number,
      total: number,
      doneHere: number,
      planSeconds: number,
    ): Promise<void> => {
      const remaining = total - index;
      const perWorkload = doneHere === 0 ? options.budgetSeconds / total : elapsed() / doneHere;
      options.onEvent({
        kind: 'workload',
        workload: workload.id,
        index,
        total,
        elapsedSeconds: elapsed(),
        remainingSeconds: Math.min(perWorkload * remaining, Math.max(0, options.budgetSeconds - elapsed())),
      });
      const began = performance.now();
      const { problem, reference } = problems.get(workload, options.dataFolder);
      if (problem.sortedEntries > 0) {
        options.onEvent({ kind: 'sorted', workload: workload.id, entries: problem.sortedEntries });
      }
      const share = (samplingShare * Math.max(0, planSeconds - elapsed()) * 1000) / remaining;
      const cells = cellsOf(suite, workload, libraries, options.selection);
      const measurements = await runWorkload(
        problem,
        reference,
        [...cells, ...tunedCells(cells, workload, libraries, options.plans ?? [])],
        workers,
        {
          protocol,
          privateCacheBytes: machine.caches.l2Bytes || 2 ** 20,
          orderSeed: seedOf(workload.id),
          mayGoOn: () => performance.now() - began < share,
          onCase: () => interrupted(),
        },
      );
      interrupted();
      const place = options.shard?.places.get(workload.id);
      journal.append({
        kind: 'workload',
        ...workload,
        ...(place === undefined ? {} : { place }),
        nnz: problem.a.values.length,
        work: workOf(problem),
        achievedDensity: problem.achievedDensity,
        statistics: problem.statistics,
        digest: problem.digest,
        quality: options.quality?.(workload) ?? null,
      });
      for (const measurement of measurements) journal.append({ kind: 'measurement', ...measurement });
      journal.append({
        kind: 'finished',
        workload: workload.id,
        elapsedSeconds: (performance.now() - began) / 1000,
      });
      seen.push(...measurements);
      options.onEvent({ kind: 'measured', measurements });
    };

    /** Measures what is not finished yet, planned to end after planSeconds; false once the budget is spent. */
    const measureAll = async (list: readonly Workload[], planSeconds: number): Promise<boolean> => {
      const finished = new Set(earlier?.finished);
      let doneHere = 0;
      for (const [index, workload] of list.entries()) {
        interrupted();
        if (finished.has(workload.id)) continue;
        if (elapsed() > options.budgetSeconds) return false;
        await measure(workload, index, list.length, doneHere, planSeconds);
        doneHere += 1;
      }
      return true;
    };

    let complete = await measureAll(
      options.workloads,
      options.suite.refine ? unrefinedShare * options.budgetSeconds : options.budgetSeconds,
    );
    if (complete && options.suite.refine) {
      const extra = refinements(options.workloads, seen, header.health);
      if (extra.length > 0) {
        options.onEvent({ kind: 'refining', workloads: extra.length });
        complete = await measureAll(extra, options.budgetSeconds);
      }
    }
    if (!complete) stopReason = `budget of ${options.budgetSeconds} s spent`;
    const path = journal.finish({
      endedAt: new Date().toISOString(),
      complete,
      stopReason,
      elapsedSeconds: elapsed(),
    });
    return { path, result: readResult(path) };
  } catch (error) {
    interrupted();
    if (started) journal.abandon();
    throw error;
  } finally {
    options.signal.removeEventListener('abort', stop);
    stop();
    journal.close();
  }
}
