// A gate run drawn from the passes of a real one, by the same rules: which cells a pass still has, and when a cell is known.
import { leastPassesOf } from '../../dist/measure/passes.js';
import { correctedConfidence, isKnown, logRatiosOf, sideOf } from '../../dist/result/compare.js';
import { groupedMedianInterval } from '../../dist/statistics/grouped.js';

/** Values in ascending order, to which more come. */
class SortedValues {
  #values = new Float64Array(128);
  #count = 0;

  add(values) {
    if (this.#count + values.length > this.#values.length) {
      const larger = new Float64Array(2 * (this.#count + values.length));
      larger.set(this.#values);
      this.#values = larger;
    }
    for (const value of values) {
      let at = this.#count;
      for (; at > 0 && this.#values[at - 1] > value; at -= 1) this.#values[at] = this.#values[at - 1];
      this.#values[at] = value;
      this.#count += 1;
    }
  }

  clear() {
    this.#count = 0;
  }

  get all() {
    return this.#values.subarray(0, this.#count);
  }
}

const ratiosOf = (layout) => logRatiosOf({ layouts: [layout] });

/** What the draws ask of an attempt: each layout with its ratios, as recorded and with the sides exchanged. */
const known = new WeakMap();
function bothWaysOf(attempt) {
  let found = known.get(attempt);
  if (found === undefined) {
    found = attempt.layouts.map((layout) => {
      const exchanged = { baseNs: layout.headNs, headNs: layout.baseNs };
      return [layout, exchanged].map((each) => ({ layout: each, ratios: ratiosOf(each) }));
    });
    known.set(attempt, found);
  }
  return found;
}

/**
 * Passes are drawn with replacement, all cells of a pass together, as many as the real run made; the stopping rule is
 * played again on what was drawn. A cell that the real run knew early has recorded fewer passes than there were: beyond
 * them the pass is taken of its own ones again. Flagged cells are drawn once more.
 *
 * `exchange`: base and head change places in each drawn pass with an even chance, all cells together. The same code has no
 * side, so this is what other runs of it might have found; without it, what one run has found by chance comes back in both
 * measurements of every drawn run. What it cannot show is a side that the harness itself prefers: that, real runs show.
 */
export function resampled(comparison, random, exchange) {
  const { protocol } = comparison.header;
  const measured = comparison.cells.filter(({ status }) => status === 'measured');
  const passes = Math.max(...measured.map(({ attempts }) => attempts[0].layouts.length));
  const cellCount = Math.max(comparison.cells.length, protocol.correctedFor ?? 0);
  const confidence = correctedConfidence(protocol.confidence, cellCount);
  const least = Math.min(passes, leastPassesOf(protocol, confidence));
  const draw = () =>
    Array.from({ length: passes }, () => ({
      pass: Math.floor(random() * passes),
      swapped: exchange && random() < 0.5,
    }));
  const [first, second] = [draw(), draw()];
  const sorted = new SortedValues();
  const attemptOf = (recorded, drawn) => {
    const layouts = [];
    const ratios = [];
    const ways = bothWaysOf(recorded);
    sorted.clear();
    for (const { pass, swapped } of drawn) {
      if (layouts.length >= least && isKnown(ratios, protocol, confidence, sorted.all)) break;
      const taken = ways[pass % ways.length][swapped ? 1 : 0];
      layouts.push(taken.layout);
      for (const rounds of taken.ratios) {
        ratios.push(rounds);
        sorted.add(rounds);
      }
    }
    const interval = ratios.length === 0 ? null : groupedMedianInterval(ratios, confidence, sorted.all).interval;
    return { attempt: { ...recorded, layouts }, side: interval && sideOf(interval.map(Math.exp), protocol.margin) };
  };
  const cells = comparison.cells.map((cell) => {
    if (cell.status !== 'measured') return cell;
    const { attempt, side } = attemptOf(cell.attempts[0], first);
    const attempts = side === null ? [attempt] : [attempt, attemptOf(cell.attempts[0], second).attempt];
    const { guard: _, ...rest } = cell;
    return { ...rest, attempts };
  });
  return { ...comparison, cells };
}
