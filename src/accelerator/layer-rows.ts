/** Layers as rows of numbers, and the errors for those that an accelerator does not run. */
import type { Accelerator, EstimatedLayer } from '../terms/accelerator.ts';
import { SparsemarkError } from '../terms.ts';

/** Numbers of a layer's row, as `native/accelerator/batch.h` has them. */
export const layerFields = 17;

/** Status of a row. */
export const status = { ok: 0, overflow: 1, unsupported: 2 } as const;

/** Write a layer as a row of numbers at its place. */
export function writeLayer(layer: EstimatedLayer, rows: Float64Array, at: number): void {
  const { m, n, k, conv } = layer.shape;
  const geometry =
    conv === undefined
      ? [k, 1, n, 1, 1, 1, 1, n, 1]
      : [
          conv.channels,
          conv.height + 2 * conv.padding,
          conv.width + 2 * conv.padding,
          conv.kernelHeight,
          conv.kernelWidth,
          conv.stride,
          conv.outHeight,
          conv.outWidth,
          conv.batch,
        ];
  const densities = [layer.weightDensity, layer.weightCorrelation, layer.activationDensity, 0];
  rows.set([m, n, k, ...geometry, layer.groups, ...densities], at * layerFields);
}

/** The error for a layer that an accelerator does not run, with its place where a file names it. */
export function declined(
  accelerator: Accelerator,
  found: number,
  why: string,
  layer: Pick<EstimatedLayer, 'name' | 'place'>,
): SparsemarkError {
  const fault = found === status.overflow ? 'more than 2^63 multiplications' : why;
  return new SparsemarkError(
    'BAD_ACCELERATOR',
    `Expected a layer that ${accelerator.name} can run, received ${layer.name}: ${fault}. Correct the layer, or leave the accelerator out.`,
    layer.place,
  );
}
