/** What the actions of a generic design cost: by a named table, or by one of Accelergy's energy reference tables. */
import { existsSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import type { Accelerator, EnergyModel, GenericDesign } from '../terms/accelerator.ts';
import { type Place, SparsemarkError } from '../terms.ts';
import { readText } from '../workload/text-file.ts';
import { readYaml, type YamlReader, type YamlValue } from '../workload/yaml-reader.ts';
import { type ActionNames, readEnergy } from './energy.ts';
import { genericActions } from './generic.ts';

/** Accelergy's words for our actions, the first that a component has. */
const words: Readonly<Record<string, readonly string[]>> = {
  read: ['read'],
  write: ['write', 'update'],
  gated_read: ['gated_read'],
  gated_write: ['gated_write', 'gated_update'],
  metadata_read: ['metadata_read'],
  metadata_write: ['metadata_write', 'metadata_update'],
  gated_metadata_read: ['gated_metadata_read', 'metadata_idle', 'metadata_read'],
  skipped_metadata_read: ['skipped_metadata_read', 'metadata_idle', 'metadata_read'],
  mac: ['mac_random', 'compute', 'mac', 'multiply'],
  mac_gated: ['mac_gated', 'gated_compute'],
  mac_skipped: ['mac_skipped', 'skipped_compute'],
};

const computeNames = ['MAC', 'mac', 'compute', 'MACs', 'intmac', 'LMAC'];

/** One component of an ERT. */
interface Component {
  /** Prices of its actions in pJ: of an action with several arguments the first, as a full access has it. */
  readonly prices: ReadonlyMap<string, number>;
  readonly place: Place;
}

/** What an ERT holds: its components by the last part of their name, and where their list begins. */
export interface EnergyReferenceTable {
  readonly components: ReadonlyMap<string, Component>;
  readonly place: Place;
}

/** Read an ERT. Throws BAD_ACCELERATOR with the place, for a key that Accelergy does not write too. */
export function parseErt(text: string, file: string): EnergyReferenceTable {
  const reader = readYaml(text, file, 'BAD_ACCELERATOR');
  const outer = reader.entries(reader.root);
  const ert = outer.get('ERT') ?? reader.fail(reader.root, 'a key "ERT"', "Give Accelergy's ERT.yaml.");
  reader.record(reader.root, ['ERT']);
  const tables =
    reader.record(ert, ['version', 'tables']).get('tables') ??
    reader.fail(ert, 'a key "tables"', 'Give ERT.yaml.');
  const components = new Map<string, Component>();
  for (const table of reader.list(tables)) {
    const fields = reader.record(table, ['name', 'actions']);
    const nameValue = fields.get('name') ?? reader.fail(table, 'a key "name"', 'Every table has it.');
    const name = reader
      .text(nameValue)
      .replace(/\[[^\]]*\]/g, '')
      .split('.')
      .at(-1)!;
    if (components.has(name)) reader.fail(nameValue, `one component ${name}`, 'Rename one, and its level.');
    const actionsValue =
      fields.get('actions') ?? reader.fail(table, 'a key "actions"', 'Every table has it.');
    const prices = new Map<string, number>();
    for (const action of reader.list(actionsValue)) {
      // Accelergy writes `arguments: null` of an action without any.
      const of = reader.record(action, ['name', 'arguments', 'energy'], 'left out');
      const word = reader.text(of.get('name') ?? reader.fail(action, 'a key "name"', 'Name the action.'));
      const energy = of.get('energy') ?? reader.fail(action, 'a key "energy"', 'In pJ.');
      const price = reader.number(energy, 0, 1e9);
      if (!prices.has(word)) prices.set(word, price);
    }
    components.set(name, { prices, place: reader.placeOf(nameValue) });
  }
  return { components, place: reader.placeOf(tables) };
}

/** The energies of a design by an ERT. Throws BAD_ACCELERATOR for a level that it lacks. */
export function modelOfErt(
  design: GenericDesign,
  { components, place }: EnergyReferenceTable,
  file: string,
): EnergyModel {
  const priced: EnergyModel['priced'][number][] = [];
  const add = (level: string, { prices }: Component, names: readonly string[], bits: number[]): void => {
    for (const [at, name] of names.entries()) {
      const word = words[name]!.find((one) => prices.has(one));
      // An action without a price costs nothing: Accelergy leaves out those that a component never does.
      if (word !== undefined)
        priced.push({ level, action: `${level}.${name}`, price: prices.get(word)!, bits: bits[at]! });
    }
  };
  const missing = (what: string): never => {
    throw new SparsemarkError(
      'BAD_ACCELERATOR',
      `Expected a component of the name ${what} for the energy reference table, received ${[...components.keys()].join(', ')}. Give the level and the component one name.`,
      place,
    );
  };
  for (const { name, widthBits, metadataWidthBits } of design.levels) {
    const component = components.get(name) ?? missing(name);
    if (!component.prices.has('read')) {
      throw new SparsemarkError(
        'BAD_ACCELERATOR',
        `Expected an action read for the component ${name}, received ${[...component.prices.keys()].join(', ')}. Every level is read.`,
        component.place,
      );
    }
    const ofMetadata = [metadataWidthBits, metadataWidthBits, metadataWidthBits, metadataWidthBits];
    const bits = [widthBits, widthBits, 0, 0, ...ofMetadata];
    add(name, component, genericActions.level, bits);
  }
  const compute = computeNames.find((name) => components.has(name)) ?? missing(computeNames.join(' or '));
  add('compute', components.get(compute)!, genericActions.compute, [0, 0, 0]);
  return { table: `ERT ${basename(file)}`, unit: 'pJ', priced };
}

/** The accelerator with the prices of an ERT file. Throws BAD_ACCELERATOR, MISSING_FILE. */
export function withErt(accelerator: Accelerator, path: string): Accelerator {
  if (accelerator.design === null) {
    throw new SparsemarkError(
      'BAD_ACCELERATOR',
      `Expected an accelerator of the generic engine for an energy reference table, received ${accelerator.name} of the class ${accelerator.engine}, whose actions it does not name. Leave --ert out.`,
    );
  }
  return {
    ...accelerator,
    energy: modelOfErt(accelerator.design, parseErt(readErt(path, path), path), path),
  };
}

function readErt(path: string, shown: string): string {
  return readText(path, { what: 'an energy reference table', shown, code: 'BAD_ACCELERATOR' });
}

/** Read the block `energy` of a generic design: `ert` with a path from the accelerator's file, or a table and levels. */
export function readGenericEnergy(
  reader: YamlReader,
  value: YamlValue,
  design: GenericDesign,
  { tables, file }: { readonly tables: string; readonly file: string },
): EnergyModel {
  const ert = reader.entries(value).get('ert');
  if (ert !== undefined) {
    reader.record(value, ['ert']);
    const path = resolve(dirname(file), reader.text(ert));
    if (!existsSync(path)) reader.fail(ert, 'a file that is there', 'It is looked for beside this file.');
    return modelOfErt(design, parseErt(readErt(path, reader.text(ert)), reader.text(ert)), reader.text(ert));
  }
  const names = [...design.levels.map(({ name }) => name), 'compute'];
  const actionsAt: ActionNames = (level) => {
    if (!names.includes(level.name)) reader.fail(level, `a level (${names.join(', ')})`, 'Name it so.');
    const words = level.name === 'compute' ? genericActions.compute : genericActions.level;
    return new Map(words.map((word) => [word, `${level.name}.${word}`]));
  };
  return readEnergy(reader, value, actionsAt, tables);
}
