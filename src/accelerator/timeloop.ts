/** Layers from Timeloop's problem files, version 0.4 and the spelling before it: products and convolutions of two operands. */
import type { EstimatedLayer } from '../terms/accelerator.ts';
import { readYaml, type YamlEntries, type YamlReader, type YamlValue } from '../workload/yaml-reader.ts';

/** A rank of a data space: a sum of dimensions, each with its coefficient's name or none. */
type Rank = readonly { readonly dimension: string; readonly coefficient: string | null }[];

interface Space {
  readonly name: string;
  readonly value: YamlValue;
  readonly ranks: readonly Rank[];
  readonly written: boolean;
}

/** Whether a text is a problem file rather than a suite. */
export function isProblem(text: string): boolean {
  return /^\uFEFF?problem\s*:/m.test(text);
}

const either = (fields: YamlEntries, now: string): YamlValue | undefined =>
  fields.get(now) ?? fields.get(now.replaceAll('_', '-'));
const spellings = (names: readonly string[]): string[] =>
  names.flatMap((name) => [...new Set([name, name.replaceAll('_', '-')])]);

function readRank(reader: YamlReader, value: YamlValue, known: readonly string[]): Rank {
  // A rank written in short is a dimension's name alone.
  if (!reader.isList(value)) return [{ dimension: reader.choice(value, known), coefficient: null }];
  return reader.list(value).map((term) => {
    if (!reader.isList(term)) return { dimension: reader.choice(term, known), coefficient: null };
    const [dimension, coefficient, ...more] = reader.list(term);
    if (more.length > 0)
      reader.fail(term, 'a dimension and a coefficient', 'Other expressions are not read.');
    return {
      dimension: reader.choice(dimension!, known),
      coefficient: coefficient === undefined ? null : reader.text(coefficient),
    };
  });
}

function readSpaces(
  reader: YamlReader,
  shape: YamlEntries,
  of: YamlValue,
  known: readonly string[],
): Space[] {
  const list =
    either(shape, 'data_spaces') ?? reader.fail(of, 'a key "data_spaces"', 'Every shape has them.');
  return reader.list(list).map((value) => {
    const fields = reader.record(value, spellings(['name', 'projection', 'read_write']));
    const need = (key: string): YamlValue =>
      fields.get(key) ?? reader.fail(value, `a key "${key}"`, 'Every data space has it.');
    const written = either(fields, 'read_write');
    return {
      name: reader.text(need('name')),
      value,
      ranks: reader.list(need('projection')).map((rank) => readRank(reader, rank, known)),
      written: written !== undefined && reader.boolean(written),
    };
  });
}

function readDensity(reader: YamlReader, value: YamlValue): number {
  if (!reader.isMapping(value)) return reader.number(value, 0, 1);
  const fields = reader.record(value, ['distribution', 'density']);
  const distribution = fields.get('distribution');
  if (distribution !== undefined)
    reader.choice(distribution, ['hypergeometric', 'fixed-structured', 'fixed_structured']);
  return reader.number(
    fields.get('density') ?? reader.fail(value, 'a key "density"', 'Say how many are nonzero.'),
    0,
    1,
  );
}

/**
 * Read a problem as a layer: dimensions are told apart by the data spaces that they index, whatever their names. Of
 * densities only the share is taken; where nonzeros lie is the accelerator's or none. Throws BAD_SUITE with file, line
 * and column for another einsum, dilation, unequal strides or outputs with zeros.
 */
export function parseProblem(
  text: string,
  file: string,
  activationDensity: number,
): readonly EstimatedLayer[] {
  const reader = readYaml(text, file, 'BAD_SUITE');
  const problemValue =
    reader.entries(reader.root).get('problem') ??
    reader.fail(reader.root, 'a key "problem"', 'Give a problem.');
  const problem = reader.entries(problemValue);
  const shapeValue =
    problem.get('shape') ?? reader.fail(problemValue, 'a key "shape"', 'Every problem has it.');
  if (!reader.isMapping(shapeValue))
    reader.fail(
      shapeValue,
      'a shape with its dimensions and data spaces',
      'A name alone says neither: write it out.',
    );
  const shape = reader.record(shapeValue, spellings(['name', 'dimensions', 'coefficients', 'data_spaces']));
  const dimensionsValue =
    shape.get('dimensions') ?? reader.fail(shapeValue, 'a key "dimensions"', 'Every shape has them.');
  const dimensions = reader.list(dimensionsValue).map((value) => reader.text(value));
  const coefficients = new Map<string, number>();
  const coefficientsValue = shape.get('coefficients');
  for (const value of coefficientsValue === undefined ? [] : reader.list(coefficientsValue)) {
    const fields = reader.record(value, ['name', 'default']);
    const name = fields.get('name') ?? reader.fail(value, 'a key "name"', 'Name the coefficient.');
    const byDefault = fields.get('default');
    coefficients.set(reader.text(name), byDefault === undefined ? 1 : reader.integer(byDefault, 1, 2 ** 31));
  }
  const spaces = readSpaces(reader, shape, shapeValue, dimensions);
  const outputs = spaces.filter(({ written }) => written);
  const operands = spaces.filter(({ written }) => !written);
  if (outputs.length !== 1 || operands.length !== 2)
    reader.fail(
      shapeValue,
      'two operands and one data space that is written (read_write)',
      'Other einsums are not modelled.',
    );
  const instanceValue = problem.get('instance');
  const own = instanceValue === undefined ? problemValue : instanceValue;
  const instance = reader.record(own, [
    ...dimensions,
    ...coefficients.keys(),
    'densities',
    ...(instanceValue === undefined ? ['version', 'shape', 'name'] : []),
  ]);
  const sizes = new Map(
    dimensions.map((name) => [
      name,
      reader.integer(
        instance.get(name) ?? reader.fail(own, `a key "${name}"`, 'Every dimension has a size.'),
        1,
        2 ** 53 - 1,
      ),
    ]),
  );
  for (const name of coefficients.keys()) {
    const given = instance.get(name);
    if (given !== undefined) coefficients.set(name, reader.integer(given, 1, 2 ** 31));
  }
  const isInput = ({ ranks }: Space): boolean => ranks.some((rank) => rank.length > 1);
  const named = operands.find(({ name }) => /^(weights?|filters?)$/i.test(name));
  const inputs = operands.find(isInput) ?? operands.find((space) => space !== (named ?? operands[0]))!;
  const weights = operands.find((space) => space !== inputs)!;
  const output = outputs[0]!;
  for (const space of [weights, output])
    if (isInput(space))
      reader.fail(
        space.value,
        'one dimension a rank',
        'Only the inputs of a convolution are indexed by sums.',
      );
  const indexes = (space: Space, dimension: string): boolean =>
    space.ranks.some((rank) => rank.some((term) => term.dimension === dimension));
  const window = new Set(
    inputs.ranks
      .filter((rank) => rank.length > 1)
      .flat()
      .map(({ dimension }) => dimension),
  );
  const extent = (w: boolean, i: boolean, z: boolean): number =>
    dimensions
      .filter((name) => !window.has(name))
      .filter(
        (name) => indexes(weights, name) === w && indexes(inputs, name) === i && indexes(output, name) === z,
      )
      .reduce((product, name) => product * sizes.get(name)!, 1);
  for (const name of dimensions) {
    const users = [weights, inputs, output].filter((space) => indexes(space, name)).length;
    if (users < 2)
      reader.fail(dimensionsValue, `${name} in at least two data spaces`, 'Other einsums are not modelled.');
  }
  const densitiesValue = instance.get('densities');
  const densities =
    densitiesValue === undefined
      ? new Map<string, YamlValue>()
      : reader.record(
          densitiesValue,
          spaces.map(({ name }) => name),
        );
  const densityOf = (space: Space, otherwise: number): number => {
    const given = densities.get(space.name);
    return given === undefined ? otherwise : readDensity(reader, given);
  };
  if (densityOf(output, 1) !== 1)
    reader.fail(densities.get(output.name)!, 'a density of 1', 'Zeros of outputs are not modelled.');
  const [m, channels, batch] = [
    extent(true, false, true),
    extent(true, true, false),
    extent(false, true, true),
  ];
  const layer = {
    name: file
      .split(/[\\/]/)
      .at(-1)!
      .replace(/\.ya?ml$/, ''),
    groups: extent(true, true, true),
    weightDensity: densityOf(weights, 1),
    activationDensity: densityOf(inputs, activationDensity),
    weightCorrelation: 0,
    place: reader.placeOf(own),
  };
  if (window.size === 0) return [{ ...layer, shape: { m, n: batch, k: channels } }];
  const axes = inputs.ranks
    .filter((rank) => rank.length > 1)
    .map((rank) => {
      const kernel = rank.find(({ dimension }) => indexes(weights, dimension) && !indexes(output, dimension));
      const out = rank.find(({ dimension }) => indexes(output, dimension) && !indexes(weights, dimension));
      if (rank.length !== 2 || kernel === undefined || out === undefined)
        return reader.fail(
          inputs.value,
          'sums of a place in the output and one in the filter',
          'Other einsums are not modelled.',
        );
      const coefficient = (name: string | null): number =>
        name === null
          ? 1
          : (coefficients.get(name) ??
            reader.fail(inputs.value, `a coefficient ${name}`, 'List it in "coefficients".'));
      if (coefficient(kernel.coefficient) !== 1)
        reader.fail(inputs.value, 'a dilation of 1', 'Dilated convolutions are not modelled.');
      return {
        kernel: sizes.get(kernel.dimension)!,
        out: sizes.get(out.dimension)!,
        stride: coefficient(out.coefficient),
      };
    });
  const [tall, wide = { kernel: 1, out: 1, stride: axes[0]!.stride }] = axes as [
    (typeof axes)[number],
    (typeof axes)[number]?,
  ];
  if (axes.length > 2 || tall.stride !== wide.stride)
    reader.fail(inputs.value, 'at most two axes of one stride', 'Others are not modelled.');
  const conv = {
    ...{ batch, channels, padding: 0, stride: tall.stride },
    height: (tall.out - 1) * tall.stride + tall.kernel,
    width: (wide.out - 1) * wide.stride + wide.kernel,
    ...{ kernelHeight: tall.kernel, kernelWidth: wide.kernel, outHeight: tall.out, outWidth: wide.out },
  };
  const n = batch * tall.out * wide.out;
  return [{ ...layer, shape: { m, n, k: channels * tall.kernel * wide.kernel, conv } }];
}
