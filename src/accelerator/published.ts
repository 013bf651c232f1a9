/** Published figures from YAML: the one source of the golden tests and of the pages of accelerators. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { EstimatedLayer } from '../terms/accelerator.ts';
import {
  type ErrorBound,
  itselfWithoutZeros,
  type PublishedFigure,
  type PublishedLayer,
  type PublishedTable,
} from '../terms/published.ts';
import { readYaml, type YamlReader, type YamlValue } from '../workload/yaml-reader.ts';

const folder = join(
  dirname(dirname(dirname(fileURLToPath(import.meta.url)))),
  ...['suites', 'accelerators', 'published'],
);

const texts = ['name', 'network'];
const sizes = ['m', 'n', 'k', 'batch', 'channels', 'size', 'kernel', 'filters', 'stride', 'out', 'groups'];
const densities = ['weights', 'activations'];
const figureKeys = [
  ...[
    'accelerator',
    'quantity',
    'scale',
    'unit',
    'over',
    'density',
    'relativeTo',
    'sumBy',
    'only',
    'parameters',
  ],
  ...['published', 'step', 'bound', 'meanBound', 'note'],
] as const;

/** Read a table of published figures. Throws BAD_ACCELERATOR with the place of what is wrong. */
export function parsePublished(text: string, file: string): PublishedTable {
  const reader = readYaml(text, file, 'BAD_ACCELERATOR');
  const fields = reader.record(reader.root, ['version', 'name', 'title', 'source', 'layers', 'figures']);
  const need = (key: string): YamlValue =>
    fields.get(key) ?? reader.fail(reader.root, `a key "${key}"`, 'Every table of figures has it.');
  reader.integer(need('version'), 1, 1);
  const layers = readLayers(reader, need('layers'));
  return {
    name: reader.text(need('name')),
    title: reader.text(need('title')),
    source: reader.text(need('source')),
    layers,
    figures: reader.list(need('figures')).map((value) => readFigure(reader, value, layers)),
  };
}

function readLayers(reader: YamlReader, value: YamlValue): readonly PublishedLayer[] {
  const fields = reader.record(value, ['columns', 'rows']);
  const need = (key: string): YamlValue =>
    fields.get(key) ?? reader.fail(value, `a key "${key}"`, 'Layers have columns and rows.');
  const names = reader.list(need('columns')).map((name) => reader.text(name));
  return reader.list(need('rows')).map((row) => {
    const cells = reader.list(row);
    if (cells.length !== names.length)
      reader.fail(row, `${names.length} values`, 'Give each column of the layers one.');
    const words: Record<string, string> = {};
    const numbers: Record<string, number> = {};
    for (const [at, name] of names.entries()) {
      const cell = cells[at]!;
      if (texts.includes(name)) words[name] = reader.text(cell);
      // What the source does not say of this layer.
      else if (reader.scalar(cell) === 'none') continue;
      else if (sizes.includes(name)) numbers[name] = reader.integer(cell, 1, 2 ** 40);
      else numbers[name] = reader.number(cell, 0, densities.includes(name) ? 1 : 1e18);
    }
    if (words.name === undefined) reader.fail(row, 'a column "name"', 'Name each layer.');
    const isConv = numbers.channels !== undefined;
    for (const key of isConv ? ['channels', 'size', 'kernel', 'filters', 'out'] : ['m', 'n', 'k'])
      if (numbers[key] === undefined) reader.fail(row, `a column "${key}"`, 'A layer has all of its sizes.');
    return { layer: layerOf(words.name, numbers), network: words.network ?? null, columns: numbers };
  });
}

/** A product of m, n and k, or a square convolution whose size is that of the padded input. */
function layerOf(name: string, numbers: Readonly<Record<string, number>>): EstimatedLayer {
  const { weights = 1, activations = 1, groups = 1, batch = 1, stride = 1 } = numbers;
  const { channels, size, kernel, filters, out } = numbers;
  const rest = { groups, weightDensity: weights, activationDensity: activations, weightCorrelation: 0 };
  if (channels === undefined)
    return { name, shape: { m: numbers.m!, n: numbers.n!, k: numbers.k! }, ...rest };
  const conv = {
    ...{ batch, channels, height: size!, width: size!, kernelHeight: kernel!, kernelWidth: kernel! },
    ...{ stride, padding: 0, outHeight: out!, outWidth: out! },
  };
  const shape = { m: filters!, n: batch * out! * out!, k: channels * kernel! * kernel!, conv };
  return { name, shape, ...rest };
}

function readFigure(
  reader: YamlReader,
  value: YamlValue,
  layers: readonly PublishedLayer[],
): PublishedFigure {
  const fields = reader.record(value, figureKeys);
  const need = (key: (typeof figureKeys)[number]): YamlValue =>
    fields.get(key) ?? reader.fail(value, `a key "${key}"`, 'A figure has it.');
  const given = <T>(key: (typeof figureKeys)[number], absent: T, read: (value: YamlValue) => T): T => {
    const found = fields.get(key);
    return found === undefined ? absent : read(found);
  };
  const columns = [...new Set(layers.flatMap((one) => Object.keys(one.columns)))];
  const networks = [...new Set(layers.flatMap(({ network }) => network ?? []))];
  const summed = given('sumBy', false, (one) => reader.choice(one, ['network']) === 'network');
  if (summed && networks.length === 0) reader.fail(need('sumBy'), 'layers with a network', 'Add the column.');
  const bound = fields.get('bound');
  const note = given('note', '', (one) => reader.text(one));
  if (bound === undefined && note === '')
    reader.fail(value, 'a key "bound" or a "note"', 'Say why no error is asserted.');
  return {
    accelerator: reader.text(need('accelerator')),
    quantity: reader.text(need('quantity')).split(' + '),
    scale: given('scale', 1, (one) => reader.number(one, 1e-12, 1e12)),
    unit: given('unit', '', (one) => reader.text(one)),
    over: given<string | null>('over', null, (one) => reader.text(one)),
    density: given<number | null>('density', null, (one) => reader.number(one, 0, 1)),
    relative: given('relativeTo', false, (one) => reader.choice(one, [itselfWithoutZeros]) !== null),
    summed,
    only: given<readonly string[] | null>('only', null, (one) =>
      reader.list(one).map((name) =>
        reader.choice(
          name,
          layers.map(({ layer }) => layer.name),
        ),
      ),
    ),
    parameters: given('parameters', {}, (one) =>
      Object.fromEntries(
        [...reader.entries(one)].map(([name, column]) => [name, reader.choice(column, columns)]),
      ),
    ),
    published: readPublished(reader, need('published'), { columns, networks, summed }),
    step: given<number | null>('step', null, (one) => reader.number(one, 1e-12, 1e12)),
    bound: bound === undefined ? null : readBound(reader, bound, columns),
    meanBound: given<number | null>('meanBound', null, (one) => reader.number(one, 0, 10)),
    note,
  };
}

function readPublished(
  reader: YamlReader,
  value: YamlValue,
  known: {
    readonly columns: readonly string[];
    readonly networks: readonly string[];
    readonly summed: boolean;
  },
): PublishedFigure['published'] {
  if (known.summed)
    return Object.fromEntries(
      [...reader.record(value, known.networks)].map(([name, one]) => [name, reader.number(one, 0, 1e18)]),
    );
  return typeof reader.scalar(value) === 'number'
    ? reader.number(value, 0, 1e18)
    : reader.choice(value, known.columns);
}

function readBound(reader: YamlReader, value: YamlValue, columns: readonly string[]): ErrorBound | string {
  if (reader.isList(value)) {
    const [least, most, ...more] = reader.list(value);
    if (most === undefined || more.length > 0)
      return reader.fail(value, 'the least and the most error', 'Write [-0.1, 0.05].');
    return [reader.number(least!, -1, 100), reader.number(most, -1, 100)];
  }
  if (typeof reader.scalar(value) !== 'number') return reader.choice(value, columns);
  const most = reader.number(value, 0, 100);
  return [-most, most];
}

let tables: readonly PublishedTable[] | null = null;

/** Tables that come along, by name; read once. Throws BAD_ACCELERATOR. */
export function publishedTables(): readonly PublishedTable[] {
  tables ??= readdirSync(folder)
    .filter((name) => name.endsWith('.yaml'))
    .sort()
    .map((name) =>
      parsePublished(readFileSync(join(folder, name), 'utf8'), `suites/accelerators/published/${name}`),
    );
  return tables;
}
