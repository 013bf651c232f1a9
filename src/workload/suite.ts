/** Suites: reading a YAML file, checking every word of it, multiplying its lists out into workloads. */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  type CacheState,
  type Dtype,
  type PatternSpec,
  type Shape,
  SparsemarkError,
  type Suite,
  type Workload,
} from '../terms.ts';
import { nearestName } from './nearest-name.ts';
import { ops } from './ops/index.ts';
import { fixedDensityOf, patternNamed, patternSpec, patterns, refusalOf } from './patterns/index.ts';
import { workloadId } from './problem.ts';
import { maxCells } from './rows.ts';
import { type LayerShape, readShapes } from './shapes.ts';
import { readYaml, type YamlEntries, type YamlReader, type YamlValue } from './yaml-reader.ts';

/** Folder of the suites that come with the package; the same from src/workload and from dist/workload. */
export const suitesFolder = fileURLToPath(new URL('../../suites', import.meta.url));

/** What `list` shows of a suite that comes with the package. */
export interface SuiteSummary {
  readonly name: string;
  readonly version: string;
  readonly released: boolean;
  readonly description: string;
}

const suiteKeys = [
  'name',
  'version',
  'released',
  'description',
  'refine',
  'defaults',
  'workloads',
  'formats',
];
const sharedKeys = ['dtype', 'cache', 'patterns', 'densities', 'seeds'];
const entryKeys = ['op', 'shapes', 'shapesFrom', ...sharedKeys];
const dtypes: readonly Dtype[] = ['f32'];
const cacheChoices = ['hot', 'cold', 'headline'] as const;
type CacheChoice = (typeof cacheChoices)[number];
const formatName = /^[a-z][a-z0-9]*(?:[-:][a-z0-9]+)*$/;
const suiteName = /^[a-z][a-z0-9-]*$/;
const suiteVersion = /^[0-9]+(?:\.[0-9]+)*$/;
const maxSize = 2 ** 31 - 1;
const maxWorkloads = 1_000_000;

/** Names of the suites that come with the package. */
function suiteNames(folder: string): readonly string[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.yaml'))
    .map((file) => file.slice(0, -'.yaml'.length))
    .sort();
}

/** The suites that come with the package, without expanding them. */
export function listSuites(folder: string = suitesFolder): readonly SuiteSummary[] {
  return suiteNames(folder).map((name) => {
    const file = join(folder, `${name}.yaml`);
    return headOf(readYaml(readFileSync(file, 'utf8'), basename(file), 'BAD_SUITE')).head;
  });
}

/** Where a suite's text lies: a name among the package's suites, or a path. */
function locate(nameOrPath: string, folder: string): { readonly path: string; readonly shown: string } {
  const isPath = /\.ya?ml$/.test(nameOrPath) || nameOrPath.includes('/') || nameOrPath.includes(sep);
  const path = isPath ? nameOrPath : join(folder, `${nameOrPath}.yaml`);
  if (existsSync(path)) return { path, shown: isPath ? nameOrPath : `suites/${nameOrPath}.yaml` };
  const names = suiteNames(folder);
  const advice = isPath
    ? 'Check the path.'
    : `Did you mean "${nearestName(nameOrPath, names)}"? There are ${names.join(', ')}; a file's name ends in .yaml.`;
  throw new SparsemarkError(
    'MISSING_FILE',
    `Expected a suite's name or file for suite, received "${nameOrPath}". ${advice}`,
  );
}

/** The suite's own fields, before its workloads. */
function headOf(reader: YamlReader): { readonly head: SuiteSummary; readonly fields: YamlEntries } {
  const fields = reader.record(reader.root, suiteKeys);
  const need = (key: string): YamlValue =>
    fields.get(key) ??
    reader.failWith(reader.root, `Expected ${key} for the suite, received nothing. Add the key "${key}".`);
  const name = reader.text(need('name'));
  if (!suiteName.test(name))
    reader.fail(need('name'), 'small letters, digits and hyphens', 'Rename the suite.');
  const version = String(reader.scalar(need('version')));
  if (!suiteVersion.test(version))
    reader.fail(need('version'), 'numbers with dots, such as "1.0"', 'Correct it.');
  const released = fields.get('released');
  const head: SuiteSummary = {
    name,
    version,
    released: released === undefined ? false : reader.boolean(released),
    description: reader.text(need('description')),
  };
  need('workloads');
  need('formats');
  return { head, fields };
}

/** A layer with the place to blame for it. */
interface PlacedLayer extends Omit<LayerShape, 'source'> {
  readonly value: YamlValue;
}

/** A pattern of an entry, with its own densities and seeds where it gives them. */
interface PlacedPattern {
  readonly spec: PatternSpec;
  readonly densities: YamlValue | undefined;
  readonly seeds: YamlValue | undefined;
  readonly value: YamlValue;
}

/** `name: [m, k, n]` (spmv: `[m, k]`), each size an integer of at least 1. */
function readInlineShapes(reader: YamlReader, value: YamlValue, op: string): PlacedLayer[] {
  const layers: PlacedLayer[] = [];
  for (const [name, sizes] of reader.entries(value)) {
    const list = reader.isList(sizes) ? reader.list(sizes) : [];
    const vector = op === 'spmv' && list.length === 2;
    if (list.length !== 3 && !vector) {
      reader.fail(
        sizes,
        op === 'spmv' ? 'a list [m, k]' : 'a list [m, k, n]',
        'Write for example [512, 2048, 128].',
      );
    }
    const [m, k, n = 1] = list.map((size) => reader.integer(size, 1, maxSize));
    layers.push({ name, shape: { m: m!, k: k!, n }, count: 1, value: sizes });
  }
  return layers;
}

/** `{file, only, n}`: layers of a shape table, all or those named, with their own n or with every n of a list. */
function readTabledShapes(reader: YamlReader, value: YamlValue, folder: string): PlacedLayer[] {
  const layers: PlacedLayer[] = [];
  for (const item of reader.list(value)) {
    const fields = reader.record(item, ['file', 'only', 'n']);
    const file = fields.get('file') ?? reader.fail(item, 'a key "file"', 'Name a table of suites/shapes.');
    const shown = reader.text(file);
    if (!/^[a-z0-9_-]+\.csv$/.test(shown))
      reader.fail(file, 'the name of a .csv file', 'Give the name without a folder.');
    const rows = readShapes(join(folder, 'shapes', shown), `shapes/${shown}`);
    const names = rows.map((row) => row.name);
    const only = fields.get('only');
    const chosen =
      only === undefined
        ? rows
        : reader.list(only).map((name) => rows.find((row) => row.name === reader.choice(name, names))!);
    const sizes = fields.get('n');
    for (const row of chosen) {
      const ns =
        sizes === undefined ? [row.shape.n] : reader.list(sizes).map((n) => reader.integer(n, 1, maxSize));
      for (const n of ns)
        layers.push({ name: row.name, shape: { ...row.shape, n }, count: row.count, value: item });
    }
  }
  return layers;
}

/** A pattern by its name, or a mapping with name, parameters, and densities and seeds of its own. */
function readPattern(reader: YamlReader, value: YamlValue): PlacedPattern {
  const names = [...patterns.keys()].filter((name) => patternNamed(name).kind === 'generated');
  const fields: YamlEntries = reader.isMapping(value) ? reader.entries(value) : new Map([['name', value]]);
  const nameValue =
    fields.get('name') ?? reader.fail(value, 'a key "name"', `Name one of ${names.join(', ')}.`);
  const name = reader.choice(nameValue, names);
  if (reader.isMapping(value)) {
    reader.record(value, ['name', 'densities', 'seeds', ...Object.keys(patternNamed(name).parameters)]);
  }
  const given: Record<string, unknown> = {};
  for (const [key, field] of fields) {
    if (key !== 'name' && key !== 'densities' && key !== 'seeds') given[key] = reader.scalar(field);
  }
  try {
    return {
      spec: patternSpec(name, given),
      densities: fields.get('densities'),
      seeds: fields.get('seeds'),
      value,
    };
  } catch (error) {
    if (error instanceof SparsemarkError) reader.failWith(value, error.message);
    throw error;
  }
}

/** `headline` is cold for n <= 32, where real inference reads the weights once, else hot. */
function cacheStateOf(choice: CacheChoice, shape: Shape): CacheState {
  if (choice !== 'headline') return choice;
  return shape.n <= 32 ? 'cold' : 'hot';
}

/** The workloads of one entry: shapes x cache x patterns x densities x seeds, in this order. */
function expandEntry(
  reader: YamlReader,
  entry: YamlValue,
  defaults: YamlEntries,
  folder: string,
  emit: (workload: Workload, value: YamlValue) => void,
): void {
  const fields = reader.record(entry, entryKeys);
  const field = (key: string): YamlValue | undefined => fields.get(key) ?? defaults.get(key);
  const opValue =
    fields.get('op') ?? reader.fail(entry, 'a key "op"', `Name one of ${[...ops.keys()].join(', ')}.`);
  const op = ops.get(reader.choice(opValue, [...ops.keys()]))!;
  const dtypeValue = field('dtype');
  const dtype = dtypeValue === undefined ? 'f32' : reader.choice(dtypeValue, dtypes);
  const inline = fields.get('shapes');
  const tabled = fields.get('shapesFrom');
  if (inline === undefined && tabled === undefined) {
    reader.fail(entry, 'a key "shapes" or "shapesFrom"', 'Give at least one shape.');
  }
  const layers = [
    ...(inline === undefined ? [] : readInlineShapes(reader, inline, op.name)),
    ...(tabled === undefined ? [] : readTabledShapes(reader, tabled, folder)),
  ];
  const cacheValue = field('cache');
  const caches =
    cacheValue === undefined
      ? (['headline'] as const)
      : reader.list(cacheValue).map((cache) => reader.choice(cache, cacheChoices));
  const patternsValue =
    field('patterns') ?? reader.fail(entry, 'a key "patterns"', 'Give it here or under defaults.');
  const placed = reader.list(patternsValue).map((value) => readPattern(reader, value));

  for (const layer of layers) {
    const { shape } = layer;
    const misfit = op.validateShape(shape);
    if (misfit !== null) reader.failWith(layer.value, `Expected ${misfit}. Correct the shape.`);
    if (shape.m * shape.k > maxCells) {
      reader.fail(layer.value, `m * k of at most ${maxCells}`, 'Choose a smaller shape.');
    }
    for (const choice of caches) {
      const cache = cacheStateOf(choice, shape);
      for (const { spec, densities, seeds, value } of placed) {
        const seedsValue = seeds ?? field('seeds');
        const seedList =
          seedsValue === undefined
            ? [1]
            : reader.list(seedsValue).map((seed) => reader.integer(seed, 0, Number.MAX_SAFE_INTEGER));
        for (const density of densitiesOf(reader, spec, shape, densities, field('densities'), value)) {
          for (const seed of seedList) {
            const facts = { op: op.name, dtype, shape, cache, density, seed };
            const id = workloadId({ ...facts, label: spec.label });
            emit({ id, ...facts, pattern: spec, layer: layer.name, count: layer.count }, value);
          }
        }
      }
    }
  }
}

/** Densities of one pattern at one shape: its only one, or those of the pattern, the entry or the defaults. */
function densitiesOf(
  reader: YamlReader,
  spec: PatternSpec,
  shape: Shape,
  own: YamlValue | undefined,
  inherited: YamlValue | undefined,
  blamed: YamlValue,
): readonly number[] {
  const refuse = (density: number, value: YamlValue): void => {
    const refusal = refusalOf(spec, shape.m, shape.k, density);
    if (refusal !== null) reader.failWith(value, refusal);
  };
  const sizeRefusal = patternNamed(spec.name).refuse?.({
    rows: shape.m,
    cols: shape.k,
    parameters: spec.parameters,
  });
  if (typeof sizeRefusal === 'string') reader.failWith(blamed, sizeRefusal);
  const fixed = fixedDensityOf(spec, shape.m, shape.k);
  // Densities that an entry has for all its patterns are not meant for one that cannot choose.
  if (fixed !== null && own === undefined) return [Math.round(fixed * 10_000) / 10_000];
  const value =
    own ?? inherited ?? reader.fail(blamed, 'a key "densities"', 'Give it here or under defaults.');
  return reader.list(value).map((item) => {
    const density = reader.number(item, 0, 1);
    refuse(density, item);
    return density;
  });
}

/** Formats by pattern label or name, as written: each list checked for its spelling only. */
function readFormats(reader: YamlReader, value: YamlValue, workloads: readonly Workload[]): Suite['formats'] {
  const labels = new Map(workloads.map(({ pattern }) => [pattern.label, pattern.name]));
  const written = reader.record(value, ['*', ...labels.keys(), ...new Set(labels.values())]);
  const lists = new Map<string, readonly string[]>();
  for (const [key, list] of written) {
    const names = reader.list(list).map((format) => {
      const name = reader.text(format);
      if (formatName.test(name)) return name;
      return reader.fail(
        format,
        'a format such as csr, bsr-4x4 or nm-2:4',
        '`sparsemark list formats` shows them.',
      );
    });
    const twice = names.find((name, at) => names.indexOf(name) !== at);
    if (twice !== undefined)
      reader.failWith(list, `Expected each format once for ${key}, received "${twice}" twice. Remove one.`);
    lists.set(key, names);
  }
  const formats: Record<string, readonly string[]> = {};
  for (const [label, name] of labels) {
    const list = lists.get(label) ?? lists.get(name) ?? lists.get('*');
    if (list === undefined) {
      reader.failWith(
        value,
        `Expected formats for pattern ${label}, received none. Add the key "${label}" or "*".`,
      );
    }
    formats[label] = list!;
  }
  const rest = lists.get('*');
  if (rest !== undefined) formats['*'] = rest;
  return formats;
}

/** Hex SHA-256 over the workload ids and the formats by label, in their order, one a line. */
export function suiteDigest(workloads: readonly Workload[], formats: Suite['formats']): string {
  const hash = createHash('sha256');
  for (const { id } of workloads) hash.update(`${id}\n`);
  for (const [label, names] of Object.entries(formats)) hash.update(`${label}: ${names.join(' ')}\n`);
  return hash.digest('hex');
}

/** Where to look, when not in the places of the package and the user. */
export interface SuiteOptions {
  /** Folder of the data cache. */
  readonly dataFolder?: string;
  /** Folder of the suites and their shapes. */
  readonly suitesFolder?: string;
}

/**
 * Read and expand a suite: one that comes with the package, by name, or a file of the user's, by path. Throws
 * MISSING_FILE with the nearest name, BAD_SUITE with file, line and column, MISSING_DATA where a collection is needed.
 */
export function loadSuite(nameOrPath: string, options: SuiteOptions = {}): Suite {
  const folder = options.suitesFolder ?? suitesFolder;
  const { path, shown } = locate(nameOrPath, folder);
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw new SparsemarkError(
      'MISSING_FILE',
      `Expected a readable file for suite, received "${nameOrPath}". Check its permissions.`,
      { file: shown },
      { cause },
    );
  }
  const reader = readYaml(text, shown, 'BAD_SUITE');
  const { head, fields } = headOf(reader);
  const defaultsValue = fields.get('defaults');
  const defaults: YamlEntries =
    defaultsValue === undefined ? new Map() : reader.record(defaultsValue, sharedKeys);
  const workloads: Workload[] = [];
  const seen = new Set<string>();
  const emit = (workload: Workload, value: YamlValue): void => {
    if (seen.has(workload.id)) {
      reader.failWith(
        value,
        `Expected each workload once, received ${workload.id} twice. Remove the repetition.`,
      );
    }
    if (workloads.length === maxWorkloads) {
      reader.failWith(
        value,
        `Expected at most ${maxWorkloads} workloads for the suite, received more. Shorten a list.`,
      );
    }
    seen.add(workload.id);
    workloads.push(workload);
  };
  // Shape tables lie beside the package's suites; a user's suite may bring its own.
  const beside = existsSync(join(dirname(path), 'shapes')) ? dirname(path) : folder;
  for (const entry of reader.list(fields.get('workloads')!))
    expandEntry(reader, entry, defaults, beside, emit);
  const formats = readFormats(reader, fields.get('formats')!, workloads);
  const refine = fields.get('refine');
  return {
    ...head,
    digest: suiteDigest(workloads, formats),
    workloads,
    formats,
    refine: refine === undefined ? false : reader.boolean(refine),
  };
}

/** The same question at another density, rounded to four decimals: what a refined crossover measures. */
export function withDensity(workload: Workload, density: number): Workload {
  const rounded = Math.round(density * 10_000) / 10_000;
  const id = workloadId({ ...workload, label: workload.pattern.label, density: rounded });
  return { ...workload, id, density: rounded };
}
