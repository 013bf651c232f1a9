/** What a report is: a way to show Results. */
import type { EstimateView } from './estimates/view.ts';
import type { Finding } from './finding.ts';

/** How to show. */
export interface ReportOptions {
  /** Characters a line of terminal text may hold; unlimited by default. */
  readonly width?: number;
  /** Colours in terminal text; off by default. */
  readonly color?: boolean;
  /**
   * Every kernel at every density, dense ones included, instead of the fastest sparse one of each density; of estimates
   * those too that nothing was held against.
   */
  readonly all?: boolean;
  /** Bootstrap replicates a cell; see `DeriveOptions`. */
  readonly resamples?: number;
}

/** A file that a report consists of; names are made here, never taken from a Result. */
export interface ReportFile {
  readonly name: string;
  readonly text: string;
}

/** One way to show Results, an entry of `report/index.ts`. */
export interface Report {
  readonly name: string;
  readonly description: string;
  /** Extension of the file, without the dot. */
  readonly extension: string;
  /** The whole report as one text, or as several files. At least one finding or estimate is needed. */
  readonly render: (
    findings: readonly Finding[],
    options: ReportOptions,
    estimates: EstimateView,
  ) => string | readonly ReportFile[];
}
