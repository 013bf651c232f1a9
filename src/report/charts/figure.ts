/** What all charts share: size, colours, ticks, labels that do not overlap, and SVG text without a browser. */
import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom';
import { htmlText, plainText } from '../escape.ts';
import type { Finding } from '../finding.ts';

/** A drawn chart. `svg` uses CSS variables for its colours, see `palette`. */
export interface Chart {
  /** File name without extension: ours, made of letters, digits and dashes. */
  readonly name: string;
  readonly title: string;
  readonly svg: string;
}

/** Width in CSS pixels of every chart: fits a phone at nearly full size, and two or three beside each other elsewhere. */
export const chartWidth = 480;

/**
 * Colours as CSS variables, light and dark: Okabe and Ito's palette ("Color Universal Design"), told apart without
 * full colour vision. Yellow is too pale on white and black too dark on black, so both are left out; the dark set
 * is lightened where contrast asks for it.
 */
export const palette: Readonly<Record<string, readonly [light: string, dark: string]>> = {
  '--ink': ['#1b1b1f', '#e7e7ea'],
  '--faint': ['#6a6a72', '#a2a2ab'],
  '--grid': ['#dcdce0', '#3a3a42'],
  '--paper': ['#ffffff', '#18181c'],
  '--dense': ['#6a6a72', '#a2a2ab'],
  '--s0': ['#0072b2', '#56a9e0'],
  '--s1': ['#d55e00', '#ff8a3d'],
  '--s2': ['#00795a', '#2fc79b'],
  '--s3': ['#b4518c', '#e08fbd'],
  '--s4': ['#a87400', '#e69f00'],
  '--s5': ['#3a87b8', '#9cd4f7'],
};
const seriesCount = 6;
const symbols = ['circle', 'square', 'triangle', 'diamond', 'star', 'cross'] as const;

/** How one kernel is drawn: the same on every chart of a report. */
export interface Series {
  readonly kernel: string;
  /** Its label from `Finding.kernelLabels`, shortened. */
  readonly label: string;
  readonly color: string;
  readonly symbol: (typeof symbols)[number];
  readonly dash: string;
}

/** The series of all sparse kernels of some findings, by kernel name. */
export function seriesOf(findings: readonly Finding[]): Map<string, Series> {
  const labels = [...new Map(findings.flatMap((finding) => [...finding.kernelLabels]))];
  return new Map(
    labels.map(([kernel, label], index) => {
      const turn = Math.floor(index / seriesCount);
      const color = `var(--s${index % seriesCount})`;
      const dash = ['', '6 3', '2 3', '8 3 2 3'][turn % 4]!;
      const symbol = symbols[(index + turn) % symbols.length]!;
      return [kernel, { kernel, label: shortened(label), color, symbol, dash }];
    }),
  );
}

/**
 * Draws a plot as SVG text, with a name for readers. Text of the marks ends in text nodes, which linkedom escapes;
 * of attributes it escapes quotes alone, so the name is put in here.
 */
export function draw(name: string, options: Plot.PlotOptions): string {
  const { document } = parseHTML('<html><body></body></html>');
  const element = Plot.plot({
    width: chartWidth,
    document: document as unknown as NonNullable<Plot.PlotOptions['document']>,
    className: 'chart',
    style: { fontSize: '12px', fontFamily: 'system-ui, sans-serif', color: 'var(--ink)', background: 'none' },
    ...options,
  });
  const printable = element.outerHTML.split('\n').map(plainText).join('\n');
  return printable.replace('<svg ', () => `<svg role="img" aria-label="${htmlText(name)}" `);
}

/** A label short enough for a chart. */
export function shortened(text: string, most = 26): string {
  return text.length <= most ? text : `${text.slice(0, most - 1)}\u2026`;
}

/** Approximate width of 12 px text in pixels; wide enough for the widest of common system fonts. */
export function textWidth(text: string): number {
  return 7 * text.length;
}

/** The same of bold text: "measured unstructured" has 7.6 pixels a letter in DejaVu Sans, the widest common one. */
export function boldWidth(text: string): number {
  return 8 * text.length;
}

/** A logarithmic axis: domain in data, range in pixels. */
export interface LogAxis {
  readonly domain: readonly [low: number, high: number];
  readonly range: readonly [atLow: number, atHigh: number];
}

/** Pixel of a value on a logarithmic axis. */
export function pixelOf(axis: LogAxis, value: number): number {
  const share = Math.log(value / axis.domain[0]) / Math.log(axis.domain[1] / axis.domain[0]);
  return axis.range[0] + share * (axis.range[1] - axis.range[0]);
}

/** Value at a pixel of a logarithmic axis. */
export function valueAt(axis: LogAxis, pixel: number): number {
  const share = (pixel - axis.range[0]) / (axis.range[1] - axis.range[0]);
  return axis.domain[0] * (axis.domain[1] / axis.domain[0]) ** share;
}

/**
 * Moves labels apart: positions at least `gap` pixels from each other, in the same order, within `bounds` where they
 * fit. Of all such positions the ones nearest to where they were, by squares: isotonic regression (pool adjacent
 * violators) of the positions less what the labels before them take up.
 */
export function spread(
  positions: readonly number[],
  gap: number,
  bounds: readonly [number, number],
): number[] {
  const order = positions.map((_, i) => i).sort((a, b) => positions[a]! - positions[b]!);
  const pools: { mean: number; size: number }[] = [];
  for (const [rank, i] of order.entries()) {
    let pool = { mean: positions[i]! - rank * gap, size: 1 };
    for (let last = pools.at(-1); last !== undefined && last.mean > pool.mean; last = pools.at(-1)) {
      const size = last.size + pool.size;
      pool = { mean: (last.mean * last.size + pool.mean * pool.size) / size, size };
      pools.pop();
    }
    pools.push(pool);
  }
  const highest = Math.max(bounds[0], bounds[1] - (positions.length - 1) * gap);
  const fitted = pools.flatMap(({ mean, size }) =>
    new Array<number>(size).fill(Math.min(Math.max(mean, bounds[0]), highest)),
  );
  const placed = new Array<number>(positions.length);
  for (const [rank, i] of order.entries()) placed[i] = fitted[rank]! + rank * gap;
  return placed;
}

/** Ticks 1, 2, 5 of each decade within a domain, thinned to the decades where there are too many. */
export function logTicks([low, high]: readonly [number, number], most = 8): number[] {
  const ticks: number[] = [];
  for (let exponent = Math.floor(Math.log10(low)); exponent <= Math.ceil(Math.log10(high)); exponent++) {
    for (const digit of [1, 2, 5]) ticks.push(digit * 10 ** exponent);
  }
  const inside = ticks.filter((tick) => tick >= low * 0.999 && tick <= high * 1.001);
  if (inside.length <= most) return inside;
  return inside.filter((tick) => Math.abs(Math.log10(tick) - Math.round(Math.log10(tick))) < 1e-9);
}

/**
 * Densities to mark on an axis: those measured that are whole per cents (a suite's own; refinement adds others), or the
 * usual sparsities where there are many; from the sparse end on, at least 38 pixels apart.
 */
export function densityTicks(measured: readonly number[], axis: LogAxis): number[] {
  const [low, high] = axis.domain;
  const all = [...new Set(measured)];
  const whole = all.filter((density) => Math.abs(density * 100 - Math.round(density * 100)) < 1e-9);
  const own = whole.length >= 2 ? whole : all;
  const usual = [0, 0.2, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999].map((sparsity) => 1 - sparsity);
  const wanted = (own.length <= 8 ? own : usual).sort((a, b) => a - b);
  const ticks: number[] = [];
  for (const density of wanted) {
    if (density < low * 0.999 || density > high * 1.001) continue;
    const last = ticks.at(-1);
    if (last === undefined || Math.abs(pixelOf(axis, density) - pixelOf(axis, last)) >= 38)
      ticks.push(density);
  }
  return ticks;
}
