/**
 * The judgement of a comparison: is head slower than base? Estimate: the median of ln(head/base) over paired rounds.
 * Interval: the sign-test interval, Bonferroni-corrected for the number of cells, so that all of them together cover
 * their true values with the confidence asked for, and widened where rounds of one address layout agree more than
 * rounds of several. Needs no addon: any machine can judge.
 */

import {
  groupedMedian,
  groupedMedianInterval,
  groupedMedianIntervals,
  leastWidth,
  sortedValuesOf,
} from '../statistics/grouped.ts';
import {
  bootstrapMedians,
  type Interval,
  logRatios,
  percentileInterval,
  seededRandom,
  seedOf,
  signTestRank,
} from '../statistics.ts';
import {
  type Attempt,
  type ComparedCell,
  type Comparison,
  type ComparisonProtocol,
  type JudgedCell,
  type Judgement,
  type RatioEstimate,
  type Verdict,
  verdicts,
} from '../terms/comparison.ts';
import { exitCodes } from '../terms.ts';

/** More than this share of inconclusive cells: the machine is unfit, whatever the others say. */
export const mostInconclusive = 0.1;

/** Confidence of a statement on one cell alone. */
const aloneConfidence = 0.95;

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

/**
 * Has a cell been measured enough? The width decides, never the value, or the interval would lie. `layouts`: ln(head/base)
 * of each round, a list a layout; `sorted`: all of them in ascending order, for who has them already.
 */
export function isKnown(
  layouts: readonly (readonly number[])[],
  protocol: Pick<ComparisonProtocol, 'threshold' | 'margin' | 'maxRounds'>,
  confidence: number,
  sorted: Float64Array = sortedValuesOf(layouts),
): boolean {
  const rounds = sorted.length;
  if (rounds >= protocol.maxRounds) return true;
  const target = targetHalfWidthOf(protocol);
  if (rounds === 0 || leastWidth(sorted, confidence) / 2 > target) return false;
  const [low, high] = groupedMedianInterval(layouts, confidence, sorted).interval;
  return (high - low) / 2 <= target;
}

/** ln(head/base) of each round, a list a layout. */
export function logRatiosOf({ layouts }: Pick<Attempt, 'layouts'>): number[][] {
  return layouts
    .filter(({ baseNs }) => baseNs.length > 0)
    .map(({ baseNs, headNs }) => logRatios(headNs, baseNs));
}

/** Bootstrap resamples of a cell. */
const defaultResamples = 1000;

/**
 * Estimate from the rounds of some attempts. `confidence`: that of the interval, already corrected. No verdict needs the
 * bootstrap: without resamples its interval is infinite.
 */
export function estimateOf(
  attempts: readonly Attempt[],
  confidence: number,
  id: string,
  resamples: number = defaultResamples,
): RatioEstimate | null {
  const layouts = attempts.flatMap(logRatiosOf);
  if (layouts.length === 0) return null;
  const [corrected, alone] = groupedMedianIntervals(layouts, [confidence, aloneConfidence]);
  return {
    ratio: Math.exp(corrected!.median),
    interval: exponential(corrected!.interval),
    alone: exponential(alone!.interval),
    bootstrap: exponential(bootstrapOf(layouts, id, resamples)),
    rounds: layouts.reduce((sum, { length }) => sum + length, 0),
  };
}

function bootstrapOf(layouts: readonly (readonly number[])[], id: string, resamples: number): Interval {
  if (resamples === 0) return percentileInterval([]);
  const sizes = layouts.map(({ length }) => length);
  return percentileInterval(bootstrapMedians(layouts.flat(), sizes, resamples, seededRandom(seedOf(id))));
}

const exponential = ([low, high]: Interval): Interval => [Math.exp(low), Math.exp(high)];

/** On which side of 1 +- margin does a whole interval lie? */
export function sideOf([low, high]: Interval, margin: number): 'slower' | 'faster' | null {
  if (low > 1 + margin) return 'slower';
  return high < 1 / (1 + margin) ? 'faster' : null;
}

/**
 * The verdict on a cell's attempts. `slower` and `faster` need two attempts that both say so, by intervals that are
 * corrected for the number of cells: one of them must not fail a build in which nothing changed. `same` needs every
 * interval of the cell alone inside 1 +- threshold: corrected ones are twice as wide, and nobody is hurt by one cell of
 * twenty of which this is said too early.
 */
export function verdictOf(
  attempts: readonly Pick<RatioEstimate, 'interval' | 'alone'>[],
  { threshold, margin }: Pick<ComparisonProtocol, 'threshold' | 'margin'>,
): 'slower' | 'faster' | 'same' | 'inconclusive' {
  const sides = attempts.map(({ interval }) => sideOf(interval, margin));
  const side = sides[0] ?? null;
  if (side !== null && sides.length >= 2 && sides.every((other) => other === side)) return side;
  const within = ({ alone: [low, high] }: Pick<RatioEstimate, 'alone'>): boolean =>
    low >= 1 / (1 + threshold) && high <= 1 + threshold;
  return attempts.length > 0 && attempts.every(within) ? 'same' : 'inconclusive';
}

/** Judges every cell of a comparison. Pure and deterministic. */
export function judge({ header, cells, end }: Comparison, resamples: number = defaultResamples): Judgement {
  const { protocol } = header;
  const cellCount = Math.max(cells.length, protocol.correctedFor ?? 0);
  const confidence = correctedConfidence(protocol.confidence, cellCount);
  const judged = cells.map((cell) => judgedCell(cell, protocol, confidence, resamples));
  const of = (control: boolean) => judged.filter((_, index) => cells[index]!.control === control);
  const notes = [
    ...(header.base.library.sha256 === header.head.library.sha256
      ? ['Both sides are the same file: whatever differs is the machine.']
      : []),
    ...(protocol.relinked
      ? []
      : [
          "No base linked in another order was given (--relinked): where head's code lies may be all that makes a cell slower.",
        ]),
    ...(end?.complete === true ? [] : [`Not all was measured: ${end?.stopReason ?? 'the file has no end'}.`]),
  ];
  return judgementOf(of(false), of(true), notes);
}

/** Does head's whole interval lie beyond the guard's, on the side on which both are? */
function isBeyond(
  head: RatioEstimate | null,
  guard: RatioEstimate,
  { margin }: Pick<ComparisonProtocol, 'margin'>,
): boolean {
  if (head === null) return false;
  const [low, high] = head.interval;
  return low > guard.interval[1] * (1 + margin) || high * (1 + margin) < guard.interval[0];
}

/** Counts verdicts and finds the exit code: 2 for a finding, 3 for a run that shows nothing: void, without controls, inconclusive. */
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
  // Controls that nothing is known of are no control.
  const controlled = 2 * controls.filter(({ verdict }) => verdict === 'same').length >= controls.length;
  const unfit = voided || !controlled || timed === 0 || counts.inconclusive > mostInconclusive * timed;
  // A wrong or missing cell is a fact; a time is none where identical code differs.
  const finding = counts.wrong + counts.missing > 0 || (!voided && counts.slower > 0);
  const exitCode = finding ? exitCodes.finding : unfit ? exitCodes.unfit : exitCodes.ok;
  return { cells, controls, counts, voided, controlled, exitCode, notes };
}

function judgedCell(
  cell: ComparedCell,
  protocol: ComparisonProtocol,
  confidence: number,
  resamples: number,
): JudgedCell {
  const { control: _, id, workload, kernel, format, isa, threads, dense } = cell;
  const of = { id, workload, kernel, format, isa, threads, dense };
  if (cell.status !== 'measured') {
    const verdict = cell.status === 'skipped' ? 'inconclusive' : cell.status;
    return { of, verdict, estimate: null, attempts: [], baseNs: null, headNs: null, reason: cell.reason };
  }
  const estimate = estimateOf(cell.attempts, confidence, id, resamples);
  const attempts =
    cell.attempts.length === 1 && estimate !== null
      ? [estimate]
      : cell.attempts.flatMap((attempt, index) => {
          const ofOne = estimateOf([attempt], confidence, `${id} ${index}`, resamples);
          return ofOne === null ? [] : [ofOne];
        });
  const layouts = cell.attempts.flatMap((attempt) => attempt.layouts);
  const found = verdictOf(attempts, protocol);
  const guard =
    cell.guard === undefined ? null : estimateOf([cell.guard], confidence, `${id} guard`, resamples);
  // The same code in another order of linking is on the same side of the margin, and head is not surely beyond it: the
  // order may be all that changed.
  const isLayout =
    guard !== null &&
    sideOf(guard.interval, protocol.margin) === found &&
    !isBeyond(estimate, guard, protocol);
  const verdict = isLayout ? 'inconclusive' : found;
  return {
    of,
    verdict,
    estimate,
    attempts,
    baseNs: groupedMedian(layouts.map(({ baseNs }) => baseNs)),
    headNs: groupedMedian(layouts.map(({ headNs }) => headNs)),
    reason: isLayout
      ? `${found}, but base linked in another order is too`
      : verdict === 'inconclusive'
        ? reasonOf(attempts, protocol)
        : '',
  };
}

function reasonOf(attempts: readonly RatioEstimate[], { margin }: ComparisonProtocol): string {
  const first = attempts[0];
  if (first === undefined || !Number.isFinite(first.interval[1])) return 'too few rounds';
  const side = sideOf(first.interval, margin);
  if (side !== null)
    return attempts.length < 2 ? `${side}, not measured again` : `${side} once, not confirmed`;
  return 'the interval is too wide';
}
