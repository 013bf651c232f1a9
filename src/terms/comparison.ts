/** The words of a comparison in time: two kernel libraries measured in turns, and what follows from it. */
import type { Build, Library, Machine, Result, RunHeader } from '../terms.ts';

/** One side of a comparison in time: which kernel library, and where it came from. */
export interface ComparedSide {
  /** As it was asked for: a path, a git revision. */
  readonly label: string;
  /** Commit that it was built from; null where a library was named. */
  readonly gitCommit: string | null;
  readonly library: Library;
}

/** How a comparison was measured. */
export interface ComparisonProtocol {
  readonly threads: readonly number[];
  /** CPUs the workers are pinned to; empty where pinning is not possible. */
  readonly pinnedCpus: readonly number[];
  /** Groups of workers that measured different cells at once, each on CPUs of its own; absent: one. */
  readonly crews?: number;
  readonly filter: string | null;
  readonly isa: string | null;
  readonly formats: readonly string[] | null;
  readonly budgetSeconds: number;
  readonly batchTargetNs: number;
  /** The batches of a sample last this long together, and are four at the least; the sample is their lower quartile. */
  readonly sampleTargetNs: number;
  /** The batches of a turn last this long together, one at the least: then the other side has the core. */
  readonly turnTargetNs: number;
  /** Of the order of cells and sides. */
  readonly seed: number;
  /** The slowdown to be detected, 0.05 for 5 %: sets how narrow an interval must become. */
  readonly threshold: number;
  /** Slowdowns up to this one are a matter of code layout and no finding. */
  readonly margin: number;
  /** Probability that all intervals together cover their true values. */
  readonly confidence: number;
  /** Rounds between two starts of the workers. */
  readonly roundsPerLayout: number;
  readonly maxRounds: number;
  /** Whether flagged cells were held against base linked in another order. */
  readonly relinked: boolean;
  /** Cells that the intervals are corrected for, where they are more than were measured: a part stands for a whole. */
  readonly correctedFor?: number;
  /** Slowdown of head that was made on purpose, 0.05 for 5 %: a test of the gate. */
  readonly injectedSlowdown?: number;
}

/** First line of a Comparison. */
export interface ComparisonHeader {
  readonly comparisonVersion: number;
  readonly runId: string;
  readonly startedAt: string;
  readonly command: string;
  readonly suite: RunHeader['suite'];
  readonly machine: Machine;
  readonly build: Build;
  readonly base: ComparedSide;
  readonly head: ComparedSide;
  readonly protocol: ComparisonProtocol;
  /** What the gate was last found to do on this machine; null: it was never tested here. */
  readonly selftest: Selftest | null;
}

/** How often the gate called one kind of head slower. */
export interface SelftestRow {
  /** `same`: base's own file; `relinked`: base linked in another order; `slower`: with a slowdown made on purpose. */
  readonly kind: 'same' | 'relinked' | 'slower';
  /** That slowdown, 0.05 for 5 %; 0 for the others. */
  readonly injectedSlowdown: number;
  readonly runs: number;
  /** Runs that failed: false alarms of identical code, true ones of slowed code. */
  readonly failed: number;
  /** Runs whose controls differed. */
  readonly voided: number;
  /** Runs whose cell stayed inconclusive. */
  readonly inconclusive: number;
}

/** The gate tested on one machine: one cell and its controls a run, corrected as for the whole suite. */
export interface Selftest {
  readonly selftestVersion: number;
  /** Fingerprint of the machine. */
  readonly machine: string;
  readonly startedAt: string;
  readonly elapsedSeconds: number;
  /** Of sparsemark. */
  readonly version: string;
  readonly suite: string;
  /** Cells that the intervals were corrected for. */
  readonly cellCount: number;
  readonly threshold: number;
  readonly margin: number;
  /** Of one run. */
  readonly budgetSeconds: number;
  readonly seed: number;
  readonly rows: readonly SelftestRow[];
}

/** Rounds between two starts of the workers, which draw the address layout anew: sample i of both sides is a round. */
export interface LayoutRounds {
  /** Nanoseconds an evaluation, in the order measured; the lower quartile of a sample's batches. */
  readonly baseNs: readonly number[];
  readonly headNs: readonly number[];
}

/** What a pair of samples is made of, the same on both sides. */
export interface Sampling {
  readonly evaluationsPerBatch: number;
  readonly batchesPerTurn: number;
  /** Turns of each side. */
  readonly turnsPerSample: number;
  /** Untimed evaluations before the batches of a turn. */
  readonly warmupsPerTurn: number;
}

/** One measurement of a cell in turns; a second one confirms what the first one finds. */
export interface Attempt extends Sampling {
  readonly layouts: readonly LayoutRounds[];
}

/** A kernel on a workload, in base and head. */
export interface ComparedCase {
  /** `<workload id>/<kernel>-<isa>-t<threads>`; of a control with `control-<i>:` before it. */
  readonly id: string;
  readonly workload: string;
  readonly kernel: string;
  readonly format: string;
  readonly isa: string;
  readonly threads: number;
  readonly dense: boolean;
  /** Identical code on both sides: base against itself. */
  readonly control: boolean;
}

/** What became of one cell of a comparison. */
export type ComparedCell = ComparedCase &
  (
    | {
        readonly status: 'measured';
        readonly attempts: readonly Attempt[];
        /** Base against base linked in another order, measured beside the second attempt, where there is such a build. */
        readonly guard?: Attempt;
      }
    /** The budget was spent before, or base failed: nothing is known of head. */
    | { readonly status: 'skipped'; readonly reason: string }
    /** In base, and not in head: no such kernel, declined, crashed. */
    | { readonly status: 'missing'; readonly reason: string }
    /** Head's answer is wrong. */
    | { readonly status: 'wrong'; readonly reason: string }
    /** In head, and not in base. */
    | { readonly status: 'new'; readonly reason: string }
  );

/** The file one comparison writes: raw, nothing derived. */
export interface Comparison {
  readonly header: ComparisonHeader;
  readonly cells: readonly ComparedCell[];
  readonly end: Result['end'];
}

/** What is known about one cell; `slower`, `missing` and `wrong` are findings. */
export const verdicts = ['wrong', 'missing', 'slower', 'inconclusive', 'faster', 'same', 'new'] as const;
export type Verdict = (typeof verdicts)[number];

/** head over base: above 1 head is slower. */
export interface RatioEstimate {
  readonly ratio: number;
  /** Corrected for the number of cells; infinite where there are too few rounds for any statement. */
  readonly interval: readonly [low: number, high: number];
  /** The same of this cell alone, 95 %: that it did not change much is said of each cell by itself. */
  readonly alone: readonly [low: number, high: number];
  /** 95 %, of this cell alone, by a seeded bootstrap over layouts and their rounds. */
  readonly bootstrap: readonly [low: number, high: number];
  readonly rounds: number;
}

/** A cell with what follows from its rounds. */
export interface JudgedCell {
  readonly of: Omit<ComparedCase, 'control'>;
  readonly verdict: Verdict;
  /** Of all attempts' rounds together; null where the cell has no times. */
  readonly estimate: RatioEstimate | null;
  /** Of each attempt alone. The second one is made of what the first one finds. */
  readonly attempts: readonly RatioEstimate[];
  /** Median nanoseconds an evaluation of both sides; null without times. */
  readonly baseNs: number | null;
  readonly headNs: number | null;
  /** Why there is no time, or why no more can be said; empty otherwise. */
  readonly reason: string;
}

/** All that follows from a comparison. */
export interface Judgement {
  readonly cells: readonly JudgedCell[];
  readonly controls: readonly JudgedCell[];
  readonly counts: Readonly<Record<Verdict, number>>;
  /** Whether identical code differed: then no verdict on a time is worth anything. */
  readonly voided: boolean;
  /** Whether most of the controls were measured well enough to show a difference. */
  readonly controlled: boolean;
  readonly exitCode: number;
  /** What a reader must know beside the table. */
  readonly notes: readonly string[];
}
