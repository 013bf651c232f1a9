/** What the gate was found to do on a machine, in words and as a table. */
import { binomialBounds } from '../../statistics.ts';
import type { Selftest, SelftestRow } from '../../terms/comparison.ts';

const percent = (share: number): string => `${Number((100 * share).toFixed(1))} %`;

const nameOf = ({ kind, injectedSlowdown }: SelftestRow): string =>
  ({ same: 'the same file', relinked: 'linked in another order' })[kind as string] ??
  `${percent(injectedSlowdown)} slower`;

/** A row each kind of head; bounds are exact, one-sided, of 95 %. */
export function selftestTable({ rows }: Selftest): readonly (readonly string[])[] {
  const body = rows.map((row) => {
    const [low, high] = binomialBounds(row.failed, row.runs);
    const bound = row.kind === 'slower' ? `at least ${percent(low)}` : `at most ${percent(high)}`;
    return [nameOf(row), `${row.failed} of ${row.runs}`, bound, String(row.voided), String(row.inconclusive)];
  });
  return [['head', 'called slower', 'true rate (95 %)', 'void', 'inconclusive'], ...body];
}

/** What was tested, where and when. */
export function selftestLines(found: Selftest): readonly string[] {
  return [
    `Self-test of the gate on this machine: one cell of ${found.suite} and its controls a run, intervals corrected for ${found.cellCount} cells,`,
    `threshold ${percent(found.threshold)}, margin ${percent(found.margin)}, ${found.budgetSeconds} s a run, ${found.startedAt.slice(0, 10)}, sparsemark ${found.version}.`,
  ];
}

/** The same in one line, for the reports of comparisons. */
export function selftestSentence(found: Selftest | null): string {
  if (found === null)
    return 'self-test: none on this machine, so what it misses and what it invents here is not known (sparsemark selftest)';
  const identical = found.rows.filter(({ kind }) => kind !== 'slower');
  const sum = (of: (row: SelftestRow) => number): number =>
    identical.reduce((total, row) => total + of(row), 0);
  const [runs, failed] = [sum((row) => row.runs), sum((row) => row.failed)];
  const parts = found.rows
    .filter(({ kind }) => kind === 'slower')
    .map((row) => `${percent(row.injectedSlowdown)} slower found in ${row.failed} of ${row.runs}`);
  const alarms =
    runs === 0
      ? []
      : [
          `identical code called slower in ${failed} of ${runs} (at most ${percent(binomialBounds(failed, runs)[1])})`,
        ];
  return `self-test of ${found.startedAt.slice(0, 10)} on this machine: ${[...alarms, ...parts].join(', ')}`;
}
