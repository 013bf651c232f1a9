/** Design spaces: their axes, the front against one found the slow way, and the command. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { acceleratorFile, acceleratorFrom, loadAccelerator } from '../src/accelerator/accelerator.ts';
import { engineOf, estimate } from '../src/accelerator/estimate.ts';
import { type Axis, explore, parseAxis } from '../src/accelerator/explore.ts';
import { attributeClass, attributesOf, exploreDesign } from '../src/accelerator/explore-design.ts';
import { exploreCommand } from '../src/command/explore.ts';
import type { Accelerator, EstimatedLayer } from '../src/terms/accelerator.ts';
import { sparsemark } from './command.ts';

const folder = mkdtempSync(join(tmpdir(), 'sparsemark-explore-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const layer = (m: number, k: number, n: number, weightDensity: number): EstimatedLayer => ({
  name: `${m}x${k}x${n}`,
  shape: { m, k, n },
  groups: 1,
  weightDensity,
  activationDensity: 0.5,
  weightCorrelation: 0,
});
const layers = [layer(300, 200, 50, 0.1), layer(64, 700, 9, 0.4)];
const one = { threads: 1 };

/** Time and cost of every combination, one estimate after the other. */
function slowly(accelerator: Accelerator, axes: readonly Axis[]) {
  const names = engineOf(accelerator).engine.parameters.map(({ name }) => name);
  const combinations = axes.reduce<number[][]>(
    (before, { values }) => before.flatMap((head) => values.map((value) => [...head, value])),
    [[]],
  );
  return combinations.map((values) => {
    const parameters = [...accelerator.parameters];
    axes.forEach(({ name }, at) => {
      parameters[names.indexOf(name)] = values[at]!;
    });
    const estimates = estimate({ ...accelerator, parameters }, layers);
    return {
      values,
      timeNs: estimates.reduce((sum, { timeNs }) => sum + timeNs, 0),
      cost: estimates.reduce((sum, { energy }) => sum + (energy?.total ?? 0), 0) || estimates[0]!.multipliers,
    };
  });
}

describe('an axis', () => {
  const { engine } = engineOf(loadAccelerator('eie'));
  const valuesOf = (text: string) => parseAxis(text, engine).values;
  it('is a list, a range of steps, or a range of factors', () => {
    expect(valuesOf('pes=64')).toEqual([64]);
    expect(valuesOf('pes=64,16,64')).toEqual([16, 64]);
    expect(valuesOf('fifoDepth=1..4')).toEqual([1, 2, 3, 4]);
    expect(valuesOf('fifoDepth=1..16+5')).toEqual([1, 6, 11, 16]);
    expect(valuesOf('pes=16..1024*2')).toEqual([16, 32, 64, 128, 256, 512, 1024]);
    expect(valuesOf('pes=1..4,64')).toEqual([1, 2, 3, 4, 64]);
  });
  it('says what is wrong with it', () => {
    expect(() => valuesOf('pees=1')).toThrow(/received "pees". Did you mean "pes"/);
    for (const text of ['pes', '=4', 'pes=']) expect(() => valuesOf(text)).toThrow(/<parameter>=<values>/);
    for (const text of ['pes=4..1', 'pes=1..8*1', 'pes=1..8+0', 'pes=0..8*2'])
      expect(() => valuesOf(text)).toThrow(/a rising range/);
    for (const text of ['pes=0', 'pes=2000', 'pes=1.5', 'pes=x', 'pes=1..1500'])
      expect(() => valuesOf(text)).toThrow(/whole values of pes in 1..1024/);
  });
});

describe('the front', () => {
  for (const [name, ...texts] of [
    ['eie', 'pes=1..33+8', 'fifoDepth=1..4'],
    ['tpu-128', 'cols=1..37', 'rows=1..41'],
  ] as const) {
    it(`of ${name} is what no other design beats`, async () => {
      // Without prices multipliers stand for the energy.
      const accelerator = { ...loadAccelerator(name), ...(name === 'tpu-128' && { energy: null }) };
      const axes = texts.map((text) => parseAxis(text, engineOf(accelerator).engine));
      const { front, points, cost } = await explore(accelerator, layers, axes, one);
      const all = slowly(accelerator, axes);
      expect(points).toBe(all.length);
      const beaten = (a: (typeof all)[number]): boolean =>
        all.some((b) => b.timeNs <= a.timeNs && b.cost <= a.cost && (b.timeNs < a.timeNs || b.cost < a.cost));
      const best = all.filter((point) => !beaten(point));
      const key = ({ timeNs, cost: value }: { timeNs: number; cost: number }) =>
        `${timeNs.toPrecision(12)} ${value.toPrecision(12)}`;
      expect(
        front.map((point) => key({ timeNs: point.timeNs, cost: point.energy ?? point.multipliers })),
      ).toEqual([...new Set(best.sort((a, b) => a.timeNs - b.timeNs).map(key))]);
      expect(cost).toBe(name === 'eie' ? 'energy' : 'multipliers');
      expect(front.length).toBeGreaterThan(2);
      // The values are those of a design with that time.
      for (const { values, timeNs } of front) {
        const same = all.find((point) => point.values.join() === values.join())!;
        expect(same.timeNs).toBeCloseTo(timeNs, 6);
      }
    });
  }

  it('is the same for any number of threads, over chunks, and counts what is declined', async () => {
    const accelerator = loadAccelerator('tpu-128');
    const { engine } = engineOf(accelerator);
    const axes = ['rows=1..300', 'cols=1..250', 'dataflow=0,1', 'kept=0,2'].map((text) =>
      parseAxis(text, engine),
    );
    const ends: number[] = [];
    const found = await explore(accelerator, [layers[0]!], axes, {
      threads: 2,
      onProgress: (done) => ends.push(done),
    });
    expect(found.points).toBe(300_000);
    // Output stationary arrays run no N:M weights.
    expect(found.declined).toBe(75_000);
    expect(found.reason).toMatch(/N:M weights/);
    expect(ends.length).toBeGreaterThan(3);
    expect(ends.at(-1)).toBe(300_000);
    expect(await explore(accelerator, [layers[0]!], axes, one)).toEqual(found);
  });

  it('ends on a signal, and refuses what is no space of parameters', async () => {
    const accelerator = loadAccelerator('eie');
    const axis = parseAxis('pes=1..4', engineOf(accelerator).engine);
    const signal = AbortSignal.abort();
    await expect(explore(accelerator, layers, [axis], { ...one, signal })).rejects.toThrow(/interrupted/);
    await expect(explore(accelerator, layers, [axis, axis], one)).rejects.toThrow(/pes twice/);
    const huge = { name: 'pes', values: Array.from({ length: 1_000_000_001 / 100 }, (_, i) => i) };
    await expect(explore(accelerator, Array(200).fill(layers[0]), [huge], one)).rejects.toThrow(/at most/);
  });
});

describe('the command', () => {
  const run = (...args: string[]) => sparsemark(['explore', ...args], { cwd: folder });
  it('prints the front, and writes it', () => {
    const csv = join(folder, 'front.csv');
    const { status, stdout, stderr } = run('eie', 'quick', '--vary', 'pes=16..64*2', '--csv', csv);
    expect({ status, stderr }).toMatchObject({
      status: 0,
      stderr: expect.stringMatching(/3 designs of eie/),
    });
    expect(stdout).toMatch(/^Designs of eie .*\n *pes +us +x dense +uJ +multipliers/);
    expect(stderr).not.toMatch(/\[=/);
    expect(readFileSync(csv, 'utf8').trim().split('\n')[0]).toBe('pes,us,x dense,uJ,multipliers');
    const json = JSON.parse(run('eie', 'quick', '--vary', 'pes=16,64', '--json').stdout);
    expect(json).toMatchObject({ accelerator: 'eie', cost: 'energy', points: 2, declined: 0 });
  });
  it('says what it was not given', () => {
    const none = run('eie');
    expect([none.status, none.stderr]).toEqual([42, expect.stringMatching(/--vary .* at least once.*pes/s)]);
    expect(run('eei', '--vary', 'pes=1')).toMatchObject({ status: 42 });
  });
});

describe('a generic design', () => {
  const file = acceleratorFile('tensor-core-array');
  const generic = attributeClass('tensor-core-array', attributesOf(file.text));
  const small = [layer(64, 64, 32, 0.5)];
  it('has every number of its file by a path', () => {
    const names = attributesOf(file.text).map(({ name }) => name);
    expect(names).toEqual(
      expect.arrayContaining([
        ...['clock', 'levels.SMEM.depth', 'levels.SMEM.spatial.meshX', 'levels.RF.datawidth.Outputs'],
        'mapper.evaluations',
      ]),
    );
    expect(names.filter((name) => /^version|evidence|mapping/.test(name))).toEqual([]);
    expect(() => parseAxis('levels.SMEM.dept=1', generic)).toThrow(/Did you mean "levels.SMEM.depth"/);
  });

  it('has the front that single estimates of edited files give, each with its own mappings', async () => {
    const axes = [
      parseAxis('levels.SMEM.spatial.meshX=1,2,4', generic),
      parseAxis('clock=500,1000', generic),
    ];
    const ends: number[] = [];
    const found = await exploreDesign(file, small, axes, { onProgress: (done) => ends.push(done) });
    expect(ends).toEqual([1, 2, 3, 4, 5, 6]);
    expect([found.points, found.declined, found.cost]).toEqual([6, 0, 'multipliers']);
    // A faster clock costs no multiplier: the front has the fast one of each size.
    expect(found.front.map(({ values }) => values)).toEqual([
      [4, 1000],
      [2, 1000],
      [1, 1000],
    ]);
    for (const { values, timeNs, denseTimeNs, multipliers } of found.front) {
      const text = file.text.replace('meshX: { value: 4,', `meshX: { value: ${values[0]},`);
      const [one] = estimate(acceleratorFrom({ ...file, text }), small);
      expect(timeNs).toBeCloseTo(one!.timeNs, 9);
      expect(denseTimeNs).toBeCloseTo(one!.denseCycles, 9);
      expect(multipliers).toBe(256 * values[0]!);
    }
  });

  it('counts designs that hold no tile, refuses values that no design has, and ends on a signal', async () => {
    const buffer = acceleratorFile('coordinate-skipping');
    const own = attributeClass('coordinate-skipping', attributesOf(buffer.text));
    const depths = [parseAxis('levels.Buffer.depth=1,4096', own)];
    const found = await exploreDesign(buffer, small, depths, {});
    expect(found).toMatchObject({ points: 2, declined: 1, cost: 'energy' });
    expect(found.front.map(({ values }) => values)).toEqual([[4096]]);
    expect(found.reason).toMatch(/no tile fits|larger than the level/);
    const half = [parseAxis('levels.SMEM.spatial.meshX=1.5', generic)];
    await expect(exploreDesign(file, small, half, {})).rejects.toThrow(/meshX.*received 1.5/s);
    const signal = AbortSignal.abort();
    await expect(exploreDesign(file, small, depths.slice(1), { signal })).rejects.toThrow(/interrupted/);
    const clocks = { name: 'clock', values: Array.from({ length: 1_000_001 }, (_, i) => i + 1) };
    await expect(exploreDesign(file, small, [clocks], {})).rejects.toThrow(/at most 1000000 designs/);
  });

  it('prints within a narrow terminal, and draws its front', async () => {
    const [page, picture] = [join(folder, 'front.html'), join(folder, 'front.svg')];
    const [result, said]: [string[], string[]] = [[], []];
    const output = {
      ...{ result: (text: string) => void result.push(text), say: (text: string) => void said.push(text) },
      ...{ redraw: () => {}, isTerminal: false, lineWidth: 39, width: 40, color: false },
    };
    const vary = ['levels.SMEM.spatial.meshX=1,2,4', 'levels.RF.depth=512,1024'];
    const asked = { vary, density: [0.1], filter: 'attention', html: page, svg: picture };
    const status = await exploreCommand(
      ...(['tensor-core-array', 'quick', asked, output, new AbortController().signal] as const),
    );
    expect(status).toBe(0);
    const lines = [...result, ...said.slice(2)].join('\n').split('\n');
    expect(Math.max(...lines.map(({ length }) => length))).toBeLessThanOrEqual(40);
    expect(said.join(' ').replaceAll('\n', ' ')).toMatch(
      /6 designs of tensor-core-array .*own bounded search/,
    );
    const html = readFileSync(page, 'utf8');
    expect(html).toMatch(/<svg role="img" aria-label="Designs that none beats/);
    expect(html).toMatch(/prefers-color-scheme:dark/);
    const svg = readFileSync(picture, 'utf8');
    expect(svg).toMatch(/^<\?xml/);
    expect(svg).not.toMatch(/var\(--|NaN/);
    // A dot a design of the front, and a ring around those with a name.
    expect(svg.match(/<circle/g)!.length).toBeGreaterThan(3);
  });
});
