/** Rounds of samples until the median is known well enough. tinybench runs each round. */
import { Bench } from 'tinybench';
import { medianInterval, relativeHalfWidth, seededRandom } from '../statistics.ts';
import { roundOrder } from './schedule.ts';

/** A batch lasts at least this long, and 1000 times the clock's resolution: reading the clock is then 0.1 % of it. */
const leastBatchNs = 500_000;
const batchResolutions = 1000;

/** How long a sample shall last on a clock of this resolution. */
export function batchTargetNs(clockResolutionNs: number): number {
  return Math.max(leastBatchNs, batchResolutions * clockResolutionNs);
}

/** When a case has been sampled enough. */
export interface StoppingRule {
  /** Relative half-width of the median's 95 % interval. */
  readonly targetHalfWidth: number;
  readonly minSamples: number;
  readonly maxSamples: number;
  readonly samplesPerRound: number;
}

/** Something that can be sampled: one call is one sample, in nanoseconds an evaluation by the kernel's own clock. */
export interface Timed {
  readonly id: string;
  readonly sample: () => Promise<number>;
  /** Sampled on in every round until the others are known well enough: a baseline that stands beside all of them. */
  readonly keep?: boolean;
}

/** Raw samples in their order, with the number taken in each round. */
export interface Series {
  readonly samplesNs: number[];
  readonly rounds: number[];
  /** Why sampling ended early, where it did. */
  error?: unknown;
}

/** Is the case known well enough? Width alone decides, never the value, or the interval would lie. */
export function isEnough(samplesNs: readonly number[], rule: StoppingRule): boolean {
  if (samplesNs.length >= rule.maxSamples) return true;
  if (samplesNs.length < rule.minSamples) return false;
  const { median, interval } = medianInterval(samplesNs);
  return relativeHalfWidth(interval, median) <= rule.targetHalfWidth;
}

/**
 * Samples all cases in interleaved rounds. A round is one Bench, a case one Task with a fixed number of iterations;
 * tinybench's own warm-up is off, since the worker warmed up and knows when it was steady. Each iteration returns the
 * kernel's own clock as `overriddenDuration`. Order and raw values are kept here, since tinybench sorts what it keeps.
 *
 * A case leaves the rounds once it is known well enough, a kept one only with the last of them or at `maxSamples`: the
 * samples of a slow drift's later part then still have their baseline's beside them.
 *
 * `mayGoOn` is asked between rounds once every case has `minSamples`; false ends the series (the budget).
 */
export async function sampleInRounds(
  cases: readonly Timed[],
  rule: StoppingRule,
  orderSeed: number,
  mayGoOn: () => boolean,
): Promise<ReadonlyMap<string, Series>> {
  const series = new Map<string, Series>(cases.map(({ id }) => [id, { samplesNs: [], rounds: [] }]));
  const open = (): Timed[] => {
    const able = cases.filter(({ id }) => {
      const { samplesNs, error } = series.get(id)!;
      return error === undefined && samplesNs.length < rule.maxSamples;
    });
    const unknown = new Set(able.filter(({ id }) => !isEnough(series.get(id)!.samplesNs, rule)));
    return unknown.size === 0 ? [] : able.filter((entry) => entry.keep === true || unknown.has(entry));
  };
  for (let round = 0, left = open(); left.length > 0; round += 1, left = open()) {
    const atLeast = left.every(({ id }) => series.get(id)!.samplesNs.length >= rule.minSamples);
    if (atLeast && !mayGoOn()) break;
    const bench = new Bench({ iterations: rule.samplesPerRound, time: 0, warmup: false, throws: false });
    // A pair of rounds shares its shuffle: see roundOrder.
    const random = seededRandom(orderSeed + Math.floor(round / 2));
    for (const { id, sample } of roundOrder(left, round, (count) => shuffled(count, random))) {
      const { samplesNs, rounds } = series.get(id)!;
      rounds.push(0);
      bench.add(id, async () => {
        const ns = await sample();
        samplesNs.push(ns);
        rounds[rounds.length - 1]! += 1;
        return { overriddenDuration: ns / 1e6 };
      });
    }
    await bench.run();
    for (const task of bench.tasks) {
      if (task.result.state === 'errored') series.get(task.name)!.error = task.result.error;
    }
  }
  return series;
}

/** The numbers 0..count-1 in a random order. */
export function shuffled(count: number, random: () => number): number[] {
  const order = Array.from({ length: count }, (_, index) => index);
  for (let i = count - 1; i > 0; i -= 1) {
    const j = Math.floor(random() * (i + 1));
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  return order;
}
