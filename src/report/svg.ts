/** The charts as SVG files for papers and slides: colours written out, on light paper, no style sheet needed. */
import { palette } from './charts/figure.ts';
import { chartsOf } from './charts/index.ts';
import { estimateChartsOf } from './estimates/charts.ts';
import type { Report } from './report.ts';

/** One file a chart. Names are numbered by the order of the results where there are several. */
export const svg: Report = {
  name: 'svg',
  description: 'each chart as an SVG file',
  extension: 'svg',
  render: (findings, _, estimates) => [
    ...chartsOf(findings).flatMap(({ finding, charts }) =>
      charts.map((chart) => {
        const prefix = findings.length === 1 ? '' : `result-${findings.indexOf(finding) + 1}-`;
        return { name: `${prefix}${chart.name}.svg`, text: standalone(chart.svg) };
      }),
    ),
    ...estimateChartsOf(estimates, findings).flatMap(({ charts }) =>
      charts.map((chart) => ({ name: `${chart.name}.svg`, text: standalone(chart.svg) })),
    ),
  ],
};

/** A chart as a file of its own: renderers outside browsers know no CSS variables, so the light colours are put in. */
export function standalone(text: string): string {
  const colored = text.replace(/var\((--[a-z0-9]+)\)/g, (whole, name: string) => palette[name]?.[0] ?? whole);
  // A chart with dark text needs its paper where the page around it is dark.
  const papered = colored.replace('background:none', `background:${palette['--paper']?.[0] ?? 'white'}`);
  const rooted = papered.replace('<svg ', '<svg xmlns="http://www.w3.org/2000/svg" ');
  return `<?xml version="1.0" encoding="UTF-8"?>\n${rooted}\n`;
}
