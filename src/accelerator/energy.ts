/** What an estimate's actions cost: prices from named tables, every one with its source. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { EngineClass } from '../native.ts';
import type {
  Accelerator,
  EnergyEstimate,
  EnergyModel,
  EnergyTable,
  LevelEstimate,
} from '../terms/accelerator.ts';
import { readYaml, type YamlReader, type YamlValue } from '../workload/yaml-reader.ts';
import { readQuantity } from './quantity.ts';

const units = ['pJ', 'MAC'] as const;

/** Read an energy table. Throws BAD_ACCELERATOR. */
export function parseEnergyTable(text: string, file: string): EnergyTable {
  const reader = readYaml(text, file, 'BAD_ACCELERATOR');
  const fields = reader.record(reader.root, ['version', 'name', 'title', 'source', 'unit', 'prices']);
  const need = (key: string): YamlValue =>
    fields.get(key) ?? reader.fail(reader.root, `a key "${key}"`, 'Every energy table has it.');
  reader.integer(need('version'), 1, 1);
  const unit = reader.choice(need('unit'), units);
  const prices = reader.entries(need('prices'));
  return {
    name: reader.text(need('name')),
    title: reader.text(need('title')),
    source: reader.text(need('source')),
    unit,
    prices: Object.fromEntries(
      [...prices].map(([name, value]) => [
        name,
        readQuantity(reader, value, unit, (number) => reader.number(number, 0, 1e9)),
      ]),
    ),
  };
}

/** The table of a name in that folder. Throws BAD_ACCELERATOR with the names there are. */
function tableNamed(reader: YamlReader, value: YamlValue, folder: string): EnergyTable {
  const names = readdirSync(folder)
    .filter((name) => name.endsWith('.yaml'))
    .map((name) => name.slice(0, -'.yaml'.length));
  const name = reader.choice(value, names);
  return parseEnergyTable(
    readFileSync(join(folder, `${name}.yaml`), 'utf8'),
    `suites/accelerators/energy/${name}.yaml`,
  );
}

/** Actions that a level of the block may price: their word there, and their name in an estimate. */
export type ActionNames = (level: YamlValue) => ReadonlyMap<string, string>;

/** Actions of an engine class, at any level. */
export function actionsOfClass({ actions }: EngineClass): ActionNames {
  const names = new Map(actions.map((name) => [name, name]));
  return () => names;
}

/** Read an accelerator's block `energy`: levels, each with actions and their prices. */
export function readEnergy(
  reader: YamlReader,
  value: YamlValue,
  actionsAt: ActionNames,
  folder: string,
): EnergyModel {
  const fields = reader.record(value, ['table', 'levels']);
  const need = (key: string): YamlValue =>
    fields.get(key) ?? reader.fail(value, `a key "${key}"`, 'An energy model has a table and levels.');
  const table = tableNamed(reader, need('table'), folder);
  const levels = reader.entries(need('levels'));
  const priced: EnergyModel['priced'][number][] = [];
  for (const [level, actions] of levels) {
    const names = actionsAt({ ...actions, name: level });
    for (const [word, spec] of reader.record(actions, [...names.keys()])) {
      const action = names.get(word)!;
      const of = reader.record(spec, ['price', 'bits', 'source']);
      const given = (key: string): YamlValue =>
        of.get(key) ?? reader.fail(spec, `a key "${key}"`, 'An action has a price, its bits and a source.');
      reader.text(given('source'));
      const price = reader
        .list(given('price'))
        .reduce((sum, name) => sum + table.prices[reader.choice(name, Object.keys(table.prices))]!, 0);
      if (priced.some((other) => other.action === action))
        reader.fail(spec, 'each action at one level', `Remove the second ${action}.`);
      priced.push({ level, action, price, bits: reader.number(given('bits'), 0, 1e6) });
    }
  }
  return { table: table.name, unit: table.unit, priced };
}

/** Energy and traffic of a layer's actions; null where the accelerator names no table. */
export function energyOf(
  { energy }: Pick<Accelerator, 'energy'>,
  actions: Readonly<Record<string, number>>,
): EnergyEstimate | null {
  if (energy === null) return null;
  const levels = new Map<string, LevelEstimate>();
  for (const { level, action, price, bits } of energy.priced) {
    const count = actions[action]!;
    const before = levels.get(level) ?? { level, accesses: 0, bits: 0, energy: 0 };
    levels.set(level, {
      level,
      accesses: before.accesses + count,
      bits: before.bits + count * bits,
      energy: before.energy + count * price,
    });
  }
  const total = [...levels.values()].reduce((sum, one) => sum + one.energy, 0);
  return { table: energy.table, unit: energy.unit, total, levels: [...levels.values()] };
}
