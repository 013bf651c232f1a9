/** What the actions of a generic design cost: by a named table, or by one of Accelergy's energy reference tables. */
import { existsSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import type { Accelerator, EnergyModel, GenericDesign } from '../terms/accelerator.ts';
import { SparsemarkError } from '../terms.ts';
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

/** Prices of one component's actions, in pJ: of an action with several arguments the first, as a full access has it. */
type Component = ReadonlyMap<string, number>;

/** Read an ERT: its components by the last part of their name. Throws BAD_ACCELERATOR. */
export function parseErt(text: string, file: string): ReadonlyMap<string, Component> {
  const reader = readYaml(text, file, 'BAD_ACCELERATOR');
  const outer = reader.entries(reader.root);
  const ert = outer.get('ERT') ?? reader.fail(reader.root, 'a key "ERT"', "Give Accelergy's ERT.yaml.");
  const tables = reader.entries(ert).get('tables') ?? reader.fail(ert, 'a key "tables"', 'Give ERT.yaml.');
  const found = new Map<string, Component>();
  for (const table of reader.list(tables)) {
    const fields = reader.entries(table);
    const nameValue = fields.get('name') ?? reader.fail(table, 'a key "name"', 'Every table has it.');
    const name = reader
      .text(nameValue)
      .replace(/\[[^\]]*\]/g, '')
      .split('.')
      .at(-1)!;
    if (found.has(name)) reader.fail(nameValue, `one component ${name}`, 'Rename one, and its level.');
    const actionsValue =
      fields.get('actions') ?? reader.fail(table, 'a key "actions"', 'Every table has it.');
    const actions = new Map<string, number>();
    for (const action of reader.list(actionsValue)) {
      // Accelergy writes `arguments: null` of an action without any.
      const of = reader.entries(action, 'left out');
      const word = reader.text(of.get('name') ?? reader.fail(action, 'a key "name"', 'Name the action.'));
      const energy = of.get('energy') ?? reader.fail(action, 'a key "energy"', 'In pJ.');
      const price = reader.number(energy, 0, 1e9);
      if (!actions.has(word)) actions.set(word, price);
    }
    found.set(name, actions);
  }
  return found;
}

/** The energies of a design by an ERT. Throws BAD_ACCELERATOR for a level that it lacks. */
export function modelOfErt(
  design: GenericDesign,
  components: ReadonlyMap<string, Component>,
  file: string,
): EnergyModel {
  const priced: EnergyModel['priced'][number][] = [];
  const add = (level: string, component: Component, names: readonly string[], bits: number[]): void => {
    for (const [at, name] of names.entries()) {
      const word = words[name]!.find((one) => component.has(one));
      // An action without a price costs nothing: Accelergy leaves out those that a component never does.
      if (word !== undefined)
        priced.push({ level, action: `${level}.${name}`, price: component.get(word)!, bits: bits[at]! });
    }
  };
  const missing = (what: string): never => {
    throw new SparsemarkError(
      'BAD_ACCELERATOR',
      `Expected a component of the name ${what} for the energy reference table, received ${[...components.keys()].join(', ')}. Give the level and the component one name.`,
      { file },
    );
  };
  for (const { name, widthBits, metadataWidthBits } of design.levels) {
    const component = components.get(name) ?? missing(name);
    if (!component.has('read')) missing(`${name} with an action read`);
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
