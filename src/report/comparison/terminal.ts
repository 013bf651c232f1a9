/** A comparison for a terminal: the answer, where it comes from, the cells that are not the same. */
import picocolors from 'picocolors';
import { plainText } from '../escape.ts';
import { tableText, wrap } from '../terminal.ts';
import type { ComparisonReport } from './report.ts';
import { comparisonTable } from './table.ts';
import { notableCells, provenanceOfComparison, sentenceOfComparison } from './view.ts';

export const terminal: ComparisonReport = {
  name: 'terminal',
  description: 'the answer and an aligned table',
  render: (view, options) => {
    const colors = picocolors.createColors(options.color === true);
    const width = options.width ?? Number.POSITIVE_INFINITY;
    const { exitCode, voided, controls } = view.judgement;
    const paint = exitCode === 0 ? colors.green : exitCode === 2 ? colors.red : colors.yellow;
    const blocks = [
      [
        wrap(plainText(sentenceOfComparison(view)), width, (line) => colors.bold(paint(line))),
        ...provenanceOfComparison(view).map((line) => wrap(plainText(line), width, colors.dim)),
      ].join('\n'),
    ];
    const cells = notableCells(view);
    if (cells.length > 0)
      blocks.push(tableText(comparisonTable('Cells that are not the same', cells), width, colors));
    if (voided || !view.judgement.controlled)
      blocks.push(tableText(comparisonTable('Controls: base against itself', controls), width, colors));
    return `${blocks.join('\n\n')}\n`;
  },
};
