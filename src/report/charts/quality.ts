/** Model quality against the time of all layers: what pruning buys and what it costs. */
import * as Plot from '@observablehq/plot';
import { bestOfAll } from '../curves.ts';
import type { Finding } from '../finding.ts';
import { type Network, paretoFront } from '../networks.ts';
import { formatExactPercent, formatTime } from '../numbers.ts';
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

const height = 340;
const margin = { top: 30, bottom: 44, left: 52, right: 24 };

/** One chart a model, metric, cache state and thread count. */
export function qualityCharts(finding: Finding, series: ReadonlyMap<string, Series>): Chart[] {
  const families = new Map<string, Network[]>();
  for (const network of finding.networks) {
    const key = JSON.stringify([network.model, network.metric, network.cache, network.threads]);
    families.set(key, [...(families.get(key) ?? []), network]);
  }
  return [...families.values()].map((networks, index) => qualityChart(networks, index, series));
}

function qualityChart(
  networks: readonly Network[],
  index: number,
  series: ReadonlyMap<string, Series>,
): Chart {
  const [first] = networks as readonly [Network, ...Network[]];
  const title = `Quality against time, ${first.model}, weights ${first.cache}${first.threads === 1 ? '' : `, ${first.threads} threads`}`;
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
  const svg = draw(title, {
    height,
    marginTop: margin.top,
    marginBottom: margin.bottom,
    marginLeft: margin.left,
    marginRight: margin.right,
    x: { type: 'log', domain: xDomain, label: null },
    y: { domain: yDomain, label: null },
    color: { type: 'identity' },
    marks: [
      Plot.gridY({ stroke: 'var(--grid)', strokeOpacity: 1, ticks: 6 }),
      Plot.axisY({ ticks: 6, tickSize: 0, label: first.metric, labelArrow: 'none' }),
      Plot.axisX(timeTicks(xDomain), {
        text: formatTime,
        label: 'time of all layers →',
        labelArrow: 'none',
      }),
      ...(denseNs === null ? [] : denseMarks(denseNs, yDomain, xDomain)),
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
      Plot.text(frontLabels(front, xDomain, yDomain), {
        x: 'x',
        y: 'y',
        text: 'text',
        textAnchor: 'start',
        dx: 9,
      }),
    ],
    r: { type: 'identity' },
  });
  return { name: `quality-${index + 1}`, title, svg };
}

function timeTicks(domain: readonly [number, number]): number[] {
  return logTicks(domain, 6);
}

function denseMarks(
  denseNs: number,
  [low, high]: readonly [number, number],
  xDomain: readonly [number, number],
): Plot.Markish[] {
  const text = `dense ${formatTime(denseNs)}`;
  const xAxis: LogAxis = { domain: xDomain, range: [margin.left, chartWidth - margin.right] };
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

/** Sparsities beside the points of the front; on the left of points that stand too far right. */
function frontLabels(
  front: readonly Network[],
  xDomain: readonly [number, number],
  yDomain: readonly [number, number],
) {
  const xAxis: LogAxis = { domain: xDomain, range: [margin.left, chartWidth - margin.right] };
  const scale = (height - margin.top - margin.bottom) / (yDomain[1] - yDomain[0]);
  const pixels = front.map((network) => margin.top + (yDomain[1] - network.quality) * scale + 12);
  const placed = spread(pixels, 14, [margin.top, height - margin.bottom - 6]);
  return front.map((network, i) => {
    const text = `${formatExactPercent(1 - network.density)} %`;
    const right = chartWidth - margin.right - textWidth(text) - 9;
    const pixel = Math.min(pixelOf(xAxis, network.timeNs), right);
    return { text, x: valueAt(xAxis, pixel), y: yDomain[1] - (placed[i]! - margin.top) / scale };
  });
}
