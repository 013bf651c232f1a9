/** Speed-up against sparsity: a line a kernel, dense at 1, the crossover of the best with its interval. */
import * as Plot from '@observablehq/plot';
import type { Interval } from '../../statistics.ts';
import { bestOfAll, type Curve } from '../curves.ts';
import type { Setting } from '../derive.ts';
import { type Finding, isHeadline } from '../finding.ts';
import { formatExactPercent, formatRatio } from '../numbers.ts';
import { patternWords, sparsityText } from '../words.ts';
import { type Chart, chartWidth, pixelOf, type Series, textWidth } from './figure.ts';
import { type LineName, type SpeedupFrame, speedupFigure } from './speedup-frame.ts';

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
  const title = [
    `${setting.op} ${shapes > 1 ? `over ${shapes} shapes` : `${setting.m}x${setting.k}x${setting.n}`}`,
    `weights ${setting.cache}`,
    setting.label.startsWith('nm-') ? 'N:M' : patternWords(setting.label),
    ...(setting.threads === 1 ? [] : [`${setting.threads} threads`]),
  ].join(', ');
  const svg = speedupFigure({
    title: `Speed-up over dense: ${title}`,
    densities: points.map((point) => point.density),
    speedups: points.flatMap((point) => [point.speedup!, ...finiteEnds(point.speedupInterval)]),
    names: lineNames(lines, series),
    xLabel: 'sparsity \u2192',
    leastHeight: 320,
    marginBottom: 40,
    marks: (frame) => [
      ...best.flatMap((curve) => crossoverMarks(curve, frame)),
      Plot.ruleY([1], { stroke: 'var(--dense)', strokeDasharray: '5 4', strokeWidth: 1.5 }),
      ...lines.flatMap((curve) => lineMarks(curve, series.get(curve.kernel)!)),
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
  { crossover }: Curve,
  { xAxis, yDomain: [low, high], left }: SpeedupFrame,
): Plot.Markish[] {
  if (crossover.kind !== 'at') return [];
  const { density, interval } = crossover;
  const text = `pays from ${sparsityText(density)} %`;
  // The label is centred on its line, but kept inside the frame.
  const half = textWidth(text) / 2;
  const centre = pixelOf(xAxis, density);
  const dx = Math.min(Math.max(centre, left + half), chartWidth - half - 4) - centre;
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

/**
 * Names beside the sparsest end of their lines; a kernel of several curves is named once. Where all curves are single
 * points (N:M), each point is named beside itself.
 */
function lineNames(lines: readonly Curve[], series: ReadonlyMap<string, Series>): LineName[] {
  const single = lines.every((curve) => curve.points.length === 1);
  const names = new Map<string, LineName>();
  for (const { kernel, points } of lines) {
    const [sparsest] = points;
    const { label, color } = series.get(kernel)!;
    const density = single ? sparsest!.density : null;
    const key = `${kernel} ${density}`;
    const speedup = Math.max(names.get(key)?.speedup ?? 0, sparsest!.speedup!);
    names.set(key, { text: label, color, density, speedup });
  }
  // Among the names that it must keep clear of.
  const last = single ? Math.min(...lines.map(({ points }) => points[0]!.density)) : null;
  return [...names.values(), { text: 'dense', color: 'var(--dense)', density: last, speedup: 1 }];
}
