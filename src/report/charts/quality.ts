/** Model quality against the time of the layers: what pruning buys and what it costs. */
import * as Plot from '@observablehq/plot';
import { bestOfAll } from '../curves.ts';
import type { Finding } from '../finding.ts';
import { familiesOf, type Network, paretoFront } from '../networks.ts';
import { formatExactPercent, formatTime } from '../numbers.ts';
import { layersWords, modelWords, patternWords } from '../words.ts';
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
import { kernelEntries, type SideEntry, sideKey } from './key.ts';

const height = 340;
const margin = { top: 30, bottom: 44, left: 52 };

/** One chart a family of networks that may be compared. */
export function qualityCharts(finding: Finding, series: ReadonlyMap<string, Series>): Chart[] {
  return [...familiesOf(finding.networks).values()].map((networks, index) =>
    qualityChart(networks, index, series),
  );
}

function qualityChart(
  networks: readonly Network[],
  index: number,
  series: ReadonlyMap<string, Series>,
): Chart {
  const [first] = networks as readonly [Network, ...Network[]];
  const title = [
    modelWords(first.model),
    layersWords(first),
    ...(first.n === null ? [] : [`n = ${first.n}`]),
    `weights ${first.cache === 'mixed' ? 'hot, cold for n up to 32' : first.cache}`,
    ...(first.threads === 1 ? [] : [`${first.threads} threads`]),
  ].join(', ');
  const timeOf = (network: Network) => network.timeNs;
  const front = paretoFront(networks, timeOf, (network) => network.quality);
  const dense = networks.flatMap((network) => network.denseNs ?? []);
  const denseNs = dense.length === 0 ? null : Math.min(...dense);
  const times = [...networks.map(timeOf), ...(denseNs === null ? [] : [denseNs])];
  const xDomain: [number, number] = [Math.min(...times) / 1.25, Math.max(...times) * 1.25];
  const qualities = networks.map((network) => network.quality);
  const room = Math.max(1, Math.max(...qualities) - Math.min(...qualities)) * 0.12;
  const yDomain: [number, number] = [Math.min(...qualities) - room, Math.max(...qualities) + room];
  const data = networks.map((network) => ({
    x: network.timeNs,
    y: network.quality,
    color: series.get(network.kernel)?.color ?? 'var(--ink)',
    best: network.kernel === bestOfAll,
    title: `${network.kernel}: ${formatTime(network.timeNs)}, ${network.quality} ${network.metric}, ${patternWords(network.label)} ${formatExactPercent(1 - network.density)} %`,
  }));
  const legend = legendOf(networks, series);
  const marginRight = 14 + Math.max(...legend.map(({ text }) => textWidth(text)));
  const xAxis: LogAxis = { domain: xDomain, range: [margin.left, chartWidth - marginRight] };
  const svg = draw(`Quality against time: ${title}`, {
    height,
    marginTop: margin.top,
    marginBottom: margin.bottom,
    marginLeft: margin.left,
    marginRight,
    x: { type: 'log', domain: xDomain, label: null },
    y: { domain: yDomain, label: null },
    color: { type: 'identity' },
    marks: [
      Plot.gridY({ stroke: 'var(--grid)', strokeOpacity: 1, ticks: 6 }),
      Plot.axisY({ ticks: 6, tickSize: 0, label: first.metric, labelArrow: 'none' }),
      Plot.axisX(logTicks(xDomain, 6), {
        text: formatTime,
        label: `time of ${layersWords(first)} →`,
        labelArrow: 'none',
      }),
      ...(denseNs === null ? [] : denseMarks(denseNs, yDomain, xAxis)),
      Plot.line(front, {
        x: 'timeNs',
        y: 'quality',
        stroke: 'var(--ink)',
        strokeWidth: 1.5,
        curve: 'step-after',
      }),
      Plot.dot(data, {
        x: 'x',
        y: 'y',
        r: (d) => (d.best ? 5 : 3.5),
        fill: (d) => (d.best ? 'none' : d.color),
        stroke: 'color',
        strokeWidth: 1.5,
        title: 'title',
      }),
      Plot.text(frontLabels(front, xAxis, yDomain), {
        x: 'x',
        y: 'y',
        text: 'text',
        textAnchor: 'end',
        stroke: 'var(--paper)',
        strokeWidth: 3,
        fill: 'var(--ink)',
      }),
      ...sideKey(legend, 8),
    ],
    r: { type: 'identity' },
  });
  return { name: `quality-${index + 1}`, title, svg };
}

/** What the colours and shapes of the chart mean: the kernels by name, then the ring. */
function legendOf(networks: readonly Network[], series: ReadonlyMap<string, Series>): SideEntry[] {
  const kernels = [...new Set(networks.map((network) => network.kernel))];
  const own = kernelEntries(
    kernels.filter((kernel) => kernel !== bestOfAll),
    series,
  );
  return kernels.includes(bestOfAll) ? [...own, { text: `\u25cb ${bestOfAll}`, color: 'var(--ink)' }] : own;
}

function denseMarks(denseNs: number, [low, high]: readonly [number, number], xAxis: LogAxis): Plot.Markish[] {
  const text = `dense ${formatTime(denseNs)}`;
  const half = textWidth(text) / 2;
  const centre = pixelOf(xAxis, denseNs);
  const dx = Math.min(Math.max(centre, margin.left + half), chartWidth - half - 4) - centre;
  return [
    Plot.ruleX([denseNs], {
      y1: low,
      y2: high,
      stroke: 'var(--dense)',
      strokeDasharray: '5 4',
      strokeWidth: 1.5,
    }),
    Plot.text([denseNs], {
      x: (value) => value,
      y: () => high,
      text: () => text,
      dy: -9,
      dx,
      fill: 'var(--dense)',
    }),
  ];
}

/**
 * Sparsities above and to the left of the points of the front: no point can lie there. Near the left edge they are
 * moved in.
 */
function frontLabels(front: readonly Network[], xAxis: LogAxis, yDomain: readonly [number, number]) {
  const scale = (height - margin.top - margin.bottom) / (yDomain[1] - yDomain[0]);
  const pixels = front.map((network) => margin.top + (yDomain[1] - network.quality) * scale - 10);
  const placed = spread(pixels, 14, [margin.top, height - margin.bottom - 6]);
  return front.map((network, i) => {
    const text = `${formatExactPercent(1 - network.density)} %`;
    const pixel = Math.max(pixelOf(xAxis, network.timeNs) - 4, margin.left + textWidth(text));
    return { text, x: valueAt(xAxis, pixel), y: yDomain[1] - (placed[i]! - margin.top) / scale };
  });
}
