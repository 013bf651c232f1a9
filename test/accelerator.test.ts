/** The cost model's invariants, what no table of published figures says, and bad files. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { acceleratorNames, loadAccelerator, parseAccelerator } from '../src/accelerator/accelerator.ts';
import { estimate, estimateFields, layerFields, sweep, writeLayer } from '../src/accelerator/estimate.ts';
import { parseTopology } from '../src/accelerator/topology.ts';
import { loadNative } from '../src/native.ts';
import type { Accelerator, Estimate, EstimatedLayer } from '../src/terms/accelerator.ts';
import { SparsemarkError } from '../src/terms.ts';

function gemm(m: number, n: number, k: number, weightDensity = 1, activationDensity = 1): EstimatedLayer {
  const shape = { m, n, k };
  return { name: 'layer', shape, groups: 1, weightDensity, activationDensity, weightCorrelation: 0 };
}

function conv(
  {
    channels,
    size,
    kernel,
    filters,
    stride = 1,
    out,
  }: Record<'channels' | 'size' | 'kernel' | 'filters' | 'out', number> & { stride?: number },
  weightDensity = 1,
  activationDensity = 1,
  groups = 1,
): EstimatedLayer {
  const geometry = {
    ...{ batch: 1, channels, height: size, width: size, kernelHeight: kernel, kernelWidth: kernel },
    ...{ stride, padding: 0, outHeight: out, outWidth: out },
  };
  const shape = { m: filters, n: out * out, k: channels * kernel * kernel, conv: geometry };
  return { name: 'layer', shape, groups, weightDensity, activationDensity, weightCorrelation: 0 };
}

const one = (accelerator: string | Accelerator, layer: EstimatedLayer): Estimate =>
  estimate(typeof accelerator === 'string' ? loadAccelerator(accelerator) : accelerator, [layer])[0]!;

describe('beside the published figures', () => {
  it("systolic arrays: SCALE-Sim's utilisation, and its convolution as it is", () => {
    const alexnet1 = conv({ channels: 3, size: 224, kernel: 11, filters: 96, stride: 4, out: 55 });
    const ws = one('systolic-ws-32', alexnet1);
    expect(ws.cycles).toBe(112_283);
    expect(100 * (ws.macs / (1024 * (ws.cycles + 1)))).toBeCloseTo(91.682, 2);
  });

  it('the 2:4 tensor core is dense where weights are denser', () => {
    const found = one('tensor-core-2-4', gemm(512, 1024, 256, 0.51));
    expect(found.cycles).toBe(found.denseCycles);
  });

  it('conflicts of a gather to three digits', () => {
    const { terms } = one('gather-scatter-16-unstructured', gemm(16, 16, 256, 0.25));
    expect(terms.cyclesAFullGather).toBeCloseTo(3.078, 3);
  });
});

describe('invariants', () => {
  const layers = fc.record({
    m: fc.integer({ min: 1, max: 600 }),
    n: fc.integer({ min: 1, max: 600 }),
    k: fc.integer({ min: 1, max: 3000 }),
    w: fc.double({ min: 0.01, max: 1, noNaN: true }),
    a: fc.double({ min: 0.01, max: 1, noNaN: true }),
  });

  it.each([...acceleratorNames()])(
    '%s: never more than its multipliers can do, dense never faster than dense',
    (name) => {
      const accelerator = loadAccelerator(name);
      fc.assert(
        fc.property(layers, ({ m, n, k, w, a }) => {
          const found = one(accelerator, gemm(m, n, k, w, a));
          expect(found.effectualMacs).toBeLessThanOrEqual(found.macs);
          expect(found.cycles).toBeGreaterThanOrEqual(0);
          expect(Number.isFinite(found.cycles + found.denseCycles)).toBe(true);
          for (const value of [...Object.values(found.terms), ...Object.values(found.actions)])
            expect(value).toBeGreaterThanOrEqual(0);
          // A whole number of cycles less one is what SCALE-Sim reports.
          const busy = found.effectualMacs / Math.max(found.utilisation, 1e-300);
          expect(found.effectualMacs).toBeLessThanOrEqual(
            busy * (1 + 1e-9) * (1 + 1 / Math.max(found.cycles, 1)),
          );
          expect(found.utilisation).toBeLessThanOrEqual(1 + 1 / Math.max(found.cycles, 1) + 1e-9);
          const full = one(accelerator, gemm(m, n, k));
          expect(full.utilisation).toBeLessThanOrEqual(1 + 1 / Math.max(full.cycles, 1) + 1e-9);
          // SCNN's dense machine is another one, DCNN, which takes four channels at once where there are four.
          if (accelerator.engine !== 'cartesian')
            expect(full.cycles).toBeGreaterThanOrEqual(full.denseCycles * (1 - 1e-9));
        }),
        // Sums of SparTen's chances that were above 1 by their rounding made its waiting negative.
        { numRuns: 40, examples: [[{ m: 1, n: 1, k: 1, w: 0.01, a: 0.02001127202105935 }]] },
      );
    },
  );

  it.each([...acceleratorNames()])('%s: no fewer cycles for more nonzeros', (name) => {
    const accelerator = loadAccelerator(name);
    // EIE's and ESE's answers are drawn: half a percent of a draw of 256 broadcasts is noise.
    const slack = accelerator.engine.endsWith('-fifo') ? 1.02 : 1 + 1e-9;
    fc.assert(
      fc.property(layers, fc.double({ min: 0, max: 1, noNaN: true }), ({ m, n, k, w, a }, part) => {
        const { cycles } = one(accelerator, gemm(m, n, k, w, a));
        expect(one(accelerator, gemm(m, n, k, w * (0.1 + 0.9 * part), a)).cycles).toBeLessThanOrEqual(
          cycles * slack,
        );
        expect(one(accelerator, gemm(m, n, k, w, a * (0.1 + 0.9 * part))).cycles).toBeLessThanOrEqual(
          cycles * slack,
        );
      }),
      // Of one window each, the normal maximum of nine elements was more than the windows' most.
      {
        numRuns: 25,
        examples: [
          [{ m: 9, n: 1, k: 158, w: 0.039440635919754635, a: 0.01 }, 0],
          [{ m: 10, n: 6, k: 194, w: 0.034328893353231256, a: 0.3510693569597788 }, 0.182],
        ],
      },
    );
  });

  it('many layers over threads give what one by one gives', () => {
    const accelerator = loadAccelerator('scnn');
    const rows = new Float64Array(1000 * layerFields);
    for (let i = 0; i < 1000; i += 1) writeLayer(gemm(1 + (i % 37), 1 + (i % 91), 1 + i, 0.3, 0.5), rows, i);
    const all = sweep(accelerator, rows, { threads: 2 });
    expect(sweep(accelerator, rows)).toEqual(all);
    expect(all[999 * estimateFields + 1]).toBe(one(accelerator, gemm(1, 90, 1000, 0.3, 0.5)).cycles);
  });
});

describe('bad input', () => {
  it('a layer that is too large is refused where the topology names it, the largest that fits is not', () => {
    const of = (k: string) =>
      parseTopology(`Layer, M, N, K,\nsmall, 2, 2, 2,\nhuge, 1048576, 1048576, ${k},\n`, 'a.csv', 1);
    const accelerator = loadAccelerator('tpu-128');
    // 2^70 and 2^40 multiplications.
    expect(() => estimate(accelerator, of('1073741824'))).toThrow(
      /^a\.csv:3:\d+: Expected a layer that tpu-128 can run, received huge: more than 2\^63 multiplications/,
    );
    expect(estimate(accelerator, of('1'))[1]!.macs).toBe(2 ** 40);
  });

  const { native } = loadNative();
  const text = readFileSync(join(import.meta.dirname, '..', 'suites', 'accelerators', 'eie.yaml'), 'utf8');
  const refusal = (changed: string): string => {
    expect(changed).not.toBe(text);
    try {
      parseAccelerator(changed, 'mine.yaml', native.describeEngines());
    } catch (error) {
      expect(error).toBeInstanceOf(SparsemarkError);
      expect((error as SparsemarkError).code).toBe('BAD_ACCELERATOR');
      return (error as Error).message;
    }
    return 'accepted';
  };

  it.each([
    [
      'an unknown key',
      text.replace('title:', 'titel:'),
      /mine.yaml:3:1: Expected one of .* Did you mean "title"/,
    ],
    ['a key twice', `${text}name: other\n`, /received "name" twice/],
    ['an unknown parameter', text.replace('fifoDepth:', 'fifoDept:'), /Did you mean "fifoDepth"/],
    [
      'no source',
      text.replace(/(pes: \{ value: 64, unit: elements), source: "[^"]*"/, '$1'),
      /a key "source"/,
    ],
    ['no unit', text.replace('unit: elements, ', ''), /a key "unit"/],
    ['another unit', text.replace('unit: elements', 'unit: kilo'), /the unit elements .*received "kilo"/],
    ['no elements', text.replace('value: 64', 'value: 0'), /an integer in 1\.\.1024/],
    ['half an element', text.replace('value: 64', 'value: 1.5'), /an integer in/],
    ['an unknown engine', text.replace('broadcast-fifo', 'broadcast-fofi'), /Did you mean "broadcast-fifo"/],
    ['a class of evidence that is none', text.replace('calibrated', 'proven'), /one of replayed, validated/],
    ['no clock', text.replace(/clock:.*\n/, ''), /a key "clock"/],
  ])('%s', (_, changed, message) => {
    expect(refusal(changed)).toMatch(message);
  });

  it('a misspelt accelerator is answered with the nearest', () => {
    expect(() => loadAccelerator('sncn')).toThrow(/Did you mean "scnn"/);
    expect(() => loadAccelerator('./nowhere.yaml')).toThrow(/no such file/);
  });

  it('2^40 multiplications are estimated, 2^70 and sizes that are none are refused', () => {
    expect(one('tpu-128', gemm(2 ** 14, 2 ** 13, 2 ** 13)).macs).toBe(2 ** 40);
    for (const layer of [
      gemm(2 ** 24, 2 ** 23, 2 ** 23),
      gemm(0, 1, 1),
      gemm(1.5, 1, 1),
      gemm(Number.NaN, 1, 1),
    ]) {
      for (const name of acceleratorNames()) expect(() => one(name, layer)).toThrow(/Expected a layer that/);
    }
    for (const density of [-0.1, 1.1, Number.NaN]) {
      expect(() => one('eie', gemm(4, 4, 4, density))).toThrow(/a density outside of 0..1/);
      expect(() => one('eie', gemm(4, 4, 4, 1, density))).toThrow(/a density outside of 0..1/);
    }
  });
});

describe("SCALE-Sim's topologies", () => {
  it('convolutions, GEMMs and sparsity are read', () => {
    const [layer] = parseTopology(
      'Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, Num Filter, Strides, Sparsity,\nconv1, 224, 224, 11, 11, 3, 96, 4, 2:4,\n',
      'a.csv',
      1,
    );
    expect(layer).toMatchObject({
      ...{ weightDensity: 0.5, weightBlock: { kept: 2, size: 4 }, shape: { m: 96, n: 3025, k: 363 } },
    });
    const [depthwise] = parseTopology(
      'Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, Num Filter, Strides,\nDP1, 12, 12, 3, 3, 32, 1, 1,\n',
      'a.csv',
      1,
    );
    expect(depthwise).toMatchObject({ groups: 32, shape: { m: 1, n: 100, k: 9, conv: { channels: 1 } } });
    expect(parseTopology('\uFEFFLayer name, M, N, K,\nfc, 256, 128, 64,\n', 'a.csv', 0.5)[0]).toMatchObject({
      activationDensity: 0.5,
      shape: { m: 128, n: 256, k: 64 },
    });
  });

  it.each([
    [
      'DeepBench',
      'Layer, IFMAP Width, IFMAP Width, Filter Height, Filter Width, Channels, Num Filter, Strides,',
    ],
    [
      'dlrm',
      '\uFEFFLayer name,Ifmap height,ifmap width,filter height,filter width,channels,num filters,strides,',
    ],
  ])('columns are taken by their place, in the spelling of its own file %s', (_, header) => {
    const layers = parseTopology(`${header}\n\na,12,9,3,2,5,7,1,#dw\n`, 'a.csv', 1);
    expect(layers).toMatchObject([
      { name: 'a', shape: { m: 7, n: 80, k: 30, conv: { height: 12, width: 9 } } },
    ]);
  });

  it.each([
    ['another header', 'a,b\n', /a.csv:1:\d+: .*header/],
    ['a size that is none', 'Layer, M, N, K,\nfc, 256, -1, 64,\n', /a.csv:2:\d+: .*"-1"/],
    ['a missing cell', 'Layer, M, N, K,\nfc, 256, 64,\n', /a.csv:2:\d+: .*4 cells/],
    ['a cell too many', 'L, M, N, K,\nfc, 256, 64, 8, 1,\n', /a.csv:2:\d+: .*4 cells.*received 5/],
    ['a sparsity above 1', 'Layer, M, N, K, Sparsity\nfc, 2, 2, 2, 5:4\n', /N:M/],
    ['no layer', 'Layer, M, N, K,\n', /at least one layer/],
  ])('%s is refused', (_, text, message) => {
    expect(() => parseTopology(text, 'a.csv', 1)).toThrow(message);
  });
});
