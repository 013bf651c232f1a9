/** Suites: reading a YAML file, checking every word of it, multiplying its lists out into workloads. */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SparsemarkError, type Suite, type Workload } from '../terms.ts';
import { dataFolderOf } from './data.ts';
import { nearestName } from './nearest-name.ts';
import { workloadId } from './problem.ts';
import { expandEntry, sharedKeys } from './suite-entry.ts';
import { readText } from './text-file.ts';
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
const formatName = /^[a-z][a-z0-9]*(?:[-:][a-z0-9]+)*$/;
const suiteName = /^[a-z][a-z0-9-]*$/;
const suiteVersion = /^[0-9]+(?:\.[0-9]+)*$/;
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

const isSuitePath = (nameOrPath: string): boolean =>
  /\.ya?ml$/.test(nameOrPath) || nameOrPath.includes('/') || nameOrPath.includes(sep);

/** Throws MISSING_FILE for a name that no suite of the package has; a path may be that of another machine. */
export function checkSuiteName(nameOrPath: string): void {
  if (!isSuitePath(nameOrPath)) locate(nameOrPath, suitesFolder);
}

/** Where a suite's text lies: a name among the package's suites, or a path. */
function locate(nameOrPath: string, folder: string): { readonly path: string; readonly shown: string } {
  const isPath = isSuitePath(nameOrPath);
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
  const text = readText(path, { what: 'a suite', shown, code: 'BAD_SUITE' });
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
  const dataFolder = options.dataFolder ?? dataFolderOf();
  for (const entry of reader.list(fields.get('workloads')!)) {
    expandEntry(entry, { reader, defaults, folder: beside, dataFolder, emit });
  }
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
