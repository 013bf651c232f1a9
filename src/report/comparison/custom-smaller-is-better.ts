/**
 * Head's times for github-action-benchmark, tool `customSmallerIsBetter`. Accepted by the schema in `src/extract.ts` of
 * benchmark-action/github-action-benchmark@c38cce9, which refuses an empty list.
 */
import { plainText } from '../escape.ts';
import { knownEstimate, knownInterval } from './estimate.ts';
import type { ComparisonReport } from './report.ts';

export const customSmallerIsBetter: ComparisonReport = {
  name: 'custom-smaller-is-better',
  description: "head's times for github-action-benchmark",
  render: (view) => {
    const entries = view.judgement.cells.flatMap(({ of, headNs, ...cell }) => {
      const estimate = knownEstimate(cell.estimate);
      if (headNs === null || estimate === null) return [];
      const entry = { name: plainText(of.id), unit: 'ns', value: headNs };
      const extra = `head / base ${estimate.ratio.toFixed(4)}`;
      const interval = knownInterval(estimate.bootstrap);
      if (interval === null) return [{ ...entry, extra: `${extra} (too few samples for an interval)` }];
      const [low, high] = interval;
      return [
        {
          ...entry,
          range: `± ${((100 * (high - low)) / 2).toFixed(2)} %`,
          extra: `${extra} (${low.toFixed(4)}-${high.toFixed(4)})`,
        },
      ];
    });
    return `${JSON.stringify(entries, null, 2)}\n`;
  },
};
