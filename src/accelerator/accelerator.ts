/** Accelerators from YAML: every number with its unit and its source. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type EngineClass, loadNative } from '../native.ts';
import { type Accelerator, evidenceClasses } from '../terms/accelerator.ts';
import { SparsemarkError } from '../terms.ts';
import { nearestName } from '../workload/nearest-name.ts';
import { readYaml, type YamlValue } from '../workload/yaml-reader.ts';
import { readEnergy } from './energy.ts';
import { readQuantity } from './quantity.ts';

const folder = join(dirname(dirname(dirname(fileURLToPath(import.meta.url)))), 'suites', 'accelerators');

const keys = [
  ...[
    'version',
    'name',
    'title',
    'source',
    'baseline',
    'engine',
    'clock',
    'parameters',
    'energy',
    'evidence',
  ],
];

/** Read an accelerator file. `engines` are the classes that the cost model knows. Throws BAD_ACCELERATOR. */
export function parseAccelerator(text: string, file: string, engines: readonly EngineClass[]): Accelerator {
  const reader = readYaml(text, file, 'BAD_ACCELERATOR');
  const fields = reader.record(reader.root, keys);
  const need = (key: string): YamlValue =>
    fields.get(key) ?? reader.fail(reader.root, `a key "${key}"`, 'Every accelerator has it.');
  reader.integer(need('version'), 1, 1);
  const name = reader.text(need('name'));
  if (!/^[a-z0-9][a-z0-9-]*$/.test(name))
    reader.fail(need('name'), 'small letters, digits and hyphens', 'Rename it.');
  const className = reader.choice(
    need('engine'),
    engines.map((engine) => engine.name),
  );
  const engine = engines.find((one) => one.name === className)!;
  const parametersValue = need('parameters');
  const given = reader.record(
    parametersValue,
    engine.parameters.map((parameter) => parameter.name),
  );
  const parameters = engine.parameters.map(({ name, unit, meaning, least, most, whole }) => {
    const value =
      given.get(name) ??
      reader.fail(parametersValue, `a key "${name}" (${meaning})`, `Engine class ${className} needs it.`);
    return readQuantity(reader, value, unit, (number) =>
      whole ? reader.integer(number, least, most) : reader.number(number, least, most),
    );
  });
  const evidence = reader.record(need('evidence'), ['class', 'against']);
  const needEvidence = (key: string): YamlValue =>
    evidence.get(key) ?? reader.fail(need('evidence'), `a key "${key}"`, 'Say what it was held against.');
  const energy = fields.get('energy');
  return {
    name,
    title: reader.text(need('title')),
    source: reader.text(need('source')),
    baseline: reader.text(need('baseline')),
    engine: className,
    clockMhz: readQuantity(reader, need('clock'), 'MHz', (value) => reader.number(value, 1e-3, 1e6)),
    parameters,
    energy: energy === undefined ? null : readEnergy(reader, energy, engine, join(folder, 'energy')),
    evidence: reader.choice(needEvidence('class'), evidenceClasses),
    against: reader.text(needEvidence('against')),
  };
}

/** Names of the accelerators that come along. */
export function acceleratorNames(): readonly string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.yaml'))
    .map((name) => name.slice(0, -'.yaml'.length))
    .sort();
}

/** An accelerator by its name, or from a .yaml file. Throws BAD_ACCELERATOR, MISSING_FILE, MISSING_ADDON. */
export function loadAccelerator(nameOrPath: string): Accelerator {
  const isFile = /[./\\]/.test(nameOrPath);
  const path = isFile ? nameOrPath : join(folder, `${nameOrPath}.yaml`);
  const names = acceleratorNames();
  if (!isFile && !names.includes(nameOrPath)) {
    throw new SparsemarkError(
      'BAD_ACCELERATOR',
      `Expected one of ${names.join(', ')} for the accelerator, received "${nameOrPath}". Did you mean "${nearestName(nameOrPath, names)}"? A file of your own is named by its path, ./mine.yaml.`,
    );
  }
  if (!existsSync(path)) {
    throw new SparsemarkError(
      'MISSING_FILE',
      `Expected an accelerator file for ${nameOrPath}, received no such file. Check the path.`,
      { file: nameOrPath },
    );
  }
  const shown = isFile ? nameOrPath : `suites/accelerators/${nameOrPath}.yaml`;
  return parseAccelerator(readFileSync(path, 'utf8'), shown, loadNative().native.describeEngines());
}
