/**
 * The gate tested on this machine: comparisons of our own kernels with themselves, with themselves linked in another
 * order, and with themselves slowed down on purpose. What it says of them is its error rate and its power here.
 */
import { judge } from '../result/compare.ts';
import { selftestVersion } from '../result/comparison-file.ts';
import { seededRandom } from '../statistics.ts';
import type { Comparison, RatioEstimate, Selftest, SelftestRow, Verdict } from '../terms/comparison.ts';
import type { Suite, Workload } from '../terms.ts';
import { compareLibraries, joinCells } from './compare.ts';
import { bundledLibraries, workerMemoryBytes } from './libraries.ts';
import { startWorker } from './library-worker.ts';
import { describeMachineOnly, measuringCpus } from './machine.ts';
import { relinkedBeside } from './relinked.ts';
import { describeBuild } from './run.ts';

export interface SelftestOptions {
  readonly suite: Suite;
  readonly minutes: number;
  readonly seed: number;
  readonly threshold: number;
  readonly margin: number;
  /** Of one run: a cell, its controls and their confirmation. */
  readonly budgetSeconds: number;
  /** What is injected, a run each, over and over; absent: 3, 5, 10 and 20 %, and as many runs of identical code. */
  readonly slowdowns?: readonly number[];
  readonly command: string;
  readonly signal: AbortSignal;
  readonly onRun: (run: SelftestRun, elapsedSeconds: number) => void;
}

/** One comparison of a self-test. */
export interface SelftestRun {
  readonly kind: SelftestRow['kind'];
  readonly injectedSlowdown: number;
  readonly cell: string;
  readonly verdict: Verdict;
  readonly voided: boolean;
  /** What each of the measurements found. */
  readonly attempts: readonly RatioEstimate[];
}

/** Slowdowns that are injected; the gate is made to see the second one. */
const slowdowns = [0.03, 0.05, 0.1, 0.2];
const timeoutMs = 60_000;

/** What the runs are, over and over: as many of identical code as of slowed code. */
function kindsOf(relinked: string | undefined): readonly Pick<SelftestRun, 'kind' | 'injectedSlowdown'>[] {
  const identical = (['same', relinked === undefined ? 'same' : 'relinked'] as const).map((kind) => ({
    kind,
    injectedSlowdown: 0,
  }));
  return slowdowns.flatMap((injectedSlowdown, index) => [
    identical[index % 2]!,
    { kind: 'slower' as const, injectedSlowdown },
  ]);
}

/** Counts what the gate said of each kind of head. */
export function rowsOf(runs: readonly SelftestRun[]): readonly SelftestRow[] {
  const rows = new Map<string, SelftestRow>();
  for (const { kind, injectedSlowdown, verdict, voided } of runs) {
    const key = `${kind} ${injectedSlowdown}`;
    const row = rows.get(key) ?? { kind, injectedSlowdown, runs: 0, failed: 0, voided: 0, inconclusive: 0 };
    rows.set(key, {
      ...row,
      runs: row.runs + 1,
      failed: row.failed + (!voided && verdict === 'slower' ? 1 : 0),
      voided: row.voided + (voided ? 1 : 0),
      inconclusive: row.inconclusive + (!voided && verdict === 'inconclusive' ? 1 : 0),
    });
  }
  const order = ['same', 'relinked', 'slower'];
  return [...rows.values()].sort(
    (a, b) => order.indexOf(a.kind) - order.indexOf(b.kind) || a.injectedSlowdown - b.injectedSlowdown,
  );
}

/** Runs comparisons for that many minutes. Throws INTERRUPTED, BAD_LIBRARY. */
export async function selftest(options: SelftestOptions): Promise<Selftest> {
  const { suite, seed, threshold, margin, budgetSeconds, signal } = options;
  const path = bundledLibraries()[0]!;
  const relinked = relinkedBeside(path);
  const selection = { isa: null, formats: null, threads: [1] };
  const worker = await startWorker(
    { kind: 'open', path, name: null, cpus: measuringCpus(1), memoryLimitBytes: workerMemoryBytes() },
    timeoutMs,
  );
  const libraries = { base: worker.library, head: worker.library };
  worker.end();
  const cells = suite.workloads.flatMap((workload: Workload) =>
    joinCells(suite, workload, libraries, selection).map(({ of }) => ({ workload, of })),
  );
  const kinds =
    options.slowdowns?.map((injectedSlowdown) => ({ kind: 'slower' as const, injectedSlowdown })) ??
    kindsOf(relinked);
  const random = seededRandom(seed);
  const startedAt = new Date();
  const elapsed = (): number => (Date.now() - startedAt.getTime()) / 1000;
  const runs: SelftestRun[] = [];
  while (runs.length < kinds.length || elapsed() < options.minutes * 60) {
    if (runs.length > 0 && elapsed() >= options.minutes * 60 + budgetSeconds * kinds.length) break;
    const { kind, injectedSlowdown } = kinds[runs.length % kinds.length]!;
    const { workload, of } = cells[Math.floor(random() * cells.length)]!;
    const side = (label: string, at: string) => ({ label, gitCommit: null, path: at });
    const comparison: Comparison = await compareLibraries({
      suite,
      workloads: [workload],
      selection,
      cpus: null,
      base: side('native', path),
      head: side(kind, kind === 'relinked' ? relinked! : path),
      ...(relinked === undefined ? {} : { relinkedPath: relinked }),
      wanted: ({ format, dense }) => format === of.format && dense === of.dense,
      correctedFor: cells.length,
      ...(injectedSlowdown > 0 ? { injectedSlowdown } : {}),
      budgetSeconds,
      timeoutSeconds: timeoutMs / 1000,
      filter: workload.id,
      seed: Math.floor(random() * 2 ** 31),
      threshold,
      margin,
      selftest: null,
      out: null,
      command: options.command,
      signal,
      onEvent: () => {},
    });
    const { cells: judged, voided } = judge(comparison);
    const { verdict, attempts } = judged[0]!;
    const run = { kind, injectedSlowdown, cell: of.id, verdict, voided, attempts };
    runs.push(run);
    options.onRun(run, elapsed());
  }
  return {
    selftestVersion,
    machine: describeMachineOnly().fingerprint,
    startedAt: startedAt.toISOString(),
    elapsedSeconds: elapsed(),
    version: describeBuild().version,
    suite: `${suite.name} ${suite.version}`,
    cellCount: cells.length,
    threshold,
    margin,
    budgetSeconds,
    seed,
    rows: rowsOf(runs),
  };
}
