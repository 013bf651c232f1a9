/** The list of reports. A new one is a file and a line here. */
import type { Estimates } from '../terms/estimates.ts';
import type { Result } from '../terms.ts';
import { csv } from './csv.ts';
import { estimateViewOf } from './estimates/view.ts';
import { findingsOf } from './finding.ts';
import { html } from './html.ts';
import { json } from './json.ts';
import { latex } from './latex.ts';
import { markdown } from './markdown.ts';
import type { Report, ReportFile, ReportOptions } from './report.ts';
import { svg } from './svg.ts';
import { terminal } from './terminal.ts';

export type { Report, ReportFile, ReportOptions } from './report.ts';

/** All reports. */
export const reports: readonly Report[] = [terminal, markdown, latex, csv, json, html, svg];

/** The report of a name, or undefined. */
export function reportNamed(name: string): Report | undefined {
  return reports.find((report) => report.name === name);
}

/** Derives everything from measured and estimated Results and renders one report. Throws RangeError without a Result. */
export function renderReport(
  report: Report,
  results: readonly (Result & Partial<Estimates>)[],
  options: ReportOptions = {},
): string | readonly ReportFile[] {
  if (results.length === 0) throw new RangeError('Expected at least one result for a report, received none.');
  const measured = results.filter(
    ({ accelerators }) => accelerators === undefined || accelerators.length === 0,
  );
  return report.render(findingsOf(measured, options), options, estimateViewOf(results, options));
}
