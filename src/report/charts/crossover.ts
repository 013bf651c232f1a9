/** Speed-up against sparsity: a line a kernel, dense at 1, the crossover of the best with its interval. */
import * as Plot from '@observablehq/plot';
import { bestOfAll, type Curve } from '../curves.ts';
import type { Setting } from '../derive.ts';
import { type Finding, isHeadline } from '../finding.ts';
import { formatExactPercent, formatRatio } from '../numbers.ts';
import { patternWords, sparsityText } from '../words.ts';
import {
  type Chart,
  chartWidth,
  draw,
  type LogAxis,
  logTicks,
  pixelOf,
  type Series,
  sparsityTicks,
  spread,
  textWidth,
  valueAt,
} from './figure.ts';

const height = 320;
const margin = { top: 34, bottom: 40, left: 46 };

/** Most charts of one report; a collection of hundreds of shapes shows its first ones here and all in the table. */
export const panelLimit = 24;

/** The curves that share a panel: one op, shape, cache state, thread count and family of patterns. */
interface Panel {
  readonly setting: Setting;
  readonly curves: Curve[];
}

/** One chart a panel, headline cache states first. */
export function crossoverCharts(finding: Finding, series: ReadonlyMap<string, Series>): Chart[] {
  const panels = new Map<string, Panel>();
  for (const curve of finding.curves) {
    const { op, m, k, n, cache, threads, label } = curve.setting;
    // 2:4 and 1:4 are one density each: together they make one panel of dots.
    const family = label.startsWith('nm-') ? 'nm' : label;
    const key = [op, m, k, n, cache, threads, family].join(' ');
    const panel = panels.get(key) ?? { setting: curve.setting, curves: [] };
    panel.curves.push(curve);
    panels.set(key, panel);
  }
  const ordered = [...panels.values()].sort(
    (a, b) => Number(isHeadline(b.setting)) - Number(isHeadline(a.setting)),
  );
  return ordered.slice(0, panelLimit).map((panel, index) => panelChart(panel, index, series));
}

function panelChart({ setting, curves }: Panel, index: number, series: ReadonlyMap<string, Series>): Chart {
  const lines = curves.filter((curve) => curve.kernel !== bestOfAll);
  const best = curves.filter((curve) => curve.kernel === bestOfAll);
  const points = lines.flatMap((curve) => curve.points);
  const densities = points.map((point) => point.density);
  const lowest = Math.min(...densities);
  const highest = Math.max(...densities);
  // A single density still needs an axis with some width.
  const padding = lowest === highest ? 1.5 : 1.06;
  const xDomain: [number, number] = [highest * padding, lowest / padding];
  const speedups = points.map((point) => point.speedup!);
  const yDomain: [number, number] = [Math.min(0.8, ...speedups) / 1.15, Math.max(1.25, ...speedups) * 1.15];
  const yAxis: LogAxis = { domain: yDomain, range: [height - margin.bottom, margin.top] };
  const labels = endLabels(lines, series, yAxis);
  const marginRight = 16 + Math.max(...labels.map((label) => textWidth(label.text)));
  const place = [
    `${setting.op} ${setting.m}x${setting.k}x${setting.n}`,
    `weights ${setting.cache}`,
    setting.label.startsWith('nm-') ? 'N:M' : patternWords(setting.label),
    ...(setting.threads === 1 ? [] : [`${setting.threads} threads`]),
  ].join(', ');
  const title = place;
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
      Plot.axisX(sparsityTicks(xDomain[1], xDomain[0]), {
        text: (density: number) => `${formatExactPercent(1 - density)} %`,
        label: 'sparsity →',
        labelArrow: 'none',
        labelAnchor: 'right',
        labelOffset: 34,
      }),
      ...best.flatMap((curve) => crossoverMarks(curve, yDomain, chartWidth - marginRight, xDomain)),
      Plot.ruleY([1], { stroke: 'var(--dense)', strokeDasharray: '5 4', strokeWidth: 1.5 }),
      ...lines.flatMap((curve) => lineMarks(curve, series.get(curve.kernel)!)),
      Plot.text(labels, {
        x: () => xDomain[1],
        y: 'y',
        text: 'text',
        fill: 'color',
        dx: 8,
        textAnchor: 'start',
        fontWeight: 600,
      }),
    ],
  });
  return { name: `crossover-${index + 1}`, title, svg };
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
  rightPixel: number,
  xDomain: readonly [number, number],
): Plot.Markish[] {
  const { crossover } = curve;
  if (crossover.kind !== 'at') return [];
  const { density, interval } = crossover;
  const text = `pays from ${sparsityText(density)} %`;
  // The label is centred on its line, but kept inside the frame.
  const xAxis: LogAxis = { domain: [xDomain[1], xDomain[0]], range: [rightPixel, margin.left] };
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
  readonly y: number;
}

/** Names beside the sparsest end of their lines, moved apart; a kernel of several curves is named once. */
function endLabels(lines: readonly Curve[], series: ReadonlyMap<string, Series>, yAxis: LogAxis): Label[] {
  const ends = new Map<string, number>();
  for (const curve of lines) {
    const [sparsest] = curve.points;
    ends.set(curve.kernel, Math.max(ends.get(curve.kernel) ?? 0, sparsest!.speedup!));
  }
  const names = [...ends.keys()].map((kernel) => ({
    text: series.get(kernel)!.label,
    color: series.get(kernel)!.color,
  }));
  const all = [...names, { text: 'dense', color: 'var(--dense)' }];
  const pixels = [...ends.values(), 1].map((value) => pixelOf(yAxis, value));
  const placed = spread(pixels, 15, [margin.top, height - margin.bottom]);
  return all.map((label, i) => ({ ...label, y: valueAt(yAxis, placed[i]!) }));
}
