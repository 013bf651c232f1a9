/** One series of a history: a dot a commit, a line a level, the commit ranges in which it changed. */
import * as Plot from '@observablehq/plot';
import type { HistorySeries } from '../../terms.ts';
import { type Chart, chartWidth, draw, spread, textWidth } from './figure.ts';

const height = 220;
const margin = { top: 34, right: 30, bottom: 40, left: 52 };

/** The chart of a series of at least one point. */
export function historyChart({ id, points, changes }: HistorySeries, index: number): Chart {
  const ratios = points.map(({ ratio }) => ratio);
  const low = Math.min(...ratios);
  const high = Math.max(...ratios);
  // Two per cent at the least, so that noise does not fill the height.
  const room = Math.max(0.01 * low, (high - low) * 0.06);
  const domain: [number, number] = [low - room, high + room];
  const ends = [0, ...changes.map((change) => change.index), points.length];
  const levels = ends.slice(1).map((end, i) => {
    const level = i === 0 ? changes[0]?.before : changes[i - 1]!.after;
    const y = level === undefined ? middle(ratios) : Math.exp(level);
    return { x1: ends[i]! - 0.5, x2: end - 0.5, y };
  });
  const pixel = (x: number): number =>
    margin.left + ((x + 0.5) / Math.max(1, points.length)) * (chartWidth - margin.left - margin.right);
  const labels = changes.map((change) => {
    const percent = (Math.exp(change.after - change.before) - 1) * 100;
    return {
      text: `${percent > 0 ? '+' : ''}${percent.toFixed(Math.abs(percent) < 9.95 ? 1 : 0)} %`,
      at: change.index - 0.5,
      color: percent > 0 ? 'var(--bad)' : 'var(--good)',
      commit: points[change.index]!.commit.slice(0, 10),
    };
  });
  // Plus and per cent signs are wide: +10 % takes 41 pixels, its five characters are reckoned as 35.
  const gap = Math.max(0, ...labels.map(({ text }) => textWidth(text))) + 12;
  const places = spread(
    labels.map(({ at }) => pixel(at)),
    gap,
    [margin.left + gap / 2, chartWidth - margin.right - gap / 2],
  );
  const svg = draw(`History of ${id}`, {
    height,
    marginTop: margin.top,
    marginRight: margin.right,
    marginBottom: margin.bottom,
    marginLeft: margin.left,
    x: { domain: [-0.5, points.length - 0.5], label: null },
    y: { domain, label: null },
    marks: [
      Plot.gridY({ stroke: 'var(--grid)', strokeOpacity: 1, ticks: 5 }),
      Plot.axisY({ ticks: 5, tickSize: 0, label: 'time / anchor', labelArrow: 'none' }),
      Plot.axisX({
        ticks: commitTicks(points.length),
        tickFormat: (at: number) => points[at]?.commit.slice(0, 7) ?? '',
        label: 'commit →',
        labelArrow: 'none',
      }),
      Plot.ruleX(labels, { x: 'at', stroke: 'color', strokeDasharray: '3 3' }),
      Plot.dot(points, {
        x: (_point: unknown, i: number) => i,
        y: 'ratio',
        r: points.length > 150 ? 1.5 : 2.5,
        fill: 'var(--s0)',
        fillOpacity: 0.6,
        title: ({ commit, ratio, startedAt }: HistorySeries['points'][number]) =>
          `${commit.slice(0, 10)}: ${ratio.toFixed(3)}, ${startedAt}`,
      }),
      Plot.ruleY(levels, { y: 'y', x1: 'x1', x2: 'x2', stroke: 'var(--ink)', strokeWidth: 1.5 }),
      ...labels.map(({ text, color, commit }, i) =>
        Plot.text([text], {
          frameAnchor: 'top-left',
          dx: places[i]! - margin.left,
          dy: -16,
          textAnchor: 'middle',
          fill: color,
          text: (label: string) => label,
          title: () => `first seen in ${commit}`,
        }),
      ),
    ],
    r: { type: 'identity' },
  });
  return { name: `history-${index + 1}`, title: id, svg };
}

/** At most five points, evenly apart: their labels are about 55 pixels wide. */
function commitTicks(count: number): number[] {
  const ticks = Math.min(5, count);
  return Array.from({ length: ticks }, (_, i) => Math.round((i * (count - 1)) / Math.max(1, ticks - 1)));
}

function middle(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return (sorted[(sorted.length - 1) >> 1]! + sorted[sorted.length >> 1]!) / 2;
}
