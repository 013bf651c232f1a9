/** The list of charts. A new one is a file and a line here. */
import type { Finding } from '../finding.ts';
import { crossoverCharts } from './crossover.ts';
import { type Chart, type Series, seriesOf } from './figure.ts';
import { heatCharts } from './heat.ts';
import { qualityCharts } from './quality.ts';
import { rooflineCharts } from './roofline.ts';

/** A kind of chart with its heading and how to read it. */
export interface ChartKind {
  readonly name: string;
  readonly title: string;
  readonly caption: string;
  readonly charts: (finding: Finding, series: ReadonlyMap<string, Series>) => Chart[];
}

/** All kinds of chart, in the order of the page. */
export const chartKinds: readonly ChartKind[] = [
  {
    name: 'crossover',
    title: 'Where sparsity pays',
    caption:
      'Speed-up over the fastest healthy dense kernel (dashed line at 1). The vertical line is the crossover of the best kernel at each sparsity, the band its 95 % interval.',
    charts: crossoverCharts,
  },
  {
    name: 'quality',
    title: 'Quality against time',
    caption:
      'Each point is a pruned network: the quality of the model against the time of the layers that the heading names. The line joins those that no other beats in both; rings take the fastest kernel of each layer.',
    charts: qualityCharts,
  },
  {
    name: 'heat',
    title: 'Formats by sparsity',
    caption: 'Speed-up over dense. Blue pays, orange costs.',
    charts: heatCharts,
  },
  {
    name: 'roofline',
    title: 'Roofline',
    caption:
      'Rate against the arithmetic done for each byte that has to move, under the ceilings measured on this machine. Filled: weights hot. Hollow: cold. Grey squares: dense.',
    charts: rooflineCharts,
  },
];

/** The charts of some findings by kind, kinds without charts left out. Series are shared, so colours agree. */
export function chartsOf(
  findings: readonly Finding[],
): { finding: Finding; kind: ChartKind; charts: Chart[] }[] {
  const series = seriesOf(findings);
  return findings.flatMap((finding) =>
    chartKinds.flatMap((kind) => {
      const charts = kind.charts(finding, series);
      return charts.length === 0 ? [] : [{ finding, kind, charts }];
    }),
  );
}
