/** A comparison as workflow commands of GitHub Actions: an annotation for each finding. */
import type { JudgedCell } from '../../terms/comparison.ts';
import { plainText } from '../escape.ts';
import type { ComparisonReport } from './report.ts';
import { changeWords, notableCells, sentenceOfComparison } from './view.ts';

/** Annotations of a kind that GitHub shows of one step. */
const mostAnnotations = 10;

/** Text of a workflow command: nothing of it ends the command or begins another. */
const messageText = (text: string): string => plainText(text.replace(/[\r\n]+/g, ' ')).replace(/%/g, '%25');
const propertyText = (text: string): string => messageText(text).replace(/:/g, '%3A').replace(/,/g, '%2C');

export const github: ComparisonReport = {
  name: 'github',
  description: 'annotations of GitHub Actions',
  render: (view) => {
    const { exitCode, voided } = view.judgement;
    const line = (level: string, title: string, text: string): string =>
      `::${level} title=${propertyText(title)}::${messageText(text)}`;
    const level = { 0: 'notice', 2: 'error' }[exitCode] ?? 'warning';
    const found = notableCells(view).filter(
      ({ verdict }) => verdict === 'wrong' || verdict === 'missing' || (verdict === 'slower' && !voided),
    );
    const lines = found
      .slice(0, mostAnnotations - 1)
      .map((cell) => line('error', `${cell.verdict}: ${cell.of.kernel}`, cellText(cell)));
    return `${[line(level, `sparsemark compare, ${view.suite}`, sentenceOfComparison(view)), ...lines].join('\n')}\n`;
  },
};

function cellText({ of, verdict, estimate, reason }: JudgedCell): string {
  if (verdict !== 'slower' || estimate === null) return `${of.id}: ${reason}`;
  const [low, high] = estimate.interval;
  return `${of.id}: ${changeWords(estimate.ratio)} slower (${low.toFixed(3)}-${high.toFixed(3)})`;
}
