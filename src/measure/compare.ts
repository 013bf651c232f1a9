/** A comparison of two kernel libraries: every cell in turns on both, flagged cells again, controls beside them. */
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { correctedConfidence, estimateOf, sideOf } from '../result/compare.ts';
import { comparisonVersion, writeComparison } from '../result/comparison-file.ts';
import { asSparsemarkError } from '../result/file.ts';
import type {
  Attempt,
  ComparedCase,
  ComparedCell,
  ComparedSide,
  Comparison,
  ComparisonHeader,
  ComparisonProtocol,
} from '../terms/comparison.ts';
import { type Library, SparsemarkError, type Suite, type Workload } from '../terms.ts';
import { dataFolderOf } from '../workload/data.ts';
import { patternNamed } from '../workload/patterns/index.ts';
import { openCrews } from './crews.ts';
import { describeMachineOnly } from './machine.ts';
import { courseOf, type PairedCell, type PairWorkers, refusalText, type Side } from './paired.ts';
import { measurePasses, type PairedWorkload } from './passes.ts';
import { checkMatrices, ProblemCache } from './problems.ts';
import type { Refused } from './requests.ts';
import { describeBuild, newRunId } from './run.ts';
import { cellsOf, checkNames, type Selection } from './schedule.ts';

/** What happens during a comparison, for whoever shows it. Sent only between timed sections. */
export type CompareEvent =
  | { readonly kind: 'ready'; readonly header: ComparisonHeader; readonly cells: number }
  | {
      readonly kind: 'workload';
      readonly workload: string;
      readonly again: boolean;
      /** From 1: in each, the workers are started anew. */
      readonly pass: number;
      readonly index: number;
      readonly total: number;
      readonly elapsedSeconds: number;
    };

export interface CompareOptions {
  /** The suite, already narrowed. */
  readonly suite: Suite;
  readonly workloads: readonly Workload[];
  readonly dataFolder?: string;
  readonly selection: Selection;
  /** CPUs to pin to; null: chosen. */
  readonly cpus: readonly number[] | null;
  readonly base: Omit<ComparedSide, 'library'> & { readonly path: string };
  readonly head: Omit<ComparedSide, 'library'> & { readonly path: string };
  readonly budgetSeconds: number;
  readonly timeoutSeconds: number;
  readonly filter: string | null;
  readonly seed: number;
  readonly threshold: number;
  readonly margin: number;
  /** Base linked in another order; a flagged cell is held against it too. */
  readonly relinkedPath?: string;
  /** Which cells; absent: all of the selection. */
  readonly wanted?: (cell: Pick<ComparedCase, 'workload' | 'format' | 'dense'>) => boolean;
  /** Cells that the intervals are corrected for at the least. */
  readonly correctedFor?: number;
  /** Slowdown made on purpose in head, 0.05 for 5 %. */
  readonly injectedSlowdown?: number;
  /** What the gate was last found to do on this machine. */
  readonly selftest: ComparisonHeader['selftest'];
  /** Path of the comparison file; null: none is written. */
  readonly out: string | null;
  readonly command: string;
  readonly signal: AbortSignal;
  readonly onEvent: (event: CompareEvent) => void;
}

const confidence = 0.95;
/**
 * Rounds between two starts of the libraries' processes. Where pages lie makes some percent of a product that needs more
 * than L2, as much as the noise within a layout: then few rounds of many layouts say most. Of 80 cells of `quick` in 82 s on two
 * shared EPYC cores, 8 rounds left 43 inconclusive and 4 rounds 33.
 */
const roundsPerLayout = 4;
/** The first whole number of layouts that makes 101 rounds or more. */
const maxRounds = 104;
/** Cells of identical code, base against itself. */
const controlCount = 4;
/**
 * A batch lasts this long at least, and 1000 times the clock's resolution. The host takes the core away 1,200 times a
 * second for 30 us: a batch of 1 ms has none or two of them, and of 20 us one in thirty has one, which the lower quartile
 * of a sample leaves out.
 */
const batchNs = 20_000;
/**
 * A sample lasts this long, or four batches where that is longer. Means of 1 ms scattered by 9 to 54 % about each other
 * (12 cells, two shared EPYC cores, caches shared with strangers), lower quartiles of 2.5 ms by 2 to 17 %. Half-widths after
 * 104 rounds, in the middle: means of 2.5 ms 7.9 %, lower quartiles 2.9 %. Medians: 4.6 %; the fastest batch 2.6 %, but a single lucky one
 * decides it. Twice the time a sample and half as many: 4.2 %. Untimed evaluations before each sample: no narrower.
 */
const leastSampleNs = 2.5e6;
const mostSampleNs = 20e6;
/**
 * How long a sample lasts: as long as leaves time for all rounds of every cell, half of which goes into starting layouts.
 * Of six of the noisiest cells, 5 % slower and alone in a run of 15 s each, 4 rounds of 10 ms a layout found all, the lower
 * ends of their intervals at 1.026 and above; 4 of 5 ms all, from 1.012; 2 of 5 ms four. The whole suite gets most from
 * short samples: of 172 cells in 70 s, 2.5 ms left 43 inconclusive, 5 ms 57 and 10 ms 74.
 */
function sampleTargetNsOf(seconds: number, cells: number): number {
  // A cell has a control beside it, up to the number of controls.
  const courses = cells + Math.min(cells, controlCount);
  const share = (1e9 * seconds) / (courses * maxRounds * 2 * 2);
  return Math.min(mostSampleNs, Math.max(leastSampleNs, share));
}
/**
 * The sides change places after this time, or a batch where that is longer. What a core can do changes within
 * milliseconds on a shared machine: two arrays of 4 MiB in huge pages summed in turns of one sum each differed by 0.9 %
 * (robust standard deviation of the ratio of two lower quartiles, 2.5 ms a side), in blocks of 2.5 ms by 2.2 %, and longer
 * ones make only the turns better: 0.4 % and 4.1 % of 250 ms. Of 29 cells of `quick` (spmv, cold weights; one run of each
 * kind, other work beside) samples one after the other differed by 7.1 % in the middle and 43 % at worst, samples in turns
 * by 4.1 and 15 %.
 */
const turnTargetNs = 100_000;
/** Share of the budget for the first measurement at the most; the rest is for what it flags. */
const mostFirstShare = 0.9;
/** The same of a comparison of so many cells: one that is flagged can be measured again as long as it was at first. */
const firstShareOf = (cells: number): number => Math.min(mostFirstShare, cells / (cells + 1));

/** A cell of the plan: in both libraries, or in one of them only. */
interface Planned {
  readonly of: Omit<ComparedCase, 'control'>;
  readonly pair: PairedCell | null;
  readonly only: 'base' | 'head' | null;
}

/** The cells of a workload in both libraries, joined by kernel, instruction set and threads. */
export function joinCells(
  suite: Pick<Suite, 'formats'>,
  workload: Workload,
  libraries: { readonly base: Library; readonly head: Library },
  selection: Selection,
): readonly Planned[] {
  const of = (library: Library) =>
    new Map(
      cellsOf(suite, workload, [library], selection)
        .filter(({ refusal }) => refusal === undefined)
        .map((cell) => {
          const { kernel, isa, threads } = cell.case;
          return [`${workload.id}/${kernel}-${isa}-t${threads}`, cell];
        }),
    );
  const base = of(libraries.base);
  const head = of(libraries.head);
  return [...new Set([...base.keys(), ...head.keys()])].map((id) => {
    const [one, other] = [base.get(id), head.get(id)];
    const { library: _, ...part } = (one ?? other)!.case;
    const threads = part.threads;
    return {
      of: { ...part, id },
      pair:
        one === undefined || other === undefined
          ? null
          : { id, threads, base: one.kernel, head: other.kernel, against: 'head' },
      only: other === undefined ? 'base' : one === undefined ? 'head' : null,
    };
  });
}

/**
 * Compares two libraries on a suite and writes the comparison file. Throws SparsemarkError: BAD_LIBRARY for one that
 * cannot be opened, USAGE where both have no cell in common, INTERRUPTED when the signal fires.
 */
export async function compareLibraries(options: CompareOptions): Promise<Comparison> {
  const { selection, suite, workloads } = options;
  const check = (): void => {
    if (options.signal.aborted)
      throw new SparsemarkError('INTERRUPTED', 'The comparison was interrupted; nothing was written.');
  };
  const crews = await openCrews({
    base: options.base.path,
    head: options.head.path,
    ...(options.relinkedPath === undefined ? {} : { relinked: options.relinkedPath }),
    cpus: options.cpus,
    threads: Math.max(...selection.threads),
    timeoutMs: options.timeoutSeconds * 1000,
    signal: options.signal,
    check,
  });
  try {
    const [{ base, head }] = crews.workers as [PairWorkers];
    const libraries = { base: base.library, head: head.library };
    // A stranger's library need not have the formats that the suite names.
    if (base.library.name === 'native') checkNames(suite, workloads, [base.library], selection);
    const plan = workloads.map((workload) => ({
      workload,
      cells: joinCells(suite, workload, libraries, selection).filter(
        ({ of }) => options.wanted?.(of) ?? true,
      ),
    }));
    const pairs = plan.flatMap(({ cells }) =>
      cells.flatMap(({ of, pair }) => (pair === null ? [] : [{ of, pair }])),
    );
    if (pairs.length === 0) {
      const { length } = plan.flatMap(({ cells }) => cells);
      throw new SparsemarkError(
        'USAGE',
        `Expected a cell of ${suite.name} that base and head both have, received none of ${length}. Take a suite with the ops of both, or another --filter.`,
      );
    }
    const controls = controlsOf(pairs);
    const ownCount = plan.reduce((sum, { cells }) => sum + cells.length, 0) + controls.length;
    const cellCount = Math.max(ownCount, options.correctedFor ?? 0);
    if (workloads.some(({ pattern }) => patternNamed(pattern.name).kind === 'file'))
      await checkMatrices(workloads, options.dataFolder ?? dataFolderOf(), check);

    const machine = describeMachineOnly();
    const startedAt = new Date();
    const firstSeconds = firstShareOf(pairs.length) * options.budgetSeconds;
    const protocol: ComparisonProtocol = {
      threads: selection.threads,
      pinnedCpus: crews.pinnedCpus,
      crews: crews.workers.length,
      filter: options.filter,
      isa: selection.isa,
      formats: selection.formats,
      budgetSeconds: options.budgetSeconds,
      batchTargetNs: Math.max(batchNs, 1000 * machine.clockResolutionNs),
      sampleTargetNs: sampleTargetNsOf(firstSeconds, pairs.length),
      turnTargetNs,
      seed: options.seed,
      threshold: options.threshold,
      margin: options.margin,
      confidence,
      roundsPerLayout,
      maxRounds,
      relinked: options.relinkedPath !== undefined,
      ...(options.correctedFor === undefined ? {} : { correctedFor: options.correctedFor }),
      ...(options.injectedSlowdown === undefined ? {} : { injectedSlowdown: options.injectedSlowdown }),
    };
    const sideOfLibrary = (
      { label, gitCommit }: ComparedSide | CompareOptions['base'],
      library: Library,
    ) => ({
      label,
      gitCommit,
      library,
    });
    const { workloads: _, ...suiteFields } = suite;
    const header: ComparisonHeader = {
      comparisonVersion,
      runId: newRunId(startedAt),
      startedAt: startedAt.toISOString(),
      command: options.command,
      suite: { ...suiteFields, workloadCount: workloads.length },
      machine,
      build: describeBuild(),
      base: sideOfLibrary(options.base, base.library),
      head: sideOfLibrary(options.head, head.library),
      protocol,
      selftest: options.selftest,
    };
    options.onEvent({ kind: 'ready', header, cells: ownCount });

    const startMs = performance.now();
    const elapsed = (): number => (performance.now() - startMs) / 1000;
    const problems = new ProblemCache();
    const found = new Map<string, ComparedCell>();
    const injected =
      options.injectedSlowdown === undefined ? {} : { injectedSlowdown: options.injectedSlowdown };
    const courses = plan.map(({ workload, cells }) => ({
      workload,
      courses: [
        ...cells.flatMap(({ pair }) => (pair === null ? [] : [courseOf({ ...pair, ...injected })])),
        ...controls.filter(({ of }) => of.workload === workload.id).map(({ pair }) => courseOf(pair)),
      ],
    }));
    const caseOf = new Map([...plan.flatMap(({ cells }) => cells), ...controls].map(({ of }) => [of.id, of]));
    for (const { of, only } of plan.flatMap(({ cells }) => cells)) {
      if (only === null) continue;
      const [status, reason] =
        only === 'base'
          ? (['missing', 'head has no such kernel'] as const)
          : (['new', 'base has no such kernel'] as const);
      found.set(of.id, { ...of, control: false, status, reason });
    }
    /** Measures some courses until `untilSeconds`, and adds what came of them. */
    const measure = async (
      entries: readonly PairedWorkload[],
      again: boolean,
      untilSeconds: number,
    ): Promise<boolean> => {
      const givenUp = await measurePasses(entries, crews.workers, {
        protocol,
        cellCount,
        privateCacheBytes: machine.caches.l2Bytes || 2 ** 20,
        check,
        problemOf: (workload) => problems.get(workload, options.dataFolder),
        seed: `${options.seed} ${suite.digest} ${again}`,
        remainingSeconds: () => untilSeconds - elapsed(),
        onWorkload: (workload, pass, index, total) =>
          options.onEvent({
            kind: 'workload',
            workload,
            again,
            pass,
            index,
            total,
            elapsedSeconds: elapsed(),
          }),
      });
      for (const { workload, courses } of entries) {
        for (const { cell, refusal, sampling, layouts } of courses) {
          const fields = { ...caseOf.get(cell.id)!, control: cell.against === 'twin' };
          const earlier = found.get(cell.id);
          const attempts: readonly Attempt[] = earlier?.status === 'measured' ? earlier.attempts : [];
          if (refusal !== null) {
            if (cell.against === 'relinked') continue;
            const { side, why } = refusal;
            const reason = `${side}: ${refusalText(why)}`;
            found.set(cell.id, { ...fields, status: statusOf(side, why), reason });
          } else if (layouts.length > 0) {
            const attempt = { ...sampling!, layouts };
            if (cell.against === 'relinked') {
              if (earlier?.status === 'measured') found.set(cell.id, { ...earlier, guard: attempt });
              continue;
            }
            found.set(cell.id, { ...fields, status: 'measured', attempts: [...attempts, attempt] });
          } else if (!again) {
            const reason = givenUp.has(workload.id) ? 'the budget was spent' : 'no samples were taken';
            found.set(cell.id, { ...fields, status: 'skipped', reason });
          }
        }
      }
      return givenUp.size === 0;
    };

    const first = await measure(courses, false, firstSeconds);
    const interval = correctedConfidence(confidence, cellCount);
    const flagged = new Set(
      [...found.values()].flatMap((cell) => {
        if (cell.status !== 'measured') return [];
        const estimate = estimateOf(cell.attempts, interval, cell.id);
        return estimate !== null && sideOf(estimate.interval, protocol.margin) !== null ? [cell.id] : [];
      }),
    );
    const guardsOf = (cell: PairedCell) =>
      options.relinkedPath !== undefined && cell.against === 'head'
        ? [courseOf({ ...cell, head: cell.base, against: 'relinked' })]
        : [];
    const second = await measure(
      courses
        .map(({ workload, courses }) => ({
          workload,
          courses: courses
            .filter(({ cell }) => flagged.has(cell.id))
            .flatMap(({ cell }) => [courseOf(cell), ...guardsOf(cell)]),
        }))
        .filter(({ courses }) => courses.length > 0),
      true,
      options.budgetSeconds,
    );
    const complete = first && second;
    check();
    const comparison: Comparison = {
      header,
      cells: [...found.values()],
      end: {
        endedAt: new Date().toISOString(),
        complete,
        stopReason: complete ? 'finished' : 'the budget was spent',
        elapsedSeconds: elapsed(),
      },
    };
    if (options.out !== null) write(options.out, comparison);
    return comparison;
  } finally {
    crews.close();
  }
}

function write(path: string, comparison: Comparison): void {
  try {
    mkdirSync(dirname(path), { recursive: true });
  } catch (cause) {
    throw asSparsemarkError(cause, path, 'write');
  }
  writeComparison(path, comparison);
}

/** What one side's refusal makes of a cell. A base that fails says nothing about head. */
function statusOf(side: Side, why: Refused): 'new' | 'skipped' | 'wrong' | 'missing' {
  if (side === 'base') return why.status === 'unsupported' ? 'new' : 'skipped';
  return why.status === 'wrong' ? 'wrong' : 'missing';
}

/** Control cells, spread evenly over the cells; one cell may serve several times where there are few. */
function controlsOf(pairs: readonly { readonly of: Planned['of']; readonly pair: PairedCell }[]) {
  return Array.from({ length: controlCount }, (_, index) => {
    const { of, pair } = pairs[Math.floor(((index + 0.5) * pairs.length) / controlCount)]!;
    const id = `control-${index + 1}:${of.id}`;
    return { of: { ...of, id }, pair: { ...pair, id, head: pair.base, against: 'twin' as const } };
  });
}
