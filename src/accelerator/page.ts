/** An accelerator's page in Markdown, made from its file and its engine class alone. */
import { loadNative } from '../native.ts';
import type { Accelerator } from '../terms/accelerator.ts';
import { readYaml, type YamlReader, type YamlValue } from '../workload/yaml-reader.ts';
import { acceleratorFile, parseAccelerator } from './accelerator.ts';
import { designKeys } from './design.ts';

/** One statement of the file: `unit` and `source` are empty where it has none of its own. */
export interface StatedValue {
  readonly name: string;
  readonly value: string;
  readonly unit: string;
  readonly source: string;
}

/** What a page says beside the accelerator itself. */
export interface AcceleratorPage {
  readonly accelerator: Accelerator;
  /** The engine class in a sentence: what it skips; null of a design wholly from its file. */
  readonly summary: string | null;
  /** Names of the parts that the formula adds up or takes the most of. */
  readonly terms: readonly string[];
  /** Clock and parameters, or all of a generic design. */
  readonly stated: readonly StatedValue[];
  /** What each action of each level costs, with the names of its prices. */
  readonly prices: readonly StatedValue[];
  readonly markdown: string;
}

/** The names by which entries of a list are told apart. */
const labels = ['name', 'level', 'type'];

/** Every leaf below a value: quantities with unit and source, other scalars and lists of them as they stand. */
function statedBelow(reader: YamlReader, name: string, value: YamlValue): readonly StatedValue[] {
  const leaf = (text: string): StatedValue => ({ name, value: text, unit: '', source: '' });
  if (reader.isList(value)) {
    const items = reader.list(value);
    if (!items.some((item) => reader.isMapping(item)))
      return [leaf(items.map((item) => String(reader.scalar(item))).join(', '))];
    return items.flatMap((item) => {
      const fields = reader.entries(item);
      const label = labels.find((key) => fields.has(key));
      const rest = [...fields].filter(([key]) => key !== label);
      const own = label === undefined ? name : `${name} ${String(reader.scalar(fields.get(label)!))}`;
      if (rest.length === 0) return [{ ...leaf('yes'), name: own }];
      return rest.flatMap(([key, field]) => statedBelow(reader, `${own} ${key}`, field));
    });
  }
  if (!reader.isMapping(value)) return [leaf(String(reader.scalar(value)))];
  const fields = reader.entries(value);
  const [given, unit, source] = ['value', 'unit', 'source'].map((key) => fields.get(key));
  if (given === undefined || unit === undefined || source === undefined)
    return [...fields].flatMap(([key, field]) => statedBelow(reader, `${name} ${key}`, field));
  return [
    { name, value: String(reader.scalar(given)), unit: reader.text(unit), source: reader.text(source) },
  ];
}

/** Actions of the block `energy`: the value is the names of their prices, the unit the bits that one moves. */
function pricesOf(reader: YamlReader, energy: YamlValue): readonly StatedValue[] {
  const levels = reader.entries(energy).get('levels');
  if (levels === undefined) return [];
  return [...reader.entries(levels)].flatMap(([level, actions]) =>
    [...reader.entries(actions)].map(([action, spec]) => {
      const fields = reader.entries(spec);
      const names = reader.list(fields.get('price')!).map((price) => String(reader.scalar(price)));
      return {
        name: `${level} ${action}`,
        value: names.join(' + '),
        unit: `${reader.scalar(fields.get('bits')!)} bits`,
        source: reader.text(fields.get('source')!),
      };
    }),
  );
}

function table(head: readonly string[], rows: readonly StatedValue[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replace(/\s+/g, ' ')).join(' | ')} |`;
  const body = rows.map(({ name, value, unit, source }) => line([name, value, unit, source]));
  return [line(head), line(head.map(() => '---')), ...body].join('\n');
}

/** The page of an accelerator by its name or file. Throws BAD_ACCELERATOR, MISSING_FILE, MISSING_ADDON. */
export function acceleratorPage(nameOrPath: string): AcceleratorPage {
  const { text, file } = acceleratorFile(nameOrPath);
  const engines = loadNative().native.describeEngines();
  const accelerator = parseAccelerator(text, file, engines);
  const engine = engines.find(({ name }) => name === accelerator.engine);
  const reader = readYaml(text, file, 'BAD_ACCELERATOR');
  const fields = reader.entries(reader.root);
  const stated = ['clock', 'parameters', ...designKeys].flatMap((key) => {
    const value = fields.get(key);
    if (value === undefined) return [];
    return key === 'parameters'
      ? [...reader.entries(value)].flatMap(([name, one]) => statedBelow(reader, name, one))
      : statedBelow(reader, key, value);
  });
  const energy = fields.get('energy');
  const prices = energy === undefined ? [] : pricesOf(reader, energy);
  const { name, title, source, baseline, evidence, against } = accelerator;
  const terms = engine?.terms ?? [];
  const facts = [
    `- Source: ${source}`,
    `- Engine class: ${accelerator.engine}${engine === undefined ? ', a design wholly from its file' : `: ${engine.summary}`}`,
    ...(terms.length > 0 ? [`- Terms of the formula: ${terms.join(', ')}`] : []),
    `- Speed-ups are over: ${baseline}`,
    `- Evidence: ${evidence}, held against ${against}`,
    `- Energy: ${accelerator.energy === null ? 'none' : `table ${accelerator.energy.table}, in ${accelerator.energy.unit}`}`,
  ];
  const parts = [
    `# ${name}: ${title}`,
    facts.join('\n'),
    table(['what', 'value', 'unit', 'source'], stated),
    ...(prices.length > 0 ? [table(['level and action', 'prices', 'moves', 'source'], prices)] : []),
  ];
  return {
    accelerator,
    summary: engine?.summary ?? null,
    terms,
    stated,
    prices,
    markdown: parts.join('\n\n'),
  };
}
