/** The front of a design space: time and cost of every design that none beats, the fastest and cheapest by name. */
import * as Plot from '@observablehq/plot';
import {
  type Chart,
  chartWidth,
  draw,
  type LogAxis,
  logTicks,
  pixelOf,
  shortened,
  textWidth,
  valueAt,
} from '../charts/figure.ts';
import { formatNumber } from '../numbers.ts';

const height = 340;
const margin = { top: 30, right: 18, bottom: 46, left: 64 };
const longestLabel = 40;

/** A front: rising in time, falling in cost. */
export interface FrontPicture {
  readonly title: string;
  /** What the designs cost, with its unit: `energy, uJ`. */
  readonly costLabel: string;
  readonly points: readonly { readonly timeUs: number; readonly cost: number; readonly label: string }[];
}

/** A domain with room on both sides, on a logarithmic axis; `below` times as much at its low end. */
function domainOf(values: readonly number[], below: number): [number, number] {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const room = Math.max(1.15, (high / low) ** 0.08);
  return [low / room ** below, high * room];
}

/** Ticks of a domain; of one that no two round numbers lie in, its data's own ends where they are far enough apart. */
function ticksOf(domain: readonly [number, number], values: readonly number[]): number[] {
  const ticks = logTicks(domain, 6);
  if (ticks.length >= 2) return ticks;
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const share = Math.log(high / low) / Math.log(domain[1] / domain[0]);
  return share > 0.25 ? [low, high] : [high];
}

/** Ticks of a million and more in millions: longer ones would be cut. */
function plain(value: number): string {
  if (value >= 1e6) return `${plain(value / 1e6)}M`;
  return value >= 1000 ? Math.round(value).toLocaleString('en-US') : String(Number(value.toPrecision(3)));
}

/** The chart. Points of no time or cost are left out: a logarithm has no place for them. */
export function frontChart({ title, costLabel, points }: FrontPicture): Chart | null {
  const drawn = points.filter(({ timeUs, cost }) => timeUs > 0 && cost > 0);
  if (drawn.length === 0) return null;
  const times = drawn.map(({ timeUs }) => timeUs);
  const costs = drawn.map(({ cost }) => cost);
  // The name of the cheapest design stands below it.
  const [xDomain, yDomain] = [domainOf(times, 1), domainOf(costs, 1.8)];
  const xAxis: LogAxis = { domain: xDomain, range: [margin.left, chartWidth - margin.right] };
  const yAxis: LogAxis = { domain: yDomain, range: [height - margin.bottom, margin.top] };
  // The best product of both is where the front bends.
  const bend = drawn.reduce((a, b) => (b.timeUs * b.cost < a.timeUs * a.cost ? b : a));
  const named = [...new Set([drawn[0]!, bend, drawn.at(-1)!])];
  // Above and to the right of a design there is nothing; of the cheapest one, below and to the left.
  const labels = named.map((point, at) => {
    const text = shortened(point.label, longestLabel);
    const isLast = at > 0 && point === drawn.at(-1);
    const left = pixelOf(xAxis, point.timeUs) + (isLast ? -4 - textWidth(text) : 8);
    const room = chartWidth - margin.right - textWidth(text);
    const pixel = Math.max(margin.left + 4, Math.min(left, room));
    const y = pixelOf(yAxis, point.cost) + (isLast ? 15 : -12);
    return { text, x: valueAt(xAxis, pixel), y: valueAt(yAxis, y) };
  });
  const svg = draw(`Designs that none beats: ${title}`, {
    height,
    ...{
      marginTop: margin.top,
      marginRight: margin.right,
      marginBottom: margin.bottom,
      marginLeft: margin.left,
    },
    x: { type: 'log', domain: xDomain, label: null },
    y: { type: 'log', domain: yDomain, label: null },
    marks: [
      Plot.gridY(ticksOf(yDomain, costs), { stroke: 'var(--grid)', strokeOpacity: 1 }),
      Plot.axisY(ticksOf(yDomain, costs), {
        ...{ text: plain, tickSize: 0, label: costLabel, labelArrow: 'none' },
      }),
      Plot.axisX(ticksOf(xDomain, times), {
        ...{ text: plain, label: 'time, us \u2192', labelArrow: 'none' },
      }),
      // A design is the answer until the next one is as fast: steps, not slopes between designs that are not there.
      Plot.line(drawn, {
        ...{ x: 'timeUs', y: 'cost', curve: 'step-after', stroke: 'var(--s0)', strokeWidth: 1.5 },
      }),
      Plot.dot(drawn, {
        ...{ x: 'timeUs', y: 'cost', fill: 'var(--s0)', r: drawn.length > 60 ? 2 : 3.5 },
        title: ({ label, timeUs, cost }) =>
          `${label}: ${plain(timeUs)} us, ${formatNumber(cost)} ${costLabel}`,
      }),
      Plot.dot(named, { x: 'timeUs', y: 'cost', stroke: 'var(--ink)', r: 5.5, strokeWidth: 1.5 }),
      Plot.text(labels, { x: 'x', y: 'y', text: 'text', textAnchor: 'start', fill: 'var(--ink)' }),
    ],
  });
  return { name: 'front', title, svg };
}
