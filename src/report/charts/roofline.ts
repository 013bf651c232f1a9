/** The roofline: rate against arithmetic intensity under the machine's own measured ceilings. */
import * as Plot from '@observablehq/plot';
import { geometricMean } from '../../statistics.ts';
import type { Ceilings } from '../../terms.ts';
import type { Group } from '../derive.ts';
import type { Finding } from '../finding.ts';
import { formatExactPercent, formatNumber } from '../numbers.ts';
import { ceilingsFor, neededFlops } from '../roofline.ts';
import { patternWords } from '../words.ts';
import {
  type Chart,
  chartWidth,
  draw,
  type LogAxis,
  logTicks,
  pixelOf,
  type Series,
  spread,
  textWidth,
  valueAt,
} from './figure.ts';

const height = 360;
const margin = { top: 24, bottom: 44, left: 52 };

/** One chart a thread count: hot cells filled, cold ones hollow, dense ones grey. */
export function rooflineCharts(finding: Finding, series: ReadonlyMap<string, Series>): Chart[] {
  const threads = [...new Set(finding.groups.map((group) => group.setting.threads))];
  return threads.flatMap((count) => {
    const ceilings = ceilingsFor(finding.result.header.machine, count);
    const groups = finding.groups.filter((group) => group.setting.threads === count);
    const points = groups.flatMap((group) => pointOf(group, series));
    return ceilings === null || points.length === 0
      ? []
      : [rooflineChart(ceilings, points, legendOf(groups, series))];
  });
}

interface Point {
  readonly x: number;
  readonly y: number;
  readonly color: string;
  readonly cold: boolean;
  readonly dense: boolean;
  readonly title: string;
}

function pointOf(group: Group, series: ReadonlyMap<string, Series>): Point[] {
  const known = group.cells.flatMap((cell) =>
    cell.roofline === null ? [] : [{ cell, roofline: cell.roofline }],
  );
  const x = geometricMean(known.map(({ roofline }) => roofline.intensity));
  const y = geometricMean(known.map(({ cell }) => neededFlops(cell.workload, group.dense) / cell.medianNs));
  if (!(x > 0 && y > 0)) return [];
  const { op, m, k, n, cache, label } = group.setting;
  const where = `${op} ${m}x${k}x${n} ${cache}, ${patternWords(label)}`;
  return [
    {
      x,
      y,
      color: series.get(group.kernel)?.color ?? 'var(--dense)',
      cold: cache === 'cold',
      dense: group.dense,
      title: `${group.kernel}: ${formatNumber(y)} GFLOP/s, ${where}, ${formatExactPercent(1 - group.density)} % sparsity`,
    },
  ];
}

interface LegendEntry {
  readonly text: string;
  readonly color: string;
}

/** The kernels of the chart by name and colour, dense last. */
function legendOf(groups: readonly Group[], series: ReadonlyMap<string, Series>): LegendEntry[] {
  const kernels = [...new Set(groups.filter((group) => !group.dense).map((group) => group.kernel))];
  const own = kernels.map((kernel) => ({
    text: `\u25cf ${series.get(kernel)!.label}`,
    color: series.get(kernel)!.color,
  }));
  return groups.some((group) => group.dense)
    ? [...own, { text: '\u25a0 dense', color: 'var(--dense)' }]
    : own;
}

function rooflineChart(ceilings: Ceilings, points: readonly Point[], legend: readonly LegendEntry[]): Chart {
  const levels = [
    { name: 'L1', rate: ceilings.l1GBs },
    { name: 'L2', rate: ceilings.l2GBs },
    { name: 'L3', rate: ceilings.l3GBs },
    { name: 'DRAM', rate: ceilings.dramGBs },
  ].filter(({ rate }) => rate > 0);
  const peak = ceilings.fmaGflops;
  const xs = points.map((point) => point.x);
  const peakText = `FMA ${formatNumber(peak)}`;
  const marginRight = 14 + Math.max(...[peakText, ...legend.map(({ text }) => text)].map(textWidth));
  const slowest = Math.min(...levels.map(({ rate }) => rate), peak);
  const xDomain: [number, number] = [Math.min(...xs) / 1.6, Math.max(...xs, (1.5 * peak) / slowest) * 1.2];
  const low = Math.min(...points.map((point) => point.y)) / 1.5;
  const high = Math.max(peak, ...points.map((point) => point.y)) * 1.4;
  const xAxis: LogAxis = { domain: xDomain, range: [margin.left, chartWidth - marginRight] };
  const yAxis: LogAxis = { domain: [low, high], range: [height - margin.bottom, margin.top] };
  const roofs = levels.map(({ name, rate }) => ({
    name,
    rate,
    ends: [Math.max(xDomain[0], low / rate), Math.min(xDomain[1], peak / rate)].map((x) => ({
      x,
      y: x * rate,
    })),
  }));
  const title = `Roofline, ${ceilings.threads} ${ceilings.threads === 1 ? 'thread' : 'threads'}`;
  // Names of the bandwidths stand where their lines enter the frame, moved apart so that none covers another.
  const starts = roofs.map(({ ends }) => pixelOf(yAxis, ends[0]!.y));
  const apart = spread(starts, 14, [margin.top, height - margin.bottom - 8]);
  const labels = roofs.map(({ name, ends }, i) => ({
    text: name,
    x: valueAt(xAxis, pixelOf(xAxis, ends[0]!.x) + 18),
    y: valueAt(yAxis, apart[i]!),
  }));
  const svg = draw(title, {
    height,
    marginTop: margin.top,
    marginBottom: margin.bottom,
    marginLeft: margin.left,
    marginRight,
    x: { type: 'log', domain: xDomain, label: null },
    y: { type: 'log', domain: [low, high], label: null },
    marks: [
      Plot.gridY(logTicks([low, high]), { stroke: 'var(--grid)', strokeOpacity: 1 }),
      Plot.axisY(logTicks([low, high]), {
        text: plainTick,
        tickSize: 0,
        label: 'GFLOP/s',
        labelArrow: 'none',
      }),
      Plot.axisX(logTicks(xDomain), {
        text: plainTick,
        label: 'FLOPs a byte moved →',
        labelArrow: 'none',
      }),
      ...roofs.map(({ ends }) =>
        Plot.line(ends, { x: 'x', y: 'y', stroke: 'var(--faint)', strokeWidth: 1.2 }),
      ),
      Plot.ruleY([peak], {
        x1: peak / Math.max(...levels.map(({ rate }) => rate)),
        x2: xDomain[1],
        stroke: 'var(--ink)',
        strokeWidth: 1.5,
      }),
      Plot.text([peak], {
        x: () => xDomain[1],
        y: (y) => y,
        text: () => peakText,
        dx: 6,
        textAnchor: 'start',
      }),
      Plot.text(labels, {
        x: 'x',
        y: 'y',
        text: 'text',
        fill: 'var(--faint)',
        textAnchor: 'start',
        stroke: 'var(--paper)',
        strokeWidth: 4,
      }),
      Plot.text(legend, {
        x: () => xDomain[1],
        y: (_entry: LegendEntry, i: number) => valueAt(yAxis, pixelOf(yAxis, peak) + 22 + 17 * i),
        text: 'text',
        fill: 'color',
        dx: 6,
        textAnchor: 'start',
      }),
      Plot.dot(points, {
        x: 'x',
        y: 'y',
        r: 3.5,
        stroke: 'color',
        fill: (point: Point) => (point.cold ? 'none' : point.color),
        fillOpacity: 0.8,
        symbol: (point: Point) => (point.dense ? 'square' : 'circle'),
        title: 'title',
      }),
    ],
    color: { type: 'identity' },
  });
  return { name: `roofline-${ceilings.threads}`, title, svg };
}

function plainTick(value: number): string {
  return `${Number(value.toPrecision(2))}`;
}
