/** Speed-up against sparsity: a line a kernel, dense at 1, the crossover of the best with its interval. */
import * as Plot from '@observablehq/plot';
import type { Interval } from '../../statistics.ts';
import { bestOfAll, type Curve } from '../curves.ts';
import type { Setting } from '../derive.ts';
import { type Finding, isHeadline } from '../finding.ts';
import { formatExactPercent, formatRatio } from '../numbers.ts';
import { patternWords, sparsityText } from '../words.ts';
import {
  type Chart,
  chartWidth,
  densityTicks,
  draw,
  type LogAxis,
  logTicks,
  pixelOf,
  type Series,
  spread,
  textWidth,
  valueAt,
} from './figure.ts';

const leastHeight = 320;
const labelGap = 15;
const margin = { top: 34, bottom: 40, left: 46 };

/** Most charts of one report; a collection of hundreds of shapes shows its first ones here and all in the table. */
export const panelLimit = 24;

/** The curves that share a panel: one op, shape, cache state, thread count and family of patterns. */
interface Panel {
  readonly setting: Setting;
  /** Shapes that the panel is the mean of. */
  readonly shapes: number;
  readonly curves: Curve[];
}

/** One chart a panel: all shapes together first where they are many, then headline cache states. */
export function crossoverCharts(finding: Finding, series: ReadonlyMap<string, Series>): Chart[] {
  const panels = new Map<string, Panel>();
  for (const curve of [...finding.pooledCurves, ...finding.curves]) {
    const { op, m, k, n, cache, threads, label } = curve.setting;
    // 2:4 and 1:4 are one density each: together they make one panel of dots.
    const family = label.startsWith('nm-') ? 'nm' : label;
    const shape = curve.shapes > 1 ? 'pooled' : [m, k, n].join('x');
    const key = [op, shape, cache, threads, family].join(' ');
    const panel = panels.get(key) ?? { setting: curve.setting, shapes: curve.shapes, curves: [] };
    panel.curves.push(curve);
    panels.set(key, panel);
  }
  const ordered = [...panels.values()].sort(
    (a, b) =>
      Number(b.shapes > 1) - Number(a.shapes > 1) ||
      Number(isHeadline(b.setting)) - Number(isHeadline(a.setting)),
  );
  return ordered.slice(0, panelLimit).map((panel, index) => panelChart(panel, index, series));
}

function panelChart(
  { setting, shapes, curves }: Panel,
  index: number,
  series: ReadonlyMap<string, Series>,
): Chart {
  const lines = curves.filter((curve) => curve.kernel !== bestOfAll);
  const best = curves.filter((curve) => curve.kernel === bestOfAll);
  const points = lines.flatMap((curve) => curve.points);
  const densities = points.map((point) => point.density);
  const lowest = Math.min(...densities);
  const highest = Math.max(...densities);
  // A single density still needs an axis with some width.
  const padding = lowest === highest ? 1.5 : 1.06;
  const xDomain: [number, number] = [highest * padding, lowest / padding];
  const speedups = points.flatMap((point) => [point.speedup!, ...finiteEnds(point.speedupInterval)]);
  const yDomain: [number, number] = [Math.min(0.8, ...speedups) / 1.15, Math.max(1.25, ...speedups) * 1.15];
  const names = new Set(lines.map((curve) => curve.kernel)).size + 1;
  const height = Math.max(leastHeight, margin.top + margin.bottom + labelGap * names);
  const yAxis: LogAxis = { domain: yDomain, range: [height - margin.bottom, margin.top] };
  const labels = endLabels(lines, series, yAxis, xDomain[1]);
  const marginRight = 16 + Math.max(...labels.map((label) => textWidth(label.text)));
  const xAxis: LogAxis = { domain: [xDomain[1], xDomain[0]], range: [chartWidth - marginRight, margin.left] };
  const title = [
    `${setting.op} ${shapes > 1 ? `over ${shapes} shapes` : `${setting.m}x${setting.k}x${setting.n}`}`,
    `weights ${setting.cache}`,
    setting.label.startsWith('nm-') ? 'N:M' : patternWords(setting.label),
    ...(setting.threads === 1 ? [] : [`${setting.threads} threads`]),
  ].join(', ');
  const svg = draw(`Speed-up over dense: ${title}`, {
    height,
    marginTop: margin.top,
    marginBottom: margin.bottom,
    marginLeft: margin.left,
    marginRight,
    x: { type: 'log', domain: xDomain, label: null },
    y: { type: 'log', domain: yDomain, label: null },
    marks: [
      Plot.gridY(logTicks(yDomain), { stroke: 'var(--grid)', strokeOpacity: 1 }),
      Plot.axisY(logTicks(yDomain), {
        text: (value: number) => `${Number(value.toPrecision(2))}x`,
        tickSize: 0,
        label: 'speed-up',
        labelArrow: 'none',
      }),
      Plot.axisX(densityTicks(densities, xAxis), {
        text: (density: number) => `${formatExactPercent(1 - density)} %`,
        label: 'sparsity →',
        labelArrow: 'none',
        labelAnchor: 'right',
        labelOffset: 34,
      }),
      ...best.flatMap((curve) => crossoverMarks(curve, yDomain, xAxis)),
      Plot.ruleY([1], { stroke: 'var(--dense)', strokeDasharray: '5 4', strokeWidth: 1.5 }),
      ...lines.flatMap((curve) => lineMarks(curve, series.get(curve.kernel)!)),
      Plot.text(labels, {
        x: 'x',
        y: 'y',
        text: 'text',
        fill: 'color',
        // The line of dense must not strike a name through.
        stroke: 'var(--paper)',
        strokeWidth: 4,
        dx: 8,
        textAnchor: 'start',
        fontWeight: 600,
      }),
    ],
  });
  return { name: `crossover-${index + 1}`, title, svg };
}

/** Ends of an interval that a logarithmic axis can hold. */
function finiteEnds(interval: Interval | null): number[] {
  return (interval ?? []).filter((end) => end > 0 && Number.isFinite(end));
}

function lineMarks(curve: Curve, { color, symbol, dash, label }: Series): Plot.Markish[] {
  const data = curve.points.map((point) => ({
    x: point.density,
    y: point.speedup!,
    low: point.speedupInterval?.[0] ?? point.speedup!,
    high: point.speedupInterval?.[1] ?? point.speedup!,
    title: `${label}: ${formatRatio(point.speedup!)}x at ${formatExactPercent(1 - point.density)} % sparsity`,
  }));
  return [
    Plot.line(data, {
      x: 'x',
      y: 'y',
      stroke: color,
      strokeWidth: 2,
      ...(dash === '' ? {} : { strokeDasharray: dash }),
    }),
    Plot.ruleX(data, { x: 'x', y1: 'low', y2: 'high', stroke: color, strokeWidth: 1.5 }),
    Plot.dot(data, { x: 'x', y: 'y', fill: color, symbol, r: 3.5, title: 'title' }),
  ];
}

/** The crossover of the best of all as a band with a line, and its sparsity above the frame. */
function crossoverMarks(
  curve: Curve,
  [low, high]: readonly [number, number],
  xAxis: LogAxis,
): Plot.Markish[] {
  const { crossover } = curve;
  if (crossover.kind !== 'at') return [];
  const { density, interval } = crossover;
  const text = `pays from ${sparsityText(density)} %`;
  // The label is centred on its line, but kept inside the frame.
  const half = textWidth(text) / 2;
  const centre = pixelOf(xAxis, density);
  const dx = Math.min(Math.max(centre, margin.left + half), chartWidth - half - 4) - centre;
  return [
    Plot.rect([interval], {
      x1: (ends) => ends[0],
      x2: (ends) => ends[1],
      y1: low,
      y2: high,
      fill: 'var(--ink)',
      fillOpacity: 0.1,
    }),
    Plot.ruleX([density], { y1: low, y2: high, stroke: 'var(--ink)', strokeWidth: 1 }),
    Plot.text([density], {
      x: (value) => value,
      y: () => high,
      text: () => text,
      dy: -9,
      dx,
      fill: 'var(--ink)',
    }),
  ];
}

interface Label {
  readonly text: string;
  readonly color: string;
  readonly x: number;
  readonly y: number;
}

/**
 * Names beside the sparsest end of their lines, moved apart; a kernel of several curves is named once. Where all
 * curves are single points (N:M), each point is named beside itself.
 */
function endLabels(
  lines: readonly Curve[],
  series: ReadonlyMap<string, Series>,
  yAxis: LogAxis,
  end: number,
): Label[] {
  const single = lines.every((curve) => curve.points.length === 1);
  const ends = new Map<string, { text: string; color: string; x: number; at: number }>();
  for (const { kernel, points } of lines) {
    const [sparsest] = points;
    const { label, color } = series.get(kernel)!;
    const x = single ? sparsest!.density : end;
    const key = `${kernel} ${x}`;
    const at = Math.max(ends.get(key)?.at ?? 0, sparsest!.speedup!);
    ends.set(key, { text: label, color, x, at });
  }
  // Among the names that it must keep clear of.
  const last = single ? Math.min(...lines.map(({ points }) => points[0]!.density)) : end;
  const all = [...ends.values(), { text: 'dense', color: 'var(--dense)', x: last, at: 1 }];
  return [...new Set(all.map(({ x }) => x))].flatMap((x) => {
    const own = all.filter((label) => label.x === x);
    const pixels = own.map(({ at }) => pixelOf(yAxis, at));
    const placed = spread(pixels, labelGap, [yAxis.range[1], yAxis.range[0]]);
    return own.map(({ text, color }, i) => ({ text, color, x, y: valueAt(yAxis, placed[i]!) }));
  });
}
