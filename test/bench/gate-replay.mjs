// A gate run drawn from the passes of a real one, by the same rules: which cells a pass still has, and when a cell is known.
import { leastPassesOf } from '../../dist/measure/passes.js';
import { correctedConfidence, estimateOf, isKnown, logRatiosOf, sideOf } from '../../dist/result/compare.js';

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
  const attemptOf = (recorded, drawn) => {
    const layouts = [];
    const ratios = [];
    for (const { pass, swapped } of drawn) {
      if (layouts.length >= least && isKnown(ratios, protocol, confidence)) break;
      const { baseNs, headNs } = recorded.layouts[pass % recorded.layouts.length];
      layouts.push(swapped ? { baseNs: headNs, headNs: baseNs } : { baseNs, headNs });
      ratios.push(...logRatiosOf({ layouts: layouts.slice(-1) }));
    }
    return { ...recorded, layouts };
  };
  const cells = comparison.cells.map((cell) => {
    if (cell.status !== 'measured') return cell;
    const attempts = [attemptOf(cell.attempts[0], first)];
    const estimate = estimateOf(attempts, confidence, cell.id, 0);
    if (estimate !== null && sideOf(estimate.interval, protocol.margin) !== null)
      attempts.push(attemptOf(cell.attempts[0], second));
    const { guard: _, ...rest } = cell;
    return { ...rest, attempts };
  });
  return { ...comparison, cells };
}
