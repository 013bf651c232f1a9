/**
 * Head's times for github-action-benchmark, tool `customSmallerIsBetter`. Accepted by the schema in `src/extract.ts` of
 * benchmark-action/github-action-benchmark@c38cce9, which refuses an empty list.
 */
import { plainText } from '../escape.ts';
import type { ComparisonReport } from './report.ts';

export const customSmallerIsBetter: ComparisonReport = {
  name: 'custom-smaller-is-better',
  description: "head's times for github-action-benchmark",
  render: (view) => {
    const entries = view.judgement.cells.flatMap(({ of, headNs, estimate }) => {
      if (headNs === null || estimate === null) return [];
      const [low, high] = estimate.bootstrap;
      return [
        {
          name: plainText(of.id),
          unit: 'ns',
          value: headNs,
          range: `± ${((100 * (high - low)) / 2).toFixed(2)} %`,
          extra: `head / base ${estimate.ratio.toFixed(4)} (${low.toFixed(4)}-${high.toFixed(4)})`,
        },
      ];
    });
    return `${JSON.stringify(entries, null, 2)}\n`;
  },
};
