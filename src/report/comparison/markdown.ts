/** A comparison as GitHub-flavoured Markdown, for a comment on a pull request. */
import { markdownLine } from '../escape.ts';
import { tableBlocks } from '../markdown.ts';
import type { ComparisonReport } from './report.ts';
import { comparisonTable } from './table.ts';
import { notableCells, provenanceOfComparison, sentenceOfComparison } from './view.ts';

/** Rows that a comment shows at most: GitHub cuts a comment off at 65,536 characters. */
const mostRows = 100;

export const markdown: ComparisonReport = {
  name: 'markdown',
  description: 'for a comment on a pull request',
  render: (view) => {
    const cells = notableCells(view);
    const shown = comparisonTable('Cells that are not the same', cells.slice(0, mostRows));
    const controls = comparisonTable('Controls: base against itself', view.judgement.controls);
    const mark = { 0: '✅', 2: '❌' }[view.judgement.exitCode] ?? '⚠️';
    return `${[
      `${mark} **${markdownLine(sentenceOfComparison(view))}**`,
      ...tableBlocks(shown, '###'),
      ...(cells.length > mostRows ? [`${cells.length - mostRows} more are in the JSON report.`] : []),
      '<details><summary>How it was measured</summary>',
      provenanceOfComparison(view)
        .map((line) => `- ${markdownLine(line)}`)
        .join('\n'),
      ...tableBlocks(controls, '###'),
      '</details>',
    ].join('\n\n')}\n`;
  },
};
