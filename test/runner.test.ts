/** Libraries in a process without Node: the same answers as in ours, and what becomes of one that dies or hangs. */
import { existsSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BackendGone, type BackendJob, BackendRefusal } from '../src/measure/backends/backend.ts';
import { type Field, type Incoming, MessageReader, messageOf } from '../src/measure/backends/frames.ts';
import { openRunner, type Runner } from '../src/measure/backends/runner.ts';
import { openSharedLibrary } from '../src/measure/backends/shared-library.ts';
import { bundledLibraries } from '../src/measure/libraries.ts';
import { openSharedFile } from '../src/measure/shared-file.ts';
import type { Dtype, OpName, Workload } from '../src/terms.ts';
import { opNamed } from '../src/workload/ops/index.ts';
import { patternSpec } from '../src/workload/patterns/index.ts';
import { makeProblem, workloadId } from '../src/workload/problem.ts';
import { buildLibraries } from './libraries.ts';

const native = bundledLibraries()[0]!;
const broken = ['crashes', 'exits', 'hangs', 'writes-b', 'prints', 'declines'];
let folder = '';
const opened: Runner[] = [];
const open = async (path: string, patienceSeconds = 60): Promise<Runner> => {
  const runner = await openRunner({ path, memoryLimitBytes: 2 ** 31, patienceSeconds });
  opened.push(runner);
  return runner;
};
beforeAll(() => {
  folder = buildLibraries(broken);
});
afterAll(() => {
  for (const runner of opened) runner.end();
  rmSync(folder, { recursive: true, force: true });
});

describe('messages', () => {
  const field: fc.Arbitrary<Field> = fc.oneof(
    fc.double({ noNaN: true }),
    fc.boolean(),
    fc.string({ unit: 'binary' }),
    fc.uint8Array(),
    fc.float32Array({ noNaN: true }),
    fc.constant(undefined),
  );
  const read = (message: Incoming, like: Field): unknown => {
    if (typeof like === 'number') return message.number();
    if (typeof like === 'boolean') return message.number() === 1;
    if (typeof like === 'string') return message.text();
    return Buffer.from(message.bytes());
  };
  const bytesOf = (value: Field): unknown =>
    value === undefined || typeof value === 'object'
      ? Buffer.from(
          value === undefined ? [] : new Uint8Array(value.buffer, value.byteOffset, value.byteLength),
        )
      : value;

  it('are the same however a stream cuts them', () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(field, { minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 5 }),
        fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }),
        (messages, cuts) => {
          const stream = Buffer.concat(messages.flatMap((fields) => messageOf(fields)));
          const reader = new MessageReader();
          const found: unknown[][] = [];
          for (let at = 0, cut = 0; at < stream.length; cut += 1) {
            const length = cuts[cut % cuts.length]!;
            for (const message of reader.take(stream.subarray(at, at + length))) {
              found.push(messages[found.length]!.map((like) => read(message, like)));
            }
            at += length;
          }
          expect(found).toEqual(messages.map((fields) => fields.map(bytesOf)));
        },
      ),
    );
  });
});

describe('our library in a process of its own', () => {
  const own = openSharedLibrary(native);
  const workloadOf = (op: OpName, dtype: Dtype): Workload => {
    const { shapeOf, sizes, sparseActivations } = opNamed(op);
    const shape = shapeOf((op === 'conv2d' ? [8, 4, 5, 5, 3, 1, 1] : [16, 16, 5]).slice(0, sizes.length));
    const facts = {
      ...{ op, dtype, shape, density: 0.4, seed: 3, layer: 'tiny', count: 1 },
      cache: 'hot',
      ...(sparseActivations ? { activationDensity: 0.5 } : {}),
      pattern: patternSpec('uniform'),
    } as const;
    return { ...facts, id: workloadId({ ...facts, label: 'uniform' }) };
  };

  it('says the same of itself', async () => {
    const { name, version, config, files, formats, kernels } = await open(native);
    expect({ name, version, config, files, formats, kernels }).toEqual({
      ...{ name: own.name, version: own.version, config: own.config, files: own.files },
      ...{ formats: own.formats, kernels: own.kernels },
    });
  });

  const shared = openSharedFile();
  afterAll(() => shared?.close());
  const places: [string, string | undefined][] = [
    ['memory of its own', undefined],
    ['a shared file', shared?.path],
    ['a file that cannot be opened, so its own', '/nowhere/pages'],
  ];

  it.each(places)('gives the same bits for every op and type, operands in %s', async (_, operandsAt) => {
    const runner = await open(native);
    const seen = new Set<string>();
    for (const { index, op, dtype, format, isa } of own.kernels) {
      if (!['scalar', 'auto'].includes(isa) || !['csr', 'dense', 'packed'].includes(format)) continue;
      // The mask of masked attention is never uniform.
      if (op === 'masked_attention') continue;
      const workload = workloadOf(op, dtype as Dtype);
      const { a, operands } = makeProblem(workload);
      const makes = op === 'encode' || op === 'prune';
      const request = { op: workload.op, shape: workload.shape, operands, threads: 1 };
      await runner.load({ a, shape: workload.shape, operands, operandsAt });
      const ours = makes ? [] : [own.encode(format, workload.dtype, a)];
      const theirs = makes ? [] : [await runner.encode(format, workload.dtype, a)];
      expect(theirs[0]?.footprint).toEqual(ours[0]?.footprint);
      const ownJob = own.prepare(ours, index, request);
      const theirJob = await runner.prepare(theirs, index, request);
      const what = `${op} ${dtype} ${format}`;
      expect(theirJob.tiling, what).toBe(ownJob.tiling);
      expect(await theirJob.answer(), what).toEqual(await ownJob.answer());
      expect(await theirJob.time(1, 2), what).toBeGreaterThan(0);
      await theirJob.release();
      await expect((async () => theirJob.answer())(), what).rejects.toMatchObject({ code: 'INTERNAL' });
      seen.add(`${op} ${dtype}`);
    }
    expect(seen.size).toBeGreaterThan(12);
    expect([...seen].map((one) => one.split(' ')[0])).toEqual(
      expect.arrayContaining(['spmm', 'spmv', 'spmspv', 'spmspm', 'sddmm', 'conv2d', 'encode', 'prune']),
    );
  });

  it.runIf(process.platform === 'linux')('has B and C in the pages that another has them in', async () => {
    const workload = workloadOf('spmm', 'f32');
    const { a, shape, operands } = { ...makeProblem(workload), shape: workload.shape };
    const file = openSharedFile()!;
    const answers: unknown[] = [];
    const bytes: number[] = [];
    const jobs: BackendJob[] = [];
    for (const runner of [await open(native), await open(native)]) {
      await runner.load({ a, shape, operands, operandsAt: file.path });
      const matrix = await runner.encode('csr', 'f32', a);
      const { index } = own.kernels.find((one) => one.op === 'spmm' && one.format === 'csr')!;
      jobs.push(await runner.prepare([matrix], index, { op: 'spmm', shape, operands, threads: 1 }));
      bytes.push(statSync(file.path).size);
    }
    // Of a second process that has pages of its own the file knows nothing: it must have had some, and no more.
    expect(bytes[0]).toBeGreaterThan(4 * (shape.k + shape.m) * shape.n);
    expect(bytes[1]).toBe(bytes[0]);
    for (const job of [...jobs, ...jobs]) answers.push(await job.answer());
    for (const answer of answers) expect(answer).toEqual(answers[0]);
    // What one wrote is what the file holds, between the guards of a page each.
    const held = readFileSync(file.path);
    const c = answers[0] as Float32Array;
    expect(held.subarray(4096, 4096 + c.byteLength)).toEqual(Buffer.from(c.buffer));
    file.close();
    expect(existsSync(file.path)).toBe(false);
  });

  it('refuses as it does in ours, and lives on', async () => {
    const runner = await open(native);
    const workload = workloadOf('spmm', 'f32');
    const { a, operands } = makeProblem(workload);
    await runner.load({ a, shape: workload.shape, operands });
    await expect((async () => runner.encode('no-such', 'f32', a))()).rejects.toMatchObject({
      code: 'UNSUPPORTED',
    });
    expect((await runner.encode('csr', 'f32', a)).footprint.payloadBytes).toBe(4 * a.values.length);
    await runner.restart();
    await expect((async () => runner.encode('csr', 'f32', a))()).rejects.toMatchObject({ code: 'INTERNAL' });
  });
});

describe('a library that', () => {
  const shape = { m: 32, k: 48, n: 8 };
  const jobOf = async (runner: Runner) => {
    const facts = {
      op: 'spmm',
      dtype: 'f32',
      cache: 'hot',
      ...{ shape, density: 0.2, seed: 1, layer: '', count: 1, pattern: patternSpec('uniform') },
    } as const;
    const { a, operands } = makeProblem({ ...facts, id: workloadId({ ...facts, label: 'uniform' }) });
    await runner.load({ a, shape, operands });
    const matrix = await runner.encode('csr', 'f32', a);
    return runner.prepare([matrix], 0, { op: 'spmm', shape, operands, threads: 1 });
  };
  const fate = async (runner: Runner): Promise<unknown> => {
    try {
      return await (await jobOf(runner)).answer();
    } catch (error) {
      return error;
    }
  };

  it.each([
    ['crashes', 'SIGSEGV'],
    ['exits', 'exit 0'],
    ['hangs', 'timeout'],
  ])('%s costs its process, says so until it is started again', async (name, reason) => {
    const runner = await open(join(folder, `${name}.so`), 1);
    for (let life = 0; life < 2; life += 1) {
      expect(await fate(runner)).toMatchObject({ code: 'GONE', reason });
      expect(await fate(runner)).toBeInstanceOf(BackendGone);
      await runner.restart();
    }
  });

  it('writes where it must not is refused', async () => {
    const error = await fate(await open(join(folder, 'writes-b.so')));
    expect(error).toBeInstanceOf(BackendRefusal);
    expect(error).toMatchObject({ code: 'BAD_LIBRARY', message: expect.stringMatching(/untouched B/) });
  });

  it('prints disturbs nobody', async () => {
    expect(await fate(await open(join(folder, 'prints.so')))).toBeInstanceOf(Float32Array);
  });

  it('declines to be opened says why', async () => {
    await expect(open(join(folder, 'declines.so'))).rejects.toMatchObject({ code: 'UNSUPPORTED' });
  });
});
