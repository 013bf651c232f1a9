/** The list of charts of estimates. A new one is a file and a line here. */
import type { Chart } from '../charts/figure.ts';
import type { Finding } from '../finding.ts';
import { energyCharts } from './energy-chart.ts';
import { rooflineCharts } from './roofline-chart.ts';
import { speedupCharts } from './speedup-chart.ts';
import type { EstimateView } from './view.ts';

/** A kind of chart with its heading and how to read it. */
export interface EstimateChartKind {
  readonly name: string;
  readonly title: string;
  readonly caption: string;
  readonly charts: (view: EstimateView, findings: readonly Finding[]) => Chart[];
}

/** All kinds, in the order of the page. */
export const estimateChartKinds: readonly EstimateChartKind[] = [
  {
    name: 'estimates',
    title: 'Where sparsity would pay: hardware that is not here',
    caption:
      'Estimated speed-up of each accelerator over its own baseline, which the table of accelerators names; thick: measured on this machine, over its fastest healthy dense kernel. Lines are drawn by their evidence: dashed ones are calibrated, which is not a validation. Hollow points: statistics that counting found more than 10 % off.',
    charts: speedupCharts,
  },
  {
    name: 'energy',
    title: 'Energy a level',
    caption:
      'Energy of one layer by the level that spends it. A chart has one energy table: prices of two tables differ by up to ten times for the same memory and are never to be compared.',
    charts: energyCharts,
  },
  {
    name: 'accelerator-roofline',
    title: 'Rooflines of accelerators',
    caption:
      'Effectual multiplications a second against those for each byte that a level moves, under the multipliers and bandwidths of the accelerator. Only accelerators whose bandwidth is known have one.',
    charts: (view) => rooflineCharts(view),
  },
];

/** The charts of a view by kind, kinds without charts left out. */
export function estimateChartsOf(
  view: EstimateView,
  findings: readonly Finding[],
): { kind: EstimateChartKind; charts: Chart[] }[] {
  return estimateChartKinds.flatMap((kind) => {
    const charts = kind.charts(view, findings);
    return charts.length === 0 ? [] : [{ kind, charts }];
  });
}
