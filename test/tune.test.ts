/** Tuning: the search with a bench whose times are known, the plans on disk, plans through the kernel door, the command. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  mergedPlans,
  planFor,
  plansFolderOf,
  plansPathOf,
  readPlans,
  writePlans,
} from '../src/measure/plans.ts';
import { knobsOf, type PlanBench, type PlanRefusal, tune, turned } from '../src/measure/tune.ts';
import { loadNative } from '../src/native.ts';
import { readResult } from '../src/result/result.ts';
import { publishable } from '../src/result/submission.ts';
import type { TunedPlan } from '../src/terms/plan.ts';
import { SparsemarkError } from '../src/terms.ts';
import { sparsemark, tinySuite } from './command.ts';
import { buildLibraries } from './libraries.ts';

const folders: string[] = [];
const newFolder = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'sparsemark-plans-'));
  folders.push(folder);
  return folder;
};
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

const rule = { targetHalfWidth: 0, minSamples: 9, maxSamples: 9, samplesPerRound: 3 };
const options = {
  searching: rule,
  confirming: { ...rule, minSamples: 15, maxSamples: 15, samplesPerRound: 1 },
  seed: 1,
  mayGoOn: () => true,
};
const knobs = knobsOf('columns=64|128 vectors=1|2|4  hold=0|1');

/** A bench of known times; `refuse` says what cannot be timed, `after` what is wrong only once it was timed. */
function benchOf(
  nsOf: (plan: ReadonlyMap<string, string>, nth: number) => number,
  refuse: (plan: string) => PlanRefusal | null = () => null,
  after: (plan: string) => PlanRefusal | null = () => null,
): PlanBench & { readonly started: string[]; readonly open: Set<string> } {
  const started: string[] = [];
  const open = new Set<string>();
  let nth = 0;
  return {
    started,
    open,
    start: async (plan) => {
      started.push(plan);
      const refusal = refuse(plan);
      if (refusal === null) open.add(plan);
      return refusal;
    },
    sample: async (plan) => {
      if (!open.has(plan)) throw new Error(`${plan} was not started`);
      nth += 1;
      const turnedTo = plan.split(' ').filter((word) => word !== '');
      return nsOf(new Map(turnedTo.map((word) => word.split('=') as [string, string])), nth);
    },
    finish: async (plan) => {
      open.delete(plan);
      return after(plan);
    },
  };
}

describe('the search', () => {
  it('reads knobs, and turns one of a plan', () => {
    expect(knobs).toEqual([
      { name: 'columns', values: ['64', '128'] },
      { name: 'vectors', values: ['1', '2', '4'] },
      { name: 'hold', values: ['0', '1'] },
    ]);
    expect(knobsOf('')).toEqual([]);
    expect(turned('', 'columns', '64')).toBe('columns=64');
    expect(turned('columns=64 vectors=2', 'columns', '128')).toBe('vectors=2 columns=128');
  });

  it('finds the best value of each knob, given the ones before, and what it gains', async () => {
    const bench = benchOf((plan) => {
      const columns = plan.get('columns') === '128' ? 0.8 : 1;
      const vectors = { '1': 1.5, '2': 0.9, '4': 0.95 }[plan.get('vectors') ?? ''] ?? 1;
      // The knob that only helps where the block is wide.
      const hold = plan.get('hold') === '1' && plan.get('columns') === '128' ? 0.5 : 1;
      return 1000 * columns * vectors * hold;
    });
    const found = await tune(knobs, bench, options);
    expect(found).toMatchObject({ plan: 'columns=128 vectors=2 hold=1', wrong: [] });
    expect(found!.speedup).toBeCloseTo(1 / (0.8 * 0.9 * 0.5), 6);
    expect(found!.tried).toBe(3 + 4 + 3 + 2);
    expect([...bench.open]).toEqual([]);
  });

  it("keeps the library's own plan where nothing gains a per cent", async () => {
    const bench = benchOf((plan) => (plan.get('vectors') === '2' ? 995 : 1000));
    expect(await tune(knobs, bench, options)).toMatchObject({ plan: '', speedup: 1, interval: [1, 1] });
  });

  it('does not believe the winner of a search that chance decided', async () => {
    // Faster while it is one of many, and no longer when it stands against the library's own plan.
    let confirming = false;
    const bench = benchOf((plan) => (plan.get('hold') === '1' && !confirming ? 800 : 1000));
    const start = async (plan: string): Promise<PlanRefusal | null> => {
      confirming ||= plan === '' && bench.started.includes('hold=1');
      return bench.start(plan);
    };
    expect(await tune(knobs, { ...bench, start }, options)).toMatchObject({ plan: '', speedup: 1 });
    expect(confirming).toBe(true);
  });

  it('never chooses a plan that is refused, wrong, or wrong after it was timed', async () => {
    const fast = benchOf(
      (plan) => (plan.size === 0 ? 1000 : plan.get('hold') === '1' ? 900 : 100),
      (plan) => (plan.includes('columns=') ? { kind: 'unfit', reason: 'does not fit' } : null),
      (plan) =>
        plan.includes('vectors=') || plan.includes('hold=0') ? { kind: 'wrong', reason: 'C[0]' } : null,
    );
    const found = await tune(knobs, fast, options);
    expect(found!.plan).toBe('hold=1');
    expect(found!.wrong.map(({ plan }) => plan)).toEqual(['vectors=1', 'vectors=2', 'vectors=4', 'hold=0']);
  });

  it('has no answer where the own plan cannot be timed, and stops when told to', async () => {
    const own = benchOf(
      () => 1000,
      (plan) => (plan === '' ? { kind: 'wrong', reason: 'crashed' } : null),
    );
    expect(await tune(knobs, own, options)).toBeNull();
    const bench = benchOf(() => 1000);
    expect(await tune(knobs, bench, { ...options, mayGoOn: () => false })).toMatchObject({
      plan: '',
      tried: 0,
    });
    expect(bench.started).toEqual([]);
  });
});

const plan: TunedPlan = {
  library: 'native',
  librarySha256: 'a'.repeat(64),
  op: 'spmm',
  dtype: 'f32',
  kernel: 'packed',
  isa: 'avx2',
  threads: 1,
  cache: 'hot',
  m: 512,
  k: 256,
  n: 128,
  density: 0.1,
  plan: 'columns=128 vectors=4',
  speedup: 1.1,
  interval: [1.05, 1.2],
  tunedAt: '2026-01-02T03:04:05.000Z',
};
const machine = { fingerprint: 'abcdef012345', cpuBrand: 'A CPU' };

describe('plans on disk', () => {
  it('are in a folder that the user may name', () => {
    expect(plansFolderOf({ SPARSEMARK_PLANS: '/plans' })).toBe('/plans');
    expect(plansFolderOf({ XDG_CACHE_HOME: '/cache' })).toMatch(/sparsemark\/plans$/);
  });

  it('come back as they were written; none is no error; nothing is left beside them', () => {
    const folder = join(newFolder(), 'new');
    expect(readPlans(folder, machine.fingerprint)).toEqual([]);
    writePlans(folder, machine, [plan]);
    writePlans(folder, machine, [plan, { ...plan, n: 64 }]);
    expect(readPlans(folder, machine.fingerprint)).toEqual([plan, { ...plan, n: 64 }]);
    expect(readdirSync(folder)).toEqual([`${machine.fingerprint}.json`]);
  });

  const text = (change: object = {}): string =>
    JSON.stringify({ schemaVersion: 1, machine, plans: [plan], ...change });
  it.each([
    ['torn', text().slice(0, -20), /Expected JSON for the tuned plans/],
    ['empty', '', /Expected JSON/],
    ['a list', '[]', /Expected a valid file/],
    ['of a newer version', text({ schemaVersion: 2 }), /Expected a valid schemaVersion/],
    [
      'of another machine',
      text({ machine: { ...machine, fingerprint: '000000000000' } }),
      /those of 000000000000/,
    ],
    ['edited', text({ plans: [{ ...plan, density: 'half' }] }), /Expected a valid plans\.0\.density/],
    ['with a plan of no words', text({ plans: [{ ...plan, plan: '' }] }), /plans\.0\.plan/],
    ['with more than is known', text({ plans: [{ ...plan, faster: true }] }), /plans\.0/],
  ])('a file that is %s is refused, with what to do', (_, content, words) => {
    const folder = newFolder();
    writeFileSync(plansPathOf(folder, machine.fingerprint), content);
    const read = (): unknown => readPlans(folder, machine.fingerprint);
    expect(read).toThrow(SparsemarkError);
    expect(read).toThrow(words);
    expect(read).toThrow(/Delete the file and tune again/);
  });

  it('are found for the same cell of the same build, at the nearest density within 10 %', () => {
    const plans = [plan, { ...plan, density: 0.105, plan: 'columns=64' }, { ...plan, n: 64, plan: 'hold=1' }];
    expect(planFor(plans, plan)?.plan).toBe('columns=128 vectors=4');
    expect(planFor(plans, { ...plan, density: 0.104 })?.plan).toBe('columns=64');
    expect(planFor(plans, { ...plan, density: 0.12 })).toBeNull();
    for (const change of [
      { librarySha256: 'b'.repeat(64) },
      { isa: 'avx512' },
      { threads: 2 },
      { cache: 'cold' as const },
      { m: 511 },
      { dtype: 'int8' as const },
    ]) {
      expect(planFor(plans, { ...plan, ...change }), JSON.stringify(change)).toBeNull();
    }
  });

  it('make room for what was tuned anew, and forget other builds of its library', () => {
    const other = { ...plan, library: 'mine', librarySha256: 'c'.repeat(64) };
    const old = { ...plan, librarySha256: 'b'.repeat(64), n: 32 };
    const better = { ...plan, plan: 'hold=1' };
    expect(mergedPlans([plan, other, old], [plan], [better])).toEqual([other, better]);
    // The library's own plan won this time.
    expect(mergedPlans([plan, { ...plan, n: 64 }], [plan], [])).toEqual([{ ...plan, n: 64 }]);
    expect(mergedPlans([plan], [], [])).toEqual([plan]);
  });
});

describe('the kernel door', () => {
  const { native, folder: binaries } = loadNative();
  const library = native.openLibrary(join(binaries, 'libsparsemark-native.so'));
  const kernels = native.describeLibrary(library).kernels;
  const packed = kernels.find(({ op, name, isa }) => op === 'spmm' && name === 'packed' && isa === 'scalar')!;
  const csr = kernels.find(({ op, name, isa }) => op === 'spmm' && name === 'csr' && isa === 'scalar')!;
  const a = [2, 3, Int32Array.of(0, 1, 3), Int32Array.of(1, 0, 2), Float32Array.of(1, 2, 3)] as const;
  const operands = { n: 4, threads: 1, b: new Float32Array(12).fill(1) };

  it('says what can be chosen, takes a choice and shows it in the tiling', () => {
    expect(knobsOf(packed.knobs).map(({ name }) => name)).toContain('vectors');
    expect(csr.knobs).toBe('');
    const matrix = native.encodePlanned(library, packed.index, 'vectors=2', ...a);
    const job = native.prepare(library, [matrix], packed.index, { ...operands, plan: 'vectors=2' });
    expect([...native.answer(job)]).toEqual([1, 1, 1, 1, 5, 5, 5, 5]);
    expect(native.describeJob(job).tiling).toMatch(/^2 rows x 2 vectors of 1 column/);
  });

  it.each<[string, () => unknown, RegExp]>([
    [
      'a kernel without knobs',
      () => native.encodePlanned(library, csr.index, '', ...a),
      /Expected a kernel with knobs/,
    ],
    [
      'an unknown knob',
      () => native.encodePlanned(library, packed.index, 'vector=2', ...a),
      /received "vector"/,
    ],
    [
      'a value that a knob does not have',
      () => native.encodePlanned(library, packed.index, 'vectors=9', ...a),
      /Expected one of 1\|2\|.* for vectors of a plan, received "9"/,
    ],
    [
      'another plan than the one of the encoding',
      () => {
        const matrix = native.encodePlanned(library, packed.index, 'vectors=2', ...a);
        return native.prepare(library, [matrix], packed.index, { ...operands, plan: 'vectors=4' });
      },
      /encoded with another plan/,
    ],
  ])('refuses %s', (_, call, words) => {
    expect(call).toThrow(words);
  });

  it('opens a library that was built before tables had plans', () => {
    const built = buildLibraries(['short-table']);
    folders.push(built);
    const short = native.openLibrary(join(built, 'short-table.so'));
    expect(native.describeLibrary(short).kernels.map(({ knobs: text }) => text)).toEqual(['', '']);
    const matrix = native.encode(short, 'csr', 'f32', ...a);
    expect([...native.answer(native.prepare(short, [matrix], 0, operands))]).toEqual([
      1, 1, 1, 1, 5, 5, 5, 5,
    ]);
    expect(() => native.encodePlanned(short, 0, '', ...a)).toThrow(/Expected a kernel with knobs/);
  });
});

describe('the command', () => {
  let made: ReturnType<typeof tinySuite>;
  let env: NodeJS.ProcessEnv;
  beforeAll(() => {
    made = tinySuite({ densities: [0.5, 0.1], formats: ['packed'] });
    folders.push(made.folder);
    env = { SPARSEMARK_PLANS: join(made.folder, 'plans') };
  });
  const run = (...more: string[]) =>
    sparsemark(['run', made.suite, '--library', 'native', '--budget', '5', ...more], {
      cwd: made.folder,
      env,
    });

  it('finds nothing to tune where no kernel has knobs, and no plans before tuning', () => {
    const none = sparsemark(['tune', made.suite, '--format', 'csr'], { env });
    expect(none).toMatchObject({
      status: 42,
      stderr: expect.stringMatching(/Expected a kernel that can be tuned/),
    });
    expect(run('--tuned')).toMatchObject({
      status: 42,
      stderr: expect.stringMatching(/Expected tuned plans of this machine for --tuned/),
    });
  });

  it('tunes, keeps only plans that won, and runs them beside the default under another name', () => {
    const tuned = sparsemark(['tune', made.suite, '--density', '0.1', '--json'], { cwd: made.folder, env });
    expect(tuned.stderr).not.toMatch(/WRONG/);
    expect(tuned.status).toBe(0);
    const { path, cells } = JSON.parse(tuned.stdout) as {
      path: string;
      cells: { of: TunedPlan; found: TunedPlan | null; tuning: { tried: number } }[];
    };
    expect(cells).toHaveLength(1);
    expect(cells[0]!.tuning.tried).toBeGreaterThan(10);
    expect(existsSync(path)).toBe(true);
    const file = JSON.parse(readFileSync(path, 'utf8')) as { plans: TunedPlan[] };
    expect(file.plans).toEqual(cells.flatMap(({ found }) => found ?? []));
    // Whatever won here, a plan that is known to be taken.
    const chosen = { ...plan, ...cells[0]!.of, plan: 'columns=64 vectors=1' };
    writeFileSync(path, JSON.stringify({ ...file, plans: [chosen] }));
    const out = join(made.folder, 'tuned.jsonl');
    const { status, stderr } = run('--tuned', '--out', out);
    expect({ status, stderr }).toMatchObject({ status: 0 });
    const result = readResult(out);
    expect(result.header.protocol.tuned).toBe(true);
    const own = result.measurements.filter(({ format }) => format === 'packed');
    expect(own.map(({ kernel, workload }) => [kernel, /d0\.\d+/.exec(workload)![0]])).toEqual([
      ['packed', 'd0.50'],
      ['packed', 'd0.10'],
      ['packed-tuned', 'd0.10'],
    ]);
    expect(own.map((cell) => (cell.status === 'measured' ? cell.tiling : cell.status))).toEqual([
      expect.not.stringMatching(/tuned/),
      expect.not.stringMatching(/tuned/),
      expect.stringMatching(/^tuned \(columns=64 vectors=1\): 2 rows x 1 vector/),
    ]);
    expect(publishable(result)).not.toBeNull();
  });

  it('measures without plans where they are of another build, and says so', () => {
    const folder = env.SPARSEMARK_PLANS!;
    const [name] = readdirSync(folder);
    const path = join(folder, name!);
    const file = JSON.parse(readFileSync(path, 'utf8')) as { plans: TunedPlan[] };
    writeFileSync(
      path,
      JSON.stringify({
        ...file,
        plans: file.plans.map((one) => ({ ...one, librarySha256: 'd'.repeat(64) })),
      }),
    );
    const { status, stderr, stdout } = run(
      '--tuned',
      '--density',
      '0.1',
      '--out',
      join(made.folder, 'other.jsonl'),
    );
    expect(status).toBe(0);
    expect(stderr).toMatch(/No cell of this run has a tuned plan/);
    expect(stdout).not.toMatch(/packed-tuned/);
    writeFileSync(path, '{"schemaVersion": 1, "plans"');
    expect(run('--tuned')).toMatchObject({ status: 42, stderr: expect.stringMatching(/Delete the file/) });
  });
});
