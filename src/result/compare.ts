/**
 * The judgement of a comparison: is head slower than base? Estimate: the median of ln(head/base) over paired rounds.
 * Interval: the exact sign-test interval, Bonferroni-corrected for the number of cells, so that all of them together
 * cover their true values with the confidence asked for. Needs no addon: any machine can judge.
 */
import {
  bootstrapMedians,
  type Interval,
  logRatios,
  medianInterval,
  percentileInterval,
  seededRandom,
  seedOf,
  signTestRank,
} from '../statistics.ts';
import {
  type Attempt,
  type ComparedCase,
  type ComparedCell,
  type Comparison,
  type ComparisonProtocol,
  exitCodes,
} from '../terms.ts';

/** What is known about one cell; `slower`, `missing` and `wrong` are findings. */
export const verdicts = ['wrong', 'missing', 'slower', 'inconclusive', 'faster', 'same', 'new'] as const;
export type Verdict = (typeof verdicts)[number];

/** head over base: above 1 head is slower. */
export interface RatioEstimate {
  readonly ratio: number;
  /** Corrected for the number of cells; infinite where there are too few rounds for any statement. */
  readonly interval: Interval;
  /** 95 %, of this cell alone, by a seeded bootstrap over layouts and their rounds. */
  readonly bootstrap: Interval;
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
  readonly exitCode: number;
  /** What a reader must know beside the table. */
  readonly notes: readonly string[];
}

/** More than this share of inconclusive cells: the machine is unfit, whatever the others say. */
export const mostInconclusive = 0.1;

/** Confidence of each of several intervals that shall hold together (Bonferroni). */
export function correctedConfidence(confidence: number, cells: number): number {
  return 1 - (1 - confidence) / Math.max(1, cells);
}

/** Fewest rounds from which an interval of this confidence exists. */
export function leastRounds(confidence: number): number {
  let rounds = 1;
  while (signTestRank(rounds, confidence) === null) rounds += 1;
  return rounds;
}

/** Half-width of ln(head/base) at which a cell is known well enough: a third of what lies between margin and threshold. */
export function targetHalfWidthOf({
  threshold,
  margin,
}: Pick<ComparisonProtocol, 'threshold' | 'margin'>): number {
  return (threshold - margin) / 3;
}

/** Has a cell been measured enough? The width decides, never the value, or the interval would lie. */
export function isKnown(
  ratios: readonly number[],
  protocol: Pick<ComparisonProtocol, 'threshold' | 'margin' | 'maxRounds'>,
  confidence: number,
): boolean {
  if (ratios.length >= protocol.maxRounds) return true;
  if (ratios.length === 0) return false;
  const [low, high] = medianInterval(ratios, confidence).interval;
  return (high - low) / 2 <= targetHalfWidthOf(protocol);
}

/** ln(head/base) of each round of an attempt. */
export function logRatiosOf(attempt: Attempt): number[] {
  return attempt.layouts.flatMap(({ baseNs, headNs }) =>
    baseNs.length === 0 ? [] : logRatios(headNs, baseNs),
  );
}

/** Estimate from the rounds of some attempts. `confidence`: that of the interval, already corrected. */
export function estimateOf(attempts: readonly Attempt[], confidence: number, id: string): RatioEstimate | null {
  const ratios = attempts.flatMap(logRatiosOf);
  if (ratios.length === 0) return null;
  const { median, interval } = medianInterval(ratios, confidence);
  const sizes = attempts.flatMap(({ layouts }) => layouts.map(({ baseNs }) => baseNs.length));
  const replicates = bootstrapMedians(ratios, sizes.filter((size) => size > 0), 1000, seededRandom(seedOf(id)));
  return {
    ratio: Math.exp(median),
    interval: exponential(interval),
    bootstrap: exponential(percentileInterval(replicates)),
    rounds: ratios.length,
  };
}

const exponential = ([low, high]: Interval): Interval => [Math.exp(low), Math.exp(high)];

/** On which side of 1 +- margin does a whole interval lie? */
export function sideOf([low, high]: Interval, margin: number): 'slower' | 'faster' | null {
  if (low > 1 + margin) return 'slower';
  return high < 1 / (1 + margin) ? 'faster' : null;
}

/**
 * The verdict on a cell's intervals, one an attempt. `slower` and `faster` need two attempts that both say so;
 * `same` needs every interval inside 1 +- threshold.
 */
export function verdictOf(
  intervals: readonly Interval[],
  { threshold, margin }: Pick<ComparisonProtocol, 'threshold' | 'margin'>,
): 'slower' | 'faster' | 'same' | 'inconclusive' {
  const sides = intervals.map((interval) => sideOf(interval, margin));
  const side = sides[0] ?? null;
  if (side !== null && sides.length >= 2 && sides.every((other) => other === side)) return side;
  const within = ([low, high]: Interval): boolean => low >= 1 / (1 + threshold) && high <= 1 + threshold;
  return intervals.length > 0 && intervals.every(within) ? 'same' : 'inconclusive';
}

/** Judges every cell of a comparison. Pure and deterministic. */
export function judge({ header, cells, end }: Comparison): Judgement {
  const { protocol } = header;
  const confidence = correctedConfidence(protocol.confidence, cells.length);
  const judged = cells.map((cell) => judgedCell(cell, protocol, confidence));
  const of = (control: boolean) => judged.filter((_, index) => cells[index]!.control === control);
  const notes = [
    ...(header.base.library.sha256 === header.head.library.sha256
      ? ['Both sides are the same file: whatever differs is the machine.']
      : []),
    ...(end?.complete === false ? [`Not all was measured: ${end.stopReason}.`] : []),
  ];
  return judgementOf(of(false), of(true), notes);
}

/** Counts verdicts and finds the exit code: 2 for a finding, 3 for a void run or too much that is inconclusive. */
export function judgementOf(
  cells: readonly JudgedCell[],
  controls: readonly JudgedCell[],
  notes: readonly string[],
): Judgement {
  const counts = Object.fromEntries(
    verdicts.map((name) => [name, cells.filter(({ verdict }) => verdict === name).length]),
  ) as Record<Verdict, number>;
  const voided = controls.some(({ verdict }) => verdict === 'slower' || verdict === 'faster');
  const timed = cells.length - counts.new - counts.wrong - counts.missing;
  const unfit = voided || counts.inconclusive > mostInconclusive * timed;
  // A wrong or missing cell is a fact; a time is none where identical code differs.
  const finding = counts.wrong + counts.missing > 0 || (!voided && counts.slower > 0);
  const exitCode = finding ? exitCodes.finding : unfit ? exitCodes.unfit : exitCodes.ok;
  return { cells, controls, counts, voided, exitCode, notes };
}

function judgedCell(cell: ComparedCell, protocol: ComparisonProtocol, confidence: number): JudgedCell {
  const { control: _, id, workload, kernel, format, isa, threads, dense } = cell;
  const of = { id, workload, kernel, format, isa, threads, dense };
  if (cell.status !== 'measured') {
    const verdict = cell.status === 'skipped' ? 'inconclusive' : cell.status;
    return { of, verdict, estimate: null, attempts: [], baseNs: null, headNs: null, reason: cell.reason };
  }
  const attempts = cell.attempts.flatMap((attempt, index) => {
    const estimate = estimateOf([attempt], confidence, `${id} ${index}`);
    return estimate === null ? [] : [estimate];
  });
  const layouts = cell.attempts.flatMap((attempt) => attempt.layouts);
  const verdict = verdictOf(
    attempts.map(({ interval }) => interval),
    protocol,
  );
  return {
    of,
    verdict,
    estimate: estimateOf(cell.attempts, confidence, id),
    attempts,
    baseNs: middle(layouts.flatMap(({ baseNs }) => baseNs)),
    headNs: middle(layouts.flatMap(({ headNs }) => headNs)),
    reason: verdict === 'inconclusive' ? reasonOf(attempts, protocol) : '',
  };
}

const middle = (values: readonly number[]): number | null =>
  values.length === 0 ? null : medianInterval(values).median;

function reasonOf(attempts: readonly RatioEstimate[], { margin }: ComparisonProtocol): string {
  const first = attempts[0];
  if (first === undefined || !Number.isFinite(first.interval[1])) return 'too few rounds';
  const side = sideOf(first.interval, margin);
  if (side !== null) return attempts.length < 2 ? `${side}, not measured again` : `${side} once, not confirmed`;
  return 'the interval is too wide';
}
