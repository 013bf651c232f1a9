/** Accelerators from YAML: every number with its unit and its source. */
import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type EngineClass, loadNative } from '../native.ts';
import { type Accelerator, evidenceClasses } from '../terms/accelerator.ts';
import { SparsemarkError } from '../terms.ts';
import { nearestName } from '../workload/nearest-name.ts';
import { readText } from '../workload/text-file.ts';
import { readYaml, type YamlReader, type YamlValue } from '../workload/yaml-reader.ts';
import { designKeys, readDesign } from './design.ts';
import { actionsOfClass, readEnergy } from './energy.ts';
import { readGenericEnergy } from './ert.ts';
import { readQuantity } from './quantity.ts';
import { isScaleSim, parseScaleSim } from './scale-sim.ts';
import { fromArchitecture, isArchitecture } from './timeloop-architecture.ts';

const folder = join(dirname(dirname(dirname(fileURLToPath(import.meta.url)))), 'suites', 'accelerators');

const keys = ['version', 'name', 'title', 'source', 'baseline', 'engine', 'clock', 'energy', 'evidence'];

/** Read an accelerator file. `engines` are the classes that the cost model knows. Throws BAD_ACCELERATOR. */
export function parseAccelerator(text: string, file: string, engines: readonly EngineClass[]): Accelerator {
  const reader = readYaml(text, file, 'BAD_ACCELERATOR');
  const generic = reader.entries(reader.root).get('engine')?.node?.toString() === 'generic';
  const fields = reader.record(reader.root, [...keys, ...(generic ? designKeys : ['parameters'])]);
  const need = (key: string): YamlValue =>
    fields.get(key) ?? reader.fail(reader.root, `a key "${key}"`, 'Every accelerator has it.');
  reader.integer(need('version'), 1, 1);
  const name = reader.text(need('name'));
  if (!/^[a-z0-9][a-z0-9-]*$/.test(name))
    reader.fail(need('name'), 'small letters, digits and hyphens', 'Rename it.');
  const className = reader.choice(need('engine'), [...engines.map((engine) => engine.name), 'generic']);
  const engine = engines.find((one) => one.name === className);
  const design = engine === undefined ? readDesign(reader, fields) : null;
  const parameters = engine === undefined ? [] : readParameters(reader, need('parameters'), engine);
  const evidence = reader.record(need('evidence'), ['class', 'against']);
  const needEvidence = (key: string): YamlValue =>
    evidence.get(key) ?? reader.fail(need('evidence'), `a key "${key}"`, 'Say what it was held against.');
  const energy = fields.get('energy');
  const refusal =
    energy !== undefined && reader.isMapping(energy) ? reader.entries(energy).get('none') : undefined;
  if (refusal !== undefined) reader.record(energy!, ['none']);
  return {
    name,
    title: reader.text(need('title')),
    source: reader.text(need('source')),
    baseline: reader.text(need('baseline')),
    engine: className,
    clockMhz: readQuantity(reader, need('clock'), 'MHz', (value) => reader.number(value, 1e-3, 1e6)),
    parameters,
    design,
    energy:
      energy === undefined || refusal !== undefined
        ? null
        : engine === undefined
          ? readGenericEnergy(reader, energy, design!, { tables: join(folder, 'energy'), file })
          : readEnergy(reader, energy, actionsOfClass(engine), join(folder, 'energy')),
    ...(refusal !== undefined && { withoutEnergy: reader.text(refusal) }),
    evidence: reader.choice(needEvidence('class'), evidenceClasses),
    against: reader.text(needEvidence('against')),
  };
}

/** The parameters of an engine class, in its order. */
function readParameters(reader: YamlReader, value: YamlValue, engine: EngineClass): readonly number[] {
  const given = reader.record(
    value,
    engine.parameters.map((parameter) => parameter.name),
  );
  return engine.parameters.map(({ name, unit, meaning, least, most, whole }) => {
    const one =
      given.get(name) ??
      reader.fail(value, `a key "${name}" (${meaning})`, `Engine class ${engine.name} needs it.`);
    return readQuantity(reader, one, unit, (number) =>
      whole ? reader.integer(number, least, most) : reader.number(number, least, most),
    );
  });
}

/** Names of the accelerators that come along. */
export function acceleratorNames(): readonly string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.yaml'))
    .map((name) => name.slice(0, -'.yaml'.length))
    .sort();
}

/** The text of an accelerator's file, and the name that errors call it by. */
export interface AcceleratorFile {
  readonly text: string;
  readonly file: string;
}

/** The file of an accelerator that comes along or has a path. Throws BAD_ACCELERATOR, MISSING_FILE. */
export function acceleratorFile(nameOrPath: string): AcceleratorFile {
  const isFile = /[./\\]/.test(nameOrPath);
  const path = isFile ? nameOrPath : join(folder, `${nameOrPath}.yaml`);
  const names = acceleratorNames();
  if (!isFile && !names.includes(nameOrPath)) {
    throw new SparsemarkError(
      'BAD_ACCELERATOR',
      `Expected one of ${names.join(', ')} for the accelerator, received "${nameOrPath}". Did you mean "${nearestName(nameOrPath, [...names, 'this-cpu'])}"? A file of your own is named by its path, ./mine.yaml; this machine is this-cpu.`,
    );
  }
  const file = isFile ? nameOrPath : `suites/accelerators/${nameOrPath}.yaml`;
  const text = readText(path, { what: 'an accelerator file', shown: file, code: 'BAD_ACCELERATOR' });
  if (!isArchitecture(text)) return { text, file };
  // What is wrong with the design that comes of it has no line in the file.
  return { text: fromArchitecture(text, file), file: `${file}, as a design` };
}

/**
 * An accelerator by its name, or from a .yaml file or SCALE-Sim's .cfg. Throws BAD_ACCELERATOR, MISSING_FILE,
 * MISSING_ADDON.
 */
export function loadAccelerator(nameOrPath: string): Accelerator {
  return acceleratorFrom(acceleratorFile(nameOrPath));
}

/** The accelerator of a file's text. Throws BAD_ACCELERATOR, MISSING_ADDON. */
export function acceleratorFrom({ text, file }: AcceleratorFile): Accelerator {
  const engines = loadNative().native.describeEngines();
  if (isScaleSim(file)) return parseScaleSim(text, file, engines.find(({ name }) => name === 'systolic')!);
  return parseAccelerator(text, file, engines);
}
