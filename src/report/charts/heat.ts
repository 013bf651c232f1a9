/** Heat map of speed-ups: kernels and patterns down, sparsities across. */
import * as Plot from '@observablehq/plot';
import type { Group, Setting } from '../derive.ts';
import { type Finding, isHeadline } from '../finding.ts';
import { formatExactPercent, formatRatio } from '../numbers.ts';
import { shortPatternWords } from '../words.ts';
import { panelLimit } from './crossover.ts';
import { type Chart, chartWidth, draw, type Series, shortened, textWidth } from './figure.ts';

const rowHeight = 26;
const marginRight = 6;

/** One map an op, shape, cache state and thread count. */
export function heatCharts(finding: Finding, series: ReadonlyMap<string, Series>): Chart[] {
  const maps = new Map<string, Group[]>();
  for (const group of finding.groups) {
    if (group.dense || group.speedup === null) continue;
    const { op, m, k, n, cache, threads } = group.setting;
    const key = [op, m, k, n, cache, threads].join(' ');
    maps.set(key, [...(maps.get(key) ?? []), group]);
  }
  const ordered = [...maps.values()].sort(
    (a, b) => Number(isHeadline(b[0]!.setting)) - Number(isHeadline(a[0]!.setting)),
  );
  return ordered.slice(0, panelLimit).map((groups, index) => heatChart(groups, index, series));
}

function heatChart(groups: readonly Group[], index: number, series: ReadonlyMap<string, Series>): Chart {
  const { setting } = groups[0]!;
  const patterns = shortPatternWords(groups.map((group) => group.setting.label));
  const data = ofRoundDensities(groups).map((group) => ({
    x: formatExactPercent(1 - group.density),
    y: `${group.setting.label} ${group.kernel}`,
    row: `${shortened(patterns.get(group.setting.label)!)}, ${series.get(group.kernel)!.label}`,
    speedup: group.speedup!,
    color: heatColor(group.speedup!),
    density: group.density,
  }));
  const columns = [...new Map(data.map(({ x, density }) => [x, density])).entries()].sort(
    (a, b) => b[1] - a[1],
  );
  const left = 12 + Math.max(...data.map(({ row }) => textWidth(row)));
  const step = (chartWidth - left - marginRight) / columns.length;
  // Where columns are narrow, every second, third, ... is named, the last one always.
  const every = Math.ceil((Math.max(...columns.map(([name]) => textWidth(name))) + 4) / step);
  const named = columns.filter((_, index) => (columns.length - 1 - index) % every === 0);
  // Rows go by what identifies them: shortened names may coincide.
  const rows = new Map(data.map(({ y, row }) => [y, row]));
  const title = place(setting);
  const svg = draw(`Speed-up over dense: ${title}`, {
    height: rows.size * rowHeight + 62,
    marginTop: 6,
    marginBottom: 44,
    marginLeft: left,
    marginRight,
    x: { type: 'band', domain: columns.map(([name]) => name), padding: 0.04 },
    y: { type: 'band', domain: [...rows.keys()], padding: 0.08 },
    color: { type: 'identity' },
    marks: [
      Plot.axisX(
        named.map(([name]) => name),
        { label: 'sparsity, %', labelArrow: 'none', labelAnchor: 'center', tickSize: 0 },
      ),
      Plot.axisY({ label: null, tickSize: 0, tickFormat: (key: string) => rows.get(key) ?? key }),
      Plot.cell(data, { x: 'x', y: 'y', fill: (d) => d.color.fill, rx: 2 }),
      Plot.text(data, {
        x: 'x',
        y: 'y',
        text: (d) => ratioWithin(d.speedup, step),
        fill: (d) => d.color.text,
      }),
    ],
  });
  return { name: `heat-${index + 1}`, title, svg };
}

/**
 * The groups at the densities of the suite. What a run adds inside a crossover's bracket has odd densities, each in a
 * column of its own: they are left out of every row that has others.
 */
function ofRoundDensities(groups: readonly Group[]): readonly Group[] {
  const isRound = ({ density }: Group) => Number(density.toPrecision(2)) === density;
  const rowOf = ({ setting, kernel }: Group) => `${setting.label} ${kernel}`;
  const rows = new Set(groups.filter(isRound).map(rowOf));
  return groups.filter((group) => isRound(group) || !rows.has(rowOf(group)));
}

/** A speed-up with as many decimals as its cell has room for. */
function ratioWithin(speedup: number, width: number): string {
  const texts = [formatRatio(speedup), speedup.toFixed(1), speedup.toFixed(0)];
  return texts.find((each) => textWidth(each) <= width) ?? texts[2]!;
}

function place({ op, m, k, n, cache, threads }: Setting): string {
  return `${op} ${m}x${k}x${n}, weights ${cache}${threads === 1 ? '' : `, ${threads} threads`}`;
}

/** Speed-up at which the colour is full. */
const fullAt = 8;

/**
 * Colour of a speed-up: blue where it pays, vermillion where it costs, pale grey at 1, by the logarithm. The same in
 * light and dark, with the text colour that contrasts.
 */
function heatColor(speedup: number): { fill: string; text: string } {
  const share = Math.max(-1, Math.min(1, Math.log(speedup) / Math.log(fullAt)));
  const neutral = [232, 232, 235];
  const end = share > 0 ? [0, 92, 150] : [190, 80, 0];
  const mixed = neutral.map((from, c) => Math.round(from + (end[c]! - from) * Math.sqrt(Math.abs(share))));
  const luminance = 0.2126 * mixed[0]! + 0.7152 * mixed[1]! + 0.0722 * mixed[2]!;
  return { fill: `rgb(${mixed.join(',')})`, text: luminance > 140 ? '#111111' : '#ffffff' };
}
