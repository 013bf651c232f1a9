/** Estimates in a result file and beside measurements. */
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { z } from 'zod';
import { loadAccelerator } from '../src/accelerator/accelerator.ts';
import { estimateCommand } from '../src/command/estimate.ts';
import { actually, layersFor } from '../src/command/estimated-layers.ts';
import { reportCommand } from '../src/command/report.ts';
import { estimateViewOf, panelsOf } from '../src/report/estimates/view.ts';
import { renderReport, reportNamed, reports } from '../src/report/index.ts';
import type { acceleratorRecordSchema, estimateRecordSchema } from '../src/result/estimate-schema.ts';
import { readResult, readRun, writeResult } from '../src/result/result.ts';
import { publishable } from '../src/result/submission.ts';
import type { AcceleratorRecord, EstimateRecord, Estimates } from '../src/terms/estimates.ts';
import type { Result } from '../src/terms.ts';
import { fakeResult } from './fakes.ts';

type Equal<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false;
type Plain<T> = T extends readonly (infer Item)[]
  ? readonly Plain<Item>[]
  : T extends object
    ? { readonly [Key in keyof T]: Plain<T[Key]> }
    : T;
const same = <_Check extends true>() => undefined;
// Checked by tsc, as in result.test.ts.
same<Equal<Plain<z.infer<typeof acceleratorRecordSchema>>, Plain<AcceleratorRecord>>>();
same<Equal<Plain<z.infer<typeof estimateRecordSchema>>, Plain<EstimateRecord>>>();

const accelerator = (name: string, change: Partial<AcceleratorRecord> = {}): AcceleratorRecord => ({
  ...{ name, title: `the ${name}`, source: 'nobody, nowhere', engine: 'made-up', clockMhz: 500 },
  ...{ parameters: { pes: 4 }, energyTable: null, evidence: 'calibrated', against: 'one figure' },
  ...{ baseline: 'itself', ...change },
});

/** 1000 cycles without zeros, as many as its nonzeros with them, off by `times`. */
const record = (
  name: string,
  density: number,
  change: Partial<EstimateRecord> = {},
  times = 1,
): EstimateRecord => ({
  accelerator: name,
  layer: {
    ...{ name: 'fc', shape: { m: 64, k: 128, n: 16 }, groups: 1, weightDensity: density },
    ...{ activationDensity: 1, weightCorrelation: 0 },
  },
  ...{ mode: 'statistical', pattern: null, seed: null, cycles: 1000 * density * times, denseCycles: 1000 },
  ...{ macs: 131_072, effectualMacs: 131_072 * density, multipliers: 200, terms: {}, actions: {} },
  ...{ energy: null, mapping: null, rates: [], ...change },
});

const measured = fakeResult({ shapes: [{ m: 64, k: 128, n: 16 }], densities: [0.1, 0.3, 0.5] });
const book = (estimates: Estimates): Result & Estimates => ({
  ...{ header: measured.header, workloads: [], measurements: [], end: measured.end },
  ...estimates,
});
const energy = (total: number, table: string): EstimateRecord['energy'] => ({
  ...{ table, unit: 'pJ', total },
  levels: [
    { level: 'arithmetic', accesses: 1, bits: 0, energy: total / 4 },
    { level: 'memory', accesses: 2, bits: 16, energy: (3 * total) / 4 },
  ],
});
const difference: NonNullable<EstimateRecord['difference']> = {
  relative: -0.4,
  trustworthy: false,
  statistics: {
    ...{ rowCv: 1, uniformRowCv: 0.2, colCv: 0.1, uniformColCv: 0.1, gapCv: 1, uniformGapCv: 1 },
    correlation: 0,
  },
  reasons: ['rows vary 5 times as much as uniform ones'],
};
const densities = [0.1, 0.3, 0.5];
const estimated = book({
  accelerators: [
    accelerator('able', { evidence: 'replayed', energyTable: 'one' }),
    accelerator('baker', { energyTable: 'two' }),
    accelerator('dreamt', { evidence: 'formula' }),
  ],
  estimates: densities.flatMap((density) => [
    record('able', density, { energy: energy(4e6 * density, 'one') }),
    record('baker', density, {
      energy: energy(9e6 * density, 'two'),
      rates: [{ level: 'dram', bytes: 4096, bytesPerSecond: 1e9 }],
    }),
    record('dreamt', density, {}, 0.01),
  ]),
});

const output = (lines: string[]) => ({
  ...{ result: (text: string) => void lines.push(text), say: (text: string) => void lines.push(text) },
  ...{ redraw: () => {}, isTerminal: false, lineWidth: 79, width: 400, color: false },
});

describe('the filter of layers', () => {
  it('takes a name, the id of a workload, and * for any text', () => {
    const shapesOf = (filter: string) =>
      layersFor('quick', { filter, density: [0.1] }).map(
        ({ name, shape: { m, k, n } }) => `${name} ${m}x${k}x${n}`,
      );
    const all = layersFor('quick', { density: [0.1] });
    const { name, shape } = all.find(({ shape: { n } }) => n > 1)!;
    const id = `spmm-f32-${shape.m}x${shape.k}x${shape.n}-`;
    const expected = all.filter((layer) => layer.name === name && layer.shape.n === shape.n);
    expect(expected.length).toBeLessThan(all.length);
    expect(shapesOf(id)).toEqual([`${name} ${shape.m}x${shape.k}x${shape.n}`]);
    expect(shapesOf(`spmm*${shape.m}x*-hot/`)).toContain(`${name} ${shape.m}x${shape.k}x${shape.n}`);
    expect(shapesOf(name)).toEqual(
      all
        .filter((layer) => layer.name.includes(name))
        .map((layer) => `${layer.name} ${layer.shape.m}x${layer.shape.k}x${layer.shape.n}`),
    );
    expect(() => shapesOf('nosuch')).toThrow(/the filter "nosuch", which is in no name/);
  });
});

describe('the file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sparsemark-estimates-'));

  it('gives back what was written', () => {
    const path = join(folder, 'made.jsonl');
    writeResult(path, estimated);
    expect(readResult(path)).toEqual(estimated);
  });

  it('of counts is not written where they are interrupted, layer by layer', async () => {
    const told: string[] = [];
    const stop = new AbortController();
    const eie = [loadAccelerator('eie')];
    const options = { mode: 'actual', density: [0.1] } as const;
    const onLayer = (index: number, total: number, name: string): void => {
      told.push(`${index} of ${total} ${name}`);
      if (index === 1) stop.abort();
    };
    await expect(actually('quick', options, eie, { signal: stop.signal, onLayer })).rejects.toMatchObject({
      code: 'INTERRUPTED',
    });
    expect(told).toHaveLength(2);
    expect(told[1]).toMatch(/^1 of (?:[2-9]|\d\d+) \S/);
  });

  it('is shown within a narrow terminal, energies of a table of ratios with their unit', async () => {
    const linesAt = async (terminalWidth?: number): Promise<string[]> => {
      const lines: string[] = [];
      const options = { accelerator: ['eie', 'eyeriss'], filter: 'spmv', density: [0.1] };
      const out = join(folder, `wide-${terminalWidth}.jsonl`);
      const wide = { ...output(lines), ...(terminalWidth !== undefined && { terminalWidth }) };
      await estimateCommand('quick', { ...options, out }, wide, 'estimate');
      return lines[0]!.split('\n').slice(0, 3);
    };
    const whole = await linesAt();
    expect(whole[0]).toMatch(
      /^layer +weights +inputs +accelerator +cycles +us +x dense +used % +uJ +evidence$/,
    );
    expect(whole.slice(1).join()).toMatch(/eyeriss .*\d MACs +calibrated/);
    expect(await linesAt(200)).toEqual(whole);
    for (const [room, head] of [
      [108, /^layer +weights +inputs +accelerator +cycles +x dense +used % +uJ +evidence$/],
      [85, /^layer +accelerator +cycles +x dense +uJ +evidence$/],
    ] as const) {
      const lines = await linesAt(room);
      expect(lines[0]).toMatch(head);
      for (const line of lines) expect(line.length).toBeLessThanOrEqual(room);
    }
  });

  it('of a suite holds every layer on every accelerator, and is not overwritten', async () => {
    const path = join(folder, 'quick.jsonl');
    const options = { accelerator: ['eie', 'zcu102'], density: [0.1], out: path };
    const lines: string[] = [];
    expect(await estimateCommand('quick', options, output(lines), 'sparsemark estimate quick')).toBe(0);
    const { accelerators, estimates, header } = readResult(path);
    expect(accelerators!.map(({ name }) => name)).toEqual(['eie', 'zcu102']);
    expect(estimates).toHaveLength(4);
    expect(header.suite.name).toBe('quick');
    const [eie, zcu102] = estimates as [EstimateRecord, EstimateRecord];
    expect(eie.energy!.table).toBe('eie-45');
    expect(accelerators![0]!.parameters.pes).toBe(64);
    // Both operands and the output of 8 bits, once each.
    expect(zcu102.rates).toEqual([
      { level: 'memory', bytes: 512 * 512 + 2 * 512 * 128, bytesPerSecond: 15109525179.71 },
    ]);
    await expect(estimateCommand('quick', options, output([]), '')).rejects.toThrow(/never overwritten/);
    expect(readdirSync(folder).filter((name) => name.endsWith('.part'))).toEqual([]);
  });

  it('of a generic design has what passes each level, under the bandwidths of its ports', async () => {
    const path = join(folder, 'generic.jsonl');
    const asked = { accelerator: ['bitmask-gating'], filter: 'attention', density: [0.1], out: path };
    await estimateCommand('quick', asked, output([]), '');
    const made = readResult(path);
    const record = made.estimates![0]!;
    expect(record.traffic!.map(({ level }) => level)).toEqual(['BackingStorage', 'Buffer', 'Reg']);
    // Of one instance at 1 GHz: 16 bits a cycle are 2 GB/s, and the busier port has the cycles of its level.
    expect(record.rates.map(({ level, bytesPerSecond }) => [level, bytesPerSecond])).toEqual([
      ['Buffer.read', 2e9],
      ['Buffer.write', 2e9],
      ['Reg.read', 1e9],
      ['Reg.write', 1e9],
    ]);
    for (const { level, cycles } of record.traffic!.slice(1)) {
      const ports = record.rates.filter((rate) => rate.level.startsWith(`${level}.`));
      const slowest = Math.max(...ports.map(({ bytes, bytesPerSecond }) => bytes / bytesPerSecond));
      expect(1e9 * slowest).toBeCloseTo(cycles, 3);
      expect(cycles).toBeLessThanOrEqual(record.cycles * (1 + 1e-12));
    }
    const text = String(renderReport(reportNamed('terminal')!, [made], { all: true }));
    expect(text).toMatch(/Traffic a level of generic designs\n.*\n.*Buffer/s);
    const page = String(renderReport(reportNamed('html')!, [made], { all: true }));
    expect(page).toMatch(/Roofline: bitmask-gating/);
    expect(page).toMatch(/<h2>Traffic a level of generic designs/);
  });

  it('both modes tell how far they differ', async () => {
    const path = join(folder, 'both.jsonl');
    const asked = {
      mode: 'both',
      accelerator: ['cambricon-x'],
      filter: 'attention',
      density: [0.1],
    } as const;
    await estimateCommand('quick', { ...asked, out: path }, output([]), '');
    const { estimates } = readResult(path);
    const counted = estimates!.filter(({ mode }) => mode === 'actual');
    expect(counted.length).toBeGreaterThan(0);
    expect(counted.every(({ difference, pattern, seed }) => difference && pattern && seed !== null)).toBe(
      true,
    );
  });

  it('is refused where only a run will do, and never published', () => {
    const path = join(folder, 'refused.jsonl');
    writeResult(path, estimated);
    expect(() => readRun(path)).toThrow(/Expected a measured run, received estimates/);
    expect(publishable(estimated)).toMatch(/Expected measurements, received estimates/);
  });

  it('is refused where it contradicts itself', () => {
    const path = join(folder, 'wrong.jsonl');
    writeResult(path, estimated);
    const text = readFileSync(path, 'utf8');
    const refused = (change: (text: string) => string, what: RegExp) => {
      writeFileSync(path, change(text));
      expect(() => readResult(path)).toThrow(what);
    };
    refused((all) => all.replace('"macs":131072', '"macs":1'), /at most 1 effectual/);
    refused((all) => all.replace('"energy":100000', '"energy":99'), /levels that sum to an energy/);
    refused(
      (all) => all.replace('"accelerator":"able"', '"accelerator":"other"'),
      /record before its estimates/,
    );
    refused((all) => all.replace('"name":"baker"', '"name":"able"'), /each accelerator once/);
  });
});

describe('reports', () => {
  it.each(reports)('$name shows estimates alone and beside measurements', (report) => {
    for (const results of [[estimated], [measured, estimated]]) {
      const shown = renderReport(report, results, { resamples: 20 });
      const text = typeof shown === 'string' ? shown : shown.map((file) => file.text).join('\n');
      expect(text).toContain('able');
      // A chart names no evidence class in letters alone: its key says what a calibration is not.
      expect(text).toMatch(report.name === 'csv' ? /calibrated/ : /not (a )?validat(ed|ion)/);
      expect(text).not.toContain(report.name === 'json' ? '"accelerator": "dreamt"' : 'dreamt,formula');
    }
  });

  it('a formula that nothing was held against is hidden until it is asked for', () => {
    const text = (all: boolean) => renderReport(reportNamed('terminal')!, [estimated], { all }) as string;
    expect(text(false)).toMatch(/Not shown, since nothing was held against their formulas: dreamt/);
    expect(text(false)).not.toMatch(/^fc .*dreamt/m);
    expect(text(true)).toMatch(/^fc .*dreamt +formula/m);
  });

  it('energies of two tables never share a chart', () => {
    const files = renderReport(reportNamed('svg')!, [estimated]) as readonly { name: string; text: string }[];
    const charts = files.filter(({ name }) => name.startsWith('energy-'));
    expect(charts.map(({ text }) => [text.includes('table one'), text.includes('table two')])).toEqual([
      [true, false],
      [false, true],
    ]);
    expect(files.filter(({ name }) => name.startsWith('accelerator-roofline-'))).toHaveLength(1);
  });

  it('levels at one place of a roofline are rings with one title', () => {
    const rates = [
      { level: 'dram', bytes: 4096, bytesPerSecond: 1e9 },
      { level: 'buffer', bytes: 65_536, bytesPerSecond: 4e9 },
      { level: 'registers', bytes: 65_600, bytesPerSecond: 4e9 },
    ];
    const of = book({ accelerators: [accelerator('able')], estimates: [record('able', 0.5, { rates })] });
    const files = renderReport(reportNamed('svg')!, [of]) as readonly { name: string; text: string }[];
    const chart = files.find(({ name }) => name.startsWith('accelerator-roofline-'))!.text;
    const dots = [
      ...chart.matchAll(
        /<circle[^>]* r="([\d.]+)"[^>]* cx="([\d.]+)"[^>]*><title>[^<]* at ([^<]*)<\/title>/g,
      ),
    ];
    const found = dots.map(([, radius, x, levels]) => ({ x, radius: Number(radius), levels }));
    expect(found.map(({ levels }) => levels)).toEqual(['registers, buffer', 'registers, buffer', 'dram']);
    expect(found[0]!.x).toBe(found[1]!.x);
    expect(found[0]!.radius).toBeGreaterThan(found[1]!.radius);
    expect(found[2]!.radius).toBe(found[1]!.radius);
  });

  it('a measured line stands in the chart of the same shape', () => {
    const files = renderReport(reportNamed('svg')!, [measured, estimated], { resamples: 20 });
    const chart = (files as readonly { name: string; text: string }[]).find(
      ({ name }) => name === 'estimates-1.svg',
    )!;
    expect(chart.text).toMatch(/measured on Fake Xeon 8400, [^<]*: [\d.]+x at 90 % sparsity/);
    expect(chart.text).toMatch(/able \(replayed\): 10.0x at 90 % sparsity/);
  });

  it('a statistical answer that counting found off is marked', () => {
    const counted = record('baker', 0.1, { mode: 'actual', pattern: 'block-4x4', seed: 1, difference }, 1.7);
    const off = book({
      accelerators: estimated.accelerators,
      estimates: [record('baker', 0.1, { pattern: 'block-4x4', seed: 1 }), counted],
    });
    const view = estimateViewOf([off]);
    expect(view.rows.map(({ distrusted }) => distrusted)).toEqual([true, false]);
    expect(panelsOf(view).map(({ rows }) => rows.map(({ record }) => record.mode))).toEqual([['actual']]);
    const text = renderReport(reportNamed('markdown')!, [off]) as string;
    expect(text).toMatch(/NOT TRUSTWORTHY: rows vary 5 times/);
    expect(text).toMatch(/expected, NOT TRUSTWORTHY/);
  });

  it('the command reads both kinds of file', () => {
    const folder = mkdtempSync(join(tmpdir(), 'sparsemark-estimates-'));
    const [run, estimates] = [join(folder, 'run.jsonl'), join(folder, 'estimates.jsonl')];
    writeResult(run, measured);
    writeResult(estimates, estimated);
    const lines: string[] = [];
    expect(reportCommand([run, estimates], {}, output(lines))).toBe(0);
    expect(lines.join('\n')).toMatch(/On this Fake Xeon 8400/);
    expect(lines.join('\n')).toMatch(/Estimates: hardware that is not here/);
  });
});
