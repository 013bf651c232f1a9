/** The frame that all rooflines share: axes, the roofs of the bandwidths and the peak under which points lie. */
import * as Plot from '@observablehq/plot';
import { chartWidth, draw, type LogAxis, logTicks, pixelOf, spread, textWidth, valueAt } from './figure.ts';
import { type Key, type SideEntry, sideKey } from './key.ts';

const margin = { top: 26, bottom: 44, left: 58 };
const frameHeight = 290;
/** Pixels of one piece of a roof that shares its line. */
const dash = 8;

/** One bandwidth: `rate` is what the y axis counts, for each unit of the x axis. */
export interface Roof {
  readonly rate: number;
  readonly color: string;
  /** Written above where it meets the peak; null: the key names it. */
  readonly name: string | null;
}

/** What a roofline has of its own. */
export interface RooflinePicture {
  readonly title: string;
  readonly peak: number;
  readonly peakText: string;
  /** At least one. */
  readonly roofs: readonly Roof[];
  readonly points: readonly { readonly x: number; readonly y: number }[];
  readonly xLabel: string;
  readonly yLabel: string;
  /** To the right of the frame, under the name of the peak. */
  readonly side: readonly SideEntry[];
  /** Under the axis; null: none. */
  readonly key: Key | null;
  readonly dots: Plot.Markish;
}

/** The chart as SVG text. Its frame reaches from left of the first knee to right of the last one. */
export function rooflineFigure(picture: RooflinePicture): string {
  const { peak, peakText, roofs, points, side, key } = picture;
  const rates = roofs.map(({ rate }) => rate);
  const [slowest, fastest] = [Math.min(...rates, peak), Math.max(...rates)];
  const [xs, ys] = [points.map(({ x }) => x), points.map(({ y }) => y)];
  const xDomain: [number, number] = [
    Math.min(...xs, peak / fastest) / 1.6,
    Math.max(...xs, (1.5 * peak) / slowest) * 1.2,
  ];
  const [low, high] = [Math.min(...ys, peak / 20) / 1.5, Math.max(...ys, peak) * 1.4];
  const marginRight = 14 + Math.max(...[peakText, ...side.map(({ text }) => text)].map(textWidth));
  const marginBottom = margin.bottom + (key === null ? 0 : 10 + key.height);
  const height = margin.top + frameHeight + marginBottom;
  const xAxis: LogAxis = { domain: xDomain, range: [margin.left, chartWidth - marginRight] };
  const yAxis: LogAxis = { domain: [low, high], range: [height - marginBottom, margin.top] };
  const peakPixel = pixelOf(yAxis, peak) - margin.top;
  return draw(picture.title, {
    height,
    ...{ marginTop: margin.top, marginBottom, marginLeft: margin.left, marginRight },
    x: { type: 'log', domain: xDomain, label: null },
    y: { type: 'log', domain: [low, high], label: null },
    color: { type: 'identity' },
    marks: [
      Plot.gridY(logTicks([low, high]), { stroke: 'var(--grid)', strokeOpacity: 1 }),
      Plot.axisY(logTicks([low, high]), {
        ...{ text: plainTick, tickSize: 0, label: picture.yLabel, labelArrow: 'none' },
      }),
      Plot.axisX(logTicks(xDomain), {
        ...{ text: plainTick, label: `${picture.xLabel} \u2192`, labelArrow: 'none', labelAnchor: 'right' },
        labelOffset: 34,
      }),
      ...roofs.map((roof) => {
        const { rate, color } = roof;
        const ends = [Math.max(xDomain[0], low / rate), peak / rate].map((x) => ({ x, y: x * rate }));
        return Plot.line(ends, { x: 'x', y: 'y', stroke: color, strokeWidth: 1.4, ...turns(roof, roofs) });
      }),
      Plot.ruleY([peak], {
        ...{ x1: peak / fastest, x2: xDomain[1], stroke: 'var(--ink)', strokeWidth: 1.5 },
      }),
      Plot.text(kneeNames(roofs, peak, xAxis), {
        x: 'x',
        y: peak,
        text: 'text',
        dy: -10,
        fill: 'var(--faint)',
      }),
      ...sideKey([{ text: peakText, color: 'var(--ink)' }], peakPixel),
      ...sideKey(side, peakPixel + 22),
      picture.dots,
      ...(key === null ? [] : [key.mark(margin.bottom + 10)]),
    ],
  });
}

/** Of roofs that lie on one line each draws its own pieces, so that the colour of every one shows. */
function turns(roof: Roof, roofs: readonly Roof[]): Plot.LineOptions {
  const same = roofs.filter(({ rate }) => rate === roof.rate);
  if (same.every(({ color }) => color === roof.color)) return {};
  return {
    strokeDasharray: `${dash} ${dash * (same.length - 1)}`,
    strokeDashoffset: -dash * same.indexOf(roof),
  };
}

/** Names above the knees, where no line and no point is; moved apart so that none covers another. */
function kneeNames(roofs: readonly Roof[], peak: number, xAxis: LogAxis) {
  const named = roofs.flatMap(({ name, rate }) => (name === null ? [] : [{ text: name, x: peak / rate }]));
  const gap = 6 + Math.max(0, ...named.map(({ text }) => textWidth(text)));
  const pixels = named.map(({ x }) => pixelOf(xAxis, x));
  const placed = spread(pixels, gap, [margin.left + gap / 2, xAxis.range[1] - gap / 2]);
  return named.map(({ text }, at) => ({ text, x: valueAt(xAxis, placed[at]!) }));
}

function plainTick(value: number): string {
  return `${Number(value.toPrecision(2))}`;
}
