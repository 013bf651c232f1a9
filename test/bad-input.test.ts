/** Files of every format that an estimate reads: broken ones are refused at their place, odd ones read as plain ones. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { loadAccelerator } from '../src/accelerator/accelerator.ts';
import { withErt } from '../src/accelerator/ert.ts';
import { readMask } from '../src/accelerator/masks.ts';
import { actually, layersFor, statistically } from '../src/command/estimated-layers.ts';
import { type ErrorCode, SparsemarkError } from '../src/terms.ts';

const folder = mkdtempSync(join(tmpdir(), 'sparsemark-bad-input-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const accelerators = join(import.meta.dirname, '../suites/accelerators');
const convolution =
  'Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, Num Filter,';
const problem = `problem:
  shape:
    name: MM
    dimensions: [M, K, N]
    data_spaces:
      - { name: A, projection: [[[M]], [[K]]] }
      - { name: B, projection: [[[K]], [[N]]] }
      - { name: Z, projection: [[[M]], [[N]]], read_write: true }
  instance: { M: 64, K: 32, N: 16, densities: { A: 0.2 } }
`;
const prices = ['BackingStorage', 'Buffer', 'Reg', 'MAC'].map((name) => {
  const actions = name === 'MAC' ? ['compute'] : ['read', 'write'];
  const priced = actions.map((action) => `{ name: ${action}, energy: 1 }`).join(', ');
  return `    - { name: s.${name}, actions: [${priced}] }\n`;
});

/** A format: a file that is right, and what reads it. */
const formats: Readonly<
  Record<
    string,
    {
      readonly ending: string;
      readonly text: string;
      readonly read: (path: string) => unknown;
      readonly code: ErrorCode;
    }
  >
> = {
  'an accelerator': {
    ending: 'yaml',
    text: readFileSync(join(accelerators, 'eie.yaml'), 'utf8'),
    read: loadAccelerator,
    code: 'BAD_ACCELERATOR',
  },
  'a generic accelerator': {
    ending: 'yaml',
    text: readFileSync(join(accelerators, 'bitmask-gating.yaml'), 'utf8'),
    read: loadAccelerator,
    code: 'BAD_ACCELERATOR',
  },
  "SCALE-Sim's configuration": {
    ending: 'cfg',
    text: `[general]
run_name = x
[architecture_presets]
ArrayHeight: 32
ArrayWidth: 16
IfmapSramSzkB: 64
FilterSramSzkB: 64
OfmapSramSzkB: 64
IfmapOffset: 0
FilterOffset: 10000000
OfmapOffset: 20000000
Bandwidth: 10
Dataflow: ws
[run_presets]
InterfaceBandwidth: CALC
`,
    read: loadAccelerator,
    code: 'BAD_ACCELERATOR',
  },
  'a topology': {
    ending: 'csv',
    text: `${convolution} Strides, Sparsity,\nconv1, 8, 8, 3, 3, 4, 16, 1, 2:4,\n`,
    read: (path) => layersFor(path, {}),
    code: 'BAD_SUITE',
  },
  "Timeloop's problem": {
    ending: 'yaml',
    text: problem,
    read: (path) => layersFor(path, {}).map(({ name: _, ...layer }) => layer),
    code: 'BAD_SUITE',
  },
  'a suite': {
    ending: 'yaml',
    text: readFileSync(join(accelerators, '../quick.yaml'), 'utf8'),
    read: (path) => layersFor(path, {}),
    code: 'BAD_SUITE',
  },
  'an energy reference table': {
    ending: 'yaml',
    text: `ERT:\n  tables:\n${prices.join('')}`,
    read: (path) => withErt(loadAccelerator('bitmask-gating'), path).energy!.priced,
    code: 'BAD_ACCELERATOR',
  },
  'a mask': { ending: 'smtx', text: '2, 3, 2\n0 1 2\n0 2\n', read: readMask, code: 'BAD_MATRIX' },
};

let files = 0;
const write = (ending: string, bytes: string | Uint8Array): string => {
  files += 1;
  const path = join(folder, `file-${files}.${ending}`);
  writeFileSync(path, bytes);
  return path;
};

/** The error of reading it; the text of what was read where there is none. */
function refusalOf(read: (path: string) => unknown, path: string): SparsemarkError | string {
  try {
    return `nothing refused: ${JSON.stringify(read(path))}`;
  } catch (error) {
    if (error instanceof SparsemarkError) return error;
    throw error;
  }
}

const plain = (value: unknown, path: string): string =>
  JSON.stringify(value).replaceAll(path, 'here').replaceAll(path.split('/').at(-1)!, 'here');

describe.each(Object.entries(formats))('%s', (_, { ending, text, read, code }) => {
  const right = write(ending, text);
  it.each([
    ['line ends of Windows', text.replaceAll('\n', '\r\n')],
    ['a byte order mark', `\uFEFF${text}`],
    ['both', `\uFEFF${text.replaceAll('\n', '\r\n')}`],
  ])('is read with %s', (_, odd) => {
    const path = write(ending, odd);
    expect(plain(read(path), path)).toBe(plain(read(right), right));
  });

  it.each<[string, string | Uint8Array]>([
    ['nothing', ''],
    ['blank lines', '\n\n  \n'],
    ['a program', readFileSync(process.execPath).subarray(0, 2000)],
    ['UTF-16', Buffer.from(`\uFEFF${text}`, 'utf16le')],
    ['its first half', text.slice(0, text.length / 2)],
    ['an unclosed list', `a: [1, 2\n${text}`],
  ])('is refused at its place where the file holds %s', (_, bytes) => {
    const found = refusalOf(read, write(ending, bytes));
    expect(found).toBeInstanceOf(SparsemarkError);
    const { code: received, place, message } = found as SparsemarkError;
    expect(received).toBe(code);
    expect(message).toMatch(/: Expected .+, received .+\. .+/);
    expect(message).not.toMatch(/NaN|undefined|\0/);
    expect(place.line).toBeGreaterThan(0);
    expect(place.column).toBeGreaterThan(0);
  });

  it('is refused where the path is a folder, or leads nowhere', () => {
    const path = join(folder, `folder-${files}.${ending}`);
    mkdirSync(path, { recursive: true });
    for (const wrong of [path, join(folder, `nowhere.${ending}`)]) {
      const found = refusalOf(read, wrong);
      expect(found).toBeInstanceOf(SparsemarkError);
      expect((found as SparsemarkError).code).toBe('MISSING_FILE');
    }
  });
});

it.each<[string, string, string, RegExp]>([
  ["SCALE-Sim's configuration", 'ArrayWidth: 16', 'ArrayWidth: 0', /:5:13: .*1\.\.65536.*"0"/],
  ["SCALE-Sim's configuration", 'ArrayWidth: 16', 'ArrayWidht: 16', /:5:1: .*Did you mean "ArrayWidth"/],
  ["SCALE-Sim's configuration", 'ArrayWidth: 16', 'ArrayHeight: 16', /:5:14: .*each option once/],
  [
    "SCALE-Sim's configuration",
    'ArrayWidth: 16\n',
    '',
    /:3:1: .*an option ArrayWidth for section \[architecture_presets\], received none/,
  ],
  [
    "SCALE-Sim's configuration",
    '[run_presets]\nInterfaceBandwidth: CALC\n',
    '',
    /:13:1: .*InterfaceBandwidth for section \[run_presets\], which is not there, received none/,
  ],
  ["SCALE-Sim's configuration", '[run_presets]', '[run_preset]', /:14:1: .*Did you mean "run_presets"/],
  ['a topology', ' 8, 8, 3', ' 8, 0, 3', /:2:11: .*IFMAP Width of conv1.*"0"/],
  ['a topology', ', 3, 3,', ', 9, 3,', /:2:14: .*no larger than its input of 8 x 8 for conv1.*9 x 3/],
  ['a topology', '2:4', '5:4', /:2:30: .*N of at most M for conv1.*"5:4"/],
  ['a topology', ' 1, 2:4,', ' 1, 2:4, 7,', /:2:35: .*8 cells and a sparsity.*received 10/],
  ["Timeloop's problem", 'A: 0.2', 'A: 1.2', /:9:\d+: .*0\.\.1.*1\.2/],
  ["Timeloop's problem", 'A: 0.2', 'A: .nan', /:9:\d+: .*0\.\.1.*\.nan/],
  ["Timeloop's problem", 'M: 64', 'M: 0', /:9:\d+: .*problem\.instance\.M.*0/],
  ['an energy reference table', 'energy: 1', 'energy: 1.6e17', /:3:\d+: .*energy.*1\.6e17/],
  ['an energy reference table', 'energy: 1', 'energy: -1', /:3:\d+: .*energy.*-1/],
  ['an energy reference table', 's.Buffer', 's.Bufer', /:3:5: .*component of the name Buffer.*Bufer/],
  ['an energy reference table', 's.MAC', 's.MCA', /:3:5: .*component of the name MAC or mac/],
  ['an energy reference table', 'name: read', 'name: reed', /:3:15: .*read for the component Backing.*reed/],
  [
    'an energy reference table',
    'energy: 1',
    'energy: 1, unit: pJ',
    /:3:\d+: .*name, arguments, energy.*unit/,
  ],
  ['an energy reference table', 'tables:', 'table:', /:2:3: .*version, tables.*"table"\. Did you mean/],
  ['an energy reference table', 'actions:', 'action:', /:3:33: .*name, actions.*"action"\. Did you mean/],
  ['an accelerator', 'unit: elements', 'unit: elephants', /:9:\d+: .*elements.*"elephants"/],
  ['an accelerator', 'value: 64', 'value: 0', /:9:\d+: .*1\.\.1024.*0/],
  ['a mask', '0 2\n', '0 3\n', /:3:3: .*0\.\.2.*3/],
  ['a mask', '0 1 2\n', '0 2 1\n', /:2:5: .*at least 2/],
  ['a mask', '2, 3, 2\n', '2, -3, 2\n', /:1:4: .*"-3"/],
])('%s names the place of %s as %s', (name, from, to, what) => {
  const { ending, text, read } = formats[name]!;
  expect(text).toContain(from);
  const found = refusalOf(read, write(ending, text.replace(from, to)));
  expect(found).toBeInstanceOf(SparsemarkError);
  expect((found as SparsemarkError).message).toMatch(what);
});

describe('layers', () => {
  const eie = [loadAccelerator('eie')];
  it('of 2^40 multiplications are estimated, of 2^70 refused at their line', () => {
    const sized = (size: number): string => write('csv', `Layer, M, N, K,\nbig, ${size}, ${size}, 1024,\n`);
    const [big] = statistically(sized(2 ** 15), {}, eie);
    expect(big!.answers[0]!.estimates[0]!.macs).toBe(2 ** 40);
    expect(() => statistically(sized(2 ** 30), {}, eie)).toThrow(/:2:1: .*big: more than 2\^63/);
    const problemPath = write('yaml', problem.replaceAll(/\b(64|32|16)\b/g, `${2 ** 24}`));
    expect(() => statistically(problemPath, {}, eie)).toThrow(/:9:13: .*more than 2\^63/);
  });

  it('that none is left of are explained: by the filter, by the densities, by the suite', () => {
    expect(() => layersFor('quick', { filter: 'nosuch' })).toThrow(
      /the filter "nosuch", which is in no name/,
    );
    expect(() => layersFor('quick', { density: [0.33] })).toThrow(
      /density 0\.33, which none has: there are 0\.05/,
    );
    const suite = readFileSync(join(accelerators, '../quick.yaml'), 'utf8');
    const head = suite.slice(0, suite.indexOf('workloads:'));
    const encoding = `${head}workloads:
  - { op: encode, patterns: [uniform], densities: [0.5], shapes: { fc: [64, 64] } }
formats: { uniform: [csr] }
`;
    const path = write('yaml', encoding);
    for (const filter of [undefined, 'fc'])
      expect(() => layersFor(path, filter === undefined ? {} : { filter })).toThrow(
        /a suite without products or convolutions/,
      );
  });

  it('are not estimated with options that the mode does not read', async () => {
    const mask = write('smtx', formats['a mask']!.text);
    expect(() => statistically('quick', { activationMask: mask }, eie)).toThrow(
      /--mode actual, both or sampled for --activation-mask, received statistical/,
    );
    await expect(actually('quick', { mode: 'actual', sample: 0.5 }, eie)).rejects.toThrow(
      /--sample, received actual/,
    );
    await expect(
      actually('quick', { mode: 'actual', density: [0.1], activations: 0.4 }, eie),
    ).rejects.toThrow(/a mask for the activations of attention .*received a density of 0\.4/);
    await expect(
      actually('quick', { mode: 'actual', density: [0.1], activationMask: mask }, eie),
    ).rejects.toThrow(/512 x 128 places for the activations .*a mask of 2 x 3/);
  });
});
