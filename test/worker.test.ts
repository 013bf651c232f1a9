/** Workers: what each misbehaving kernel library costs, that it is named, and that nothing else suffers. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundledLibraries } from '../src/measure/libraries.ts';
import {
  LibraryRefusal,
  type LibraryWorker,
  startWorker,
  WorkerGone,
} from '../src/measure/library-worker.ts';
import { cellsOf } from '../src/measure/schedule.ts';
import { runWorkload, type WorkloadRunOptions } from '../src/measure/workload-run.ts';
import { median } from '../src/statistics.ts';
import type { Measurement, Protocol, Workload } from '../src/terms.ts';
import { opNamed } from '../src/workload/ops/index.ts';
import { makeProblem, workloadId } from '../src/workload/problem.ts';
import { buildLibraries } from './libraries.ts';

/** What becomes of the library's case, by library. */
const outcomes: Readonly<Record<string, { status: string; reason?: string; detail?: RegExp }>> = {
  crashes: { status: 'failed', reason: 'SIGSEGV', detail: /crashes-csr-auto-t1/ },
  aborts: { status: 'failed', reason: 'SIGABRT' },
  exits: { status: 'failed', reason: 'exit 0' },
  hangs: { status: 'failed', reason: 'timeout', detail: /no answer within/ },
  'lies-about-sizes': { status: 'failed', reason: 'broken library', detail: /33 x 48/ },
  'writes-after-c': { status: 'failed', reason: 'broken library', detail: /inside of C/ },
  'writes-before-c': { status: 'failed', reason: 'broken library', detail: /inside of C/ },
  'writes-b': { status: 'failed', reason: 'broken library', detail: /untouched B/ },
  'writes-its-input': { status: 'failed', reason: 'broken library', detail: /untouched input/ },
  'fails-to-encode': {
    status: 'failed',
    reason: 'broken library',
    detail: /the moon is in the wrong quarter/,
  },
  'returns-no-job': { status: 'failed', reason: 'broken library', detail: /a job/ },
  'drops-last-column': { status: 'wrong', detail: /before timing: .* column 7, / },
  // It counts over workloads: in the first it is caught after timing, in the second at once.
  'stops-computing': { status: 'wrong', detail: /(?:after|before) timing: .* received no finite number/ },
  'allocates-forever': { status: 'failed', reason: 'out of memory' },
};
const names = Object.keys(outcomes);
const refusedOnOpening = ['no-symbol', 'other-abi', 'declines', 'null-kernel-name'];

let folder = '';
let workers: LibraryWorker[] = [];
const pathOf = (name: string): string => join(folder, `${name}.so`);
const open = (path: string, timeoutMs: number): Promise<LibraryWorker> =>
  startWorker({ kind: 'open', path, name: null, cpus: [], memoryLimitBytes: 2 ** 29 }, timeoutMs);

beforeAll(async () => {
  folder = buildLibraries(['example', ...names, ...refusedOnOpening]);
  workers = [await open(bundledLibraries()[0]!, 20_000), await open(pathOf('example'), 20_000)];
  // A worker that hangs is waited for once a workload; the others get time enough on a busy machine.
  for (const name of names) workers.push(await open(pathOf(name), name === 'hangs' ? 4000 : 20_000));
});
afterAll(() => {
  for (const worker of workers) worker.end();
  rmSync(folder, { recursive: true, force: true });
});

const protocol: Protocol = {
  threads: [1],
  pinnedCpus: [],
  budgetSeconds: 10,
  targetHalfWidth: 0.5,
  minSamples: 9,
  maxSamples: 9,
  batchTargetNs: 20_000,
  orderSeed: 1,
  filter: null,
  isa: null,
  formats: null,
};
const facts: Omit<Workload, 'id'> = {
  op: 'spmm',
  dtype: 'f32',
  shape: { m: 32, k: 48, n: 8 },
  cache: 'hot',
  pattern: { name: 'uniform', parameters: {}, label: 'uniform' },
  density: 0.2,
  seed: 1,
  layer: 'tiny',
  count: 1,
};
const workload: Workload = { ...facts, id: workloadId({ ...facts, label: 'uniform' }) };
const problem = makeProblem(workload);
const reference = opNamed('spmm').reference(problem);
const options: WorkloadRunOptions = {
  protocol,
  privateCacheBytes: 2 ** 20,
  orderSeed: 1,
  mayGoOn: () => true,
  onCase: () => {},
};
const measure = (chosen: readonly LibraryWorker[]): Promise<readonly Measurement[]> => {
  const libraries = chosen.map(({ library }) => library);
  const selection = { isa: null, formats: ['csr'], threads: [1] };
  return runWorkload(
    problem,
    reference,
    cellsOf({ formats: {} }, workload, libraries, selection),
    chosen,
    options,
  );
};

describe('samples that two workers take in turns', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sparsemark-worker-'));
  const waitAt = join(folder, 'socket');
  const opened: LibraryWorker[] = [];
  const open = async (meeting: { readonly waitAt?: string }): Promise<LibraryWorker> => {
    const { path } = workers[0]!;
    const request = { kind: 'open', path, name: null, cpus: [], memoryLimitBytes: 2 ** 31 } as const;
    const worker = await startWorker({ ...request, apart: { patienceSeconds: 60, ...meeting } }, 30_000);
    opened.push(worker);
    return worker;
  };
  afterAll(() => {
    for (const worker of opened) worker.end();
    rmSync(folder, { recursive: true, force: true });
  });
  const start = async (worker: LibraryWorker, more: object) => {
    const { a, operands } = problem;
    const { op, shape, dtype, cache } = workload;
    await worker.ask({ kind: 'load', op, shape, dtype, a, operands, reference });
    const kernel = worker.library.kernels.find((one) => one.op === 'spmm' && one.format === 'csr')!;
    const started = await worker.ask({
      ...{ kind: 'start', key: 'x', kernel: kernel.index, format: 'csr', threads: 1, cache, coldBytes: 0 },
      ...{ batchTargetNs: 20_000, maxWarmupBatches: 3, ...more },
    });
    return started.status === 'started' ? started.sampling : null;
  };
  const turns = (worker: LibraryWorker, waits: boolean, first: boolean, meeting = 1) =>
    worker.ask({ kind: 'turns', key: 'x', path: waitAt, meeting, waits, first });

  it('are both there, whoever is first, and see a slowdown made on purpose', async () => {
    const [host, guest] = [await open({ waitAt }), await open({})];
    expect([host.waitAt, guest.waitAt]).toEqual([waitAt, null]);
    const sampling = (await start(guest, { sampling: { sampleTargetNs: 2e6, turnTargetNs: 1e5 } }))!;
    expect(sampling.turnsPerSample * sampling.batchesPerTurn).toBeGreaterThanOrEqual(4);
    // As it was told, not as it would have chosen.
    expect(await start(host, { sampling, injectedSlowdown: 1 })).toEqual(sampling);
    for (const first of [true, false]) {
      const ratios: number[] = [];
      for (let pair = 0; pair < 9; pair += 1) {
        const [hostNs, guestNs] = await Promise.all([turns(host, true, first), turns(guest, false, !first)]);
        ratios.push(hostNs! / guestNs!);
      }
      // Twice as slow: far from 1, however busy the machine is.
      expect(median(ratios)).toBeGreaterThan(1.5);
    }
    expect(await start(guest, { sampling: { sampleTargetNs: 1, turnTargetNs: 1 } })).toMatchObject({
      ...{ batchesPerTurn: 1, turnsPerSample: 4 },
    });
    expect(await start(guest, {})).toBeNull();
  });

  it('are none where the other side is not there or dies, and the next ones are whole again', async () => {
    const [host, guest] = [await open({ waitAt }), await open({})];
    const nowhere = join(folder, 'nowhere');
    const sampling = (await start(guest, { sampling: { sampleTargetNs: 2e6, turnTargetNs: 1e5 } }))!;
    expect(
      await guest.ask({ kind: 'turns', key: 'x', path: nowhere, meeting: 1, waits: false, first: true }),
    ).toBeNull();
    expect(await turns(guest, true, true)).toBeNull();
    // Ten seconds of turns, in the midst of which one side is killed.
    await start(host, { sampling: { ...sampling, turnsPerSample: 100_000 } });
    const long = turns(host, true, true);
    const dying = await open({});
    await start(dying, { sampling: { ...sampling, turnsPerSample: 100_000 } });
    const left = turns(dying, false, false).catch((error: unknown) => error);
    setTimeout(() => dying.end(), 100);
    expect(await left).toBeInstanceOf(WorkerGone);
    expect(await long).toBeNull();
    // The connection of a side that came for another pair is passed over, whether it has died yet or lives.
    const late = await open({});
    await start(late, { sampling });
    const gone = turns(late, false, true).catch(() => null);
    await new Promise((resolve) => setTimeout(resolve, 50));
    late.end();
    await gone;
    await start(host, { sampling });
    const another = await open({});
    await start(another, { sampling });
    const alone = turns(another, false, false, 2);
    await new Promise((resolve) => setTimeout(resolve, 50));
    const both = await Promise.all([turns(host, true, true, 3), turns(guest, false, false, 3)]);
    expect(await alone).toBeNull();
    expect(both.every((ns) => ns !== null && ns > 0)).toBe(true);
  });
});

describe('every misbehaving library beside ours and a good one', () => {
  // Twice: a worker that died is started again for the next workload, and nothing of the first is left behind.
  it.each(['after', 'before'])('each costs its own case, the others are measured (%s)', async (caught) => {
    const measurements = await measure(workers);
    const of = (name: string) => measurements.filter(({ library }) => library === name);
    expect(measurements).toHaveLength(2 + 1 + names.length);
    for (const good of ['native', 'example']) {
      for (const entry of of(good)) {
        expect(entry).toMatchObject({ status: 'measured', rounds: [3, 3, 3] });
        if (entry.status !== 'measured') continue;
        expect(entry.check.worstRatio).toBeLessThanOrEqual(1);
        expect(entry.samplesNs).toHaveLength(9);
        expect(Math.min(...entry.samplesNs)).toBeGreaterThan(0);
      }
    }
    for (const [name, { detail, ...expected }] of Object.entries(outcomes)) {
      const entries = of(name.replaceAll('-', '_'));
      expect(entries, name).toHaveLength(1);
      expect(entries[0], name).toMatchObject(expected);
      if (detail !== undefined) expect(JSON.stringify(entries[0]), name).toMatch(detail);
      // Without a passed check there is no time.
      expect(entries[0], name).not.toHaveProperty('samplesNs');
    }
    expect(of('stops_computing')[0]).toHaveProperty('detail', expect.stringContaining(`${caught} timing`));
  });

  it('a cold case rotates through copies that exceed the cache', async () => {
    const cold = { ...problem, workload: { ...workload, cache: 'cold' as const } };
    const chosen = workers.slice(0, 2);
    const selection = { isa: null, formats: ['csr'], threads: [1] };
    const cells = cellsOf(
      { formats: {} },
      workload,
      chosen.map(({ library }) => library),
      selection,
    );
    for (const entry of await runWorkload(cold, reference, cells, chosen, options)) {
      expect(entry.status).toBe('measured');
      if (entry.status !== 'measured') continue;
      const { payloadBytes, metadataBytes, paddingBytes } = entry.footprint;
      expect(entry.copies * (payloadBytes + metadataBytes + paddingBytes)).toBeGreaterThan(2 * 2 ** 20);
    }
  });
});

describe('a worker', () => {
  it.each(refusedOnOpening)('that cannot open %s refuses, with a reason', async (name) => {
    const error = await open(pathOf(name), 20_000).then(
      () => null,
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(LibraryRefusal);
    expect((error as LibraryRefusal).code).toMatch(/^(?:BAD_LIBRARY|UNSUPPORTED)$/);
    expect((error as Error).message.length).toBeGreaterThan(20);
  });

  it('says what it opened', async () => {
    const [native, example] = workers;
    expect(native!.library.name).toBe('native');
    expect(example!.library).toMatchObject({ name: 'example', formats: ['csr'], config: 'plain C loop' });
    expect(example!.library.sha256).toMatch(/^[0-9a-f]{64}$/);
  });

  it('that has ended answers nothing until it is started again', async () => {
    const worker = await open(pathOf('example'), 20_000);
    worker.end();
    expect(worker.gone).toBe(true);
    await expect(worker.ask({ kind: 'sample', key: 'x' })).rejects.toBeInstanceOf(WorkerGone);
    await worker.revive();
    expect(worker.gone).toBe(false);
    const [own, example] = await measure([workers[0]!, worker]).then((found) => [found[0]!, found.at(-1)!]);
    expect([own!.status, example!.status]).toEqual(['measured', 'measured']);
    worker.end();
  });

  it('survives a request that makes no sense', async () => {
    await expect(workers[1]!.ask({ kind: 'sample', key: 'nosuch' })).rejects.toBeInstanceOf(LibraryRefusal);
    expect(workers[1]!.gone).toBe(false);
  });
});
