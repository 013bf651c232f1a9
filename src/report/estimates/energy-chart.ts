/** Energy of a layer as stacked bars, a part a level: one chart an energy table, since no two of them compare. */
import * as Plot from '@observablehq/plot';
import { type Chart, draw } from '../charts/figure.ts';
import { keyOf } from '../charts/key.ts';
import { formatExactPercent, formatNumber } from '../numbers.ts';
import { type EstimatePanel, type EstimateRow, type EstimateView, panelsOf } from './view.ts';

const rowHeight = 17;
const margin = { top: 12, left: 58, right: 62 };
const chartLimit = 24;
/** Most accelerators of one chart, and how many times the least of them the greatest may spend: bars that show parts. */
const groupLimit = 6;
const widestRange = 12;

interface Bar {
  readonly key: string;
  readonly text: string;
  readonly parts: readonly { readonly level: string; readonly energy: number }[];
  readonly total: number;
}

interface Group {
  readonly heading: string;
  readonly bars: readonly Bar[];
  readonly most: number;
}

/** Charts of each panel and energy table: accelerators that spend much apart from those that spend little. */
export function energyCharts(view: EstimateView): Chart[] {
  const charts = panelsOf(view).flatMap((panel) => {
    const tables = [...new Set(panel.rows.flatMap(({ record }) => record.energy?.table ?? []))];
    return tables.flatMap((table) => {
      const { unit, groups } = groupsOf(panel, table);
      const parts = partsOf(groups);
      return parts.map((part, at) => {
        const which = parts.length === 1 ? [] : [`part ${at + 1} of ${parts.length}`];
        return { title: [titleOf(panel, table), ...which].join(', '), unit, groups: part };
      });
    });
  });
  return charts.slice(0, chartLimit).map((chart, index) => energyChart(chart, index));
}

/** The accelerators of a panel that one table prices, in a unit that keeps the numbers short. */
function groupsOf(panel: EstimatePanel, table: string): { unit: string; groups: Group[] } {
  const rows = panel.rows.filter(({ record }) => record.energy?.table === table);
  const unit = rows[0]!.record.energy!.unit === 'pJ' ? 'uJ' : 'million multiplications';
  const accelerators = new Map(rows.map(({ accelerator }) => [accelerator.name, accelerator]));
  const groups = [...accelerators.values()].map(({ name, evidence }) => {
    const own = rows.filter(({ accelerator }) => accelerator.name === name);
    const bars = barsOf(own);
    const most = Math.max(...bars.map(({ total }) => total), Number.MIN_VALUE);
    const heading = `${name}, ${evidence === 'calibrated' ? 'calibrated, not validated' : evidence}`;
    return { heading, bars, most };
  });
  return { unit, groups };
}

/** Groups by falling energy, cut where one chart would hold too many or too different ones. */
function partsOf(groups: readonly Group[]): Group[][] {
  const parts: Group[][] = [];
  for (const group of [...groups].sort((a, b) => b.most - a.most)) {
    const part = parts.at(-1);
    const fits = part !== undefined && part.length < groupLimit && part[0]!.most <= widestRange * group.most;
    if (fits) part.push(group);
    else parts.push([group]);
  }
  return parts;
}

function titleOf({ names, shape: { m, k, n }, activationDensity }: EstimatePanel, table: string): string {
  return [
    `${names.slice(0, 2).join(' ')} ${m}x${k}x${n}`.trim(),
    `energy table ${table}`,
    ...(activationDensity === 1 ? [] : [`inputs ${formatExactPercent(1 - activationDensity)} % zeros`]),
  ].join(', ');
}

/** A bar a density, the mean over the seeds, in millions; in the order of the sparsities. */
function barsOf(rows: readonly EstimateRow[]): Bar[] {
  const byDensity = new Map<string, EstimateRow[]>();
  const [first] = rows;
  for (const row of rows) {
    const key = formatExactPercent(1 - Math.round(100 * row.record.layer.weightDensity) / 100);
    byDensity.set(key, [...(byDensity.get(key) ?? []), row]);
  }
  return [...byDensity]
    .sort(([a], [b]) => Number(a) - Number(b))
    .map(([sparsity, own]) => {
      const parts = own[0]!.record.energy!.levels.map(({ level }, at) => ({
        level,
        energy:
          own.reduce((sum, { record }) => sum + record.energy!.levels[at]!.energy, 0) / own.length / 1e6,
      }));
      const total = parts.reduce((sum, { energy }) => sum + energy, 0);
      return { key: `${first!.accelerator.name} ${sparsity}`, text: `${sparsity} %`, parts, total };
    });
}

function energyChart(
  { title, unit, groups }: { title: string; unit: string; groups: readonly Group[] },
  index: number,
): Chart {
  const bars = groups.flatMap((group) => group.bars);
  const levels = [...new Set(bars.flatMap(({ parts }) => parts.map(({ level }) => level)))];
  const colorOf = (level: string): string => `var(--s${levels.indexOf(level) % 6})`;
  // Six colours, then the same paler, then paler still.
  const opacityOf = (level: string): number => [1, 0.55, 0.28][Math.floor(levels.indexOf(level) / 6) % 3]!;
  const key = keyOf(
    levels.map((level) => ({ text: level, color: colorOf(level), opacity: opacityOf(level) })),
  );
  const marginBottom = 46 + key.height;
  const domain = groups.flatMap(({ heading, bars: own }) => [heading, ...own.map((bar) => bar.key)]);
  const height = margin.top + marginBottom + rowHeight * domain.length;
  const most = Math.max(...groups.map((group) => group.most));
  const parts = bars.flatMap((bar) => bar.parts.map((part) => ({ ...part, key: bar.key, total: bar.total })));
  const svg = draw(`Energy: ${title}`, {
    height,
    ...{ marginTop: margin.top, marginBottom, marginLeft: margin.left, marginRight: margin.right },
    x: { domain: [0, most], label: null },
    y: { type: 'band', domain, label: null, axis: null, paddingInner: 0.2 },
    marks: [
      Plot.gridX({ stroke: 'var(--grid)', strokeOpacity: 1, ticks: 4 }),
      Plot.axisX({ ticks: 4, label: `${unit} a layer`, labelArrow: 'none', labelOffset: 32 }),
      Plot.barX(parts, {
        ...{ x: 'energy', y: 'key' },
        fill: ({ level }) => colorOf(level),
        fillOpacity: ({ level }) => opacityOf(level),
        title: ({ level, energy, total }) =>
          `${level}: ${formatNumber(energy)} ${unit}, ${Math.round((100 * energy) / (total || 1))} %`,
      }),
      Plot.text(groups, {
        ...{ x: () => 0, y: 'heading', text: 'heading', textAnchor: 'start', fontWeight: 600 },
        dx: 8 - margin.left,
      }),
      Plot.text(bars, { x: () => 0, y: 'key', text: 'text', textAnchor: 'end', dx: -6 }),
      Plot.text(bars, {
        ...{
          x: 'total',
          y: 'key',
          text: ({ total }: Bar) => formatNumber(total),
          textAnchor: 'start',
          dx: 5,
        },
      }),
      key.mark(50),
    ],
  });
  return { name: `energy-${index + 1}`, title, svg };
}
