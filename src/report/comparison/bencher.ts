/** Head in Bencher Metric Format: `latency` in nanoseconds, `ratio` of head over base with its 95 % interval, if known. */
import { plainText } from '../escape.ts';
import { knownEstimate, knownInterval } from './estimate.ts';
import type { ComparisonReport } from './report.ts';

export const bencher: ComparisonReport = {
  name: 'bencher',
  description: 'Bencher Metric Format',
  render: (view) => {
    const metrics = view.judgement.cells.flatMap(({ of, headNs, ...cell }) => {
      const estimate = knownEstimate(cell.estimate);
      if (headNs === null || estimate === null) return [];
      const interval = knownInterval(estimate.bootstrap);
      const ends = interval === null ? {} : { lower_value: interval[0], upper_value: interval[1] };
      const ratio = { value: estimate.ratio, ...ends };
      return [[plainText(of.id), { latency: { value: headNs }, ratio }] as const];
    });
    return `${JSON.stringify(Object.fromEntries(metrics), null, 2)}\n`;
  },
};
