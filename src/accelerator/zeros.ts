/** What an accelerator does with zeros, asked of its own model: which take no time, and which save energy alone. */
import type { Accelerator, EstimatedLayer } from '../terms/accelerator.ts';
import { estimate } from './estimate.ts';

/** Zeros that take as long as nonzeros, and the levels that spend less on them. */
export interface GatedZeros {
  readonly operand: 'weights' | 'activations';
  readonly levels: readonly string[];
}

/** Of a product without and with zeros. */
export interface Zeros {
  /** Those whose zeros take no cycles. */
  readonly skipped: readonly ('weights' | 'activations')[];
  /** Whether zeros of both together take fewer cycles than those of one. */
  readonly both: boolean;
  /** null: no table prices its actions. */
  readonly gated: readonly GatedZeros[] | null;
}

/** A layer that every class runs, a quarter of an operand being nonzeros: within the bounds of every pattern. */
const probe = (weightDensity: number, activationDensity: number): EstimatedLayer => ({
  ...{ name: 'probe', shape: { m: 256, k: 256, n: 256 }, groups: 1 },
  ...{ weightDensity, activationDensity, weightCorrelation: 0 },
});

/**
 * Fewer cycles than this share of the dense ones are skipping. Gating lets at most a memory's bandwidth wait less: 0.89
 * of bitmask-gating; skipping by the worst of conflicts, of gather-scatter-16-unstructured, is at 0.80.
 */
const mostOfSkipping = 0.85;

/** What it does with zeros. Throws what an estimate throws. */
export function zerosOf(accelerator: Accelerator): Zeros {
  const [dense, weights, activations, both] = estimate(accelerator, [
    ...[probe(1, 1), probe(0.25, 1), probe(1, 0.25), probe(0.25, 0.25)],
  ]);
  const alone = { weights: weights!, activations: activations! };
  const operands = ['weights', 'activations'] as const;
  const skips = (operand: 'weights' | 'activations'): boolean =>
    alone[operand].cycles < mostOfSkipping * dense!.cycles;
  const skipped = operands.filter(skips);
  const levels = (operand: 'weights' | 'activations'): readonly string[] =>
    dense!.energy!.levels.flatMap(({ level, energy }, at) =>
      alone[operand].energy!.levels[at]!.energy < 0.999 * energy ? [level] : [],
    );
  return {
    skipped,
    both: both!.cycles < mostOfSkipping * Math.min(weights!.cycles, activations!.cycles),
    gated:
      dense!.energy === null
        ? null
        : operands
            .filter((operand) => !skips(operand))
            .map((operand) => ({ operand, levels: levels(operand) }))
            .filter((gated) => gated.levels.length > 0),
  };
}

/** Which zeros take no time, in words. */
export function skippedText({ skipped, both }: Zeros): string {
  if (skipped.length === 0) return 'no zeros, each takes as long as a nonzero';
  if (skipped.length === 1) return `zeros of ${skipped[0]}`;
  return both
    ? 'zeros of weights and of activations'
    : 'zeros of weights or of activations, not of both at once';
}

/** Which zeros save energy alone, in words. */
export function gatedText({ gated }: Zeros): string {
  if (gated === null) return 'not known, since no table prices its actions';
  if (gated.length === 0) return 'nothing: no zeros save energy that do not save time';
  return gated
    .map(
      ({ operand, levels }) => `zeros of ${operand}, which save energy and no time, at ${levels.join(', ')}`,
    )
    .join('; ');
}
