/** Whole runs: every workload measured, checked and kept, whatever is killed when. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { narrowed } from '../src/command/suite-choice.ts';
import { type RunEvent, runSuite } from '../src/measure/run.ts';
import { readJournal } from '../src/result/journal.ts';
import { readResult } from '../src/result/result.ts';
import type { Result, SparsemarkError } from '../src/terms.ts';
import { workloadsFromFolder } from '../src/workload/folder.ts';
import { loadSuite } from '../src/workload/suite.ts';
import { aliveInGroup, startSparsemark, tinySuite } from './command.ts';
import { buildLibraries } from './libraries.ts';

let libraries = '';
const folders: string[] = [];
const tiny = (change: Parameters<typeof tinySuite>[0]) => {
  const made = tinySuite(change);
  folders.push(made.folder);
  return made;
};
beforeAll(() => {
  libraries = buildLibraries(['example', 'crashes', 'hangs', 'drops-last-column', 'no-symbol', 'other-abi']);
  folders.push(libraries);
});
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

type Change = Partial<Parameters<typeof runSuite>[0]>;
function run(made: { suite: string; folder: string }, change: Change = {}): ReturnType<typeof runSuite> {
  const suite = loadSuite(made.suite);
  return runSuite({
    suite,
    workloads: suite.workloads,
    selection: { isa: null, formats: null, threads: [1] },
    cpus: null,
    budgetSeconds: 120,
    filter: null,
    kernels: [],
    libraries: [],
    timeoutSeconds: 30,
    out: join(made.folder, 'result.jsonl'),
    resume: false,
    command: 'test',
    signal: new AbortController().signal,
    onEvent: () => {},
    ...limits,
    ...change,
  });
}
/** Measured by the first run; the others take it, which saves each of them seconds. */
let limits: Pick<Parameters<typeof runSuite>[0], 'limits'> = {};

/** Every workload once, every case of it once, none without its check. */
function expectWhole(result: Result, ids: readonly string[]): void {
  expect(result.end).toMatchObject({ complete: true, stopReason: 'finished' });
  expect(result.workloads.map(({ id }) => id)).toEqual(ids);
  const cases = result.measurements.map(({ id }) => id);
  expect(new Set(cases).size).toBe(cases.length);
  for (const id of ids) {
    const statuses = result.measurements.filter(
      ({ workload, library }) => workload === id && library === 'native',
    );
    expect(statuses.length, id).toBeGreaterThanOrEqual(2);
    for (const entry of statuses) expect(entry, id).toMatchObject({ status: 'measured' });
  }
}

describe('a run', () => {
  it('measures beside libraries that crash, hang and lie, and loses only their cases', async () => {
    const made = tiny({ densities: [0.5, 0.1], cache: ['hot', 'cold'] });
    const events: RunEvent[] = [];
    const { path, result } = await run(made, {
      kernels: ['example', 'crashes', 'hangs', 'drops-last-column'].map((name) =>
        join(libraries, `${name}.so`),
      ),
      timeoutSeconds: 4,
      onEvent: (event) => events.push(event),
    });
    const ids = loadSuite(made.suite).workloads.map(({ id }) => id);
    expect(ids).toHaveLength(4);
    expect(path).toBe(join(made.folder, 'result.jsonl'));
    expect(existsSync(`${path}.journal`)).toBe(false);
    expect(readResult(path)).toEqual(result);
    expectWhole(result, ids);
    const of = (library: string) => result.measurements.filter((entry) => entry.library === library);
    for (const entry of of('example')) expect(entry).toMatchObject({ status: 'measured', isa: 'auto' });
    for (const entry of of('crashes')) expect(entry).toMatchObject({ status: 'failed', reason: 'SIGSEGV' });
    for (const entry of of('hangs')) expect(entry).toMatchObject({ status: 'failed', reason: 'timeout' });
    for (const entry of of('drops_last_column'))
      expect(entry).toMatchObject({ status: 'wrong', worst: { col: 7 } });
    for (const name of ['example', 'crashes', 'hangs', 'drops_last_column']) expect(of(name)).toHaveLength(4);

    for (const entry of result.measurements) {
      if (entry.status !== 'measured') continue;
      expect(entry.check.worstRatio).toBeLessThanOrEqual(1);
      expect(entry.samplesNs.length).toBeGreaterThanOrEqual(9);
      expect(entry.samplesNs.every((ns) => ns > 0)).toBe(true);
      expect(entry.copies > 1).toBe(entry.workload.includes('-cold/'));
    }
    for (const record of result.workloads) {
      expect(record.nnz).toBe(Math.round(record.density * 32 * 48));
      expect(record.achievedDensity).toBeCloseTo(record.nnz / (32 * 48), 12);
    }
    const { header } = result;
    limits = { limits: { ceilings: header.machine.ceilings, health: header.health } };
    expect(header.libraries.map(({ name }) => name)).toEqual([
      ...['native', 'example', 'crashes', 'hangs', 'drops_last_column'],
    ]);
    for (const { sha256 } of header.libraries) expect(sha256).toMatch(/^[0-9a-f]{64}$/);
    expect(header.health).toContainEqual(expect.objectContaining({ library: 'native', ofBest: 1 }));
    expect(header.machine.ceilings.map(({ threads }) => threads)).toEqual([1]);
    expect(header.suite).toMatchObject({ name: 'tiny', version: '1.0', workloadCount: 4 });
    expect(header.build.sha256).toMatch(/^[0-9a-f]{64}$/);
    if (process.platform === 'linux') expect(header.protocol.pinnedCpus).toHaveLength(1);

    const kinds = events.map(({ kind }) => kind);
    expect(kinds.indexOf('ready')).toBeGreaterThan(kinds.indexOf('preparing'));
    expect(kinds.filter((kind) => kind === 'workload')).toHaveLength(4);
    expect(kinds.filter((kind) => kind === 'measured')).toHaveLength(4);
  });

  it('forces an instruction set, measures several thread counts, ends with its budget', async () => {
    const made = tiny({ densities: [0.5, 0.4, 0.3, 0.2], seeds: [1, 2, 3, 4, 5] });
    const { result } = await run(made, {
      selection: { isa: 'scalar', formats: ['csr'], threads: [1, 2] },
      budgetSeconds: 0.4,
    });
    expect(result.end).toMatchObject({ complete: false, stopReason: 'budget of 0.4 s spent' });
    expect(result.workloads.length).toBeGreaterThan(0);
    expect(result.workloads.length).toBeLessThan(20);
    expect(new Set(result.measurements.map(({ isa }) => isa))).toEqual(new Set(['scalar']));
    expect(new Set(result.measurements.map(({ threads }) => threads))).toEqual(new Set([1, 2]));
    expect(result.header.machine.ceilings).toEqual(limits.limits!.ceilings);
  });

  it.each<[string, Change, string, RegExp]>([
    ['a format', { selection: { isa: null, formats: ['bitmsk'], threads: [1] } }, 'USAGE', /"bitmask"/],
    ['an instruction set', { selection: { isa: 'sclar', formats: null, threads: [1] } }, 'USAGE', /"scalar"/],
    ['a bundled library', { libraries: ['opnblas'] }, 'USAGE', /"openblas"/],
    ['a path', { kernels: ['no/such.so'] }, 'MISSING_FILE', /no\/such\.so/],
  ])('refuses %s that does not exist, and leaves no journal', async (_, change, code, message) => {
    const made = tiny({});
    const error = (await run(made, change).catch((thrown: unknown) => thrown)) as SparsemarkError;
    expect(error).toMatchObject({ code, exitCode: 42, message: expect.stringMatching(message) });
    expect(existsSync(join(made.folder, 'result.jsonl.journal'))).toBe(false);
  });

  it('refuses a suite that asks for a format that nobody has', async () => {
    const error = (await run(tiny({ formats: ['csr', 'bitmsk'] })).catch(
      (thrown: unknown) => thrown,
    )) as SparsemarkError;
    expect(error).toMatchObject({
      code: 'BAD_SUITE',
      message: expect.stringMatching(/Did you mean "bitmask"/),
    });
  });

  it.each(['no-symbol', 'other-abi'])('refuses the library %s by its path', async (name) => {
    const path = join(libraries, `${name}.so`);
    const error = (await run(tiny({}), { kernels: [path] }).catch(
      (thrown: unknown) => thrown,
    )) as SparsemarkError;
    expect(error).toMatchObject({
      code: 'BAD_LIBRARY',
      exitCode: 42,
      message: expect.stringContaining(path),
    });
  });

  it('refuses two libraries of one name', async () => {
    const path = join(libraries, 'example.so');
    const error = (await run(tiny({}), { kernels: [path, path] }).catch(
      (thrown: unknown) => thrown,
    )) as SparsemarkError;
    expect(error).toMatchObject({ code: 'BAD_LIBRARY', message: expect.stringContaining('"example"') });
  });
});

describe('a damaged matrix', () => {
  it('is found before anything is measured, and the corrected run is not in its way', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sparsemark-'));
    folders.push(folder);
    writeFileSync(join(folder, 'a.smtx'), '2, 3, 3\n0 1 3\n0 1 2\n');
    const damaged = join(folder, 'b.smtx');
    writeFileSync(damaged, '2, 3, 3\n0 1 3\n0 1 7\n');
    const suite = workloadsFromFolder(folder, { n: [8] });
    expect(suite.workloads).toHaveLength(2);
    const change = { suite, workloads: suite.workloads, out: join(folder, 'result.jsonl') };
    const events: RunEvent[] = [];
    const onEvent = (event: RunEvent): number => events.push(event);
    await expect(run(tiny({}), { ...change, onEvent })).rejects.toMatchObject({
      code: 'BAD_MATRIX',
      message: expect.stringContaining('b.smtx'),
    });
    expect(events).toContainEqual({ kind: 'preparing', what: 'matrices' });
    expect(events.some(({ kind }) => kind === 'ready')).toBe(false);
    expect(existsSync(`${change.out}.journal`)).toBe(false);

    // Damaged only after the check: the run fails before any workload is finished and leaves nothing behind.
    writeFileSync(damaged, '2, 3, 3\n0 1 3\n0 1 2\n');
    const first = join(folder, 'a.smtx');
    const damage = (event: RunEvent): void => {
      if (event.kind === 'ready') writeFileSync(first, '2, 3, 3\n0 1 3\n0 1 7\n');
    };
    await expect(run(tiny({}), { ...change, onEvent: damage })).rejects.toMatchObject({ code: 'BAD_MATRIX' });
    expect(existsSync(`${change.out}.journal`)).toBe(false);

    writeFileSync(first, '2, 3, 3\n0 1 3\n0 1 2\n');
    const { result } = await run(tiny({}), change);
    expect(result.workloads).toHaveLength(2);
  });
});

describe('an interrupted run', () => {
  const until = async (what: string, seconds: number, holds: () => boolean): Promise<void> => {
    for (const end = Date.now() + seconds * 1000; !holds(); await sleep(20)) {
      if (Date.now() > end) throw new Error(`waited ${seconds} s for ${what}`);
    }
  };

  it('loses and repeats no finished workload: killed, killed without its workers, Ctrl-C, resumed', async () => {
    const made = tiny({
      densities: [0.5, 0.4, 0.3, 0.2, 0.1],
      seeds: [1, 2, 3, 4, 5, 6, 7, 8],
      formats: ['csr', 'coo', 'csc', 'ell', 'bitmask', 'bsr-1x4', 'bsr-4x4', 'sell-16-128'],
    });
    // In the order of the command: each question with its first seed before any with the second.
    const ids = narrowed(loadSuite(made.suite), {}).map(({ id }) => id);
    expect(ids).toHaveLength(40);
    const out = join(made.folder, 'result.jsonl');
    const args = ['run', made.suite, '--library', 'native', '--out', out, '--budget', '600'];
    const finishedLines = (): string[] =>
      existsSync(`${out}.journal`)
        ? readJournal(`${out}.journal`).lines.flatMap(({ line }) =>
            line.kind === 'finished' ? [line.workload] : [],
          )
        : [];
    let kept: string[] = [];
    // Read as text: a run goes on while it is looked at, and is over after some seconds.
    const countFinished = (): number =>
      existsSync(`${out}.journal`)
        ? readFileSync(`${out}.journal`, 'utf8').split('"kind":"finished"').length - 1
        : 0;
    const startAndReach = async (more: number) => {
      const started = startSparsemark([...args, '--resume']);
      await until(`${more} more workloads`, 60, () => countFinished() >= kept.length + more);
      // At a random moment within a workload, not between two.
      await sleep(Math.random() * 100);
      return started;
    };
    const expectKept = (): void => {
      const now = finishedLines();
      expect(now.slice(0, kept.length)).toEqual(kept);
      expect(new Set(now).size).toBe(now.length);
      expect(now).toEqual(ids.slice(0, now.length));
      kept = now;
    };

    // Killed while it was still preparing: nothing to keep, nothing in the way.
    const early = startSparsemark(args);
    await sleep(400);
    process.kill(-early.child.pid!, 'SIGKILL');
    await early.ended;
    expectKept();

    // Killed in the middle, with all its workers.
    const killed = await startAndReach(2);
    process.kill(-killed.child.pid!, 'SIGKILL');
    await killed.ended;
    expectKept();

    // Killed alone: its workers end by themselves.
    const orphaning = await startAndReach(2);
    process.kill(orphaning.child.pid!, 'SIGKILL');
    await until('its workers to end', 10, () => aliveInGroup(orphaning.child.pid!).length === 0);
    expectKept();

    // Ctrl-C reaches the whole group.
    const interrupted = await startAndReach(2);
    process.kill(-interrupted.child.pid!, 'SIGINT');
    const { status, stderr } = await interrupted.ended;
    expect(status).toBe(130);
    expect(stderr).toMatch(/INTERRUPTED/);
    expect(stderr).toContain(`--resume --out ${out}`);
    expect(aliveInGroup(interrupted.child.pid!)).toEqual([]);
    expectKept();
    expect(kept.length).toBeGreaterThanOrEqual(6);

    const last = await startSparsemark([...args, '--resume']).ended;
    expect(last.stderr).toContain(`going on: ${kept.length} workloads were finished before`);
    expect(last.status).toBe(0);
    expect(existsSync(`${out}.journal`)).toBe(false);
    expectWhole(readResult(out), ids);
  });

  it('goes on only as the same run', async () => {
    const made = tiny({ densities: [0.5, 0.4, 0.3], seeds: [1, 2, 3, 4] });
    const abort = new AbortController();
    const onEvent = (event: RunEvent): void => {
      if (event.kind === 'measured') abort.abort();
    };
    const stopped = run(made, { signal: abort.signal, onEvent });
    await expect(stopped).rejects.toMatchObject({ code: 'INTERRUPTED', exitCode: 130 });
    await expect(run(made)).rejects.toMatchObject({
      code: 'USAGE',
      message: expect.stringContaining('--resume'),
    });
    await expect(
      run(made, { resume: true, selection: { isa: null, formats: null, threads: [2] } }),
    ).rejects.toMatchObject({ code: 'USAGE', message: expect.stringContaining('Expected the same run') });
    expect(
      readJournal(join(made.folder, 'result.jsonl.journal')).lines.filter(
        ({ line }) => line.kind === 'finished',
      ),
    ).toHaveLength(1);
  });
});
