/** Random parameters of every engine class, and random layers, for what must hold whatever they are. */
import fc from 'fast-check';
import { acceleratorNames, loadAccelerator } from '../src/accelerator/accelerator.ts';
import { engineOf } from '../src/accelerator/estimate.ts';
import type { Accelerator, EstimatedLayer } from '../src/terms/accelerator.ts';

/** Accelerators of an engine class, each with a row of parameters; the generic engine has test/generic-traffic.test.ts. */
export const withParameters: readonly string[] = acceleratorNames().filter(
  (name) => loadAccelerator(name).design === null,
);

/** Parameters of which the first must not be more than the second. */
const ordered = [
  ...[['kept', 'block'] as const, ['weightsKept', 'block'] as const, ['innerKept', 'innerBlock'] as const],
  ...[['outerLeast', 'outerMost'] as const, ['outerKept', 'outerLeast'] as const],
];

/** One parameter: its own value, its least, or anything up to twenty times its own. */
function parameterOf(own: number, least: number, most: number, whole: boolean): fc.Arbitrary<number> {
  const to = Math.min(most, Math.max(20 * own, 4 * least, 4));
  const drawn = fc.double({ min: Math.log(Math.max(least, 1e-3)), max: Math.log(to), noNaN: true });
  const value = drawn.map((power) => Math.min(most, Math.max(least, Math.exp(power))));
  return fc.oneof(
    { weight: 4, arbitrary: fc.constant(own) },
    { weight: 1, arbitrary: fc.constant(least) },
    { weight: 5, arbitrary: whole ? value.map(Math.round) : value },
  );
}

/** The accelerator with other parameters, each within its bounds and in the order that its class asks for. */
export function withAnyParameters(name: string): fc.Arbitrary<Accelerator> {
  const accelerator = loadAccelerator(name);
  const described = engineOf(accelerator).engine.parameters;
  return fc
    .tuple(
      ...described.map(({ least, most, whole }, at) =>
        parameterOf(accelerator.parameters[at]!, least, most, whole),
      ),
    )
    .map((drawn) => {
      const parameters = [...drawn];
      const at = (of: string): number => described.findIndex((one) => one.name === of);
      for (const [few, many] of ordered) {
        const [i, j] = [at(few), at(many)];
        if (i < 0 || j < 0 || parameters[i]! <= parameters[j]!) continue;
        parameters[i] = parameters[j]!;
      }
      // Only where weights lie still can they be stored compressed.
      if (accelerator.engine === 'systolic' && parameters[at('kept')]! > 0) parameters[at('dataflow')] = 1;
      return { ...accelerator, parameters };
    });
}

/** The value of a parameter by its name. */
export function parameterNamed({ parameters, ...accelerator }: Accelerator, name: string): number {
  const { engine } = engineOf({ ...accelerator, parameters });
  return parameters[engine.parameters.findIndex((one) => one.name === name)]!;
}

export const anyDensity: fc.Arbitrary<number> = fc.oneof(
  { weight: 1, arbitrary: fc.constantFrom(0, 1) },
  {
    weight: 6,
    arbitrary: fc.double({ min: Math.log(0.003), max: 0, noNaN: true }).map((power) => Math.exp(power)),
  },
);

const size = (most: number): fc.Arbitrary<number> =>
  fc.double({ min: 0, max: Math.log(most), noNaN: true }).map((power) => Math.ceil(Math.exp(power)));

type Sizes = Pick<EstimatedLayer, 'shape' | 'groups'>;

const product: fc.Arbitrary<Sizes> = fc
  .record({ m: size(2000), n: size(600), k: size(4000), groups: fc.constantFrom(1, 1, 1, 3) })
  .map(({ groups, ...shape }) => ({ shape, groups }));

const convolution: fc.Arbitrary<Sizes> = fc
  .record({
    ...{ kernel: fc.integer({ min: 1, max: 4 }), stride: fc.integer({ min: 1, max: 3 }) },
    ...{ beyond: fc.integer({ min: 0, max: 20 }), channels: fc.integer({ min: 1, max: 40 }) },
    ...{ batch: fc.integer({ min: 1, max: 3 }), filters: fc.integer({ min: 1, max: 60 }) },
    groups: fc.integer({ min: 1, max: 4 }),
  })
  .map(({ kernel, stride, beyond, channels, batch, filters, groups }) => {
    const [height, outHeight] = [kernel + beyond, Math.floor(beyond / stride) + 1];
    const conv = {
      ...{ batch, channels, height, width: height, kernelHeight: kernel, kernelWidth: kernel, stride },
      ...{ padding: 0, outHeight, outWidth: outHeight },
    };
    const shape = { m: filters, n: batch * outHeight * outHeight, k: channels * kernel * kernel, conv };
    return { shape, groups };
  });

/** Products and convolutions, in groups too, of any density, the uneven too. */
export const anyLayer: fc.Arbitrary<EstimatedLayer> = fc
  .record({
    sizes: fc.oneof(product, convolution),
    ...{ weightDensity: anyDensity, activationDensity: anyDensity },
    weightCorrelation: fc.constantFrom(0, 0, 0.02, 0.2),
  })
  .map(({ sizes, ...densities }) => ({ name: 'layer', ...sizes, ...densities }));

/** The same layer with other densities. */
export const ofDensities = (
  layer: EstimatedLayer,
  weightDensity: number,
  activationDensity: number,
): EstimatedLayer => ({ ...layer, weightDensity, activationDensity });
