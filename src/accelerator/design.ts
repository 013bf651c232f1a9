/** A design wholly described by its file, in Timeloop's words: levels, array, formats, gating and skipping. */
import {
  type DataSpace,
  type Dimension,
  dataSpaces,
  dimensions,
  type GenericDesign,
} from '../terms/accelerator.ts';
import type { YamlEntries, YamlReader, YamlValue } from '../workload/yaml-reader.ts';
import { readMapping } from './mapping.ts';
import { readQuantity } from './quantity.ts';

/** Numbers of `native/accelerator/generic_design.h`. */
export const mostLevels = 6;
const designHead = 4;
const levelFields = 26;
const designFields = designHead + mostLevels * levelFields;

/** Keys of an accelerator file of the generic engine, beside those that every file has. */
export const designKeys = ['levels', 'compute_optimization', 'densities', 'mapping', 'mapper'] as const;

const formats = ['U', 'B', 'CP', 'RLE'] as const;
const distributions = ['uniform', 'hypergeometric', 'fixed-structured'] as const;
const actions = ['none', 'gating', 'skipping'] as const;
const mostBits = 2 ** 53;

const levelKeys = [
  ...['name', 'depth', 'width', 'datawidth', 'metadata_storage_width', 'instances', 'keep'],
  ...['read_bandwidth', 'write_bandwidth', 'shared_bandwidth', 'spatial'],
  ...['representation_format', 'action_optimization'],
];

const spaceIndex = (space: DataSpace): number => dataSpaces.indexOf(space);
const bitsOf = (spaces: readonly DataSpace[]): number =>
  spaces.reduce((bits, space) => bits | (1 << spaceIndex(space)), 0);

/** Names of a list, each once. */
function distinct<T extends string>(reader: YamlReader, value: YamlValue, names: readonly T[]): readonly T[] {
  const found: T[] = [];
  for (const item of reader.list(value)) {
    const name = reader.choice(item, names);
    if (found.includes(name)) reader.fail(item, 'each name once', 'Remove the second.');
    found.push(name);
  }
  return found;
}

/** The numbers of a level's data spaces: value bits, format, metadata bits, pointer bits, action, condition. */
type Residence = [number, number, number, number, number, number];

function readRanks(reader: YamlReader, value: YamlValue, residence: Residence): void {
  const ranks = reader.list(value);
  if (ranks.length > 2)
    reader.fail(value, 'at most two ranks, of which the first is UOP', 'Flatten the others into one.');
  for (const [at, rank] of ranks.entries()) {
    const fields = reader.record(rank, ['format', 'metadata_word_bits', 'payload_word_bits']);
    const bits = (key: string): number =>
      readQuantity(
        reader,
        fields.get(key) ?? reader.fail(rank, `a key "${key}"`, 'Its size is needed.'),
        'bits',
        (of) => reader.integer(of, 1, 64),
      );
    const formatValue =
      fields.get('format') ?? reader.fail(rank, 'a key "format"', 'Write U, B, CP, RLE or UOP.');
    const refuse = (key: string): void => {
      const given = fields.get(key);
      if (given !== undefined) reader.fail(given, `no ${key} here`, 'This format has none.');
    };
    if (ranks.length === 2 && at === 0) {
      reader.choice(formatValue, ['UOP']);
      refuse('metadata_word_bits');
      residence[3] = bits('payload_word_bits');
      continue;
    }
    const format = reader.choice(formatValue, formats);
    residence[1] = formats.indexOf(format);
    refuse('payload_word_bits');
    if (format === 'U' || format === 'B') refuse('metadata_word_bits');
    else residence[2] = bits('metadata_word_bits');
    if (format === 'U' && residence[3] > 0)
      reader.fail(formatValue, 'a compressed format below UOP', 'Write B, CP or RLE.');
    if (format === 'RLE' && residence[2] > 30)
      reader.fail(rank, 'run lengths of at most 30 bits', 'Correct it.');
  }
}

function readSpaces(
  reader: YamlReader,
  fields: YamlEntries,
  keeps: readonly DataSpace[],
): readonly Residence[] {
  const spaces = dataSpaces.map((): Residence => [8, 0, 0, 0, 0, 0]);
  const width = fields.get('datawidth')!;
  const eachOwn = reader.isMapping(width) && !reader.entries(width).has('value');
  const own = eachOwn ? reader.record(width, dataSpaces) : null;
  for (const space of keeps) {
    const value =
      own === null
        ? width
        : (own.get(space) ?? reader.fail(width, `a key "${space}"`, 'The level keeps it.'));
    spaces[spaceIndex(space)]![0] = readQuantity(reader, value, 'bits', (of) => reader.integer(of, 1, 1024));
  }
  const format = fields.get('representation_format');
  if (format !== undefined) {
    const list =
      reader.record(format, ['data_spaces']).get('data_spaces') ??
      reader.fail(format, 'a key "data_spaces"', 'List the compressed ones.');
    for (const entry of reader.list(list)) {
      const of = reader.record(entry, ['name', 'ranks']);
      const name = of.get('name') ?? reader.fail(entry, 'a key "name"', 'Say which data space.');
      const space = reader.choice(name, keeps);
      if (space === 'Outputs')
        reader.fail(name, 'Weights or Inputs', 'Outputs are not compressed: nothing says how many are zero.');
      const ranks = of.get('ranks') ?? reader.fail(entry, 'a key "ranks"', 'Say its format.');
      readRanks(reader, ranks, spaces[spaceIndex(space)]!);
    }
  }
  const optimization = fields.get('action_optimization');
  for (const entry of optimization === undefined ? [] : reader.list(optimization)) {
    const of = reader.record(entry, ['type', 'target', 'condition_on']);
    const need = (key: string): YamlValue =>
      of.get(key) ?? reader.fail(entry, `a key "${key}"`, 'Write { type, target, condition_on }.');
    const residence = spaces[spaceIndex(reader.choice(need('target'), keeps))]!;
    if (residence[4] !== 0) reader.fail(need('target'), 'one action for a target', 'Merge their conditions.');
    residence[4] = actions.indexOf(reader.choice(need('type'), ['gating', 'skipping']));
    residence[5] = bitsOf(distinct(reader, need('condition_on'), ['Weights', 'Inputs']));
  }
  return spaces;
}

/** Read the design of an accelerator file. `fields`: its keys. Throws what the reader throws. */
export function readDesign(reader: YamlReader, fields: YamlEntries): GenericDesign {
  const levelsValue =
    fields.get('levels') ?? reader.fail(reader.root, 'a key "levels"', 'The generic engine needs them.');
  const listed = reader.list(levelsValue);
  if (listed.length > mostLevels)
    reader.fail(levelsValue, `at most ${mostLevels} levels`, 'Merge those that no data space needs apart.');
  const row = new Float64Array(designFields);
  row[0] = listed.length;
  const levels: GenericDesign['levels'][number][] = [];
  const meshes: number[] = [];
  let instances = 1;
  for (const [at, value] of listed.entries()) {
    const of = reader.record(value, levelKeys);
    const need = (key: string): YamlValue =>
      of.get(key) ?? reader.fail(value, `a key "${key}"`, 'Every level has it.');
    const name = reader.text(need('name'));
    if (!/^[A-Za-z][A-Za-z0-9_]*$/.test(name) || name === 'compute')
      reader.fail(need('name'), 'letters and digits, and not "compute"', 'Rename it.');
    if (levels.some((other) => other.name === name))
      reader.fail(need('name'), 'each name once', 'Rename one of the levels.');
    const keeps = distinct(reader, need('keep'), dataSpaces);
    if (at === 0 && keeps.length < 3)
      reader.fail(need('keep'), 'Weights, Inputs and Outputs for the outermost level', 'It has to keep all.');
    need('datawidth');
    const spaces = readSpaces(reader, of, keeps);
    const quantity = (key: string, unit: string, most: number): number => {
      const given = of.get(key);
      return given === undefined
        ? 0
        : readQuantity(reader, given, unit, (one) => reader.number(one, 1, most));
    };
    const depth = quantity('depth', 'entries', 2 ** 40);
    const width = quantity('width', 'bits', 2 ** 20);
    if (depth > 0 && width === 0) reader.fail(value, 'a key "width"', 'A depth needs it.');
    const widest = Math.max(...keeps.map((space) => spaces[spaceIndex(space)]![0]));
    const widthBits = width === 0 ? widest : width;
    const given = of.get('instances');
    if (given !== undefined) {
      const count = readQuantity(reader, given, 'instances', (one) => reader.integer(one, 1, 2 ** 40));
      if (count !== instances)
        reader.fail(given, `${instances} instances, which the arrays above give`, 'Correct one of them.');
    }
    const mesh = { meshX: 1, meshY: 1 };
    let spread: readonly Dimension[] = dimensions;
    const spatial = of.get('spatial');
    if (spatial !== undefined) {
      const parts = reader.record(spatial, ['meshX', 'meshY', 'dimensions']);
      for (const axis of ['meshX', 'meshY'] as const) {
        const size = parts.get(axis);
        if (size !== undefined)
          mesh[axis] = readQuantity(reader, size, 'instances', (one) => reader.integer(one, 1, 2 ** 20));
      }
      const only = parts.get('dimensions');
      if (only !== undefined) spread = distinct(reader, only, dimensions);
    }
    const numbers = [
      depth * width,
      quantity('read_bandwidth', 'bits/cycle', mostBits),
      quantity('write_bandwidth', 'bits/cycle', mostBits),
      quantity('shared_bandwidth', 'bits/cycle', mostBits),
      bitsOf(keeps),
      mesh.meshX,
      mesh.meshY,
      spread.reduce((bits, name) => bits | (1 << dimensions.indexOf(name)), 0),
      ...spaces.flat(),
    ];
    row.set(numbers, designHead + at * levelFields);
    const metadata = quantity('metadata_storage_width', 'bits', 2 ** 20);
    levels.push({
      ...{ name, widthBits, metadataWidthBits: metadata === 0 ? widthBits : metadata, keeps },
      place: reader.placeOf(value),
    });
    instances *= mesh.meshX * mesh.meshY;
    meshes.push(mesh.meshX * mesh.meshY);
  }
  if (instances > 2 ** 40) reader.fail(levelsValue, 'at most 2^40 multipliers', 'Correct the arrays.');
  const compute = fields.get('compute_optimization');
  if (compute !== undefined) row[1] = actions.indexOf(reader.choice(compute, ['gating', 'skipping']));
  const densities = fields.get('densities');
  for (const [space, value] of densities === undefined
    ? []
    : reader.record(densities, ['Weights', 'Inputs'])) {
    const of = reader.record(value, ['distribution']);
    const distribution =
      of.get('distribution') ??
      reader.fail(value, 'a key "distribution"', 'The layer has the density itself.');
    row[space === 'Weights' ? 2 : 3] = distributions.indexOf(reader.choice(distribution, distributions));
  }
  const mapper = fields.get('mapper');
  const evaluations =
    mapper === undefined ? undefined : reader.record(mapper, ['evaluations']).get('evaluations');
  const mapping = fields.get('mapping');
  return {
    row,
    levels,
    mapping: mapping === undefined ? null : readMapping(reader, mapping, levels, meshes),
    ...(mapping === undefined ? {} : { mappingPlace: reader.placeOf(mapping) }),
    mostEvaluations:
      evaluations === undefined
        ? 4000
        : readQuantity(reader, evaluations, 'mappings', (one) => reader.integer(one, 1, 1e6)),
  };
}

/** Ports of a level of a design, bits a cycle of an instance (0: no limit), and the instances below one of it. */
export function levelOf(
  { row }: GenericDesign,
  level: number,
): {
  readonly readBandwidth: number;
  readonly writeBandwidth: number;
  readonly sharedBandwidth: number;
  readonly below: number;
  readonly valueBits: (space: DataSpace) => number;
} {
  const own = row.subarray(designHead + level * levelFields, designHead + (level + 1) * levelFields);
  return {
    ...{ readBandwidth: own[1]!, writeBandwidth: own[2]!, sharedBandwidth: own[3]! },
    below: own[5]! * own[6]!,
    valueBits: (space) => own[8 + 6 * spaceIndex(space)]!,
  };
}
