/** The cells of a comparison as a table. */

import type { Interval } from '../../statistics.ts';
import type { JudgedCell, Verdict } from '../../terms/comparison.ts';
import { formatTime } from '../numbers.ts';
import type { Entry, Table, Tone } from '../tables.ts';
import { knownInterval } from './estimate.ts';

const tones: Readonly<Partial<Record<Verdict, Tone>>> = {
  wrong: 'bad',
  missing: 'bad',
  slower: 'bad',
  inconclusive: 'warn',
  faster: 'good',
};

/** A ratio to a thousandth; `-` where there is none. */
const ratioText = (ratio: number): string => (Number.isFinite(ratio) ? ratio.toFixed(3) : '-');
const intervalText = (interval: Interval): string => knownInterval(interval)?.map(ratioText).join('-') ?? '-';
const timeEntry = (timeNs: number | null): Entry =>
  timeNs === null ? { text: '-' } : { text: formatTime(timeNs), value: timeNs };

/** One row a cell. */
export function comparisonTable(title: string, cells: readonly JudgedCell[]): Table {
  return {
    title,
    columns: [
      { title: 'verdict', unit: '', align: 'left', rank: 0 },
      { title: 'workload', unit: '', align: 'left', rank: 0 },
      { title: 'kernel', unit: '', align: 'left', rank: 0 },
      { title: 'head / base', unit: '', align: 'right', rank: 0 },
      { title: 'interval', unit: '', align: 'right', rank: 1 },
      { title: 'bootstrap', unit: '', align: 'right', rank: 5 },
      { title: 'base', unit: '', align: 'right', rank: 3 },
      { title: 'head', unit: '', align: 'right', rank: 3 },
      { title: 'rounds', unit: '', align: 'right', rank: 4 },
      { title: 'why', unit: '', align: 'left', rank: 2 },
    ],
    rows: cells.map(({ of, verdict, estimate, baseNs, headNs, reason }) => {
      const tone = tones[verdict];
      return [
        { text: verdict, ...(tone === undefined ? {} : { tone }) },
        { text: of.workload },
        { text: `${of.kernel}-${of.isa}-t${of.threads}` },
        estimate === null ? { text: '-' } : { text: ratioText(estimate.ratio), value: estimate.ratio },
        { text: estimate === null ? '-' : intervalText(estimate.interval) },
        { text: estimate === null ? '-' : intervalText(estimate.bootstrap) },
        timeEntry(baseNs),
        timeEntry(headNs),
        { text: estimate === null ? '-' : `${estimate.rounds}` },
        { text: reason },
      ];
    }),
  };
}
