/** Timeloop's architectures, version 0.4, as accelerator files of the generic engine: what they say, or a refusal by name. */
import { stringify } from 'yaml';
import { type DataSpace, dataSpaces } from '../terms/accelerator.ts';
import { readYaml, type YamlEntries, type YamlReader, type YamlValue } from '../workload/yaml-reader.ts';

/** Nodes of an architecture that have a meaning here, and those that are refused by name. */
const tags = ['Container', 'Component', 'Parallel', 'Hierarchical', 'Pipelined', 'ArrayContainer', 'Nothing'];

/** Timeloop's usual names of the operands of a product and of a convolution. */
const spaceNames: Readonly<Record<string, DataSpace>> = {
  ...{ Weights: 'Weights', Filter: 'Weights', Filters: 'Weights', A: 'Weights', W: 'Weights' },
  ...{ Inputs: 'Inputs', Input: 'Inputs', B: 'Inputs', I: 'Inputs' },
  ...{ Outputs: 'Outputs', Output: 'Outputs', Z: 'Outputs', O: 'Outputs' },
};

/** Attributes that change energy or area alone: those come from an ERT. */
const pricesOnly = [
  ...['technology', 'global_cycle_seconds', 'type', 'subclass', 'latency', 'update_fifo_depth'],
  ...[
    'n_banks',
    'n_ports',
    'nports',
    'n_rd_ports',
    'n_wr_ports',
    'n_rdwr_ports',
    'memory_depth',
    'memory_width',
  ],
  ...['block_size', 'cluster_size', 'metadata_block_size', 'metadata_counter_width'],
  ...[
    'compression_supported',
    'decompression_supported',
    'multiplier_width',
    'adder_width',
    'num_pipeline_stages',
  ],
];
const storage = [
  ...['depth', 'width', 'datawidth', 'word_bits', 'read_bandwidth', 'write_bandwidth', 'shared_bandwidth'],
  ...['metadata_storage_depth', 'metadata_storage_width', 'metadata_datawidth'],
];

type Quantity = { readonly value: number; readonly unit: string; readonly source: string };
type Plain = Record<string, unknown>;

/** A component of the tree with the array that stands above it. */
interface Placed {
  readonly node: YamlValue;
  readonly fields: YamlEntries;
  readonly mesh: readonly [x: number, y: number];
  readonly beside: boolean;
}

/** Whether a text is an architecture of Timeloop. */
export const isArchitecture = (text: string): boolean => /^architecture\s*:/m.test(text);

function spaceOf(reader: YamlReader, value: YamlValue): DataSpace {
  const name = reader.text(value);
  return (
    spaceNames[name] ??
    reader.fail(value, `one of ${Object.keys(spaceNames).join(', ')}`, 'Rename the data space.')
  );
}

function meshOf(reader: YamlReader, fields: YamlEntries): readonly [number, number] {
  const spatial = fields.get('spatial');
  if (spatial === undefined) return [1, 1];
  const axes = reader.record(spatial, ['meshX', 'meshY']);
  const size = (axis: string): number => {
    const given = axes.get(axis);
    return given === undefined ? 1 : reader.integer(given, 1, 2 ** 20);
  };
  return [size('meshX'), size('meshY')];
}

/** Storages and multipliers in their order, outermost first, each with the array above it. */
function placed(reader: YamlReader, nodes: YamlValue): readonly Placed[] {
  const found: Placed[] = [];
  let mesh: readonly [number, number] = [1, 1];
  const within = (node: YamlValue): string => reader.tag(node)?.replace(/^!/, '') ?? '';
  const grow = (fields: YamlEntries): void => {
    const [x, y] = meshOf(reader, fields);
    mesh = [mesh[0] * x, mesh[1] * y];
  };
  const component = (node: YamlValue, beside: boolean): void => {
    const keys = [
      'name',
      'class',
      'subclass',
      'attributes',
      'spatial',
      'constraints',
      'sparse_optimizations',
    ];
    const fields = reader.record(node, [...keys, 'required_actions', 'enabled']);
    if (!fields.has('name')) reader.fail(node, 'a key "name"', 'Every component has it.');
    if (beside && fields.has('spatial'))
      reader.fail(
        fields.get('spatial')!,
        'no array of a component in !Parallel',
        'Put it above all of them.',
      );
    grow(fields);
    found.push({ node, fields, mesh, beside });
    mesh = [1, 1];
  };
  const walk = (node: YamlValue): void => {
    const tag = within(node);
    if (tag === 'Component') {
      component(node, false);
      return;
    }
    if (tag === 'Container') {
      grow(reader.record(node, ['name', 'class', 'attributes', 'spatial', 'constraints']));
      return;
    }
    if (tag === 'Hierarchical') {
      for (const inner of inside(node)) walk(inner);
      return;
    }
    if (tag === 'Parallel') {
      for (const inner of inside(node)) {
        if (within(inner) === 'Nothing') continue;
        if (within(inner) !== 'Component')
          reader.fail(inner, 'components in !Parallel', 'Hierarchies beside each other are not modelled.');
        component(inner, true);
      }
      return;
    }
    reader.fail(
      node,
      '!Container, !Component, !Parallel or !Hierarchical',
      `${tag === '' ? 'A node without a tag' : `!${tag}`} is not modelled.`,
    );
  };
  const inside = (node: YamlValue): readonly YamlValue[] =>
    reader.list(
      reader.record(node, ['name', 'nodes']).get('nodes') ?? reader.fail(node, 'a key "nodes"', 'List them.'),
    );
  for (const node of reader.list(nodes)) walk(node);
  return found;
}

/** The data spaces that a component keeps: named, or all that it does not bypass. */
function keptBy(reader: YamlReader, { node, fields, beside }: Placed): readonly DataSpace[] {
  const constraints = fields.get('constraints');
  const dataspace = constraints === undefined ? undefined : reader.entries(constraints).get('dataspace');
  const given =
    dataspace === undefined ? undefined : reader.record(dataspace, ['keep', 'keep_only', 'bypass']);
  const named = (key: string): readonly DataSpace[] | null => {
    const value = given?.get(key);
    return value === undefined ? null : reader.list(value).map((one) => spaceOf(reader, one));
  };
  const only = named('keep_only') ?? (beside ? named('keep') : null);
  if (beside && only === null)
    reader.fail(node, 'dataspace: {keep: [...]} of a component in !Parallel', 'Say what passes through it.');
  // `keep` alone says what must stay, not that the others pass by.
  const bypassed = named('bypass') ?? [];
  return only ?? dataSpaces.filter((space) => !bypassed.includes(space));
}

function representationOf(
  reader: YamlReader,
  value: YamlValue,
  kept: readonly DataSpace[],
  metadataBits: Quantity | null,
): Plain {
  const list = reader.record(value, ['data_spaces']).get('data_spaces');
  if (list === undefined) return reader.fail(value, 'a key "data_spaces"', 'List them.');
  return {
    data_spaces: reader.list(list).map((entry) => {
      // Ranks are of the whole tile here, whatever loops they are given to there.
      const of = reader.record(entry, ['name', 'ranks', 'rank_application_order']);
      const name = of.get('name') ?? reader.fail(entry, 'a key "name"', 'Say which data space.');
      const space = spaceOf(reader, name);
      if (space === 'Outputs' || !kept.includes(space))
        reader.fail(
          name,
          `${kept.filter((one) => one !== 'Outputs').join(' or ')}`,
          'Compressed outputs, and formats of what passes by, are not modelled.',
        );
      const ranksValue = of.get('ranks') ?? reader.fail(entry, 'a key "ranks"', 'Say its format.');
      const listed = reader.list(ranksValue);
      // Offsets of no bits: a rank that only says that there are tiles.
      const ranks = listed.filter((rank, at) => at === listed.length - 1 || !isFree(reader, rank));
      if (ranks.length > 2)
        reader.fail(
          ranksValue,
          'at most two ranks, of which the first is UOP',
          'Others are not modelled but UOP with payload_word_bits: 0.',
        );
      return {
        name: space,
        ranks: ranks.map((rank, at) => rankOf(reader, rank, at < ranks.length - 1, metadataBits)),
      };
    }),
  };
}

function isFree(reader: YamlReader, rank: YamlValue): boolean {
  const fields = reader.entries(rank);
  const [format, bits] = [fields.get('format'), fields.get('payload_word_bits')];
  return (
    format !== undefined && bits !== undefined && reader.scalar(format) === 'UOP' && reader.scalar(bits) === 0
  );
}

function rankOf(reader: YamlReader, rank: YamlValue, outer: boolean, metadataBits: Quantity | null): Plain {
  const fields = reader.record(rank, [
    'format',
    'metadata_word_bits',
    'payload_word_bits',
    'flattened_rankIDs',
  ]);
  const formatValue =
    fields.get('format') ?? reader.fail(rank, 'a key "format"', 'Write UOP, CP, RLE, B or U.');
  const format = reader.choice(formatValue, outer ? ['UOP'] : ['CP', 'RLE', 'B', 'U', 'UB']);
  const key = format === 'UOP' ? 'payload_word_bits' : 'metadata_word_bits';
  if (format === 'UB')
    reader.fail(formatValue, 'UOP, CP, RLE, B or U', 'A bitmask beside uncompressed values is not modelled.');
  if (format === 'U' || format === 'B') return { format };
  const given = fields.get(key);
  const bits =
    given === undefined
      ? metadataBits
      : { value: reader.integer(given, 1, 64), unit: 'bits', source: 'the file' };
  if (bits === null) return reader.fail(rank, `a key "${key}", or metadata_datawidth`, 'Its size is needed.');
  return { format, [key]: bits };
}

/** The gating and skipping of a component, each with one choice. */
function actionsOf(reader: YamlReader, value: YamlValue): readonly Plain[] {
  return reader.list(value).map((entry) => {
    const of = reader.record(entry, ['type', 'options']);
    const need = (fields: YamlEntries, key: string, at: YamlValue): YamlValue =>
      fields.get(key) ??
      reader.fail(at, `a key "${key}"`, 'Write {type, options: [{target, condition_on}]}.');
    const type = reader.choice(need(of, 'type', entry), ['gating', 'skipping']);
    const optionsValue = need(of, 'options', entry);
    const [option, ...others] = reader.list(optionsValue);
    if (others.length > 0) reader.fail(optionsValue, 'one option', 'Give the one that the hardware has.');
    const fields = reader.record(option!, ['target', 'condition_on']);
    const conditions = reader.list(need(fields, 'condition_on', option!)).map((one) => spaceOf(reader, one));
    return { type, target: spaceOf(reader, need(fields, 'target', option!)), condition_on: conditions };
  });
}

/** A storage as a level of the generic engine, without the array below it. */
function levelOf(reader: YamlReader, component: Placed): Plain {
  const { node, fields } = component;
  const attributesValue =
    fields.get('attributes') ?? reader.fail(node, 'a key "attributes"', 'A storage has a datawidth.');
  const attributes = reader.record(attributesValue, [...storage, ...pricesOnly]);
  const number = (key: string, most: number, scale = 1, unit = 'bits'): Quantity | null => {
    const value = attributes.get(key);
    if (value === undefined) return null;
    if (typeof reader.scalar(value) === 'string')
      reader.fail(value, 'a number', 'Expressions are not evaluated: write what it comes to.');
    return { value: reader.number(value, 1, most) * scale, unit, source: 'the file' };
  };
  const word = number('datawidth', 1024) ?? number('word_bits', 1024);
  if (word === null) return reader.fail(attributesValue, 'a key "datawidth"', 'A storage has it.');
  const kept = keptBy(reader, component);
  // Words a cycle there, bits a cycle here.
  const bandwidth = (key: string): Quantity | null => number(key, 2 ** 40, word.value, 'bits/cycle');
  const sparse = fields.get('sparse_optimizations');
  const of =
    sparse === undefined
      ? new Map<string, YamlValue>()
      : reader.record(sparse, ['representation_format', 'action_optimization']);
  const [format, actions] = [of.get('representation_format'), of.get('action_optimization')];
  const depth = number('depth', 2 ** 40, 1, 'entries');
  const width = number('width', 2 ** 20);
  // Values and metadata have memories of their own there; here they share the bits of both.
  const entryBits = (width ?? word).value;
  const metadataBits =
    (number('metadata_storage_depth', 2 ** 40)?.value ?? 0) *
    (number('metadata_storage_width', 2 ** 20)?.value ?? 0);
  const level = {
    name: reader.text(fields.get('name')!),
    depth: depth === null ? null : { ...depth, value: depth.value + metadataBits / entryBits },
    width: width ?? (depth === null ? null : word),
    datawidth: word,
    metadata_storage_width: number('metadata_storage_width', 2 ** 20),
    ...{ read_bandwidth: bandwidth('read_bandwidth'), write_bandwidth: bandwidth('write_bandwidth') },
    shared_bandwidth: bandwidth('shared_bandwidth'),
    keep: kept,
    representation_format:
      format === undefined ? null : representationOf(reader, format, kept, number('metadata_datawidth', 64)),
    action_optimization: actions === undefined ? null : actionsOf(reader, actions),
  };
  return Object.fromEntries(Object.entries(level).filter(([, value]) => value !== null));
}

/** What multipliers do with zeros. */
function computeOf(reader: YamlReader, { fields }: Placed): string | null {
  const sparse = fields.get('sparse_optimizations');
  if (sparse === undefined) return null;
  const value = reader.record(sparse, ['compute_optimization']).get('compute_optimization');
  if (value === undefined) return null;
  const [action, ...others] = actionsOf(reader, value);
  if (others.length > 0) reader.fail(value, 'one action of the multipliers', 'Remove the others.');
  return action!.type as string;
}

/**
 * The text of an accelerator file that says what an architecture says. Sizes, words a cycle, arrays, bypassing,
 * formats, gating and skipping are taken; constraints on mappings are not used, and prices need an ERT. Throws
 * BAD_ACCELERATOR with file, line and column for what is not modelled.
 */
export function fromArchitecture(text: string, file: string): string {
  const reader = readYaml(text, file, 'BAD_ACCELERATOR', tags);
  const top = reader.record(reader.root, [
    ...['architecture', 'variables', 'components', 'constraints', 'mapspace_constraints', 'mapspace'],
  ]);
  const architecture = top.get('architecture')!;
  const fields = reader.record(architecture, ['version', 'nodes']);
  const need = (key: string): YamlValue =>
    fields.get(key) ??
    reader.fail(
      architecture,
      `a key "${key}"`,
      'It is of version 0.4: subtrees of earlier ones are not read.',
    );
  if (reader.number(need('version'), 0, 1) !== 0.4)
    reader.fail(need('version'), 'version 0.4', "Convert the file with Timeloop's own front end.");
  const nodes = need('nodes');
  const parts = placed(reader, nodes);
  const [first] = parts;
  const multipliers = parts.at(-1);
  if (first === undefined || multipliers === undefined || parts.length < 2)
    return reader.fail(nodes, 'storages and multipliers below them', 'Add them.');
  if (first.mesh[0] * first.mesh[1] > 1)
    reader.fail(first.node, 'one outermost storage', 'Several side by side are not modelled.');
  if (multipliers.beside)
    reader.fail(
      multipliers.node,
      'multipliers as the last node',
      'Hierarchies beside each other are not modelled.',
    );
  const storages = parts.slice(0, -1);
  const levels = storages.map((component, at): Plain => {
    const [meshX, meshY] = parts[at + 1]!.mesh;
    const size = (value: number): Quantity => ({ value, unit: 'instances', source: 'the file' });
    const array = { ...(meshX > 1 && { meshX: size(meshX) }), ...(meshY > 1 && { meshY: size(meshY) }) };
    return { ...levelOf(reader, component), ...(meshX * meshY > 1 && { spatial: array }) };
  });
  for (const [at, component] of storages.entries()) {
    const next = storages[at + 1];
    if (!component.beside || next === undefined || !next.beside) continue;
    const both = (levels[at]!.keep as DataSpace[]).filter((one) =>
      (levels[at + 1]!.keep as DataSpace[]).includes(one),
    );
    if (both.length > 0)
      reader.fail(
        next.node,
        'each data space in one of the storages in parallel',
        `${both.join(' and ')}: keep it in one.`,
      );
  }
  const cycle =
    top.get('variables') === undefined
      ? undefined
      : reader.entries(top.get('variables')!).get('global_cycle_seconds');
  const name = file
    .split(/[\\/]/)
    .at(-1)!
    .replace(/\.ya?ml$/, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '');
  const compute = computeOf(reader, multipliers);
  return stringify({
    version: 1,
    name: name || 'architecture',
    title: `${file}, an architecture of Timeloop; its constraints on mappings are not used`,
    source: file,
    baseline: 'itself with its sparsity off, by the best mapping that a search finds',
    engine: 'generic',
    clock:
      cycle === undefined
        ? { value: 1000, unit: 'MHz', source: 'chosen: the file says none' }
        : { value: 1e-6 / reader.number(cycle, 1e-12, 1), unit: 'MHz', source: 'the file' },
    levels,
    ...(compute !== null && { compute_optimization: compute }),
    evidence: { class: 'formula', against: 'nothing: it is your own' },
  });
}
