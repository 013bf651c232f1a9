/** The interface that each report of a comparison implements. */
import type { ComparisonView } from './view.ts';

/** Where it is drawn. */
export interface ComparisonReportOptions {
  /** Columns; absent: as many as it needs. */
  readonly width?: number;
  readonly color?: boolean;
}

/** One way of showing a comparison. Files and labels are untrusted: each report escapes them for its own format. */
export interface ComparisonReport {
  readonly name: string;
  readonly description: string;
  readonly render: (view: ComparisonView, options: ComparisonReportOptions) => string;
}
