/** The roofline of an accelerator: what its layers reach under its multipliers and the bandwidths of its levels. */
import * as Plot from '@observablehq/plot';
import type { AcceleratorRecord } from '../../terms/estimates.ts';
import {
  type Chart,
  chartWidth,
  draw,
  type LogAxis,
  logTicks,
  pixelOf,
  spread,
  textWidth,
  valueAt,
} from '../charts/figure.ts';
import { formatExactPercent, formatNumber } from '../numbers.ts';
import type { EstimateRow, EstimateView } from './view.ts';

const height = 330;
const margin = { top: 24, bottom: 44, left: 58 };

/** One chart an accelerator whose levels have a bandwidth. */
export function rooflineCharts(view: EstimateView): Chart[] {
  return view.accelerators.flatMap((accelerator, index) => {
    const rows = view.rows.filter(
      (row) => row.accelerator.name === accelerator.name && row.record.rates.length > 0 && row.timeNs > 0,
    );
    return rows.length === 0 ? [] : [rooflineChart(accelerator, rows, index)];
  });
}

function rooflineChart(accelerator: AcceleratorRecord, rows: readonly EstimateRow[], index: number): Chart {
  // Giga multiplications a second: multipliers times MHz are mega.
  const peak = (Math.max(...rows.map(({ record }) => record.multipliers)) * accelerator.clockMhz) / 1000;
  const levels = new Map<string, number>();
  for (const { record } of rows)
    for (const { level, bytesPerSecond } of record.rates) levels.set(level, bytesPerSecond / 1e9);
  const points = rows.flatMap(({ record, timeNs }) =>
    record.rates
      .filter(({ bytes }) => bytes > 0 && record.effectualMacs > 0)
      .map(({ level, bytes }) => ({
        level,
        x: record.effectualMacs / bytes,
        y: record.effectualMacs / timeNs,
        title: `${record.layer.name}, ${formatExactPercent(1 - record.layer.weightDensity)} % sparsity: ${formatNumber(record.effectualMacs / timeNs)} G multiplications/s at ${level}`,
      })),
  );
  const named = [...levels];
  const slowest = Math.min(...named.map(([, rate]) => rate), peak);
  const xs = points.map(({ x }) => x);
  const xDomain: [number, number] = [
    Math.min(...xs, peak / Math.max(...named.map(([, rate]) => rate))) / 2,
    Math.max(...xs, (1.5 * peak) / slowest) * 1.3,
  ];
  const yDomain: [number, number] = [Math.min(peak / 20, ...points.map(({ y }) => y)) / 1.5, peak * 1.5];
  const peakText = `peak ${formatNumber(peak)}`;
  const levelTexts = named.map(([level, rate]) => `${level} ${formatNumber(rate)} GB/s`);
  const marginRight = 14 + textWidth(peakText);
  const xAxis: LogAxis = { domain: xDomain, range: [margin.left, chartWidth - marginRight] };
  const yAxis: LogAxis = { domain: yDomain, range: [height - margin.bottom, margin.top] };
  const roofs = named.map(([level, rate], at) => ({
    text: levelTexts[at]!,
    color: `var(--s${at % 6})`,
    level,
    ends: [Math.max(xDomain[0], yDomain[0] / rate), Math.min(xDomain[1], peak / rate)].map((x) => ({
      x,
      y: x * rate,
    })),
  }));
  const apart = spread(
    roofs.map(({ ends }) => pixelOf(yAxis, ends[0]!.y)),
    15,
    [margin.top, height - margin.bottom - 10],
  );
  const labels = roofs.map(({ text, ends, color }, at) => ({
    ...{ text, color, x: valueAt(xAxis, pixelOf(xAxis, ends[0]!.x) + 26), y: valueAt(yAxis, apart[at]!) },
  }));
  const colorOf = (level: string): string => roofs.find((roof) => roof.level === level)!.color;
  const evidence = accelerator.evidence === 'calibrated' ? 'calibrated, not validated' : accelerator.evidence;
  const title = `${accelerator.name}, ${evidence}`;
  const svg = draw(`Roofline: ${title}`, {
    height,
    ...{ marginTop: margin.top, marginBottom: margin.bottom, marginLeft: margin.left, marginRight },
    x: { type: 'log', domain: xDomain, label: null },
    y: { type: 'log', domain: yDomain, label: null },
    color: { type: 'identity' },
    marks: [
      Plot.gridY(logTicks(yDomain), { stroke: 'var(--grid)', strokeOpacity: 1 }),
      Plot.axisY(logTicks(yDomain), {
        text: plain,
        tickSize: 0,
        label: 'effectual multiplications, G/s',
        labelArrow: 'none',
      }),
      Plot.axisX(logTicks(xDomain), {
        text: plain,
        label: 'effectual multiplications a byte \u2192',
        labelArrow: 'none',
      }),
      ...roofs.map(({ ends, color }) => Plot.line(ends, { x: 'x', y: 'y', stroke: color, strokeWidth: 1.5 })),
      Plot.ruleY([peak], {
        x1: Math.max(xDomain[0], peak / Math.max(...named.map(([, rate]) => rate))),
        ...{ x2: xDomain[1], stroke: 'var(--ink)', strokeWidth: 1.5 },
      }),
      Plot.text([peak], {
        x: () => xDomain[1],
        y: (y) => y,
        text: () => peakText,
        dx: 6,
        textAnchor: 'start',
      }),
      Plot.text(labels, {
        ...{ x: 'x', y: 'y', text: 'text', fill: 'color', textAnchor: 'start' },
        ...{ stroke: 'var(--paper)', strokeWidth: 4 },
      }),
      Plot.dot(points, { x: 'x', y: 'y', r: 3.5, fill: ({ level }) => colorOf(level), title: 'title' }),
    ],
  });
  return { name: `accelerator-roofline-${index + 1}`, title, svg };
}

function plain(value: number): string {
  return `${Number(value.toPrecision(2))}`;
}
