/** SCALE-Sim's files: configurations read, its reports written, both held against runs of SCALE-Sim itself. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { loadAccelerator } from '../src/accelerator/accelerator.ts';
import { computeReport, sparseReport } from '../src/accelerator/compute-report.ts';
import { estimate } from '../src/accelerator/estimate.ts';
import { parseScaleSim } from '../src/accelerator/scale-sim.ts';
import { parseTopology } from '../src/accelerator/topology.ts';
import { loadNative } from '../src/native.ts';
import { sparsemark } from './command.ts';

const folder = mkdtempSync(join(tmpdir(), 'sparsemark-scale-sim-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const engine = loadNative()
  .native.describeEngines()
  .find(({ name }) => name === 'systolic')!;
const parse = (text: string) => parseScaleSim(text, 'a.cfg', engine);

/** A configuration; `more` is put under [sparsity]. */
const configuration = (
  rows: number,
  cols: number,
  dataflow: string,
  more = 'SparsitySupport : false',
): string =>
  `# an array
[general]
run_name = My_Array

[architecture_presets]
ArrayHeight:    ${rows}
arraywidth =    ${cols}
IfmapSramSzkB: 64
Bandwidth : 10
Dataflow : ${dataflow}

[sparsity]
${more}

[run_presets]
InterfaceBandwidth: CALC
UseRamulatorTrace: False
`;
const sparse = (representation: string): string =>
  `SparsitySupport : true\nSparseRep : ${representation}\nOptimizedMapping : false\nBlockSize : 8`;

const convHeader =
  'Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, Num Filter, Strides, Sparsity,';
const topology = `${convHeader}
a, 20, 20, 3, 3, 5, 37, 1, 1:4,
b, 15, 13, 3, 2, 7, 70, 2, 2:4,
c, 9, 9, 1, 1, 13, 33, 1, 1:3,
DPd, 12, 12, 3, 3, 4, 1, 1, 1:1,
`;

/** Rows of numbers, without the row's number and the cycles with prefetching. */
const numbersOf = (text: string): number[][] =>
  text
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => line.split(',').slice(2, -1).map(Number));

function reportsOf(text: string, layersText = topology) {
  const accelerator = parse(text);
  const layers = parseTopology(layersText, 't.csv', 1);
  const rows = estimate(accelerator, layers).map((found, at) => ({ layer: layers[at]!, estimate: found }));
  return { compute: computeReport(accelerator, rows), sparse: sparseReport(accelerator, rows) };
}

function expectRows(found: string, rows: readonly (readonly number[])[]): void {
  const numbers = numbersOf(found);
  expect(numbers).toHaveLength(rows.length);
  // Sums over folds there, a product here.
  for (const [at, row] of rows.entries())
    for (const [cell, value] of row.entries())
      expect(Math.abs(numbers[at]![cell]! / value - 1) || 0, `row ${at}, cell ${cell}`).toBeLessThan(1e-13);
}

describe('the compute report is that of SCALE-Sim', () => {
  // Total cycles, stalls, overall utilisation, mapping efficiency, compute utilisation, as SCALE-Sim 3 wrote them.
  const depthwise = (...row: number[]): number[][] => [row, row, row, row];
  it.each<[string, string, readonly (readonly number[])[]]>([
    [
      'os',
      'SparsitySupport : false',
      [
        [3485, 0, 40.31115494978479, 74.33035714285721, 40.299591222030976],
        [959, 0, 39.11952554744526, 74.43576388888889, 39.07877604166667],
        [611, 0, 14.810505319148936, 58.0078125, 14.786305147058822],
        ...depthwise(328, 0, 0.7145579268292683, 3.7202380952380945, 0.712386018237082),
      ],
    ],
    [
      'ws',
      'SparsitySupport : false',
      [
        [2267, 0, 61.969287604764006, 72.265625, 58.38918329177057],
        [926, 0, 40.51363390928726, 85.06944444444446, 33.08256172839506],
        [269, 0, 33.64021840148699, 55.859375, 28.63676819620253],
        ...depthwise(153, 0, 1.5318627450980393, 2.34375, 1.3241525423728813),
      ],
    ],
    [
      'is',
      'SparsitySupport : false',
      [
        [3821, 0, 36.7663896885632, 90.40178571428571, 29.34093045112783],
        [1115, 0, 33.646300448430495, 59.548611111111114, 28.356481481481477],
        [347, 0, 26.078440201729105, 68.5546875, 20.56640625],
        ...depthwise(274, 0, 0.8553832116788321, 46.875, 0.6009615384615385),
      ],
    ],
    [
      'ws',
      sparse('ellpack_block'),
      [
        [755, 0, 186.07201986754967, 57.8125, 46.71134663341646],
        [617, 0, 60.80328200972448, 66.84027777777777, 25.99344135802469],
        [269, 0, 33.64021840148699, 21.484375, 11.01414161392405],
        ...depthwise(153, 0, 1.5318627450980393, 2.34375, 1.3241525423728813),
      ],
    ],
  ])('%s, %s', (dataflow, more, rows) =>
    expectRows(reportsOf(configuration(16, 24, dataflow, more)).compute, rows),
  );

  it('its own test of 32 x 32, weight stationary, calculated bandwidth', () => {
    const alexnet = `${convHeader.replace(' Sparsity,', '')}\nConv1, 224, 224, 11, 11, 3, 96, 4,\n`;
    const { compute, sparse: none } = reportsOf(configuration(32, 32, 'ws'), alexnet);
    expectRows(compute, [[112283, 0, 91.68309650614964, 94.53125, 90.78000992063485]]);
    expect(none).toBeNull();
    expect(compute.split('\n').slice(0, 2)).toEqual([
      'LayerID, Total Cycles (incl. prefetch), Total Cycles, Stall Cycles, Overall Util %, Mapping Efficiency %, Compute Util %,',
      expect.stringMatching(/^0, , 112283, 0, 91\.6830965061496\d*, 94\.53125, 90\.7800099206\d+,$/),
    ]);
  });

  it.each([
    ['is', 14_207, 50.59288537549411],
    ['os', 10_175, 80.50314465408805],
  ])(
    'its own test of a product, %s: cycles without stalls, and what they leave out',
    (dataflow, cycles, used) => {
      const { compute } = reportsOf(
        configuration(32, 32, dataflow),
        'Layer, M, N, K,\ngemm, 256, 128, 256,\n',
      );
      const [row] = numbersOf(compute);
      expect([row![0], row![3]]).toEqual([cycles, 100]);
      expect(row![4]).toBeCloseTo(used, 11);
    },
  );
});

describe('the sparse report is that of SCALE-Sim', () => {
  it('blocks of ELLPACK: metadata by the M of the column, not by BlockSize', () => {
    const { sparse: found } = reportsOf(configuration(16, 24, 'ws', sparse('ellpack_block')));
    const rows = found!.split('\n').slice(1, 8);
    expect(rows[0]).toBe('0, ellpack_block, 1665, 471.75, 27.75, 0.036754966887417216,');
    expect(rows[1]).toBe('1, ellpack_block, 2940, 1636.25, 96.25, 0.1559967585089141,');
    expect(rows[2]).toBe('2, ellpack_block, 429, 175.3125, 10.3125, 0.0383364312267658,');
    expect(rows.slice(3).map((row) => row.slice(3))).toEqual(Array(4).fill('ellpack_block, 9, 9, 0, 0,'));
  });
  it.each([
    ['csr', 1665, 2 * 444 + 46, 444 + 46],
    ['csc', 1665, 2 * 444 + 38, 444 + 38],
  ])('%s: an index a value, and where each begins', (representation, ...words) => {
    const { sparse: found } = reportsOf(configuration(16, 24, 'ws', sparse(representation)));
    expect(found!.split('\n')[1]!.split(', ').slice(2, 5).map(Number)).toEqual(words);
  });
});

describe('a configuration', () => {
  const good = configuration(16, 24, 'ws');
  it('is an array, with a name and a clock of its own', () => {
    expect(parse(good)).toMatchObject({
      ...{ name: 'my-array', engine: 'systolic', parameters: [16, 24, 1, 0, 1], clockMhz: 1000 },
      ...{ weightBlocks: null, evidence: 'replayed' },
    });
    // As configparser reads it: options without regard to case, defaults, a percent sign of two, a byte order mark.
    const text = `\uFEFF[DEFAULT]\nDataflow = os\n${good.replace('Dataflow : ws\n', '').replace('My_Array', '50%% : b')}`;
    expect(parse(text)).toMatchObject({ name: '50-b', parameters: [16, 24, 0, 0, 1] });
  });

  const changed = (from: string, to: string): string => good.replace(from, to);
  it.each([
    [
      "bandwidth of the user's",
      changed('CALC', 'USER'),
      /a\.cfg:16:\d+: Expected CALC .*\[run_presets\] InterfaceBandwidth, received "USER".*Stalls/,
    ],
    ['Ramulator', changed('Trace: False', 'Trace: True'), /a\.cfg:17:\d+: .*UseRamulatorTrace.*not modelled/],
    [
      'a layout of its own',
      `${good}[layout]\nIfmapCustomLayout: True\n`,
      /a\.cfg:19:\d+: .*IfmapCustomLayout/,
    ],
    [
      'a mapping at random',
      configuration(16, 24, 'ws', sparse('csr').replace('Mapping : false', 'Mapping : true')),
      /OptimizedMapping.*random/,
    ],
    ['N:M weights that move', configuration(16, 24, 'os', sparse('csr')), /SparsitySupport.*not modelled/],
    [
      'an unknown representation',
      configuration(16, 24, 'ws', sparse('coo')),
      /one of csr, csc, ellpack_block/,
    ],
    [
      'an unknown option',
      changed('ArrayHeight', 'ArrayHight'),
      /a\.cfg:6:\d+: .*received "ArrayHight"\. Did you mean "ArrayHeight"/,
    ],
    [
      'an unknown section',
      changed('[sparsity]', '[sparsety]'),
      /a\.cfg:12:1: .*received "sparsety"\. Did you mean "sparsity"/,
    ],
    ['cores', `${good}[multi_core]\nCores: 4\n`, /received "multi_core"/],
    ['an unknown dataflow', changed(': ws', ': rs'), /one of os, ws, is .*received "rs"/],
    [
      'a comment behind a value',
      changed('    16', '    16 ; rows'),
      /whole number.*received "16 ; rows".*line of its own/,
    ],
    ['no rows', changed('    16', '    0'), /a whole number in 1\.\.65536/],
    ['a value in two lines', changed('    16', '    16\n    17'), /received "16\\n17"/],
    [
      'an option twice',
      changed('Dataflow : ws', 'Dataflow : ws\ndataflow = os'),
      /a\.cfg:11:\d+: .*each option once/,
    ],
    ['a section twice', `${good}[sparsity]\n`, /a\.cfg:18:\d+: .*each section once/],
    ['an option outside', `a = 1\n${good}`, /a\.cfg:1:\d+: .*a section/],
    ['an option without a value', changed('Bandwidth : 10', 'Bandwidth'), /Name : value/],
    ['a reference', changed('My_Array', '%(x)s'), /without references/],
    [
      'a missing option',
      changed('Dataflow : ws\n', ''),
      /Expected an option Dataflow .*architecture_presets/,
    ],
  ])('%s is refused', (_, text, message) => {
    expect(() => parse(text)).toThrow(message);
  });
});

describe('the command', () => {
  it('takes a configuration and writes the reports', () => {
    writeFileSync(join(folder, 'a.cfg'), configuration(16, 24, 'ws', sparse('ellpack_block')));
    writeFileSync(join(folder, 't.csv'), topology);
    const run = (accelerator: string, ...more: string[]) =>
      sparsemark(['estimate', 't.csv', '--accelerator', accelerator, ...more], { cwd: folder });
    const { status, stdout, stderr } = run('./a.cfg', '--scale-sim', 'reports', '--out', 'e.jsonl');
    expect({ status, stderr }).toMatchObject({
      status: 0,
      stderr: expect.stringMatching(/COMPUTE_REPORT\.csv/),
    });
    expect(stdout).toMatch(/my-array +755 /);
    expect(readFileSync(join(folder, 'reports', 'COMPUTE_REPORT.csv'), 'utf8')).toMatch(/^6, , 153, 0, /m);
    expect(readFileSync(join(folder, 'reports', 'SPARSE_REPORT.csv'), 'utf8')).toMatch(
      /^0, ellpack_block, 1665/m,
    );
    const report = sparsemark(['report', 'e.jsonl', '--json'], { cwd: folder });
    expect(report).toMatchObject({ status: 0, stdout: expect.stringMatching(/my-array/) });
    expect(run('eie', '--scale-sim', 'no')).toMatchObject({
      status: 42,
      stderr: expect.stringMatching(/a systolic array .*eie/),
    });
    expect(run('tpu-128,./a.cfg', '--scale-sim', 'no')).toMatchObject({
      status: 42,
      stderr: expect.stringMatching(/one accelerator/),
    });
    expect(run('./b.cfg')).toMatchObject({ status: 42, stderr: expect.stringMatching(/b\.cfg/) });
  });
});

it('an accelerator that comes along stores no blocks of a layer', () => {
  const [layer] = parseTopology(topology, 't.csv', 1);
  expect(estimate(loadAccelerator('tpu-128'), [layer!])[0]!.terms.storedK).toBe(45);
});
