/** The frame that all charts of speed-up against sparsity share: axes, and names at the sparse ends of the lines. */
import * as Plot from '@observablehq/plot';
import { formatExactPercent } from '../numbers.ts';
import {
  boldWidth,
  chartWidth,
  densityTicks,
  draw,
  type LogAxis,
  logTicks,
  pixelOf,
  spread,
  valueAt,
} from './figure.ts';

const nameGap = 15;
const margin = { top: 34, left: 46 };

/** A name for the place of its line's sparsest point. */
export interface LineName {
  readonly text: string;
  readonly color: string;
  /** Density beside which it stands; null: beside the frame. */
  readonly density: number | null;
  readonly speedup: number;
}

/** What a chart of speed-up against sparsity has of its own. */
export interface SpeedupPicture {
  /** For readers that see no picture. */
  readonly title: string;
  /** Of all points; at least one. */
  readonly densities: readonly number[];
  /** Of all points, ends of intervals among them. */
  readonly speedups: readonly number[];
  readonly names: readonly LineName[];
  readonly xLabel: string;
  readonly leastHeight: number;
  /** Pixels under the frame. */
  readonly marginBottom: number;
  /** What is drawn between the axes and the names. */
  readonly marks: (frame: SpeedupFrame) => Plot.Markish[];
}

/** Where things lie. Densities fall from left to right; `xAxis` counts its pixels from the right. */
export interface SpeedupFrame {
  readonly xAxis: LogAxis;
  readonly yDomain: readonly [low: number, high: number];
  /** Left edge of the frame in pixels. */
  readonly left: number;
}

/** The chart as SVG text. */
export function speedupFigure(picture: SpeedupPicture): string {
  const { densities, speedups, names, marginBottom } = picture;
  const [lowest, highest] = [Math.min(...densities), Math.max(...densities)];
  // A single density still needs an axis with some width.
  const padding = lowest === highest ? 1.5 : 1.06;
  const xDomain: [number, number] = [highest * padding, lowest / padding];
  const yDomain: [number, number] = [Math.min(0.8, ...speedups) / 1.15, Math.max(1.25, ...speedups) * 1.15];
  const height = Math.max(picture.leastHeight, margin.top + marginBottom + nameGap * (names.length + 1));
  const yAxis: LogAxis = { domain: yDomain, range: [height - marginBottom, margin.top] };
  const marginRight = 16 + Math.max(...names.map(({ text }) => boldWidth(text)));
  const xAxis: LogAxis = { domain: [xDomain[1], xDomain[0]], range: [chartWidth - marginRight, margin.left] };
  return draw(picture.title, {
    height,
    marginTop: margin.top,
    marginBottom,
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
        label: picture.xLabel,
        labelArrow: 'none',
        labelAnchor: 'right',
        labelOffset: 34,
      }),
      ...picture.marks({ xAxis, yDomain, left: margin.left }),
      Plot.text(placed(names, xDomain[1], yAxis), {
        ...{ x: 'x', y: 'y', text: 'text', fill: 'color', dx: 8, textAnchor: 'start', fontWeight: 600 },
        // The line of dense must not strike a name through.
        stroke: 'var(--paper)',
        strokeWidth: 4,
      }),
    ],
  });
}

/** Names of one density, moved apart so that none covers another. */
function placed(names: readonly LineName[], end: number, yAxis: LogAxis) {
  const densities = new Set(names.map(({ density }) => density));
  return [...densities].flatMap((density) => {
    const own = names.filter((name) => name.density === density);
    const pixels = own.map(({ speedup }) => pixelOf(yAxis, speedup));
    const apart = spread(pixels, nameGap, [yAxis.range[1], yAxis.range[0]]);
    return own.map(({ text, color }, at) => ({
      ...{ text, color, x: density ?? end, y: valueAt(yAxis, apart[at]!) },
    }));
  });
}
