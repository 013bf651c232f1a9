/** An accelerator's page in Markdown, made from its file and its engine class alone. */
import { loadNative } from '../native.ts';
import type { Accelerator, FormulaLine } from '../terms/accelerator.ts';
import type { Validation } from '../terms/published.ts';
import { readYaml, type YamlReader, type YamlValue } from '../workload/yaml-reader.ts';
import { type AcceleratorFile, parseAccelerator } from './accelerator.ts';
import { designKeys } from './design.ts';
import { formulaOf } from './formula.ts';
import { comparedWith, validationsOf } from './validation.ts';
import { gatedText, skippedText, zerosOf } from './zeros.ts';

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
  /** The engine class in a sentence: what it skips. */
  readonly summary: string;
  /** Of its cycles and terms. */
  readonly formula: readonly FormulaLine[];
  /** Names of the parts that the formula adds up or takes the most of. */
  readonly terms: readonly string[];
  /** Clock and parameters, or all of a generic design. */
  readonly stated: readonly StatedValue[];
  /** What each action of each level costs, with the names of its prices. */
  readonly prices: readonly StatedValue[];
  /** Published figures with ours, computed for this page. */
  readonly validations: readonly Validation[];
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

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replace(/\s+/g, ' ')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

const cellsOf = ({ name, value, unit, source }: StatedValue): readonly string[] => [
  ...[name, value, unit, source],
];

/** Counts as they are, other numbers with four digits, those that were rounded to be compared with six. */
function shown(value: number, rounded: boolean): string {
  return Math.abs(value) >= 1000
    ? String(Math.round(value))
    : String(Number(value.toPrecision(rounded ? 6 : 4)));
}

/** An error in per cent: 0 is none at all, 0.0 one that rounds to it. */
const percent = (error: number): string =>
  error === 0 ? '0' : `${error > 0 ? '+' : ''}${(100 * error).toFixed(1)}`;

/** One figure: ours against the published values. */
function figureText({ figure, what, rows }: Validation): string {
  const body = rows.map(({ of, ours, published, error, bound }) => [
    ...[of, shown(ours, figure.step !== null), shown(published, figure.step !== null), percent(error)],
    bound === null ? 'not asserted' : bound.map((one) => percent(one)).join(' to '),
  ]);
  const sizes = rows.map(({ error }) => Math.abs(error));
  const mean = sizes.reduce((sum, one) => sum + one, 0) / sizes.length;
  const notes = [
    `${what}.`,
    ...(rows.length > 1 && mean > 0
      ? [`Errors: mean ${(100 * mean).toFixed(1)} %, most ${(100 * Math.max(...sizes)).toFixed(1)} %.`]
      : []),
    ...(figure.note === '' ? [] : [`Note: ${figure.note}.`]),
  ];
  return [notes.join(' '), table(['of', 'ours', 'published', 'error %', 'accepted %'], body)].join('\n\n');
}

/** All figures, under the tables that they are from. */
function validationText(validations: readonly Validation[]): readonly string[] {
  const names = [...new Set(validations.map((one) => one.table.name))];
  return names.flatMap((name) => {
    const own = validations.filter((one) => one.table.name === name);
    const { title, source } = own[0]!.table;
    return [`## ${title}`, `Source: ${source}.`, ...own.map(figureText)];
  });
}

/** The formula, its numbers by the names that `--explain` prints. */
function formulaSection(engine: string, lines: readonly FormulaLine[]): string {
  const code = (text: string): string => (text === '' ? '' : `\`${text}\``);
  return [
    '## Formula',
    `As native/accelerator/${engine.replaceAll('-', '_')}.cc has it, of a layer m x k times k x n and the parameters below; E[..] is an expected value. With \`--mode actual\` expected values and waits are counted. \`sparsemark estimate --explain\` prints each number.`,
    table(
      ['number', 'is', 'where', 'from'],
      lines.map(({ name, expression, when, from }) => [name, code(expression), code(when), from]),
    ),
  ].join('\n\n');
}

/** Of an accelerator that no figure is of: it may be what those of others are over. */
function withoutFigures(accelerator: Accelerator): string {
  const others = comparedWith(accelerator);
  return others.length === 0
    ? 'No published figure is held against this accelerator.'
    : `No published figure is of this accelerator alone. Published gains of ${others.join(', ')} are over it: their pages have ours, the published values and the errors.`;
}

/** The page of an accelerator's file. Throws BAD_ACCELERATOR, MISSING_ADDON. */
export function acceleratorPage({ text, file }: AcceleratorFile): AcceleratorPage {
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
  const validations = validationsOf(accelerator);
  const { summary, lines } = formulaOf(accelerator);
  const zeros = zerosOf(accelerator);
  const facts = [
    `- Source: ${source}`,
    `- Engine class: ${accelerator.engine}${engine === undefined ? ', a design wholly from its file' : ''}: ${summary}`,
    `- Skips: ${skippedText(zeros)}`,
    `- Gates: ${gatedText(zeros)}`,
    `- Speed-ups are over: ${baseline}`,
    `- Evidence: ${evidence}, held against ${against}`,
    `- Energy: ${accelerator.energy === null ? `none${accelerator.withoutEnergy === undefined ? '' : `: ${accelerator.withoutEnergy}`}` : `table ${accelerator.energy.table}, in ${accelerator.energy.unit}`}`,
  ];
  const parts = [
    `# ${name}: ${title}`,
    facts.join('\n'),
    formulaSection(engine?.name ?? accelerator.engine, lines),
    table(['what', 'value', 'unit', 'source'], stated.map(cellsOf)),
    ...(prices.length > 0
      ? [table(['level and action', 'prices', 'moves', 'source'], prices.map(cellsOf))]
      : []),
    ...validationText(validations),
    ...(validations.length === 0 ? [withoutFigures(accelerator)] : []),
  ];
  return {
    accelerator,
    summary,
    formula: lines,
    terms,
    stated,
    prices,
    validations,
    markdown: parts.join('\n\n'),
  };
}
