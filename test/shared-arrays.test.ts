/** Arrays of A in pages that two runners have in common: what is shared, and that nobody sees what another writes. */
import { rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BackendJob } from '../src/measure/backends/backend.ts';
import { openRunner, type Runner } from '../src/measure/backends/runner.ts';
import { openSharedLibrary } from '../src/measure/backends/shared-library.ts';
import { bundledLibraries } from '../src/measure/libraries.ts';
import { openSharedFile, type SharedFile } from '../src/measure/shared-file.ts';
import type { Problem } from '../src/terms.ts';
import { patternSpec } from '../src/workload/patterns/index.ts';
import { makeProblem, workloadId } from '../src/workload/problem.ts';
import { buildLibraries } from './libraries.ts';

const native = bundledLibraries()[0]!;
const csrSpmm = openSharedLibrary(native).kernels.find(
  ({ op, format, dtype }) => op === 'spmm' && format === 'csr' && dtype === 'f32',
)!.index;
const pageBytes = 4096;
const shape = { m: 256, k: 512, n: 8 };

const problemOf = (seed: number): Problem => {
  const facts = {
    ...({ op: 'spmm', dtype: 'f32', cache: 'hot' } as const),
    ...{ shape, density: 0.5, seed, layer: 'layer', count: 1 },
    pattern: patternSpec('uniform'),
  };
  return makeProblem({ ...facts, id: workloadId({ ...facts, label: 'uniform' }) });
};
const problem = problemOf(1);
const nnz = problem.a.values.length;
/** Whole pages of an array of so many words, and one for its beginning inside a page. */
const pagesOf = (words: number): number => Math.ceil((4 * words) / pageBytes) + 1;

/** Of musl the report names no version. */
const { header } = process.report.getReport() as { header: { glibcVersionRuntime?: string } };
const hasGlibc = process.platform === 'linux' && header.glibcVersionRuntime !== undefined;

const opened: Runner[] = [];
const files: SharedFile[] = [];
let folder = '';
const open = async (path: string): Promise<Runner> => {
  const runner = await openRunner({ path, memoryLimitBytes: 2 ** 31, patienceSeconds: 60 });
  opened.push(runner);
  return runner;
};
const newFile = (): SharedFile => {
  const file = openSharedFile()!;
  files.push(file);
  return file;
};
const prepared = async (
  runner: Runner,
  { a, operands }: Problem,
  kernel: number,
  weightsAt: string | undefined,
  copies = 1,
): Promise<BackendJob> => {
  await runner.load({ a, shape, operands, weightsAt });
  const matrices = [];
  for (let copy = 0; copy < copies; copy += 1) matrices.push(await runner.encode('csr', 'f32', a));
  return runner.prepare(matrices, kernel, { op: 'spmm', shape, operands, threads: 1 });
};

describe.runIf(hasGlibc)('arrays of two runners', () => {
  beforeAll(() => {
    folder = buildLibraries(['allocating']);
  });
  afterAll(() => {
    for (const runner of opened) runner.end();
    for (const file of files) file.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it('are the same pages as far as they are equal', async () => {
    const { path } = newFile();
    const bytes = (): number => statSync(path).size;
    const alone = await (await prepared(await open(native), problem, csrSpmm, undefined)).answer();
    const first = await prepared(await open(native), problem, csrSpmm, path);
    const held = bytes();
    // Columns and values; the offsets are too few for pages of their own.
    expect(held).toBeGreaterThanOrEqual(2 * 4 * nnz - 2 * pageBytes);
    expect(held).toBeLessThanOrEqual(2 * pagesOf(nnz) * pageBytes);
    const second = await prepared(await open(native), problem, csrSpmm, path);
    expect(bytes()).toBe(held);
    const otherValues = { ...problem, a: { ...problem.a, values: problem.a.values.map((v) => v + 1) } };
    const third = await prepared(await open(native), otherValues, csrSpmm, path);
    expect(bytes()).toBeGreaterThanOrEqual(held + 4 * nnz - pageBytes);
    expect(bytes()).toBeLessThanOrEqual(held + pagesOf(nnz) * pageBytes);
    for (const job of [first, second, first]) expect(await job.answer()).toEqual(alone);
    expect(await third.answer()).not.toEqual(alone);
  });

  it('stay copies where they are copies of one matrix', async () => {
    const { path } = newFile();
    const bytes = (): number => statSync(path).size;
    const runner = await open(native);
    await prepared(runner, problem, csrSpmm, path, 3);
    const held = bytes();
    expect(held).toBeGreaterThanOrEqual(3 * (2 * 4 * nnz - 2 * pageBytes));
    await prepared(await open(native), problem, csrSpmm, path, 3);
    expect(bytes()).toBe(held);
    // Of the same process in its next problem nothing is left that it could take twice; it takes those of the other.
    await prepared(runner, problem, csrSpmm, path, 3);
    expect(bytes()).toBe(held);
  });

  it('become its own where a process writes, whichever function of malloc made them', async () => {
    const { path } = newFile();
    const library = join(folder, 'allocating.so');
    const jobs = [];
    for (let runner = 0; runner < 2; runner += 1) {
      jobs.push(await prepared(await open(library), problem, 0, path));
    }
    const held = statSync(path).size;
    for (const evaluations of [1, 2, 3]) {
      for (const job of jobs) expect([...(await job.answer()).slice(0, 2)]).toEqual([0, evaluations]);
    }
    await jobs[0]!.release();
    expect([...(await jobs[1]!.answer()).slice(0, 2)]).toEqual([0, 4]);
    // Six arrays of the job and two of the matrix lie in the range; what was written never came into the file.
    expect(held).toBeGreaterThanOrEqual(6 * 4 * 70 * 1024);
    expect(statSync(path).size).toBe(held);
  });
});
