/** Speed-up against sparsity: a line an accelerator, dashed by its evidence, beside what was measured here. */
import * as Plot from '@observablehq/plot';
import type { Evidence } from '../../terms/accelerator.ts';
import {
  type Chart,
  chartWidth,
  densityTicks,
  draw,
  type LogAxis,
  logTicks,
  pixelOf,
  shortened,
  spread,
  textWidth,
  valueAt,
} from '../charts/figure.ts';
import { bestOfAll } from '../curves.ts';
import { type Finding, isHeadline } from '../finding.ts';
import { formatExactPercent, formatRatio } from '../numbers.ts';
import { patternWords, shortPatternWords } from '../words.ts';
import {
  type EstimateCurve,
  type EstimatePanel,
  type EstimateView,
  panelsOf,
  pooledPanelsOf,
} from './view.ts';

const leastHeight = 340;
const labelGap = 15;
const margin = { top: 34, bottom: 66, left: 46 };
/** Most charts of one report; all layers are in the table. */
const panelLimit = 24;
/** Longest name beside a line. */
const longestLabel = 22;

/** How evidence shows in a line; what was measured is drawn solid and thick. */
const dashes: Readonly<Record<Evidence, string>> = {
  replayed: '',
  validated: '',
  calibrated: '7 3',
  formula: '1.5 3',
};
const keyTexts: readonly (readonly [evidence: readonly Evidence[], text: string])[] = [
  [['replayed', 'validated'], 'replayed or validated'],
  [['calibrated'], 'calibrated, not validated'],
  [['formula'], 'formula alone'],
];
const symbols = ['circle', 'square', 'triangle', 'diamond', 'star', 'cross'] as const;

interface Line {
  readonly label: string;
  readonly color: string;
  readonly width: number;
  readonly dash: string;
  readonly symbol: (typeof symbols)[number];
  readonly what: string;
  readonly points: readonly {
    readonly density: number;
    readonly speedup: number;
    readonly distrusted: boolean;
  }[];
}

/** One chart a panel, all layers together first where they are many. */
export function speedupCharts(view: EstimateView, findings: readonly Finding[]): Chart[] {
  const panels = panelsOf(view);
  const skipping = view.accelerators.filter(({ name }) =>
    panels.some(({ curves }) => curves.some((curve) => curve.accelerator.name === name && !isFlat(curve))),
  );
  const places = new Map(skipping.map(({ name }, place) => [name, place]));
  return [...pooledPanelsOf(panels), ...panels]
    .slice(0, panelLimit)
    .map((panel, index) => panelChart(panel, index, places, findings));
}

/** Whether zeros do not matter to it: within half a per cent of 1 at every density. */
const isFlat = ({ points }: EstimateCurve): boolean =>
  points.every(({ speedup }) => Math.abs(speedup - 1) < 0.005);

function acceleratorLines(panel: EstimatePanel, places: ReadonlyMap<string, number>): Line[] {
  return panel.curves.flatMap(({ accelerator: { name, evidence }, points }) => {
    const place = places.get(name);
    if (place === undefined) return [];
    const turn = Math.floor(place / 6);
    return [
      {
        label: shortened(name, longestLabel),
        color: `var(--s${place % 6})`,
        width: 2,
        dash: dashes[evidence],
        symbol: symbols[(place + turn) % 6]!,
        what: `${name} (${evidence})`,
        points,
      },
    ];
  });
}

/** The best measured kernel of each density: on this shape, or over as many shapes as are measured. */
function measuredLines(panel: EstimatePanel, findings: readonly Finding[]): Line[] {
  const { m, k, n } = panel.shape;
  const found = findings.flatMap((finding) => {
    const curves = panel.layers > 1 ? finding.pooledCurves : finding.curves;
    const least = Math.min(...curves.map(({ setting }) => setting.threads));
    return curves.flatMap(({ setting, kernel, points }) => {
      const same = panel.layers > 1 || (setting.m === m && setting.k === k && setting.n === n);
      const pattern = panel.pattern === null || panel.pattern === setting.label;
      const wanted = kernel === bestOfAll && isHeadline(setting) && setting.threads === least;
      return same && pattern && wanted ? [{ finding, setting, points }] : [];
    });
  });
  const patterns = shortPatternWords(found.map(({ setting }) => setting.label));
  const several = new Set(found.map(({ setting }) => setting.label)).size > 1;
  return found.map(({ finding, setting, points }, place) => {
    const whose = findings.length > 1 ? finding.machineName : 'measured';
    const which = several ? ` ${patterns.get(setting.label)!}` : '';
    return {
      label: shortened(`${whose}${which}`, longestLabel),
      color: 'var(--ink)',
      width: 3,
      dash: '',
      symbol: symbols[place % 6]!,
      what: `measured on ${finding.machineName}, ${patternWords(setting.label)}, weights ${setting.cache}`,
      points: points.map(({ density, speedup }) => ({ density, speedup: speedup!, distrusted: false })),
    };
  });
}

function titleOf({ shape, names, activationDensity, pattern, layers }: EstimatePanel): string {
  const { m, k, n } = shape;
  return [
    layers > 1 ? `${layers} layers together` : [...names.slice(0, 2), `${m}x${k}x${n}`].join(' '),
    ...(pattern === null ? [] : [patternWords(pattern)]),
    ...(activationDensity === 1 ? [] : [`inputs ${formatExactPercent(1 - activationDensity)} % zeros`]),
  ].join(', ');
}

function panelChart(
  panel: EstimatePanel,
  index: number,
  places: ReadonlyMap<string, number>,
  findings: readonly Finding[],
): Chart {
  const lines = [...acceleratorLines(panel, places), ...measuredLines(panel, findings)];
  const flat = panel.curves.filter(({ accelerator }) => !places.has(accelerator.name)).length;
  const drawn = [...lines.flatMap(({ points }) => points), ...panel.curves.flatMap(({ points }) => points)];
  const densities = drawn.map(({ density }) => density);
  const [lowest, highest] = [Math.min(...densities), Math.max(...densities)];
  const padding = lowest === highest ? 1.5 : 1.06;
  const xDomain: [number, number] = [highest * padding, lowest / padding];
  const speedups = drawn.map(({ speedup }) => speedup);
  const yDomain: [number, number] = [Math.min(0.8, ...speedups) / 1.15, Math.max(1.25, ...speedups) * 1.15];
  const height = Math.max(leastHeight, margin.top + margin.bottom + labelGap * (lines.length + 1));
  const yAxis: LogAxis = { domain: yDomain, range: [height - margin.bottom, margin.top] };
  const dense = flat === 0 ? 'dense' : `dense, and ${flat} that skip none`;
  const ends = [
    ...lines.map(({ label, color, points }) => ({ label, color, at: points[0]!.speedup })),
    { label: dense, color: 'var(--dense)', at: 1 },
  ];
  const placed = spread(
    ends.map(({ at }) => pixelOf(yAxis, at)),
    labelGap,
    [margin.top, height - margin.bottom],
  );
  const labels = ends.map(({ label, color }, at) => ({
    ...{ text: label, color, x: xDomain[1], y: valueAt(yAxis, placed[at]!) },
  }));
  const marginRight = 16 + Math.max(...labels.map(({ text }) => textWidth(text)));
  const xAxis: LogAxis = { domain: [xDomain[1], xDomain[0]], range: [chartWidth - marginRight, margin.left] };
  const title = titleOf(panel);
  const svg = draw(`Estimated speed-up: ${title}`, {
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
        label: 'sparsity of the weights \u2192',
        labelArrow: 'none',
        labelAnchor: 'right',
        labelOffset: 34,
      }),
      Plot.ruleY([1], { stroke: 'var(--dense)', strokeDasharray: '2 4', strokeWidth: 1.5 }),
      ...lines.flatMap(lineMarks),
      Plot.text(labels, {
        ...{ x: 'x', y: 'y', text: 'text', fill: 'color', dx: 8, textAnchor: 'start', fontWeight: 600 },
      }),
      ...keyMarks(panel, places, lines, xAxis, yAxis, height),
    ],
  });
  return { name: `estimates-${index + 1}`, title, svg };
}

function lineMarks({ points, color, width, dash, symbol, what }: Line): Plot.Markish[] {
  const data = points.map(({ density, speedup, distrusted }) => ({
    x: density,
    y: speedup,
    hollow: distrusted,
    title: `${what}: ${formatRatio(speedup)}x at ${formatExactPercent(1 - density)} % sparsity${distrusted ? ', NOT TRUSTWORTHY' : ''}`,
  }));
  return [
    Plot.line(data, {
      ...{ x: 'x', y: 'y', stroke: color, strokeWidth: width },
      ...(dash === '' ? {} : { strokeDasharray: dash }),
    }),
    Plot.dot(data, {
      ...{ x: 'x', y: 'y', stroke: color, symbol, r: 3.5, title: 'title' },
      fill: ({ hollow }) => (hollow ? 'var(--paper)' : color),
    }),
  ];
}

/** What the dashes mean, under the axis: only of those that are drawn. */
function keyMarks(
  panel: EstimatePanel,
  places: ReadonlyMap<string, number>,
  lines: readonly Line[],
  xAxis: LogAxis,
  yAxis: LogAxis,
  height: number,
): Plot.Markish[] {
  const drawn = panel.curves.filter(({ accelerator }) => places.has(accelerator.name));
  const evidence = new Set(drawn.map(({ accelerator }) => accelerator.evidence));
  const entries = [
    ...keyTexts
      .filter(([classes]) => classes.some((each) => evidence.has(each)))
      .map(([classes, text]) => ({ text, dash: dashes[classes[0]!], width: 2 })),
    ...(lines.some(({ width }) => width === 3) ? [{ text: 'measured', dash: '', width: 3 }] : []),
  ];
  let left = 8;
  return entries.flatMap(({ text, dash, width }) => {
    const at = left;
    left += 34 + 6.4 * text.length;
    const y = valueAt(yAxis, height - 12);
    const ends = [at, at + 20].map((pixel) => ({ x: valueAt(xAxis, pixel), y }));
    return [
      Plot.line(ends, {
        ...{ x: 'x', y: 'y', stroke: 'var(--ink)', strokeWidth: width },
        ...(dash === '' ? {} : { strokeDasharray: dash }),
      }),
      Plot.text([{ x: valueAt(xAxis, at + 25), y }], {
        x: 'x',
        y: 'y',
        text: () => text,
        textAnchor: 'start',
      }),
    ];
  });
}
