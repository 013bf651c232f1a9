/** A comparison as JSON: the judgement for programs. The raw rounds are the comparison file itself. */
import { plainText } from '../escape.ts';
import type { ComparisonReport } from './report.ts';
import { sentenceOfComparison } from './view.ts';

export const json: ComparisonReport = {
  name: 'json',
  description: 'the judgement for programs',
  render: (view) => {
    const { judgement, ...of } = view;
    const { cells, controls, ...rest } = judgement;
    const report = {
      comparisonReportVersion: 1,
      sentence: sentenceOfComparison(view),
      ...of,
      ...rest,
      cells,
      controls,
    };
    return `${JSON.stringify(report, printable, 2)}\n`;
  },
};

/** Programs print what they read, so escape sequences end here; an end of an interval that is infinite becomes null. */
function printable(_key: string, value: unknown): unknown {
  return typeof value === 'string' ? plainText(value) : value;
}
