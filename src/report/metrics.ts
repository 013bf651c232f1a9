/** The metrics that every report shows: one table, so that terminal, CSV, LaTeX and HTML agree. */
import type { Interval } from '../statistics.ts';
import { type Figures, impossibleFraction, weakBaseline } from './derive.ts';
import { formatBytes, formatCount, formatNumber, formatPercent, formatRatio, formatTime } from './numbers.ts';

/** One column of a table. */
export interface Metric {
  /** Key in CSV and JSON; ends in its unit where it has one. */
  readonly name: string;
  /** Heading for people. */
  readonly title: string;
  /** Unit for people; empty where the figure carries its own. */
  readonly unit: string;
  readonly description: string;
  readonly better: 'higher' | 'lower' | null;
  /** Raw value; null where it does not exist, Infinity for "never". */
  readonly value: (figures: Figures) => number | null;
  readonly interval?: (figures: Figures) => Interval | null;
  /** The value for people. */
  readonly text: (figures: Figures) => string;
}

const none = '-';
const orNone = (value: number | null, text: (value: number) => string) =>
  value === null || Number.isNaN(value) ? none : text(value);

/** A fraction of a roofline in per cent; `^` where the ceiling cannot be right. */
export function rooflineText(fraction: number): string {
  return `${formatPercent(fraction)}${fraction > impossibleFraction ? '^' : ''}`;
}

/** A baseline's fraction of its roofline in per cent; besides `!` where it is weak. */
export function strengthText(strength: number): string {
  return `${rooflineText(strength)}${strength < weakBaseline ? '!' : ''}`;
}

/** Marks of tables that ask for a word of explanation, with it. */
export const markNotes: readonly { readonly mark: string; readonly text: string }[] = [
  {
    mark: '!',
    text: `The dense baseline reaches less than ${formatPercent(weakBaseline)} % of its roofline: the speed-up flatters, do not publish it.`,
  },
  {
    mark: '^',
    text: `More than ${formatPercent(impossibleFraction)} % of a roofline: ceiling measured too low, so the figure says nothing about strength.`,
  },
];

/** All metrics, most important first. */
export const metrics: readonly Metric[] = [
  {
    name: 'speedup',
    title: 'speed-up',
    unit: 'x dense',
    description:
      'Time of the fastest healthy dense case of the same workload and threads over the time of the case.',
    better: 'higher',
    value: (figures) => figures.speedup,
    interval: (figures) => figures.speedupInterval,
    text: (figures) => orNone(figures.speedup, formatRatio),
  },
  {
    name: 'baselineStrength',
    title: 'baseline',
    unit: '% roof',
    description: `Rate of the dense baseline over its own roofline. Below ${formatPercent(weakBaseline)} % (marked !) the speed-up flatters and is not for publishing. Above ${formatPercent(impossibleFraction)} % (marked ^) a ceiling was measured too low, and the figure says nothing about strength.`,
    better: 'higher',
    value: (figures) => figures.baselineStrength,
    text: (figures) => orNone(figures.baselineStrength, strengthText),
  },
  {
    name: 'usefulGflops',
    title: 'useful',
    unit: 'GFLOP/s',
    description: '2 nnz n over the time: work on nonzeros alone.',
    better: 'higher',
    value: (figures) => figures.usefulGflops,
    text: (figures) => formatNumber(figures.usefulGflops),
  },
  {
    name: 'rooflineFraction',
    title: 'roofline',
    unit: '%',
    description: `Least possible time by the machine's measured ceilings over the time. Above ${formatPercent(impossibleFraction)} % (marked ^) a ceiling was measured too low, or at very low density rows of B that no nonzero uses were never read.`,
    better: 'higher',
    value: (figures) => figures.rooflineFraction,
    text: (figures) => orNone(figures.rooflineFraction, rooflineText),
  },
  {
    name: 'bytesPerNonzero',
    title: 'stored',
    unit: 'B/nnz',
    description: 'Bytes that the format stores, padding included, over the nonzeros.',
    better: 'lower',
    value: (figures) => figures.bytesPerNonzero,
    text: (figures) => orNone(figures.bytesPerNonzero, formatBytes),
  },
  {
    name: 'encodeNs',
    title: 'encode',
    unit: '',
    description: 'Time from compressed sparse rows to the first evaluation: encoding, packing and planning.',
    better: 'lower',
    value: (figures) => figures.encodeNs,
    text: (figures) => formatTime(figures.encodeNs),
  },
  {
    name: 'breakEven',
    title: 'break-even',
    unit: 'calls',
    description:
      'Evaluations after which encoding has paid: encode / (t dense - t sparse). "never" where the case is slower.',
    better: 'lower',
    value: (figures) => figures.breakEven,
    text: (figures) =>
      orNone(figures.breakEven, (value) =>
        value === Number.POSITIVE_INFINITY ? 'never' : formatCount(value),
      ),
  },
  {
    name: 'medianNs',
    title: 'time',
    unit: '',
    description: 'Median time of one evaluation; over seeds the geometric mean of medians.',
    better: 'lower',
    value: (figures) => figures.medianNs,
    interval: (figures) => figures.medianIntervalNs,
    text: (figures) => formatTime(figures.medianNs),
  },
  {
    name: 'denseEquivalentGflops',
    title: 'dense-equivalent',
    unit: 'GFLOP/s',
    description: '2 m k n over the time: the rate that a dense kernel would need to be as fast.',
    better: 'higher',
    value: (figures) => figures.denseEquivalentGflops,
    text: (figures) => formatNumber(figures.denseEquivalentGflops),
  },
  {
    name: 'maxAbsError',
    title: 'error',
    unit: 'largest',
    description: 'Largest error of an element of the answer, against the reference in double precision.',
    better: 'lower',
    value: (figures) => figures.maxAbsError,
    text: (figures) => `${Number(figures.maxAbsError.toPrecision(2))}`,
  },
  {
    name: 'errorRatio',
    title: 'error',
    unit: '% permitted',
    description:
      'Largest error of an element over the error that is permitted in it; a time needs at most 100 %.',
    better: 'lower',
    value: (figures) => figures.errorRatio,
    text: (figures) => `${Number((100 * figures.errorRatio).toPrecision(2))}`,
  },
];

/** The metric of a name; throws on an unknown one (INTERNAL matter: names are ours). */
export function metricNamed(name: string): Metric {
  const found = metrics.find((metric) => metric.name === name);
  if (found === undefined) throw new RangeError(`Expected a known metric, received "${name}".`);
  return found;
}
