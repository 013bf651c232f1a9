/** The roofline of an accelerator: what its layers reach under its multipliers and the bandwidths of its levels. */
import * as Plot from '@observablehq/plot';
import type { AcceleratorRecord } from '../../terms/estimates.ts';
import type { Chart } from '../charts/figure.ts';
import { keyOf } from '../charts/key.ts';
import { rooflineFigure } from '../charts/roofline-frame.ts';
import { formatExactPercent, formatNumber } from '../numbers.ts';
import type { EstimateRow, EstimateView } from './view.ts';

/** One chart an accelerator whose levels have a bandwidth. */
export function rooflineCharts(view: EstimateView): Chart[] {
  return view.accelerators.flatMap((accelerator, index) => {
    const rows = view.rows.filter(
      (row) => row.accelerator.name === accelerator.name && row.record.rates.length > 0 && row.timeNs > 0,
    );
    return rows.length === 0 ? [] : [rooflineChart(accelerator, rows, index)];
  });
}

/** A layer's point at one level of memory. */
interface Spot {
  readonly level: string;
  readonly x: number;
  readonly y: number;
  readonly radius: number;
  readonly title: string;
}

/** Intensities that differ by less lie at one place: two pixels. */
const samePlace = 1.015;
/** Pixels. */
const dotRadius = 3.5;
const ringWidth = 2;

/**
 * A layer's points. Levels at one place are rings about each other, the first of them outside, with one title: of dots
 * the last would hide the others.
 */
function spotsOf({ record, timeNs }: EstimateRow): Spot[] {
  const y = record.effectualMacs / timeNs;
  const read = record.rates
    .filter(({ bytes }) => bytes > 0 && record.effectualMacs > 0)
    .map(({ level, bytes }) => ({ level, x: record.effectualMacs / bytes }))
    .sort((one, other) => one.x - other.x);
  const places: (typeof read)[] = [];
  for (const each of read) {
    const place = places.at(-1);
    if (place !== undefined && each.x < place[0]!.x * samePlace) place.push(each);
    else places.push([each]);
  }
  const layer = `${record.layer.name}, ${formatExactPercent(1 - record.layer.weightDensity)} % sparsity`;
  return places.flatMap((place) => {
    const title = `${layer}: ${formatNumber(y)} G multiplications/s at ${place.map(({ level }) => level).join(', ')}`;
    return place.map(({ level }, at) => ({
      ...{ level, x: place[0]!.x, y, title },
      radius: dotRadius + ringWidth * (place.length - 1 - at),
    }));
  });
}

function rooflineChart(accelerator: AcceleratorRecord, rows: readonly EstimateRow[], index: number): Chart {
  // Giga multiplications a second: multipliers times MHz are mega.
  const peak = (Math.max(...rows.map(({ record }) => record.multipliers)) * accelerator.clockMhz) / 1000;
  const levels = new Map<string, number>();
  for (const { record } of rows)
    for (const { level, bytesPerSecond } of record.rates) levels.set(level, bytesPerSecond / 1e9);
  const points = rows.flatMap(spotsOf);
  const named = [...levels].map(([level, rate], at) => ({ level, rate, color: `var(--s${at % 6})` }));
  const colorOf = (level: string): string => named.find((each) => each.level === level)!.color;
  const evidence = accelerator.evidence === 'calibrated' ? 'calibrated, not validated' : accelerator.evidence;
  const title = `${accelerator.name}, ${evidence}`;
  const svg = rooflineFigure({
    title: `Roofline: ${title}`,
    peak,
    peakText: `peak ${formatNumber(peak)}`,
    roofs: named.map(({ rate, color }) => ({ rate, color, name: null })),
    points,
    xLabel: 'effectual multiplications a byte',
    yLabel: 'effectual multiplications, G/s',
    side: [],
    key: keyOf(
      named.map(({ level, rate, color }) => ({ text: `${level} ${formatNumber(rate)} GB/s`, color })),
    ),
    // A radius that were a channel would be scaled.
    dots: Plot.marks(
      [...new Set(points.map(({ radius }) => radius))]
        .sort((one, other) => other - one)
        .map((r) =>
          Plot.dot(
            points.filter(({ radius }) => radius === r),
            { x: 'x', y: 'y', r, fill: ({ level }: Spot) => colorOf(level), title: 'title' },
          ),
        ),
    ),
  });
  return { name: `accelerator-roofline-${index + 1}`, title, svg };
}
