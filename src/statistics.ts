/**
 * Estimators and intervals of a benchmark. Where simple-statistics has the estimator it does the work; what is
 * here is what it lacks: exact intervals of a median, a nested bootstrap, steadiness, and the crossover.
 */
import { gammaln, logAverage, median as medianOf, quantileSorted } from 'simple-statistics';

export { median, medianAbsoluteDeviation, quantile } from 'simple-statistics';

/** A source of uniform numbers in [0, 1). */
export type Random = () => number;

/** Lower and upper end. An end is infinite where the data permit no statement on that side. */
export type Interval = readonly [low: number, high: number];

/**
 * A small seeded source of uniform numbers: a 32-bit Weyl sequence (step 2^32 over the golden ratio) through a
 * 32-bit finaliser. Good for resampling, not for matrices, which `workload/random.ts` draws.
 */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x9e3779b9) >>> 0;
    let x = state;
    x = Math.imul(x ^ (x >>> 16), 0x21f0aaad);
    x = Math.imul(x ^ (x >>> 15), 0x735a2d97);
    return ((x ^ (x >>> 15)) >>> 0) / 4294967296;
  };
}

/** Seed of a name: the same name gives the same stream of `seededRandom` everywhere (FNV-1a). */
export function seedOf(name: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

/** Geometric mean of positive numbers; NaN for an empty list. */
export function geometricMean(values: readonly number[]): number {
  return values.length === 0 ? Number.NaN : logAverage(values as number[]);
}

/** Median of ln(a/b) over pairs: the ratio of two sides measured in turn. Throws on lists of unequal length. */
export function medianLogRatio(a: readonly number[], b: readonly number[]): number {
  return medianOf(logRatios(a, b));
}

/** ln(a/b) of each pair. */
export function logRatios(a: readonly number[], b: readonly number[]): number[] {
  if (a.length !== b.length || a.length === 0) {
    throw new RangeError(
      `Expected two lists of one length for the pairs, received ${a.length} and ${b.length}.`,
    );
  }
  return a.map((value, i) => Math.log(value / b[i]!));
}

/** A median with its interval. */
export interface MedianInterval {
  readonly median: number;
  readonly interval: Interval;
  /** Probability that the interval covers the true median: at least the confidence asked for, or 0 where none exists. */
  readonly coverage: number;
}

/**
 * Median and its exact interval by the sign test: the order statistics x(r) and x(n+1-r) with the largest r whose
 * coverage 1 - 2 P(Bin(n, 1/2) < r) reaches `confidence`. Needs no shape of distribution; resists outliers.
 * Below 6 values no 95 % statement exists: the interval is then infinite and `coverage` 0.
 * Throws RangeError on an empty list.
 */
export function medianInterval(values: readonly number[], confidence = 0.95): MedianInterval {
  const n = values.length;
  if (n === 0) throw new RangeError('Expected at least one value for the median, received none.');
  const sorted = Float64Array.from(values).sort();
  const rank = signTestRank(n, confidence);
  const median = quantileSorted(sorted as unknown as number[], 0.5);
  if (rank === null)
    return { median, interval: [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY], coverage: 0 };
  return { median, interval: [sorted[rank.rank - 1]!, sorted[n - rank.rank]!], coverage: rank.coverage };
}

/** A rank and the probability that its interval covers the true median. */
export interface SignTestRank {
  readonly rank: number;
  readonly coverage: number;
}

const mostConfidences = 16;

/** The function, which computes nothing twice: a comparison asks for a few confidences and numbers of values again and again. */
export function remembered<Value>(
  compute: (n: number, confidence: number) => Value,
): (n: number, confidence: number) => Value {
  const known = new Map<number, Map<number, Value>>();
  return (n, confidence) => {
    let ofConfidence = known.get(confidence);
    if (ofConfidence === undefined) {
      if (known.size >= mostConfidences) known.clear();
      ofConfidence = new Map();
      known.set(confidence, ofConfidence);
    }
    if (!ofConfidence.has(n)) ofConfidence.set(n, compute(n, confidence));
    return ofConfidence.get(n)!;
  };
}

/** Rank r (from 1) of the sign-test interval of `n` values, or null where even the extremes do not reach `confidence`. */
export const signTestRank = remembered((n, confidence): SignTestRank | null => {
  const logHalfPowerN = n * Math.LN2;
  let below = 0;
  let best: SignTestRank | null = null;
  for (let r = 1; r <= n / 2; r++) {
    // P(Bin(n, 1/2) = r - 1), in logs because 2^-n underflows for n > 1074.
    below += Math.exp(gammaln(n + 1) - gammaln(r) - gammaln(n - r + 2) - logHalfPowerN);
    const coverage = 1 - 2 * below;
    if (coverage < confidence) break;
    best = { rank: r, coverage };
  }
  return best;
});

/** Half the width of an interval over the size of its centre; Infinity for an unbounded interval or a centre of 0. */
export function relativeHalfWidth(interval: Interval, centre: number): number {
  const half = (interval[1] - interval[0]) / 2;
  return Number.isFinite(half) && centre !== 0 ? half / Math.abs(centre) : Number.POSITIVE_INFINITY;
}

/** Percentile interval of bootstrap replicates; infinite ends where there are none. */
export function percentileInterval(replicates: ArrayLike<number>, confidence = 0.95): Interval {
  if (replicates.length === 0) return [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
  const sorted = Float64Array.from(replicates).sort();
  const tail = (1 - confidence) / 2;
  return [
    quantileSorted(sorted as unknown as number[], tail),
    quantileSorted(sorted as unknown as number[], 1 - tail),
  ];
}

/** Settings of a bootstrap. */
export interface BootstrapOptions {
  readonly confidence?: number;
  readonly resamples?: number;
  readonly random?: Random;
}

/** Percentile bootstrap interval of any statistic of one list of values. */
export function bootstrapInterval(
  values: readonly number[],
  statistic: (values: readonly number[]) => number,
  options: BootstrapOptions = {},
): Interval {
  const { confidence = 0.95, resamples = 2000, random = seededRandom(1) } = options;
  const replicates = new Float64Array(values.length === 0 ? 0 : resamples);
  const drawn = new Array<number>(values.length);
  for (let r = 0; r < replicates.length; r++) {
    for (let i = 0; i < drawn.length; i++) drawn[i] = values[Math.floor(random() * values.length)]!;
    replicates[r] = statistic(drawn);
  }
  return percentileInterval(replicates, confidence);
}

/**
 * Bootstrap replicates of the median of samples that were taken in rounds: rounds are drawn with replacement and,
 * within each drawn round, its samples. Samples of one round share its disturbances, so drawing samples alone
 * would make the spread too small.
 *
 * `rounds` holds the number of samples of each round, in order; their sum must be `samples.length`.
 */
export function bootstrapMedians(
  samples: readonly number[],
  rounds: readonly number[],
  resamples: number,
  random: Random,
): Float64Array {
  const n = samples.length;
  // Ranks instead of values: a resample becomes counts by rank, and its median a walk instead of a sort.
  const order = Array.from({ length: n }, (_, i) => i).sort((a, b) => samples[a]! - samples[b]!);
  const rankOf = new Int32Array(n);
  const sorted = new Float64Array(n);
  order.forEach((position, rank) => {
    rankOf[position] = rank;
    sorted[rank] = samples[position]!;
  });
  const starts: number[] = [];
  let at = 0;
  for (const size of rounds) {
    starts.push(at);
    at += size;
  }
  if (at !== n) throw new RangeError(`Expected rounds that sum to ${n} samples, received a sum of ${at}.`);
  const counts = new Int32Array(n);
  const replicates = new Float64Array(n === 0 ? 0 : resamples);
  for (let r = 0; r < replicates.length; r++) {
    counts.fill(0);
    let drawn = 0;
    for (let k = 0; k < starts.length; k++) {
      const round = Math.floor(random() * starts.length);
      const size = rounds[round]!;
      for (let i = 0; i < size; i++) counts[rankOf[starts[round]! + Math.floor(random() * size)]!]!++;
      drawn += size;
    }
    replicates[r] = medianOfCounts(sorted, counts, drawn);
  }
  return replicates;
}

function medianOfCounts(sorted: Float64Array, counts: Int32Array, total: number): number {
  if (total === 0) return Number.NaN;
  const lower = Math.floor((total - 1) / 2);
  const upper = Math.floor(total / 2);
  let seen = 0;
  let low = Number.NaN;
  for (let rank = 0; rank < sorted.length; rank++) {
    seen += counts[rank]!;
    if (Number.isNaN(low) && seen > lower) low = sorted[rank]!;
    if (seen > upper) return (low + sorted[rank]!) / 2;
  }
  return low;
}

/**
 * Are the batch times steady: do the last `window` of them show no trend?
 *
 * Two questions, either answer will do. Is the drift across the window (Theil-Sen slope times its length) below
 * 1 % of the median? Or does the Mann-Kendall count of rising minus falling pairs stay within 1.65 standard
 * deviations (10 %, two-sided), so that what drift there is cannot be told from noise? At window 8 a clean step
 * in the middle counts 16 of 28 pairs and is caught; a single slow batch counts at most 7 and is not.
 * A falsely rejected window costs one more untimed batch. False while fewer than `window` batches are known.
 */
export function isSteady(batchTimes: readonly number[], window = 8): boolean {
  if (batchTimes.length < window) return false;
  const last = batchTimes.slice(-window);
  const slopes: number[] = [];
  let trend = 0;
  for (let i = 0; i < window; i++) {
    for (let j = i + 1; j < window; j++) {
      trend += Math.sign(last[j]! - last[i]!);
      slopes.push((last[j]! - last[i]!) / (j - i));
    }
  }
  const drift = Math.abs(medianOf(slopes)) * (window - 1);
  if (drift <= 0.01 * medianOf(last)) return true;
  const deviation = Math.sqrt((window * (window - 1) * (2 * window + 5)) / 18);
  return Math.max(0, Math.abs(trend) - 1) / deviation < 1.65;
}

/** One mask seed at one density: its speed-up, and bootstrap replicates of it for the interval. */
export interface SpeedupOfSeed {
  readonly logSpeedup: number;
  /** Replicates of ln(speed-up) from `bootstrapMedians` of both sides; empty where there is no spread to draw from. */
  readonly replicates: ArrayLike<number>;
}

/** The speed-ups measured at one density, one a mask seed. */
export interface CrossoverPoint {
  readonly density: number;
  readonly seeds: readonly SpeedupOfSeed[];
}

/** One place where a speed-up curve passes 1. */
export interface Crossing {
  readonly density: number;
  /** Side on which the case is faster than dense: `below` = at lower densities. */
  readonly pays: 'below' | 'above';
}

/** Where a curve of speed-up against density passes 1. */
export type Crossover = (
  | {
      /** Faster below `density`, slower above it. */
      readonly kind: 'at';
      readonly density: number;
      /** Interval of the density, within the densities measured. */
      readonly interval: Interval;
      /** Whether the interval runs past the lowest or highest density measured. */
      readonly open: { readonly low: boolean; readonly high: boolean };
    }
  /** Faster at every density measured, or at none. */
  | { readonly kind: 'always' }
  | { readonly kind: 'never' }
  /** More than one crossing, or one where the case pays above and not below. */
  | { readonly kind: 'several'; readonly crossings: readonly Crossing[] }
) & {
  /** Lowest and highest density measured. */
  readonly range: readonly [lowest: number, highest: number];
  /** Share of bootstrap replicates of the same kind; null where there were none. */
  readonly agreement: number | null;
};

/**
 * Crossover of a speed-up curve: ln(speed-up) interpolated linearly in ln(density) between measured neighbours.
 * A density's speed-up is the geometric mean over its mask seeds; a speed-up of exactly 1 does not pay.
 *
 * The interval is a two-level percentile bootstrap: at each density seeds are drawn with replacement and each drawn
 * seed gives one of its replicates. A replicate that never crosses counts as a crossing at the end of the range.
 * Points of density 0 or without seeds are left out. Returns null where no point is left.
 */
export function crossover(
  points: readonly CrossoverPoint[],
  options: BootstrapOptions = {},
): Crossover | null {
  const { confidence = 0.95, resamples = 1000, random = seededRandom(1) } = options;
  const usable = points
    .filter((point) => point.density > 0 && point.seeds.some((seed) => Number.isFinite(seed.logSpeedup)))
    .sort((a, b) => a.density - b.density);
  if (usable.length === 0) return null;
  const logDensities = usable.map((point) => Math.log(point.density));
  const seeds = usable.map((point) => point.seeds.filter((seed) => Number.isFinite(seed.logSpeedup)));
  const range = [usable[0]!.density, usable.at(-1)!.density] as const;
  const centre = seeds.map((list) => list.reduce((sum, seed) => sum + seed.logSpeedup, 0) / list.length);
  const found = crossings(logDensities, centre);
  const kind = kindOf(found, centre);

  const drawable = seeds.every((list) => list.every((seed) => seed.replicates.length > 0));
  const curve = new Float64Array(usable.length);
  const places: number[] = [];
  let agreeing = 0;
  const rounds = drawable ? resamples : 0;
  for (let r = 0; r < rounds; r++) {
    for (let p = 0; p < curve.length; p++) curve[p] = drawMean(seeds[p]!, random);
    const own = crossings(logDensities, curve);
    const ownKind = kindOf(own, curve);
    if (ownKind === kind) agreeing++;
    if (kind !== 'at') continue;
    const at = Math.log(found[0]!.density);
    if (ownKind === 'always') places.push(logDensities.at(-1)!);
    else if (ownKind === 'never') places.push(logDensities[0]!);
    else
      places.push(
        nearest(
          own.map((crossing) => Math.log(crossing.density)),
          at,
        ),
      );
  }
  const agreement = rounds === 0 ? null : agreeing / rounds;
  if (kind === 'always' || kind === 'never') return { kind, range, agreement };
  if (kind === 'several') return { kind, crossings: found, range, agreement };
  const density = found[0]!.density;
  const [low, high] =
    places.length === 0 ? [density, density] : percentileInterval(places, confidence).map(Math.exp);
  const open = {
    low: places.length === 0 || low! <= range[0],
    high: places.length === 0 || high! >= range[1],
  };
  return {
    kind,
    density,
    interval: [open.low ? range[0] : low!, open.high ? range[1] : high!],
    open,
    range,
    agreement,
  };
}

function crossings(logDensities: ArrayLike<number>, curve: ArrayLike<number>): Crossing[] {
  const found: Crossing[] = [];
  for (let p = 1; p < curve.length; p++) {
    const before = curve[p - 1]!;
    const after = curve[p]!;
    if (before > 0 === after > 0) continue;
    const share = before / (before - after);
    const logDensity = logDensities[p - 1]! + share * (logDensities[p]! - logDensities[p - 1]!);
    found.push({ density: Math.exp(logDensity), pays: before > 0 ? 'below' : 'above' });
  }
  return found;
}

function kindOf(found: readonly Crossing[], curve: ArrayLike<number>): Crossover['kind'] {
  if (found.length === 0) return curve[0]! > 0 ? 'always' : 'never';
  return found.length === 1 && found[0]!.pays === 'below' ? 'at' : 'several';
}

function drawMean(seeds: readonly SpeedupOfSeed[], random: Random): number {
  let sum = 0;
  for (let s = 0; s < seeds.length; s++) {
    const { replicates } = seeds[Math.floor(random() * seeds.length)]!;
    sum += replicates[Math.floor(random() * replicates.length)]!;
  }
  return sum / seeds.length;
}

function nearest(values: readonly number[], to: number): number {
  return values.reduce((best, value) => (Math.abs(value - to) < Math.abs(best - to) ? value : best));
}

/** P(X <= k) of a binomial distribution. */
function binomialUpTo(k: number, n: number, p: number): number {
  let probability = (1 - p) ** n;
  let sum = probability;
  for (let x = 1; x <= k; x++) {
    probability *= ((n - x + 1) / x) * (p / (1 - p));
    sum += probability;
  }
  return Math.min(1, sum);
}

/**
 * Exact one-sided bounds (Clopper and Pearson, 1934) of a probability that was seen `k` times in `n` trials: each holds
 * with `confidence` by itself. For n up to some 2,000, beyond which (1 - p)^n is 0.
 */
export function binomialBounds(k: number, n: number, confidence = 0.95): Interval {
  const solve = (tooHigh: (p: number) => boolean): number => {
    let [low, high] = [0, 1];
    for (let i = 0; i < 60; i++) {
      const middle = (low + high) / 2;
      if (tooHigh(middle)) high = middle;
      else low = middle;
    }
    return (low + high) / 2;
  };
  const upper = k === n ? 1 : solve((p) => binomialUpTo(k, n, p) < 1 - confidence);
  const lower = k === 0 ? 0 : solve((p) => 1 - binomialUpTo(k - 1, n, p) > 1 - confidence);
  return [lower, upper];
}
