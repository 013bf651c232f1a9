/** Gate runs that are drawn from the passes of a recorded one: by the rule that the real one stopped by. */
import { describe, expect, it } from 'vitest';
import { leastPassesOf } from '../src/measure/passes.ts';
import { correctedConfidence, judge } from '../src/result/compare.ts';
import { seededRandom } from '../src/statistics.ts';
import type { Comparison } from '../src/terms/comparison.ts';
// @ts-expect-error: a bench is plain JavaScript.
import { resampled } from './bench/gate-replay.mjs';
import { fakeComparison } from './fake-comparison.ts';

const recorded = fakeComparison([
  { ratio: 1 },
  { ratio: 1, noise: 0.8 },
  { ratio: 1.3 },
  { status: 'missing', reason: 'no such kernel' },
]);
const passesOf = ({ cells }: Comparison): number[][] =>
  cells.map((cell) => (cell.status === 'measured' ? cell.attempts.map(({ layouts }) => layouts.length) : []));

describe('a drawn gate run', () => {
  const drawn: Comparison = resampled(recorded, seededRandom(5));

  it('stops each cell where the rule would have, and measures again what it flags', () => {
    const { protocol } = recorded.header;
    const least = leastPassesOf(protocol, correctedConfidence(protocol.confidence, recorded.cells.length));
    const controls = Array.from({ length: 4 }, () => [least]);
    expect(passesOf(drawn)).toEqual([[least], [13], [least, least], [], ...controls]);
    expect(judge(drawn).cells.map(({ verdict }) => verdict)).toEqual([
      'same',
      'inconclusive',
      'slower',
      'missing',
    ]);
  });

  it('takes the same passes of all cells, of the recorded ones only, and others for another seed', () => {
    const places = (of: Comparison, at: number): number[] => {
      const [cell, from] = [of.cells[at]!, recorded.cells[at]!];
      if (cell.status !== 'measured' || from.status !== 'measured') throw new Error('not measured');
      return cell.attempts[0]!.layouts.map((layout) => from.attempts[0]!.layouts.indexOf(layout));
    };
    const least = places(drawn, 0).length;
    expect(places(drawn, 0)).toEqual(places(drawn, 1).slice(0, least));
    expect(places(drawn, 1).every((place) => place >= 0)).toBe(true);
    expect(places(resampled(recorded, seededRandom(6)), 1)).not.toEqual(places(drawn, 1));
    expect(resampled(recorded, seededRandom(5))).toEqual(drawn);
  });
});
