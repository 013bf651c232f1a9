/** The list of reports of a comparison. A new one is a file and a line here. */
import { SparsemarkError } from '../../terms.ts';
import { bencher } from './bencher.ts';
import { customSmallerIsBetter } from './custom-smaller-is-better.ts';
import { github } from './github.ts';
import { googleBenchmark } from './google-benchmark.ts';
import { json } from './json.ts';
import { markdown } from './markdown.ts';
import { otava } from './otava.ts';
import type { ComparisonReport, ComparisonReportOptions } from './report.ts';
import { terminal } from './terminal.ts';
import type { ComparisonView } from './view.ts';

/** All reports. */
export const comparisonReports: readonly ComparisonReport[] = [
  terminal,
  markdown,
  json,
  github,
  googleBenchmark,
  customSmallerIsBetter,
  bencher,
  otava,
];

/** The report of a name. Throws USAGE for a name that there is not. */
export function comparisonReportNamed(name: string): ComparisonReport {
  const found = comparisonReports.find((report) => report.name === name);
  if (found !== undefined) return found;
  throw new SparsemarkError(
    'USAGE',
    `Expected ${comparisonReports.map((report) => report.name).join(', ')} for --as, received "${name}". See: sparsemark compare --help.`,
  );
}

/** One report of a view. */
export function renderComparison(
  name: string,
  view: ComparisonView,
  options: ComparisonReportOptions = {},
): string {
  return comparisonReportNamed(name).render(view, options);
}
