/** Head in Bencher Metric Format: `latency` in nanoseconds, `ratio` of head over base with its 95 % interval. */
import { plainText } from '../escape.ts';
import type { ComparisonReport } from './report.ts';

export const bencher: ComparisonReport = {
  name: 'bencher',
  description: 'Bencher Metric Format',
  render: (view) => {
    const metrics = view.judgement.cells.flatMap(({ of, headNs, estimate }) => {
      if (headNs === null || estimate === null) return [];
      const [lower_value, upper_value] = estimate.bootstrap;
      const ratio = { value: estimate.ratio, lower_value, upper_value };
      return [[plainText(of.id), { latency: { value: headNs }, ratio }] as const];
    });
    return `${JSON.stringify(Object.fromEntries(metrics), null, 2)}\n`;
  },
};
