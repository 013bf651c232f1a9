/** Actual mode: a layer counted on the real places of its nonzeros, and how far its statistics were off. */
import { loadNative } from '../native.ts';
import type {
  Accelerator,
  Difference,
  Estimate,
  EstimatedLayer,
  LayerMasks,
  MaskStatistics,
} from '../terms/accelerator.ts';
import { engineOf, estimate, estimateFields, estimateOf } from './estimate.ts';
import { declined, layerFields, writeLayer } from './layer-rows.ts';
import { checkMasks, densityOf, maskStatistics, paddedActivations } from './masks.ts';

/** The layer with the densities that its masks have. */
export function withDensitiesOf(layer: EstimatedLayer, { weights, activations }: LayerMasks): EstimatedLayer {
  const activationDensity = activations === null ? 1 : densityOf(activations);
  return { ...layer, weightDensity: densityOf(weights), weightCorrelation: 0, activationDensity };
}

/** One layer counted, and what its formula takes for granted and the masks lack. */
function countWithReason(
  accelerator: Accelerator,
  layer: EstimatedLayer,
  masks: LayerMasks,
): { readonly estimate: Estimate; readonly reason: string } {
  checkMasks(layer, masks);
  const { index, engine } = engineOf(accelerator);
  const row = new Float64Array(layerFields);
  writeLayer(layer, row, 0);
  const made = new Float64Array(estimateFields);
  const { weights } = masks;
  const places = [weights.rowOffsets, weights.colIndices];
  if (masks.activations !== null) {
    const { rowOffsets, colIndices } = paddedActivations(layer, masks.activations);
    places.push(rowOffsets, colIndices);
  }
  const parameters = Float64Array.from(accelerator.parameters);
  const reason = loadNative().native.countLayer(index, parameters, row, places, made);
  if (made[0] !== 0) throw declined(accelerator, made[0]!, reason, layer);
  return { estimate: estimateOf(accelerator, engine, layer.name, 'actual', made), reason };
}

/** Estimate of one layer by counting. Throws BAD_ACCELERATOR where it is declined, BAD_MATRIX for a mask of another shape. */
export function count(accelerator: Accelerator, layer: EstimatedLayer, masks: LayerMasks): Estimate {
  return countWithReason(accelerator, layer, masks).estimate;
}

/** A statistical answer is not trusted where it is off by more. */
export const mostDifference = 0.1;

/** What stands out of uniform masks, the strongest first. */
function reasonsOf(found: MaskStatistics): readonly string[] {
  const ratios: readonly (readonly [string, number, number])[] = [
    ['rows', found.rowCv, found.uniformRowCv],
    ['columns', found.colCv, found.uniformColCv],
    ['gaps', found.gapCv, found.uniformGapCv],
  ];
  const uneven = ratios
    .map(([what, cv, uniform]) => ({ what, times: uniform === 0 ? 1 : cv / uniform }))
    .filter(({ times }) => times > 1.25 || times < 0.8)
    .map(({ what, times }) => ({
      strength: Math.abs(Math.log(Math.max(times, 1e-3))),
      text: `${what} vary ${Number(times.toPrecision(2))} times as much as uniform ones`,
    }));
  const { correlation } = found;
  if (Math.abs(correlation) > 0.2)
    uneven.push({
      strength: 2 * Math.abs(correlation),
      text: `weights and activations of an input correlate by ${correlation.toFixed(2)}`,
    });
  return uneven.sort((a, b) => b.strength - a.strength).map(({ text }) => text);
}

/** Both modes of one layer, of the densities that its masks have, and why they differ. */
export function estimateBoth(
  accelerator: Accelerator,
  layer: EstimatedLayer,
  masks: LayerMasks,
): { readonly statistical: Estimate; readonly actual: Estimate; readonly difference: Difference } {
  const { estimate: actual, reason } = countWithReason(accelerator, layer, masks);
  const statistical = estimate(accelerator, [withDensitiesOf(layer, masks)])[0]!;
  const relative =
    actual.cycles === statistical.cycles ? 0 : statistical.cycles / Math.max(actual.cycles, 1) - 1;
  const statistics = maskStatistics(layer, masks);
  const trustworthy = Math.abs(relative) <= mostDifference;
  const reasons = trustworthy ? [] : [...(reason === '' ? [] : [reason]), ...reasonsOf(statistics)];
  return {
    statistical,
    actual,
    difference: { relative, trustworthy, statistics, reasons },
  };
}
