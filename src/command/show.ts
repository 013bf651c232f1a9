/** Rendering a report by its name. */
import { type ReportOptions, renderReport, reportNamed, reports } from '../report/index.ts';
import type { Estimates } from '../terms/estimates.ts';
import { type Result, SparsemarkError } from '../terms.ts';
import { nearestName } from '../workload/nearest-name.ts';

/** One text of a report that is one text. Throws USAGE for an unknown name. */
export function showReport(
  name: string,
  results: readonly (Result & Partial<Estimates>)[],
  options: ReportOptions = {},
): string {
  const shown = showAny(name, results, options);
  if (typeof shown === 'string') return shown;
  throw new SparsemarkError(
    'USAGE',
    `Expected a folder for the report ${name}, which is several files. Give one with --out <folder>.`,
  );
}

/** A report in whatever form it has. Throws USAGE for an unknown name. */
export function showAny(
  name: string,
  results: readonly (Result & Partial<Estimates>)[],
  options: ReportOptions,
): ReturnType<typeof renderReport> {
  const report = reportNamed(name);
  if (report !== undefined) return renderReport(report, results, options);
  const names = reports.map((known) => known.name);
  throw new SparsemarkError(
    'USAGE',
    `Expected one of ${names.join(', ')} for --as, received "${name}". Did you mean "${nearestName(name, names)}"?`,
  );
}
