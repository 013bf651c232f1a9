/**
 * Two result files held against each other. They were measured one after the other, not in turns, so a drift of the
 * machine between them counts as a change. Raw times only where the machines' fingerprints agree; else each run's
 * ratio to its dense baseline, in which the machine cancels as far as it can.
 */

import { groupedMedianInterval } from '../statistics/grouped.ts';
import { type Interval, median } from '../statistics.ts';
import type { JudgedCell, Judgement, RatioEstimate } from '../terms/comparison.ts';
import { type Measured, type Measurement, type Result, SparsemarkError } from '../terms.ts';
import { correctedConfidence, judgementOf, sideOf, verdictOf } from './compare.ts';

/** Threshold and margin of the verdicts. */
export interface ResultsProtocol {
  readonly threshold: number;
  readonly margin: number;
}

/** Confidence of all intervals together. */
const confidence = 0.95;

/** Judges the cells of two results. Throws BAD_RESULT for other suites, unfinished runs, or nothing in common. */
export function judgeResults(base: Result, head: Result, protocol: ResultsProtocol): Judgement {
  const [one, other] = [base.header.suite, head.header.suite];
  if (one.digest !== other.digest) {
    throw new SparsemarkError(
      'BAD_RESULT',
      `Expected two results of one suite, received ${one.name} ${one.version} (${one.digest.slice(0, 12)}) and ${other.name} ${other.version} (${other.digest.slice(0, 12)}). Measure both with the same suite.`,
    );
  }
  const raw = base.header.machine.fingerprint === head.header.machine.fingerprint;
  const heads = new Map(head.measurements.map((cell) => [cell.id, cell]));
  const bases = new Map(base.measurements.map((cell) => [cell.id, cell]));
  const ids = [...new Set([...bases.keys(), ...heads.keys()])];
  if (!ids.some((id) => bases.has(id) && heads.has(id))) {
    throw new SparsemarkError(
      'BAD_RESULT',
      `Expected results with a cell in common, received none of ${ids.length}. Measure both with the same --filter and libraries.`,
    );
  }
  const corrected = correctedConfidence(confidence, ids.length);
  const anchors = raw ? null : baselinesOf(base, bases, heads);
  // A baseline over itself is 1, which shows nothing.
  const own = new Set([...(anchors?.values() ?? [])].map(([cell]) => cell.id));
  const cells = ids
    .filter((id) => !own.has(id))
    .map((id) => judged(bases.get(id), heads.get(id), anchors, corrected, protocol));
  const unfinished = [base, head].filter(({ end }) => end?.complete !== true).length;
  return judgementOf(
    cells,
    [],
    [
      'Two runs one after the other, not in turns: a drift of the machine between them counts as a change. To gate, compare the libraries.',
      ...(raw
        ? []
        : [
            `The machines differ (${base.header.machine.fingerprint}, ${head.header.machine.fingerprint}): no times are compared, only each run's ratio to the dense baseline of its workload.`,
          ]),
      ...(unfinished > 0 ? ['A run was not complete: what it lacks is missing.'] : []),
    ],
  );
}

/** The fastest healthy dense case of each workload in base that head has measured too: the same kernel on both sides. */
function baselinesOf(
  base: Result,
  bases: ReadonlyMap<string, Measurement>,
  heads: ReadonlyMap<string, Measurement>,
): ReadonlyMap<string, readonly [base: Measured, head: Measured]> {
  const sick = new Set(base.header.health.filter(({ healthy }) => !healthy).map(({ library }) => library));
  const found = new Map<string, readonly [Measured, Measured]>();
  for (const cell of bases.values()) {
    const other = heads.get(cell.id);
    if (!cell.dense || sick.has(cell.library) || cell.status !== 'measured' || other?.status !== 'measured')
      continue;
    const key = `${cell.workload} t${cell.threads}`;
    const best = found.get(key);
    if (best === undefined || median([...cell.samplesNs]) < median([...best[0].samplesNs]))
      found.set(key, [cell, other]);
  }
  return found;
}

function judged(
  base: Measurement | undefined,
  head: Measurement | undefined,
  anchors: ReturnType<typeof baselinesOf> | null,
  corrected: number,
  protocol: ResultsProtocol,
): JudgedCell {
  const { id, workload, kernel, format, isa, threads, dense } = (base ?? head)!;
  const of = { id, workload, kernel, format, isa, threads, dense };
  const without = (verdict: JudgedCell['verdict'], reason: string): JudgedCell => ({
    of,
    verdict,
    reason,
    estimate: null,
    attempts: [],
    baseNs: null,
    headNs: null,
  });
  if (head?.status === 'wrong') return without('wrong', `head: ${head.detail}`);
  if (base?.status !== 'measured')
    return without('new', base === undefined ? 'base has no such cell' : `base: ${base.status}`);
  if (head?.status !== 'measured')
    return without('missing', head === undefined ? 'head has no such cell' : `head: ${head.status}`);
  const anchor = anchors?.get(`${workload} t${threads}`);
  if (anchors !== null && anchor === undefined)
    return without('inconclusive', 'no dense baseline in both runs');
  const estimate =
    anchor === undefined
      ? ratioOf([series(base)], [series(head)], corrected)
      : ratioOf([series(base), series(anchor[0])], [series(head), series(anchor[1])], corrected);
  // One measurement is all there is, so it counts as its own confirmation.
  const verdict = verdictOf([estimate, estimate], protocol);
  const narrow = sideOf(estimate.interval, protocol.margin) !== null || verdict === 'same';
  return {
    of,
    verdict,
    estimate,
    attempts: [estimate],
    baseNs: median([...base.samplesNs]),
    headNs: median([...head.samplesNs]),
    reason: narrow
      ? ''
      : Number.isFinite(estimate.interval[1])
        ? 'the interval is too wide'
        : 'too few samples',
  };
}

/** ln of a case's samples, a list a round. */
function series({ samplesNs, rounds }: Measured): number[][] {
  let start = 0;
  return rounds.map((size) => {
    const samples = samplesNs.slice(start, start + size);
    start += size;
    return samples.map(Math.log);
  });
}

type Series = readonly (readonly number[])[];

/** One side's rounds: a case's own, or those of its ratio to the anchor's median in the same round. */
function levels([own, anchor]: readonly Series[]): number[][] {
  return own!.flatMap((values, round) => {
    if (values.length === 0) return [];
    if (anchor === undefined) return [[...values]];
    const under = anchor[round] ?? [];
    return under.length === 0 ? [] : [values.map((value) => value - median([...under]))];
  });
}

/**
 * head over base of two lists that are not paired: each side's median has an interval with half of the error, so that
 * both hold together, and the ratio's interval is made of their ends. It is wider than it would need to be.
 */
function ratioOf(base: readonly Series[], head: readonly Series[], corrected: number): RatioEstimate {
  const [b, h] = [levels(base), levels(head)];
  const [under, over] = [b.flat(), h.flat()];
  if (under.length === 0 || over.length === 0) {
    const unknown: Interval = [0, Number.POSITIVE_INFINITY];
    return { ratio: Number.NaN, interval: unknown, alone: unknown, bootstrap: unknown, rounds: 0 };
  }
  const ends = (level: number): Interval => {
    const each = 1 - (1 - level) / 2;
    const [one, other] = [groupedMedianInterval(b, each).interval, groupedMedianInterval(h, each).interval];
    return [Math.exp(other[0] - one[1]), Math.exp(other[1] - one[0])];
  };
  return {
    ratio: Math.exp(median(over) - median(under)),
    interval: ends(corrected),
    alone: ends(confidence),
    bootstrap: ends(confidence),
    rounds: Math.min(b.length, h.length),
  };
}
