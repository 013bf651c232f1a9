/** JavaScript engines: found where a user has them, checked and timed as every library, and what each mistake costs. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { engines, findEngine } from '../src/measure/backends/index.ts';
import { measureHealth } from '../src/measure/health.ts';
import { openLibraries } from '../src/measure/libraries.ts';
import { LibraryRefusal, type LibraryWorker, startWorker } from '../src/measure/library-worker.ts';
import { cellsOf } from '../src/measure/schedule.ts';
import { runWorkload } from '../src/measure/workload-run.ts';
import type { CacheState, Measurement, Protocol, Workload } from '../src/terms.ts';
import { opNamed } from '../src/workload/ops/index.ts';
import { makeProblem, workloadId } from '../src/workload/problem.ts';
import { missing } from './needs.ts';

/** Under another package's name, so that the real one is never found in its place. */
const engine = { ...engines[0]!, package: 'stand-in-engine' };
const fake = fileURLToPath(new URL('./engines/onnxruntime.cjs', import.meta.url));

/** What becomes of the cases of a package that behaves so. */
const outcomes: Readonly<Record<string, { status: string; reason?: string; detail?: RegExp }>> = {
  computes: { status: 'measured' },
  'adds-one': { status: 'wrong', detail: /before timing/ },
  'returns-its-own-output': { status: 'wrong', detail: /received no finite number/ },
  'stops-computing': { status: 'wrong', detail: /after timing/ },
  'writes-after-c': { status: 'failed', reason: 'broken library', detail: /inside of C/ },
  'writes-b': { status: 'failed', reason: 'broken library', detail: /untouched B/ },
  'refuses-models': { status: 'failed', reason: 'broken library', detail: /no such operator/ },
  fails: { status: 'failed', reason: 'broken library', detail: /the moon/ },
  crashes: { status: 'failed', reason: 'SIGSEGV' },
  hangs: { status: 'failed', reason: 'timeout' },
};

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sparsemark-engines-'));
  const install = (name: string, source: string): void => {
    const place = join(folder, name, 'node_modules', engine.package);
    mkdirSync(place, { recursive: true });
    writeFileSync(join(place, 'index.js'), source);
  };
  for (const name of Object.keys(outcomes)) {
    install(name, `module.exports = require(${JSON.stringify(fake)})(${JSON.stringify(name)});\n`);
  }
  install('empty', 'module.exports = {};\n');
  install('broken', 'throw new Error("wrong ELF class");\n');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const open = (path: string, timeoutMs = 20_000): Promise<LibraryWorker> =>
  startWorker(
    { kind: 'open', path, engine: 'onnxruntime', name: null, cpus: [], memoryLimitBytes: 2 ** 31 },
    timeoutMs,
  );
const openFake = (name: string): Promise<LibraryWorker> =>
  open(findEngine(engine, [join(folder, name)]), name === 'hangs' ? 1500 : 20_000);

const protocol: Protocol = {
  threads: [1],
  pinnedCpus: [],
  budgetSeconds: 10,
  targetHalfWidth: 0.5,
  minSamples: 3,
  maxSamples: 3,
  batchTargetNs: 20_000,
  orderSeed: 1,
  filter: null,
  isa: null,
  formats: null,
};

interface Asked {
  readonly op?: 'spmm' | 'spmv';
  readonly m?: number;
  readonly k?: number;
  readonly n?: number;
  readonly cache?: CacheState;
  readonly threads?: number;
}

function measure(worker: LibraryWorker, asked: Asked = {}): Promise<readonly Measurement[]> {
  const { op = 'spmm', m = 33, k = 48, n = 7, cache = 'hot', threads = 1 } = asked;
  const facts: Omit<Workload, 'id'> = {
    op,
    dtype: 'f32',
    shape: { m, k, n },
    cache,
    pattern: { name: 'uniform', parameters: {}, label: 'uniform' },
    density: 0.2,
    seed: 1,
    layer: 'tiny',
    count: 1,
  };
  const workload = { ...facts, id: workloadId({ ...facts, label: 'uniform' }) };
  const problem = makeProblem(workload);
  const selection = { isa: null, formats: ['csr'], threads: [threads] };
  return runWorkload(
    problem,
    opNamed(op).reference(problem),
    cellsOf({ formats: {} }, workload, [worker.library], selection),
    [worker],
    { protocol, privateCacheBytes: 2 ** 14, orderSeed: 1, mayGoOn: () => true, onCase: () => {} },
  );
}

/** Both forms of both ops, on sizes that an engine could take for something else. */
async function expectRightAnswers(worker: LibraryWorker): Promise<void> {
  const sizes: readonly Asked[] = [
    {},
    { n: 1 },
    { op: 'spmv', n: 1 },
    { m: 1, k: 1, n: 1 },
    { m: 1, n: 17 },
    { k: 1 },
    { m: 48, k: 48, n: 48 },
    { threads: 2 },
  ];
  for (const size of sizes) {
    const cells = await measure(worker, size);
    expect(cells.map(({ kernel }) => kernel)).toEqual(['dense-matmul', 'dense-packed']);
    for (const cell of cells) {
      expect(cell, JSON.stringify(size)).toMatchObject({ status: 'measured', dense: true, isa: 'auto' });
      if (cell.status !== 'measured') continue;
      expect(Math.min(...cell.samplesNs)).toBeGreaterThan(0);
      expect(cell.prepareNs).toBeGreaterThan(0);
      expect(cell.footprint.payloadBytes + cell.footprint.paddingBytes).toBe(
        4 * (size.m ?? 33) * (size.k ?? 48),
      );
    }
  }
}

describe('where an engine is looked for', () => {
  it('the first folder that has it', () => {
    const [one, other] = ['computes', 'adds-one'].map((name) => join(folder, name));
    expect(findEngine(engine, [one!, other!])).toBe(join(one!, 'node_modules/stand-in-engine/index.js'));
    expect(findEngine(engine, [join(folder, 'nowhere'), other!])).toContain('adds-one');
  });

  it('or what to install', () => {
    expect(() => findEngine(engine, [folder])).toThrow(
      /^Expected the package stand-in-engine for onnxruntime, received none in \/.+ or beside sparsemark\. npm install onnxruntime-node /,
    );
  });

  it('one that is not there is absent, one that nobody knows is refused', async () => {
    const options = { userPaths: [], cpus: [], timeoutMs: 20_000 };
    const { workers, absent } = await openLibraries({ ...options, only: ['onnxruntime'] });
    for (const worker of workers) worker.end();
    const found = [...workers.map(({ library }) => library.name), ...absent.map(({ name }) => name)];
    expect(found).toEqual(['native', 'onnxruntime']);
    for (const { reason } of absent) expect(reason).toMatch(/npm install onnxruntime-node/);
    await expect(openLibraries({ ...options, only: ['onnxruntim'] })).rejects.toThrow(
      /Did you mean "onnxruntime"/,
    );
  });
});

describe('an engine', () => {
  it.each([
    ['empty', /Expected InferenceSession and Tensor in .*received a module without them/],
    ['broken', /received one that cannot be loaded: wrong ELF class/],
  ])('that is %s is refused', async (name, words) => {
    const error = await openFake(name).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(LibraryRefusal);
    expect((error as Error).message).toMatch(words);
  });

  it('says what it is', async () => {
    const worker = await openFake('computes');
    expect(worker.library).toMatchObject({ name: 'onnxruntime', version: '0.0.1', formats: ['dense'] });
    expect(worker.library.config).toMatch(/^core .+; threads .+; called from JavaScript; file \/.+$/);
    expect(worker.library.kernels.every(({ dense, maxThreads }) => dense && maxThreads === 0)).toBe(true);
    worker.end();
  });

  it.each(Object.entries(outcomes))('that %s', async (name, { detail, ...expected }) => {
    const worker = await openFake(name);
    const cells = await measure(worker);
    worker.end();
    expect(cells).toHaveLength(2);
    for (const cell of cells) {
      expect(cell).toMatchObject(expected);
      if (detail !== undefined) expect(cell).toHaveProperty('detail', expect.stringMatching(detail));
      // Without a passed check there is no time.
      if (expected.status !== 'measured') expect(cell).not.toHaveProperty('samplesNs');
    }
  });

  it('answers rightly, whatever the sizes', async () => {
    const worker = await openFake('computes');
    await expectRightAnswers(worker);
    worker.end();
  });

  it('rotates through copies of its weights when cold', async () => {
    const worker = await openFake('computes');
    const cells = await measure(worker, { cache: 'cold' });
    worker.end();
    for (const cell of cells) expect(cell).toMatchObject({ status: 'measured', copies: 6 });
  });
});

/** The package itself, where this project's folder or NODE_PATH has it. */
const installed = ((): string | null => {
  try {
    return createRequire(import.meta.url).resolve('onnxruntime-node');
  } catch {
    return null;
  }
})();

describe.skipIf(missing('onnxruntime-node', installed !== null))('onnxruntime-node', () => {
  it('answers rightly, whatever the sizes, and stands at the health gate', async () => {
    const worker = await open(installed!);
    expect(worker.library.version).toMatch(/^\d+\.\d+\.\d+/);
    expect(worker.library.config).toMatch(/file \/.*libonnxruntime/);
    await expectRightAnswers(worker);
    const health = await measureHealth([worker], null, []);
    worker.end();
    expect(health.map(({ kernel }) => kernel)).toEqual(['dense-matmul', 'dense-packed']);
    for (const { gflops } of health) expect(gflops).toBeGreaterThan(0);
  });
});
