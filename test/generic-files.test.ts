/** Files of the generic engine: bad designs and mappings, energy reference tables, Timeloop's problems. */
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadAccelerator, parseAccelerator } from '../src/accelerator/accelerator.ts';
import { parseErt, withErt } from '../src/accelerator/ert.ts';
import { estimate, layerFields, writeLayer } from '../src/accelerator/estimate.ts';
import { genericFields } from '../src/accelerator/generic.ts';
import { mappingText } from '../src/accelerator/mapping.ts';
import { parseProblem } from '../src/accelerator/timeloop.ts';
import { estimateCommand } from '../src/command/estimate.ts';
import { loadNative } from '../src/native.ts';
import type { EstimatedLayer } from '../src/terms/accelerator.ts';

const gemm = (m: number, n: number, k: number, weightDensity = 1, activationDensity = 1): EstimatedLayer => ({
  ...{ name: 'layer', shape: { m, n, k }, groups: 1 },
  ...{ weightDensity, activationDensity, weightCorrelation: 0 },
});
const folder = join(import.meta.dirname, '..', 'suites', 'accelerators');
const engines = loadNative().native.describeEngines();
const parse = (text: string) => parseAccelerator(text, 'mine.yaml', engines);

describe('bad designs', () => {
  const text = readFileSync(join(folder, 'coordinate-skipping.yaml'), 'utf8');
  it.each([
    [
      'an unknown key of a level',
      text.replace('    datawidth:', '    datawith:'),
      /mine.yaml:11:5: .*Did you mean "datawidth"/,
    ],
    ['parameters', `${text}parameters: { pes: 1 }\n`, /received "parameters"/],
    ['a key twice', `${text}levels: []\n`, /received "levels" twice/],
    ['no levels', text.replace(/levels:\n(?: {2}.*\n)*mapping:/, 'mapping:'), /a key "levels"/],
    [
      'a size without a source',
      text.replace(/(depth: \{ value: 2048, unit: entries), source: "[^"]*"/, '$1'),
      /a key "source"/,
    ],
    [
      'a size in another unit',
      text.replace('value: 2048, unit: entries', 'value: 2048, unit: bytes'),
      /the unit entries/,
    ],
    [
      'no instances',
      text.replace(
        '    keep: [Outputs]',
        '    keep: [Outputs]\n    spatial: { meshX: { value: 0, unit: instances, source: x } }',
      ),
      /an integer in 1\.\./,
    ],
    [
      'instances that the arrays do not give',
      text.replace(
        '    keep: [Outputs]',
        '    keep: [Outputs]\n    instances: { value: 4, unit: instances, source: x }',
      ),
      /1 instances/,
    ],
    [
      'an outermost level that lacks one',
      text.replace('keep: [Weights, Inputs, Outputs]', 'keep: [Weights, Inputs]'),
      /It has to keep all/,
    ],
    ['a format that is none', text.replace('format: CP', 'format: CSR'), /one of U, B, CP, RLE/],
    [
      'a coordinate without its bits',
      text.replace(/, metadata_word_bits: \{[^}]*\}/, ''),
      /a key "metadata_word_bits"/,
    ],
    [
      'compressed outputs',
      text.replace('name: Weights, ranks', 'name: Outputs, ranks'),
      /Outputs are not compressed/,
    ],
    [
      'an action on a data space that is elsewhere',
      text.replace('target: Weights', 'target: Outputs'),
      /one of Weights, Inputs/,
    ],
    ['an action that is none', text.replace('type: skipping', 'type: skiping'), /Did you mean "skipping"/],
    ['two actions on a target', text.replace('target: Inputs', 'target: Weights'), /one action for a target/],
    [
      'a mapping of a level that is none',
      text.replace('level: Buffer,', 'level: Bufer,'),
      /Did you mean "Buffer"/,
    ],
    ['a level mapped twice', text.replace('level: Buffer,', 'level: BackingStorage,'), /each level once/],
    ['a factor of zero', text.replace('K: 128', 'K: 0'), /an integer in 1/],
    ['two rests', text.replace('K: 128', 'K: rest'), /one "rest" of K/],
    [
      'a spatial factor without an array',
      text.replace('temporal: { K: 128 }', 'spatial: { K: 128 }'),
      /at most 1 in all/,
    ],
    [
      'a price of a level that is none',
      text.replace('    Buffer:\n', '    Bufer:\n'),
      /a level \(BackingStorage, Buffer, Reg, compute\)/,
    ],
    [
      'a banded density',
      text.replace('mapping:', 'densities: { Weights: { distribution: banded } }\nmapping:'),
      /one of uniform, hypergeometric, fixed-structured/,
    ],
  ])('%s: refused with its place', (_, changed, message) => {
    expect(changed).not.toBe(text);
    expect(() => parse(changed)).toThrow(message);
    expect(() => parse(changed)).toThrow(/^mine\.yaml:\d+:\d+: /);
  });

  it('factors that do not multiply to the layer, and a tile larger than its level', () => {
    const fixed = parse(text.replace('K: rest }', 'K: 2 }'));
    expect(() => estimate(fixed, [gemm(8, 8, 128)])).toThrow(
      /^mine\.yaml:\d+:\d+: Expected factors of K that multiply to 128 .*received 256/,
    );
    const small = parse(text.replace('value: 2048, unit: entries', 'value: 64, unit: entries'));
    expect(() => estimate(small, [gemm(8, 8, 128)])).toThrow(
      /^mine\.yaml:\d+:\d+: .*a tile larger than the level that holds it: Buffer/,
    );
    const tiny = parse(
      text
        .replace('value: 2048, unit: entries', 'value: 1, unit: entries')
        .replace(/mapping:\n(?: {2}.*\n)*/, ''),
    );
    expect(() => estimate(tiny, [gemm(8, 8, 128)])).toThrow(/no tile fits its levels/);
  });

  it('2^40 multiplications are estimated, 2^70 and sizes and densities that are none refused', () => {
    const array = loadAccelerator('tensor-core-array');
    expect(estimate(array, [gemm(2 ** 14, 2 ** 13, 2 ** 13)])[0]!.cycles).toBe(2 ** 30);
    for (const name of ['tensor-core-array', 'coordinate-skipping']) {
      const one = loadAccelerator(name);
      expect(() => estimate(one, [gemm(2 ** 24, 2 ** 23, 2 ** 23)])).toThrow(/more than 2\^63/);
      for (const layer of [gemm(0, 1, 1), gemm(1.5, 1, 1), gemm(Number.NaN, 1, 1)])
        expect(() => estimate(one, [layer])).toThrow(/Expected a layer that/);
      for (const density of [-0.1, 1.1, Number.NaN])
        expect(() => estimate(one, [gemm(4, 4, 4, density)])).toThrow(/a density outside of 0..1/);
    }
  });
});

describe('mappings', () => {
  it('a searched one is the same every time, within its bound, and said', () => {
    const array = loadAccelerator('tensor-core-array');
    const [first, second] = [estimate(array, [gemm(100, 49, 300)]), estimate(array, [gemm(100, 49, 300)])];
    expect(first).toEqual(second);
    const { mapping } = first[0]!;
    expect(mapping!.evaluations).toBeGreaterThan(1);
    expect(mappingText(mapping!)).toMatch(/^DRAM: .* \| SMEM: .* \| RF: .* \(the best of \d+/);
    const bounded = { ...array, design: { ...array.design!, mostEvaluations: 7 } };
    const few = estimate(bounded, [gemm(100, 49, 300)])[0]!;
    expect(few.mapping).toMatchObject({ evaluations: 7, complete: false });
    expect(few.cycles).toBeGreaterThanOrEqual(first[0]!.cycles);
  });

  it('a searched one is as fast as the best of all splits by powers of two in all orders', () => {
    const array = loadAccelerator('tensor-core-array');
    const row = Float64Array.from(array.design!.row);
    // Two levels: half a value a cycle from memory, a buffer of 96 values, four multipliers.
    row[0] = 2;
    row.set([0, 0, 0, 4], 4);
    row.set([96 * 8, 256, 0, 0, 7, 4, 1, 7], 30);
    for (const space of [8, 14, 20]) row[30 + space] = 8;
    const design = { ...array.design!, row, levels: array.design!.levels.slice(0, 2) };
    const own = { ...array, design };
    const orders = [
      [0, 1, 2],
      [0, 2, 1],
      [1, 0, 2],
      [1, 2, 0],
      [2, 0, 1],
      [2, 1, 0],
    ];
    const splits = [1, 2, 4, 8, 16];
    const rows: number[] = [];
    for (const m of splits)
      for (const n of splits)
        for (const k of splits)
          for (const [spread, place] of [
            [4, 6],
            [4, 7],
            [4, 8],
          ] as const)
            for (const outer of orders) {
              const inner = [m, n, k];
              const array = [1, 1, 1];
              array[place - 6] = spread;
              const factors = inner.map((one, d) => 16 / (one * array[d]!));
              if (factors.some((one) => one < 1)) continue;
              const mapping = new Array<number>(54).fill(1);
              for (let level = 0; level < 6; level += 1) mapping.splice(level * 9 + 3, 3, 0, 1, 2);
              mapping.splice(0, 6, ...factors, ...outer);
              mapping.splice(9, 3, ...inner);
              mapping.splice(15, 3, ...array);
              rows.push(...mapping);
            }
    const count = rows.length / 54;
    const layers = new Float64Array(count * layerFields);
    for (let at = 0; at < count; at += 1) writeLayer(gemm(16, 16, 16), layers, at);
    const found = new Float64Array(count * genericFields);
    loadNative().native.estimateGeneric(row, layers, Float64Array.from(rows), found, 1, false);
    let best = Number.POSITIVE_INFINITY;
    for (let at = 0; at < count; at += 1)
      if (found[at * genericFields] === 0) best = Math.min(best, found[at * genericFields + 1]!);
    expect(count).toBeGreaterThan(1000);
    expect(best).toBeGreaterThan(16 ** 3 / 4);
    expect(estimate(own, [gemm(16, 16, 16)])[0]!.cycles).toBe(best);
  });

  it('a given one is stored as it is', () => {
    const { mapping } = estimate(loadAccelerator('bitmask-gating'), [gemm(16, 8, 128)])[0]!;
    expect(mappingText(mapping!)).toBe('BackingStorage: N 8, M 16 | Buffer: K 128 | Reg: no loop (given)');
  });

  it('a convolution reads each input once where the whole of it is a tile', () => {
    const conv = {
      ...{ batch: 2, channels: 4, height: 10, width: 10, kernelHeight: 3, kernelWidth: 3, stride: 1 },
      ...{ padding: 0, outHeight: 8, outWidth: 8 },
    };
    const layer = { ...gemm(8, 128, 36), shape: { m: 8, n: 128, k: 36, conv } };
    const found = estimate(loadAccelerator('tensor-core-array'), [layer])[0]!;
    const inputs = found.traffic![0]!.spaces.find(({ space }) => space === 'Inputs')!;
    expect(inputs.dense.serves).toBe(2 * 4 * 10 * 10);
  });

  it.each([
    ['rows', 16, 1],
    ['parts of a row', 4, 1],
    ['whole images', 64, 1],
    ['rows at stride 2', 16, 2],
  ])('of a convolution, tiles of %s: different inputs, as enumerated', (_, n, stride) => {
    const [out, kernel, channels, batch] = [8, 3, 4, 2];
    const size = (out - 1) * stride + kernel;
    const conv = {
      ...{ batch, channels, height: size, width: size, kernelHeight: kernel, kernelWidth: kernel, stride },
      ...{ padding: 0, outHeight: out, outWidth: out },
    };
    const layer = { ...gemm(8, 128, 36), shape: { m: 8, n: 128, k: 36, conv } };
    const array = loadAccelerator('tensor-core-array');
    const loops = (dimension: 'M' | 'N' | 'K', factor: number) => ({ dimension, factor });
    const mapping = [
      { level: 'DRAM', temporal: [loops('K', 2), loops('N', 128 / n)], spatial: [] },
      { level: 'SMEM', temporal: [loops('K', 18), loops('N', n), loops('M', 8)], spatial: [] },
      { level: 'RF', temporal: [], spatial: [] },
    ];
    const found = estimate({ ...array, design: { ...array.design!, mapping } }, [layer])[0]!;
    let fetched = 0;
    for (let k = 0; k < 36; k += 18)
      for (let pixel = 0; pixel < 128; pixel += n) {
        const inputs = new Set<string>();
        for (let i = k; i < k + 18; i += 1)
          for (let j = pixel; j < pixel + n; j += 1) {
            const y = (Math.floor(j / out) % out) * stride + (Math.floor(i / kernel) % kernel);
            const x = (j % out) * stride + (i % kernel);
            inputs.add([Math.floor(i / 9), Math.floor(j / (out * out)), y, x].join());
          }
        fetched += inputs.size;
      }
    const [dram, smem] = found.traffic!.map(
      ({ spaces }) => spaces.find(({ space }) => space === 'Inputs')!.dense,
    );
    expect(dram!.serves).toBe(fetched);
    expect(smem!.fills).toBe(fetched);
  });
});

const ert = `ERT:
  version: 0.4
  tables:
    - name: system.BackingStorage
      actions:
        - { name: read, arguments: { data_delta: 1 }, energy: 10 }
        - { name: write, energy: 8 }
        - { name: metadata_read, energy: 2 }
    - name: system.PE[0..0].Buffer
      actions: [{ name: read, energy: 1 }, { name: write, energy: 1.5 }, { name: gated_read, energy: 0.25 }]
    - name: system.PE.Reg
      actions: [{ name: read, energy: 0.1 }, { name: write, energy: 0.1 }]
    - name: system.PE.MAC
      actions:
        - { name: mac_random, energy: 0.5 }
        - { name: mac_gated, energy: 0.02 }
        - { name: mac_skipped, energy: 0 }
`;

describe("Accelergy's energy reference tables", () => {
  const file = join(mkdtempSync(join(tmpdir(), 'sparsemark-ert-')), 'ERT.yaml');
  writeFileSync(file, ert);

  it('price each action of a design, gated ones apart', () => {
    const found = estimate(withErt(loadAccelerator('bitmask-gating'), file), [
      gemm(128, 128, 128, 0.5, 0.5),
    ])[0]!;
    const { actions, energy } = found;
    expect(energy).toMatchObject({ table: 'ERT ERT.yaml', unit: 'pJ' });
    const expected =
      10 * actions['BackingStorage.read']! +
      8 * actions['BackingStorage.write']! +
      2 * actions['BackingStorage.metadata_read']! +
      actions['Buffer.read']! +
      1.5 * actions['Buffer.write']! +
      0.25 * actions['Buffer.gated_read']! +
      0.1 * (actions['Reg.read']! + actions['Reg.write']!) +
      0.5 * actions['compute.mac']! +
      0.02 * actions['compute.mac_gated']!;
    expect(actions['Buffer.gated_read']).toBe(2 * 0.25 * 128 ** 3);
    expect(actions['compute.mac_gated']).toBe(0.75 * 128 ** 3);
    expect(energy!.total / expected).toBeCloseTo(1, 12);
  });

  it('are named in an accelerator file too, beside it', () => {
    const text = readFileSync(join(folder, 'bitmask-gating.yaml'), 'utf8');
    const mine = join(file, '..', 'mine.yaml');
    writeFileSync(mine, text.replace(/energy:\n(?: {2}.*\n)*/, 'energy: { ert: ERT.yaml }\n'));
    expect(loadAccelerator(mine).energy).toMatchObject({ table: 'ERT ERT.yaml' });
    writeFileSync(mine, text.replace(/energy:\n(?: {2}.*\n)*/, 'energy: { ert: none.yaml }\n'));
    expect(() => loadAccelerator(mine)).toThrow(/a file that is there/);
  });

  it.each([
    ['a lacking level', ert.replace('PE[0..0].Buffer', 'PE.Bufer'), /:4:5: .*component of the name Buffer/],
    ['no price', ert.replace('energy: 8', 'energy:'), /:7:11: .*a key "energy"/],
    ['a price below zero', ert.replace('energy: 8', 'energy: -8'), /a number in 0/],
    ['another file', 'ART: {}\n', /a key "ERT"/],
  ])('%s is refused', (_, changed, message) => {
    const bad = join(mkdtempSync(join(tmpdir(), 'sparsemark-ert-')), 'ERT.yaml');
    writeFileSync(bad, changed);
    expect(() => withErt(loadAccelerator('bitmask-gating'), bad)).toThrow(message);
  });

  it('for an engine class, or not there, are refused', () => {
    expect(() => withErt(loadAccelerator('eie'), file)).toThrow(/an accelerator of the generic engine/);
    expect(() => withErt(loadAccelerator('bitmask-gating'), 'nowhere.yaml')).toThrow(/no such file/);
    expect([...parseErt(ert, 'ERT.yaml').components.keys()]).toEqual([
      'BackingStorage',
      'Buffer',
      'Reg',
      'MAC',
    ]);
  });
});

const convProblem = `problem:
  version: 0.4
  shape:
    name: CNN
    dimensions: [C, M, R, S, N, P, Q]
    coefficients: [{ name: Wstride, default: 1 }, { name: Hstride, default: 1 }, { name: Wdilation, default: 1 }]
    data_spaces:
      - { name: Weights, projection: [[[C]], [[M]], [[R]], [[S]]] }
      - { name: Inputs, projection: [[[N]], [[C]], [[R, Wdilation], [P, Wstride]], [[S], [Q, Hstride]]] }
      - { name: Outputs, projection: [[[N]], [[M]], [[Q]], [[P]]], read_write: True }
  instance:
    { C: 3, M: 96, R: 11, S: 11, N: 1, P: 55, Q: 55, Wstride: 4, Hstride: 4, densities: { Weights: { distribution: fixed_structured, density: 0.5 }, Inputs: 0.25 } }
`;
const gemmProblem = `problem:
  shape:
    name: SpMSpM
    dimensions: [M, N, K]
    data-spaces:
      - { name: A, projection: [[[M]], [[K]]] }
      - { name: B, projection: [[[K]], [[N]]] }
      - { name: Z, projection: [[[M]], [[N]]], read-write: True }
  M: 64
  N: 32
  K: 16
  densities: { A: { distribution: hypergeometric, density: 0.1 } }
`;

describe("Timeloop's problems", () => {
  it('convolutions and products are read, in both spellings', () => {
    expect(parseProblem(convProblem, 'a/conv1.yaml', 1)).toMatchObject([
      {
        ...{ name: 'conv1', groups: 1, weightDensity: 0.5, activationDensity: 0.25 },
        shape: {
          m: 96,
          n: 3025,
          k: 363,
          conv: { stride: 4, height: 227, width: 227, channels: 3, outWidth: 55 },
        },
      },
    ]);
    expect(parseProblem(gemmProblem, 'fc.yaml', 0.5)).toMatchObject([
      { name: 'fc', shape: { m: 64, n: 32, k: 16 }, weightDensity: 0.1, activationDensity: 0.5 },
    ]);
  });

  it('are what the command estimates', async () => {
    const path = join(mkdtempSync(join(tmpdir(), 'sparsemark-problem-')), 'fc.yaml');
    writeFileSync(path, gemmProblem);
    const said: string[] = [];
    const output = { result: (text: string) => said.push(text), say: () => {} };
    const out = path.replace('.yaml', '.jsonl');
    const options = { accelerator: ['tensor-core-array'], json: true, out };
    expect(await estimateCommand(path, options, output as never, '')).toBe(0);
    const { estimates } = JSON.parse(said.join('')) as {
      estimates: readonly { macs: number; mapping: object }[];
    };
    expect(estimates[0]!.macs).toBe(64 * 32 * 16);
    expect(estimates[0]!.mapping).toMatchObject({ complete: true });
    await expect(estimateCommand(path, { mode: 'actual' }, output as never, '')).rejects.toThrow(
      /which has no masks/,
    );
  });

  it.each([
    [
      'a third operand',
      gemmProblem.replace(
        '      - { name: Z',
        '      - { name: D, projection: [[[M]], [[N]]] }\n      - { name: Z',
      ),
      /two operands/,
    ],
    ['no output', gemmProblem.replace(', read-write: True', ''), /two operands and one/],
    [
      'a dimension of one data space',
      gemmProblem
        .replace('[[[M]], [[K]]] }', '[[[K]]] }')
        .replace('[[[M]], [[N]]], read', '[[[M]], [[N]]], read'),
      /M in at least two data spaces/,
    ],
    [
      'dilation',
      convProblem.replace('name: Wdilation, default: 1', 'name: Wdilation, default: 2'),
      /a dilation of 1/,
    ],
    ['unequal strides', convProblem.replace('Hstride: 4', 'Hstride: 2'), /two axes of one stride/],
    ['zeros of outputs', convProblem.replace('Inputs: 0.25', 'Inputs: 0.25, Outputs: 0.5'), /a density of 1/],
    ['a banded operand', convProblem.replace('fixed_structured', 'banded'), /one of hypergeometric/],
    ['a density above 1', convProblem.replace('density: 0.5', 'density: 1.5'), /a number in 0\.\.1/],
    ['a missing size', gemmProblem.replace('  K: 16\n', ''), /a key "K"/],
    ['an unknown key', gemmProblem.replace('  K: 16\n', '  K: 16\n  L: 3\n'), /received "L"/],
    ['a shape by name', gemmProblem.replace(/shape:\n(?: {4}.*\n)*/, 'shape: cnn-layer\n'), /write it out/],
    [
      'a sum in the outputs',
      gemmProblem.replace('projection: [[[M]], [[N]]], read', 'projection: [[[M], [N]]], read'),
      /one dimension a rank/,
    ],
  ])('%s: refused with its place', (_, changed, message) => {
    expect([convProblem, gemmProblem]).not.toContain(changed);
    expect(() => parseProblem(changed, 'p.yaml', 1)).toThrow(message);
    expect(() => parseProblem(changed, 'p.yaml', 1)).toThrow(/^p\.yaml:\d+:\d+: /);
  });
});
