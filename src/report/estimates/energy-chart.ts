/** Energy of a layer as stacked bars, a part a level: one chart an energy table, since no two of them compare. */
import * as Plot from '@observablehq/plot';
import { type Chart, chartWidth, draw, textWidth } from '../charts/figure.ts';
import { formatExactPercent, formatNumber } from '../numbers.ts';
import { type EstimatePanel, type EstimateRow, type EstimateView, panelsOf } from './view.ts';

const rowHeight = 17;
const margin = { top: 12, left: 58, right: 62 };
const panelLimit = 12;

interface Bar {
  readonly key: string;
  readonly text: string;
  readonly parts: readonly { readonly level: string; readonly energy: number }[];
  readonly total: number;
}

/** One chart a panel and energy table. */
export function energyCharts(view: EstimateView): Chart[] {
  const charts = panelsOf(view).flatMap((panel) => {
    const tables = [...new Set(panel.rows.flatMap(({ record }) => record.energy?.table ?? []))];
    return tables.map((table) => ({ panel, table }));
  });
  return charts.slice(0, panelLimit).map(({ panel, table }, index) => energyChart(panel, table, index));
}

/** A bar a density, the mean over the seeds; in the order of the sparsities. */
function barsOf(rows: readonly EstimateRow[], unitScale: number): Bar[] {
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
          own.reduce((sum, { record }) => sum + record.energy!.levels[at]!.energy, 0) /
          own.length /
          unitScale,
      }));
      const total = parts.reduce((sum, { energy }) => sum + energy, 0);
      return { key: `${first!.accelerator.name} ${sparsity}`, text: `${sparsity} %`, parts, total };
    });
}

function energyChart(panel: EstimatePanel, table: string, index: number): Chart {
  const rows = panel.rows.filter(({ record }) => record.energy?.table === table);
  const { unit } = rows[0]!.record.energy!;
  const [scale, unitText] = unit === 'pJ' ? [1e6, 'uJ'] : [1, 'multiplications'];
  const accelerators = [...new Map(rows.map(({ accelerator }) => [accelerator.name, accelerator])).values()];
  const groups = accelerators.map(({ name, evidence }) => ({
    heading: `${name}, ${evidence === 'calibrated' ? 'calibrated, not validated' : evidence}`,
    bars: barsOf(
      rows.filter(({ accelerator }) => accelerator.name === name),
      scale,
    ),
  }));
  const bars = groups.flatMap((group) => group.bars);
  const levels = [...new Set(bars.flatMap(({ parts }) => parts.map(({ level }) => level)))];
  const colorOf = (level: string): string => `var(--s${levels.indexOf(level) % 6})`;
  const opacityOf = (level: string): number => (levels.indexOf(level) < 6 ? 1 : 0.5);
  // Names of the levels in as many lines as they need.
  const key: { level: string; x: number; line: number }[] = [];
  let [x, line] = [8, 0];
  for (const level of levels) {
    const width = 26 + textWidth(level);
    if (x > 8 && x + width > chartWidth) [x, line] = [8, line + 1];
    key.push({ level, x, line });
    x += width;
  }
  const marginBottom = 42 + 18 * (line + 1);
  const domain = groups.flatMap(({ heading, bars: own }) => [heading, ...own.map((bar) => bar.key)]);
  const height = margin.top + marginBottom + rowHeight * domain.length;
  const most = Math.max(...bars.map(({ total }) => total), Number.MIN_VALUE);
  const { m, k, n } = panel.shape;
  const title = [
    `${panel.names.slice(0, 2).join(' ')} ${m}x${k}x${n}`.trim(),
    `energy table ${table}`,
    ...(panel.activationDensity === 1
      ? []
      : [`inputs ${formatExactPercent(1 - panel.activationDensity)} % zeros`]),
  ].join(', ');
  const parts = bars.flatMap((bar) => bar.parts.map((part) => ({ ...part, key: bar.key, total: bar.total })));
  const inner = chartWidth - margin.left - margin.right;
  const pixelX = (pixel: number): number => ((pixel - margin.left) / inner) * most;
  const svg = draw(`Energy: ${title}`, {
    height,
    ...{ marginTop: margin.top, marginBottom, marginLeft: margin.left, marginRight: margin.right },
    x: { domain: [0, most], label: null },
    y: { type: 'band', domain, label: null, axis: null, paddingInner: 0.2 },
    marks: [
      Plot.gridX({ stroke: 'var(--grid)', strokeOpacity: 1, ticks: 4 }),
      Plot.axisX({ ticks: 4, label: `${unitText} a layer`, labelArrow: 'none', labelOffset: 32 }),
      Plot.barX(parts, {
        ...{ x: 'energy', y: 'key' },
        fill: ({ level }) => colorOf(level),
        fillOpacity: ({ level }) => opacityOf(level),
        title: ({ level, energy, total }) =>
          `${level}: ${formatNumber(energy)} ${unitText}, ${Math.round((100 * energy) / (total || 1))} %`,
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
      // Rows of the key lie under the axis: pixels, as distances from the lowest bar.
      ...key.flatMap(({ level, x: at, line: row }) => {
        const dy = rowHeight / 2 + 46 + 18 * row;
        const y = domain.at(-1)!;
        return [
          Plot.dot([0], {
            ...{ x: () => pixelX(at + 6), y: () => y, dy, r: 5, symbol: 'square', fill: colorOf(level) },
            fillOpacity: opacityOf(level),
          }),
          Plot.text([0], {
            x: () => pixelX(at + 15),
            y: () => y,
            dy,
            text: () => level,
            textAnchor: 'start',
          }),
        ];
      }),
    ],
  });
  return { name: `energy-${index + 1}`, title, svg };
}
