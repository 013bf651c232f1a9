// A gate run drawn from the passes of a real one, by the same rules: which cells a pass still has, and when a cell is known.
import { leastPassesOf } from '../../dist/measure/passes.js';
import { correctedConfidence, estimateOf, isKnown, logRatiosOf, sideOf } from '../../dist/result/compare.js';

/**
 * Passes are drawn with replacement, all cells of a pass together, as many as the real run made; the stopping rule is
 * played again on what was drawn. A cell that the real run knew early has recorded fewer passes than there were: beyond
 * them the pass is taken of its own ones again. Flagged cells are drawn once more.
 */
export function resampled(comparison, random) {
  const { protocol } = comparison.header;
  const measured = comparison.cells.filter(({ status }) => status === 'measured');
  const passes = Math.max(...measured.map(({ attempts }) => attempts[0].layouts.length));
  const cellCount = Math.max(comparison.cells.length, protocol.correctedFor ?? 0);
  const confidence = correctedConfidence(protocol.confidence, cellCount);
  const least = Math.min(passes, leastPassesOf(protocol, confidence));
  const draw = () => Array.from({ length: passes }, () => Math.floor(random() * passes));
  const [first, second] = [draw(), draw()];
  const attemptOf = (recorded, drawn) => {
    const layouts = [];
    for (const pass of drawn) {
      if (layouts.length >= least && isKnown(logRatiosOf({ layouts }), protocol, confidence)) break;
      layouts.push(recorded.layouts[pass % recorded.layouts.length]);
    }
    return { ...recorded, layouts };
  };
  const cells = comparison.cells.map((cell) => {
    if (cell.status !== 'measured') return cell;
    const attempts = [attemptOf(cell.attempts[0], first)];
    const estimate = estimateOf(attempts, confidence, cell.id);
    if (estimate !== null && sideOf(estimate.interval, protocol.margin) !== null)
      attempts.push(attemptOf(cell.attempts[0], second));
    const { guard: _, ...rest } = cell;
    return { ...rest, attempts };
  });
  return { ...comparison, cells };
}
