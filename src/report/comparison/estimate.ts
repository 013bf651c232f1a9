/** What is known of a cell: few samples have a ratio but no interval, none have neither. */
import type { Interval } from '../../statistics.ts';
import type { RatioEstimate } from '../../terms/comparison.ts';

/** An interval with two ends; null where there were too few samples for one. */
export const knownInterval = (interval: Interval): Interval | null =>
  interval.every(Number.isFinite) ? interval : null;

/** An estimate with a ratio; null where one side has no samples. */
export const knownEstimate = (estimate: RatioEstimate | null): RatioEstimate | null =>
  estimate !== null && Number.isFinite(estimate.ratio) ? estimate : null;
