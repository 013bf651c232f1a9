/** The roofline: rate against arithmetic intensity under the machine's own measured ceilings. */
import * as Plot from '@observablehq/plot';
import { geometricMean } from '../../statistics.ts';
import type { Ceilings } from '../../terms.ts';
import type { Group } from '../derive.ts';
import type { Finding } from '../finding.ts';
import { formatExactPercent, formatNumber } from '../numbers.ts';
import { ceilingsFor, neededFlops } from '../roofline.ts';
import { patternWords } from '../words.ts';
import type { Chart, Series } from './figure.ts';
import { kernelEntries, type SideEntry } from './key.ts';
import { rooflineFigure } from './roofline-frame.ts';

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

/** The kernels of the chart by name and colour, dense last. */
function legendOf(groups: readonly Group[], series: ReadonlyMap<string, Series>): SideEntry[] {
  const sparse = groups.filter((group) => !group.dense);
  const own = kernelEntries([...new Set(sparse.map((group) => group.kernel))], series);
  return sparse.length < groups.length ? [...own, { text: '\u25a0 dense', color: 'var(--dense)' }] : own;
}

function rooflineChart(ceilings: Ceilings, points: readonly Point[], legend: readonly SideEntry[]): Chart {
  const levels = [
    { name: 'L1', rate: ceilings.l1GBs },
    { name: 'L2', rate: ceilings.l2GBs },
    { name: 'L3', rate: ceilings.l3GBs },
    { name: 'DRAM', rate: ceilings.dramGBs },
  ].filter(({ rate }) => rate > 0);
  const peak = ceilings.fmaGflops;
  const title = `Roofline, ${ceilings.threads} ${ceilings.threads === 1 ? 'thread' : 'threads'}`;
  const svg = rooflineFigure({
    title,
    peak,
    peakText: `FMA ${formatNumber(peak)}`,
    roofs: levels.map((level) => ({ ...level, color: 'var(--faint)' })),
    points,
    xLabel: 'FLOPs a byte moved',
    yLabel: 'GFLOP/s',
    side: legend,
    key: null,
    dots: Plot.dot(points, {
      ...{ x: 'x', y: 'y', r: 3.5, stroke: 'color', title: 'title' },
      fill: (point: Point) => (point.cold ? 'none' : point.color),
      fillOpacity: 0.8,
      symbol: (point: Point) => (point.dense ? 'square' : 'circle'),
    }),
  });
  return { name: `roofline-${ceilings.threads}`, title, svg };
}
