/** The front of a design space for people: table, page and picture. */
import { htmlText } from '../escape.ts';
import { tableSection } from '../html.ts';
import { gallery, page, section } from '../page.ts';
import { standalone } from '../svg.ts';
import type { Table } from '../tables.ts';
import { type FrontPicture, frontChart } from './front-chart.ts';

/** The page: chart, sentences, every design of the front. `words` are sentences. */
export function frontPage(picture: FrontPicture, table: Table, words: readonly string[]): string {
  const chart = frontChart(picture);
  const sentences = words.map((line) => `<p>${htmlText(line)}</p>`).join('');
  const blocks = [
    section(
      'Time against cost',
      `<p>Every point is a design that no other of the space beats in both. Ringed: the fastest, the cheapest, and the one of the least product of both.</p>${chart === null ? '' : gallery([chart])}`,
    ),
    section('What was explored', sentences),
    tableSection(table),
  ];
  return page(`sparsemark: ${picture.title}`, picture.title, blocks.join('\n'));
}

/** The chart as the text of an SVG file; null where no design has both a time and a cost. */
export function frontSvg(picture: FrontPicture): string | null {
  const chart = frontChart(picture);
  return chart === null ? null : standalone(chart.svg);
}
