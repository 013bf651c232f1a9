/** One entry of a suite's `workloads`: its lists multiplied out, or the matrices of a collection. */
import { join } from 'node:path';
import {
  type CacheState,
  type Dtype,
  type PatternSpec,
  type Shape,
  SparsemarkError,
  type Workload,
} from '../terms.ts';
import { type DlmcModel, dlmcMatrices, dlmcMethods, dlmcModels } from './dlmc.ts';
import type { Op } from './ops/index.ts';
import { ops } from './ops/index.ts';
import { fixedDensityOf, patternNamed, patternSpec, patterns, refusalOf } from './patterns/index.ts';
import { workloadId } from './problem.ts';
import { maxCells } from './rows.ts';
import { type LayerShape, readShapes } from './shapes.ts';
import type { YamlEntries, YamlReader, YamlValue } from './yaml-reader.ts';

/** Keys that an entry and the suite's defaults have in common. */
export const sharedKeys = ['dtype', 'cache', 'patterns', 'densities', 'seeds'];
const entryKeys = ['op', 'shapes', 'shapesFrom', 'matrices', 'activationDensities', ...sharedKeys];
const cacheChoices = ['hot', 'cold', 'headline'] as const;
const maxSize = 2 ** 31 - 1;

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

/** `name: [m, k, n]`, or the sizes that the op has: integers of at least 1, a padding of at least 0. */
function readInlineShapes(reader: YamlReader, value: YamlValue, op: Op): PlacedLayer[] {
  const layers: PlacedLayer[] = [];
  for (const [name, sizes] of reader.entries(value)) {
    const list = reader.isList(sizes) ? reader.list(sizes) : [];
    // A vector's n may be written; it can only be 1.
    if (list.length !== op.sizes.length && !(op.sizes.join() === 'm,k' && list.length === 3)) {
      reader.fail(
        sizes,
        `a list [${op.sizes.join(', ')}]`,
        `Write for example [${[512, 2048, 128, 56, 3, 1, 1].slice(0, op.sizes.length).join(', ')}].`,
      );
    }
    const numbers = list.map((size, at) => reader.integer(size, op.sizes[at] === 'padding' ? 0 : 1, maxSize));
    layers.push({ name, shape: op.shapeOf(numbers), count: 1, value: sizes });
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

/** The cache state of the headline: cold for n <= 32, where real inference reads the weights once, else hot. */
export function headlineCache(shape: Shape): CacheState {
  return shape.n <= 32 ? 'cold' : 'hot';
}

/** What the entries of a suite are expanded with. */
export interface EntryContext {
  readonly reader: YamlReader;
  readonly defaults: YamlEntries;
  /** Folder that holds `shapes/`. */
  readonly folder: string;
  readonly dataFolder: string;
  /** Takes each workload, with the value to blame for it. */
  emit(workload: Workload, value: YamlValue): void;
}

/**
 * Expand one entry, in this order: shapes x cache x patterns x densities x seeds, or matrices x n x cache. Throws
 * BAD_SUITE with the place, MISSING_DATA where a collection is not in the cache.
 */
export function expandEntry(entry: YamlValue, context: EntryContext): void {
  const { reader, defaults } = context;
  const fields = reader.record(entry, entryKeys);
  const field = (key: string): YamlValue | undefined => fields.get(key) ?? defaults.get(key);
  const opNames = [...ops.keys()];
  const opValue = fields.get('op') ?? reader.fail(entry, 'a key "op"', `Name one of ${opNames.join(', ')}.`);
  const op = ops.get(reader.choice(opValue, opNames))!;
  const dtypeValue = field('dtype');
  const dtype = dtypeValue === undefined ? 'f32' : reader.choice(dtypeValue, op.dtypes);
  const activations = activationDensitiesOf(reader, entry, fields.get('activationDensities'), op);
  const cacheValue = field('cache');
  const choices =
    cacheValue === undefined
      ? (['headline'] as const)
      : reader.list(cacheValue).map((cache) => reader.choice(cache, cacheChoices));
  const cachesOf = (shape: Shape): readonly CacheState[] =>
    choices.map((choice) => (choice === 'headline' ? headlineCache(shape) : choice));
  const matrices = fields.get('matrices');
  if (matrices === undefined)
    expandShapes(entry, context, fields, field, { op, dtype, activations }, cachesOf);
  else {
    for (const key of ['shapes', 'shapesFrom', 'patterns', 'densities', 'seeds']) {
      const extra = fields.get(key);
      if (extra !== undefined) {
        reader.failWith(
          extra,
          `Expected no ${key} beside matrices, received some. Matrices bring their own: remove the key.`,
        );
      }
    }
    expandMatrices(matrices, context, { op, dtype, activations }, cachesOf);
  }
}

/** What all workloads of an entry have in common; of `activations`, each workload has one. */
interface Question {
  readonly op: Op;
  readonly dtype: Dtype;
  readonly activations: readonly { readonly activationDensity?: number }[];
}

/** Densities of a sparse B; an op without one takes none. */
function activationDensitiesOf(
  reader: YamlReader,
  entry: YamlValue,
  value: YamlValue | undefined,
  op: Op,
): Question['activations'] {
  if (!op.sparseActivations) {
    if (value !== undefined)
      reader.failWith(
        value,
        `Expected no activationDensities for ${op.name}, received some. Its B is dense: remove the key.`,
      );
    return [{}];
  }
  const list =
    value ??
    reader.fail(entry, 'a key "activationDensities"', `B of ${op.name} is sparse: give its densities.`);
  return reader.list(list).map((item) => ({ activationDensity: reader.number(item, 0, 1) }));
}

/** Shapes x cache x patterns x densities x activation densities x seeds. */
function expandShapes(
  entry: YamlValue,
  { reader, folder, emit }: EntryContext,
  fields: YamlEntries,
  field: (key: string) => YamlValue | undefined,
  { op, dtype, activations }: Question,
  cachesOf: (shape: Shape) => readonly CacheState[],
): void {
  const inline = fields.get('shapes');
  const tabled = fields.get('shapesFrom');
  if (inline === undefined && tabled === undefined) {
    reader.fail(entry, 'a key "shapes", "shapesFrom" or "matrices"', 'Give at least one shape.');
  }
  const layers = [
    ...(inline === undefined ? [] : readInlineShapes(reader, inline, op)),
    ...(tabled === undefined ? [] : readTabledShapes(reader, tabled, folder)),
  ];
  const patternsValue =
    field('patterns') ?? reader.fail(entry, 'a key "patterns"', 'Give it here or under defaults.');
  const placed = reader.list(patternsValue).map((value) => readPattern(reader, value));
  for (const layer of layers) {
    const { shape, name, count, value } = layer;
    const misfit = op.validateShape(shape);
    if (misfit !== null) reader.failWith(value, `Expected ${misfit}. Correct the shape.`);
    if (shape.m * shape.k > maxCells)
      reader.fail(value, `m * k of at most ${maxCells}`, 'Choose a smaller shape.');
    for (const cache of cachesOf(shape)) {
      for (const pattern of placed) {
        const seedsValue = pattern.seeds ?? field('seeds');
        const seeds =
          seedsValue === undefined
            ? [1]
            : reader.list(seedsValue).map((seed) => reader.integer(seed, 0, Number.MAX_SAFE_INTEGER));
        for (const density of densitiesOf(reader, pattern, shape, field('densities'))) {
          for (const activation of activations) {
            for (const seed of seeds) {
              const facts = { op: op.name, dtype, shape, cache, density, ...activation, seed };
              const id = workloadId({ ...facts, label: pattern.spec.label });
              emit({ id, ...facts, pattern: pattern.spec, layer: name, count }, pattern.value);
            }
          }
        }
      }
    }
  }
}

/**
 * Matrices of a collection x n x cache. A matrix's number in its model stands for the seed: layers of one shape are
 * samples of how a method prunes, as seeds are samples of a generator. ResNet-50's last layer, n = 1, is spmv's; the
 * other layers are spmm's.
 */
function expandMatrices(
  value: YamlValue,
  { reader, dataFolder, emit }: EntryContext,
  { op, dtype, activations }: Question,
  cachesOf: (shape: Shape) => readonly CacheState[],
): void {
  const fields = reader.record(value, ['collection', 'model', 'methods', 'n']);
  const need = (key: string): YamlValue =>
    fields.get(key) ??
    reader.fail(value, `a key "${key}"`, 'Matrices have collection, model, methods and n.');
  reader.choice(need('collection'), ['dlmc']);
  const model: DlmcModel = reader.choice(need('model'), dlmcModels);
  const methodsValue = fields.get('methods');
  const methodNames = [...dlmcMethods.keys()];
  const methods =
    methodsValue === undefined
      ? methodNames
      : reader.list(methodsValue).map((method) => reader.choice(method, methodNames));
  const nValue = need('n');
  const ownN = !reader.isList(nValue) && reader.scalar(nValue) === 'layer';
  if (ownN && model !== 'rn50') {
    reader.fail(nValue, 'numbers', 'Only the layers of rn50 have an n of their own.');
  }
  const ns = ownN ? [] : reader.list(nValue).map((n) => reader.integer(n, 1, maxSize));
  for (const matrix of dlmcMatrices(dataFolder, model, methods)) {
    const label = `dlmc-${model}-${matrix.method}`;
    const pattern = patternSpec('file', { path: matrix.path, from: 'data', as: label });
    const density = Math.round((1 - matrix.level) * 10_000) / 10_000;
    for (const n of ownN ? [matrix.n!] : ns) {
      const shape: Shape = { m: matrix.rows, k: matrix.cols, n };
      if ((n === 1) !== (op.name === 'spmv')) continue;
      for (const cache of cachesOf(shape)) {
        for (const activation of activations) {
          const facts = { op: op.name, dtype, shape, cache, density, ...activation, seed: matrix.ordinal };
          const id = workloadId({ ...facts, label });
          emit({ id, ...facts, pattern, layer: matrix.layer, count: 1 }, value);
        }
      }
    }
  }
}

/** Densities of one pattern at one shape: its only one, or those of the pattern, the entry or the defaults. */
function densitiesOf(
  reader: YamlReader,
  { spec, densities: own, value: blamed }: PlacedPattern,
  shape: Shape,
  inherited: YamlValue | undefined,
): readonly number[] {
  const size = { rows: shape.m, cols: shape.k, parameters: spec.parameters };
  const refusal = patternNamed(spec.name).refuse?.(size) ?? null;
  if (refusal !== null) reader.failWith(blamed, refusal);
  const fixed = fixedDensityOf(spec, shape.m, shape.k);
  // Densities that an entry has for all its patterns are not meant for one that cannot choose.
  if (fixed !== null && own === undefined) return [Math.round(fixed * 10_000) / 10_000];
  const value =
    own ?? inherited ?? reader.fail(blamed, 'a key "densities"', 'Give it here or under defaults.');
  return reader.list(value).map((item) => {
    const density = reader.number(item, 0, 1);
    const misfit = refusalOf(spec, shape.m, shape.k, density);
    if (misfit !== null) reader.failWith(item, misfit);
    return density;
  });
}
