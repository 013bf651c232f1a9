/** What the colours, dashes and shapes of a chart mean: in rows under its axis, or in a column beside its frame. */
import * as Plot from '@observablehq/plot';
import { chartWidth, type Series, textWidth } from './figure.ts';

const rowHeight = 18;
const left = 8;

/** One entry of a key: a square of its colour, or a piece of its line. */
export interface KeyEntry {
  readonly text: string;
  readonly color: string;
  /** 0 to 1; default 1. */
  readonly opacity?: number;
  readonly line?: { readonly width: number; readonly dash: string };
}

/** A key under the axis. */
export interface Key {
  /** Pixels that it takes. */
  readonly height: number;
  /** Draws it in pixels of the chart, its first row `top` pixels below the frame. */
  readonly mark: (top: number) => Plot.RenderFunction;
}

/** Entries in as many rows as they need in a chart's width. */
export function keyOf(entries: readonly KeyEntry[]): Key {
  let [x, row] = [left, 0];
  const placed = entries.map((entry) => {
    const swatch = entry.line === undefined ? 15 : 26;
    const width = swatch + textWidth(entry.text) + 12;
    if (x > left && x + width > chartWidth) [x, row] = [left, row + 1];
    const at = x;
    x += width;
    return { ...entry, x: at, row, swatch };
  });
  return {
    height: rowHeight * (row + 1),
    mark: (top) => (_index, _scales, _values, dimensions, context) => {
      const make = (name: string, attributes: Readonly<Record<string, string | number>>, text = '') => {
        const element = context.document.createElementNS('http://www.w3.org/2000/svg', name);
        for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, `${value}`);
        element.textContent = text;
        return element;
      };
      const group = make('g', { 'aria-label': 'key', fill: 'var(--ink)' });
      const bottom = dimensions.height - dimensions.marginBottom;
      for (const { text, color, opacity, line, x: at, row: down, swatch } of placed) {
        const y = bottom + top + rowHeight * down;
        group.append(
          line === undefined
            ? make('rect', {
                x: at,
                y: y - 5,
                width: 10,
                height: 10,
                fill: color,
                'fill-opacity': opacity ?? 1,
              })
            : make('line', {
                ...{ x1: at, x2: at + 20, y1: y, y2: y, stroke: color, 'stroke-width': line.width },
                ...(line.dash === '' ? {} : { 'stroke-dasharray': line.dash }),
              }),
          make('text', { x: at + swatch, y, dy: '0.32em', 'text-anchor': 'start' }, text),
        );
      }
      return group;
    },
  };
}

/** One entry of a column beside the frame; its text begins with its symbol. */
export interface SideEntry {
  readonly text: string;
  readonly color: string;
}

/** Kernels by name and colour. */
export function kernelEntries(kernels: readonly string[], series: ReadonlyMap<string, Series>): SideEntry[] {
  return kernels.map((kernel) => {
    const { label, color } = series.get(kernel)!;
    return { text: `\u25cf ${label}`, color };
  });
}

/** A column to the right of the frame, its first entry `top` pixels below the frame's upper edge. */
export function sideKey(entries: readonly SideEntry[], top: number): Plot.Markish[] {
  return entries.map(({ text, color }, row) =>
    Plot.text([text], {
      ...{ frameAnchor: 'top-right', textAnchor: 'start', fill: color, dx: 6, dy: top + 17 * row },
    }),
  );
}
