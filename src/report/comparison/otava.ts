/**
 * Head over base as a CSV file for Apache Otava: a column a cell, one row, to be put below those of earlier commits. Read
 * by the importer of apache/otava@1ceb153 as a test of type `csv` with `attributes: [commit]` and each cell a metric with
 * `direction: -1`, since a smaller ratio is the better one.
 */
import { csvField } from '../escape.ts';
import { knownEstimate } from './estimate.ts';
import type { ComparisonReport } from './report.ts';

export const otava: ComparisonReport = {
  name: 'otava',
  description: 'a row for Apache Otava, a column a cell',
  render: (view) => {
    const cells = view.judgement.cells.filter(({ estimate }) => knownEstimate(estimate) !== null);
    const names = ['time', 'commit', ...cells.map(({ of }) => of.id)];
    const commit = view.head.gitCommit ?? view.head.sha256?.slice(0, 12) ?? view.head.label;
    const values = [view.startedAt, commit, ...cells.map(({ estimate }) => estimate!.ratio)];
    return `${names.map(csvField).join(',')}\n${values.map(csvField).join(',')}\n`;
  },
};
