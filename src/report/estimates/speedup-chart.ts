/** Speed-up against sparsity: a line an accelerator, dashed by its evidence, beside what was measured here. */
import * as Plot from '@observablehq/plot';
import type { Evidence } from '../../terms/accelerator.ts';
import { type Chart, shortened } from '../charts/figure.ts';
import { type Key, keyOf } from '../charts/key.ts';
import { speedupFigure } from '../charts/speedup-frame.ts';
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
  const several = lines.some(({ points }) => points.length > 1);
  const drawn = [...lines.flatMap(({ points }) => points), ...panel.curves.flatMap(({ points }) => points)];
  const dense = flat === 0 ? 'dense' : `dense, and ${flat} that skip none`;
  const key = keyFor(panel, places, lines);
  const title = titleOf(panel);
  const svg = speedupFigure({
    title: `Estimated speed-up: ${title}`,
    densities: drawn.map(({ density }) => density),
    speedups: drawn.map(({ speedup }) => speedup),
    names: [
      ...lines.map(({ label, color, points }) => ({
        text: label,
        color,
        // 2:4 is one density: at the end of the chart its name would say nothing.
        density: points.length === 1 && several ? points[0]!.density : null,
        speedup: points[0]!.speedup,
      })),
      { text: dense, color: 'var(--dense)', density: null, speedup: 1 },
    ],
    xLabel: 'sparsity of the weights \u2192',
    leastHeight: 340,
    marginBottom: 48 + key.height,
    marks: () => [
      Plot.ruleY([1], { stroke: 'var(--dense)', strokeDasharray: '2 4', strokeWidth: 1.5 }),
      ...lines.flatMap(lineMarks),
      key.mark(54),
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

/** What the dashes mean: only of those that are drawn. */
function keyFor(panel: EstimatePanel, places: ReadonlyMap<string, number>, lines: readonly Line[]): Key {
  const drawn = panel.curves.filter(({ accelerator }) => places.has(accelerator.name));
  const evidence = new Set(drawn.map(({ accelerator }) => accelerator.evidence));
  const color = 'var(--ink)';
  return keyOf([
    ...keyTexts
      .filter(([classes]) => classes.some((each) => evidence.has(each)))
      .map(([classes, text]) => ({ text, color, line: { dash: dashes[classes[0]!], width: 2 } })),
    ...(lines.some(({ width }) => width === 3)
      ? [{ text: 'measured', color, line: { dash: '', width: 3 } }]
      : []),
  ]);
}
