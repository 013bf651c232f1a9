/** What the reports of a comparison show, of two libraries measured in turns as of two result files. */

import type { ComparedSide, Comparison, JudgedCell, Judgement, Selftest } from '../../terms/comparison.ts';
import type { Result } from '../../terms.ts';
import { selftestSentence } from './selftest.ts';

/** One side in words. */
export interface SideView {
  readonly label: string;
  /** `name version` of the library; of a result file those that it measured. */
  readonly library: string;
  readonly gitCommit: string | null;
  /** Of the library's file; null for a result file. */
  readonly sha256: string | null;
}

/** A comparison with its judgement, as the reports draw it. Nothing of it is escaped. */
export interface ComparisonView {
  readonly suite: string;
  readonly startedAt: string;
  readonly machine: { readonly name: string; readonly fingerprint: string; readonly cores: number };
  readonly base: SideView;
  readonly head: SideView;
  readonly threshold: number;
  readonly margin: number;
  /** Of all intervals together. */
  readonly confidence: number;
  readonly judgement: Judgement;
  /** What the gate was last found to do on this machine; absent for two result files, which no gate measured. */
  readonly selftest?: Selftest | null;
}

/** A comparison and what follows from it. */
export function viewOfComparison(comparison: Comparison, judgement: Judgement): ComparisonView {
  const { suite, machine, base, head, protocol, startedAt } = comparison.header;
  const { threshold, margin, confidence } = protocol;
  const side = ({ label, gitCommit, library }: ComparedSide): SideView => ({
    label,
    library: `${library.name} ${library.version}`,
    gitCommit,
    sha256: library.sha256,
  });
  return {
    suite: `${suite.name} ${suite.version}`,
    startedAt,
    machine: { name: machine.cpuBrand, fingerprint: machine.fingerprint, cores: machine.cores },
    base: side(base),
    head: side(head),
    threshold,
    margin,
    confidence,
    judgement,
    selftest: comparison.header.selftest,
  };
}

/** Two result files and what follows from them. `paths`: of base and head. */
export function viewOfResults(
  base: Result,
  head: Result,
  paths: readonly [base: string, head: string],
  protocol: Pick<ComparisonView, 'threshold' | 'margin'>,
  judgement: Judgement,
): ComparisonView {
  const { suite, machine, startedAt } = head.header;
  const side = ({ header }: Result, label: string): SideView => ({
    label,
    library: header.libraries.map(({ name, version }) => `${name} ${version}`).join(', '),
    gitCommit: null,
    sha256: null,
  });
  return {
    suite: `${suite.name} ${suite.version}`,
    startedAt,
    machine: { name: machine.cpuBrand, fingerprint: machine.fingerprint, cores: machine.cores },
    base: side(base, paths[0]),
    head: side(head, paths[1]),
    ...protocol,
    confidence: 0.95,
    judgement,
  };
}

const plural = (count: number, one: string, many: string): string => `${count} ${count === 1 ? one : many}`;

/** How much longer head takes, in words: `12 %`, `0.4 %`. */
export function changeWords(ratio: number): string {
  const percent = 100 * Math.abs(ratio - 1);
  return `${Number(percent.toFixed(percent < 10 ? 1 : 0))} %`;
}

/** The answer in a sentence, worst thing first. */
export function sentenceOfComparison({ judgement, selftest }: ComparisonView): string {
  const isMeasured = selftest !== undefined;
  const { counts, cells, controls, voided, controlled } = judgement;
  // Result files are finished: they can only be measured anew.
  const more = isMeasured ? 'Raise --budget' : 'Measure again with a larger --budget';
  const said: string[] = [];
  let isInconclusiveSaid = false;
  if (counts.wrong > 0) said.push(`${plural(counts.wrong, 'cell answers', 'cells answer')} wrongly in head.`);
  if (counts.missing > 0) said.push(`${plural(counts.missing, 'cell is', 'cells are')} missing in head.`);
  const flagged = controls.filter(({ verdict }) => verdict === 'slower' || verdict === 'faster').length;
  if (voided) {
    said.push(
      `Void: identical code differed in ${flagged} of ${controls.length} control cells, so no time counts. Repeat on a quieter machine.`,
    );
    return said.join(' ');
  }
  if (counts.slower > 0) {
    const worst = cells
      .filter(({ verdict }) => verdict === 'slower')
      .reduce((one, other) => (other.estimate!.ratio > one.estimate!.ratio ? other : one));
    said.push(
      `${counts.slower} of ${plural(cells.length, 'cell', 'cells')} ${counts.slower === 1 ? 'is' : 'are'} slower, the most by ${changeWords(worst.estimate!.ratio)}: ${worst.of.id}.`,
    );
  } else if (!controlled) {
    said.push(`No verdict: most control cells could not be measured well enough. ${more}.`);
  } else if (judgement.exitCode === 3) {
    isInconclusiveSaid = true;
    said.push(
      `No verdict: ${counts.inconclusive} of ${plural(cells.length, 'cell', 'cells')} inconclusive. ${more}, or repeat on a quieter machine.`,
    );
  } else {
    said.push(`No cell of ${cells.length} is slower.`);
  }
  const rest = (['faster', 'same', 'inconclusive', 'new'] as const)
    .filter((verdict) => counts[verdict] > 0 && !(verdict === 'inconclusive' && isInconclusiveSaid))
    .map((verdict) => `${counts[verdict]} ${verdict}`);
  if (rest.length > 0) said.push(`${rest.join(', ')}.`);
  return said.join(' ');
}

/** What was compared, where and how, one line each. */
export function provenanceOfComparison(view: ComparisonView): readonly string[] {
  const { base, head, judgement, margin, threshold } = view;
  const side = (name: string, { label, library, gitCommit, sha256 }: SideView): string =>
    [
      `${name}: ${label}`,
      ...(gitCommit === null ? [] : [`commit ${gitCommit.slice(0, 10)}`]),
      library,
      ...(sha256 === null ? [] : [`sha256 ${sha256.slice(0, 12)}`]),
    ].join(', ');
  const controls = judgement.controls.filter(({ verdict }) => verdict === 'same').length;
  return [
    side('base', base),
    side('head', head),
    `suite ${view.suite} on ${view.machine.name}, ${view.startedAt.slice(0, 10)}; intervals hold together with ${100 * view.confidence} %, those of the bootstrap each by itself`,
    `slower: the whole interval above ${1 + margin}${judgement.controls.length > 0 ? ' in two measurements' : ''}; the same: by itself within ${100 * threshold} %${
      judgement.controls.length > 0 ? `; ${controls} of ${judgement.controls.length} controls the same` : ''
    }`,
    ...(view.selftest === undefined ? [] : [selftestSentence(view.selftest)]),
    ...judgement.notes,
  ];
}

/** The cells worth a line, findings first, the largest change first: all but `same`. */
export function notableCells({ judgement }: ComparisonView): readonly JudgedCell[] {
  const order = ['wrong', 'missing', 'slower', 'inconclusive', 'faster', 'new'];
  const size = ({ estimate }: JudgedCell): number =>
    estimate === null || Number.isNaN(estimate.ratio) ? 0 : Math.abs(Math.log(estimate.ratio));
  return judgement.cells
    .filter(({ verdict }) => verdict !== 'same')
    .sort((a, b) => order.indexOf(a.verdict) - order.indexOf(b.verdict) || size(b) - size(a));
}
