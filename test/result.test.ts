import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Ajv from 'ajv/dist/2020.js';
import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { z } from 'zod';
import { checkLine, readResult, writeResult } from '../src/result/result.ts';
import {
  type endSchema,
  limits,
  lineJsonSchema,
  type lineSchema,
  type measurementSchema,
  type ResultLine,
  type runHeaderSchema,
  schemaVersion,
  type workloadRecordSchema,
} from '../src/result/schema.ts';
import {
  type Measurement,
  type Result,
  type RunHeader,
  SparsemarkError,
  type WorkloadRecord,
} from '../src/terms.ts';
import { fakeNetworkResult, fakeResult } from './fakes.ts';

/** Everything read-only, as terms.ts has it; zod infers mutable types. */
type Plain<T> = T extends (infer Item)[] | readonly (infer Item)[]
  ? readonly Plain<Item>[]
  : T extends object
    ? { readonly [Key in keyof T]: Plain<T[Key]> }
    : T;
type Equal<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false;
const same = <_Check extends true>() => undefined;

// Checked by tsc: a field that one side lacks, or has in another type, does not compile.
same<Equal<Plain<z.infer<typeof runHeaderSchema>>, Plain<RunHeader>>>();
same<Equal<Plain<z.infer<typeof workloadRecordSchema>>, Plain<WorkloadRecord>>>();
same<Equal<Plain<z.infer<typeof measurementSchema>>, Plain<Measurement>>>();
same<Equal<Plain<z.infer<typeof endSchema>>, Plain<NonNullable<Result['end']>>>>();
same<Equal<Plain<z.infer<typeof lineSchema>>, Plain<ResultLine>>>();

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sparsemark-result-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

// biome-ignore lint/suspicious/noExplicitAny: a line to be broken has any fields
type Line = Record<string, any>;

/** The error that an action throws. */
function errorOf(action: () => unknown): SparsemarkError {
  try {
    action();
  } catch (error) {
    if (error instanceof SparsemarkError) return error;
    throw error;
  }
  throw new Error('expected an error, received none');
}

const small = (): Result => fakeResult({ shapes: [{ m: 64, k: 64, n: 8 }], densities: [0.1, 0.5] });

describe('writing and reading', () => {
  test.each([
    ['quick', fakeResult],
    ['network', fakeNetworkResult],
  ])('gives back what was written: %s', (_name, make) => {
    const path = join(folder, 'run.jsonl');
    const result = make();
    writeResult(path, result);
    expect(readResult(path)).toEqual(result);
    expect(readdirSync(folder)).toEqual(['run.jsonl']);
  });

  test('a run that did not end has no end', () => {
    const path = join(folder, 'run.jsonl');
    writeResult(path, { ...small(), end: null });
    expect(readResult(path).end).toBeNull();
  });

  test('an invalid result leaves the earlier file as it was', () => {
    const path = join(folder, 'run.jsonl');
    writeResult(path, small());
    const before = readFileSync(path);
    const [first, ...rest] = small().measurements;
    const broken = { ...small(), measurements: [{ ...first!, id: 'other' }, ...rest] };
    expect(errorOf(() => writeResult(path, broken)).code).toBe('BAD_RESULT');
    expect(readFileSync(path)).toEqual(before);
    expect(readdirSync(folder)).toEqual(['run.jsonl']);
  });
});

describe('the JSON Schema', () => {
  test('results/schema.json is fresh (npx vitest run test/result.test.ts -u writes it)', async () => {
    await expect(`${JSON.stringify(lineJsonSchema(), null, 2)}\n`).toMatchFileSnapshot(
      '../results/schema.json',
    );
  });

  test('an independent validator accepts every line of a fake run and refuses a wrong time', () => {
    const path = join(folder, 'run.jsonl');
    writeResult(path, fakeResult());
    const schema = JSON.parse(readFileSync(new URL('../results/schema.json', import.meta.url), 'utf8'));
    const validate = new Ajv.Ajv2020({ strict: false, formats: { 'date-time': true } }).compile(schema);
    const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
    for (const line of lines) expect(validate(JSON.parse(line)), JSON.stringify(validate.errors)).toBe(true);
    const wrong = lines.map((line) => JSON.parse(line)).find((line) => line.status === 'wrong');
    expect(validate({ ...wrong, samplesNs: [1, 2, 3], rounds: [3] })).toBe(false);
  });
});

test('a result of before isa and formats were kept is still read: as one of neither', () => {
  const path = join(folder, 'older.jsonl');
  writeResult(path, small());
  const [first, ...rest] = readFileSync(path, 'utf8').split('\n');
  const line: Line = JSON.parse(first!);
  delete line.protocol.isa;
  delete line.protocol.formats;
  writeFileSync(path, [JSON.stringify(line), ...rest].join('\n'));
  expect(readResult(path)).toEqual(small());
  const schema = JSON.parse(readFileSync(new URL('../results/schema.json', import.meta.url), 'utf8'));
  const validate = new Ajv.Ajv2020({ strict: false, formats: { 'date-time': true } }).compile(schema);
  expect(validate(line), JSON.stringify(validate.errors)).toBe(true);
});

describe('untrusted files', () => {
  const write = (lines: readonly string[]): string => {
    const path = join(folder, 'untrusted.jsonl');
    writeFileSync(path, lines.map((line) => `${line}\n`).join(''));
    return path;
  };
  const linesOf = (result: Result): string[] => {
    const path = join(folder, 'lines.jsonl');
    writeResult(path, result);
    return readFileSync(path, 'utf8').trimEnd().split('\n');
  };
  /** Changes the first line of a kind and says where it stands. */
  const changed = (match: (line: Line) => boolean, change: (line: Line) => void) => {
    const lines = linesOf(small());
    const index = lines.findIndex((line) => match(JSON.parse(line)));
    const line = JSON.parse(lines[index]!);
    change(line);
    lines[index] = JSON.stringify(line);
    return { path: write(lines), number: index + 1 };
  };

  test('a missing file', () =>
    expect(errorOf(() => readResult(join(folder, 'none.jsonl'))).code).toBe('MISSING_FILE'));
  test('an empty file', () => expect(errorOf(() => readResult(write([]))).code).toBe('BAD_RESULT'));

  test('a newer schema says to update', () => {
    const { path } = changed(
      (line) => line.kind === 'run',
      (line) => {
        line.schemaVersion = schemaVersion + 1;
        line.somethingNew = true;
      },
    );
    const error = errorOf(() => readResult(path));
    expect(error.code).toBe('BAD_RESULT');
    expect(error.message).toContain('Update sparsemark');
    expect(error.exitCode).toBe(42);
  });

  const measured = (line: Line) => line.status === 'measured';
  test.each<[string, (line: Line) => boolean, (line: Line) => void, RegExp]>([
    ['a time without a check', measured, (line) => delete line.check, /check/],
    ['a check that did not pass', measured, (line) => (line.check.worstRatio = 1.5), /check\.worstRatio/],
    [
      'times of a wrong answer',
      (line) => line.status === 'wrong',
      (line) => (line.samplesNs = [1]),
      /samplesNs/,
    ],
    ['a negative time', measured, (line) => (line.samplesNs[3] = -1), /samplesNs\.3/],
    ['a time of zero', measured, (line) => (line.samplesNs[0] = 0), /samplesNs\.0/],
    ['a time that is no number', measured, (line) => (line.samplesNs[0] = null), /samplesNs\.0/],
    ['an infinite time', measured, (line) => (line.encodeNs = Number.POSITIVE_INFINITY), /encodeNs/],
    ['no samples', measured, (line) => Object.assign(line, { samplesNs: [], rounds: [0] }), /samplesNs/],
    [
      'more samples than rounds say',
      measured,
      (line) => line.samplesNs.push(5),
      /Expected rounds that sum to 21/,
    ],
    ['an id of another case', measured, (line) => (line.threads = 2), /Expected the id/],
    ['an unknown key', measured, (line) => (line.speedup = 100), /speedup/],
    ['an unknown kind', measured, (line) => (line.kind = 'note'), /kind/],
    ['a very long name', measured, (line) => (line.library = 'x'.repeat(limits.nameLength + 1)), /library/],
    [
      'too many nonzeros',
      (line) => line.kind === 'workload',
      (line) => (line.nnz = 64 * 64 + 1),
      /at most 4096/,
    ],
    [
      'a density that the nonzeros deny',
      (line) => line.kind === 'workload',
      (line) => (line.nnz += 5),
      /density/,
    ],
    ['a density above 1', (line) => line.kind === 'workload', (line) => (line.density = 1.01), /density/],
    [
      'a second header',
      (line) => line.kind === 'workload',
      (line) => {
        const header = JSON.parse(linesOf(small())[0]!);
        for (const key of Object.keys(line)) delete line[key];
        Object.assign(line, header);
      },
      /one header/,
    ],
  ])('%s is refused with its place', (_name, match, change, message) => {
    const { path, number } = changed(match, change);
    const error = errorOf(() => readResult(path));
    expect(error.code).toBe('BAD_RESULT');
    expect(error.message).toMatch(message);
    expect(error.place).toEqual({ file: path, line: number });
  });

  test('a case twice, a measurement without its workload, lines after the end', () => {
    const lines = linesOf(small());
    const one = lines.findIndex((line) => JSON.parse(line).kind === 'measurement');
    expect(errorOf(() => readResult(write([...lines.slice(0, -1), lines[one]!]))).message).toMatch(
      /each case once/,
    );
    expect(errorOf(() => readResult(write([lines[0]!, lines[one]!]))).message).toMatch(
      /workload's record before/,
    );
    expect(errorOf(() => readResult(write([...lines, lines.at(-1)!]))).message).toMatch(
      /nothing after the end/,
    );
  });

  test('binary rubbish, a cut line and an over-long line', () => {
    expect(errorOf(() => readResult(write(['\u0000\u0001\u0002']))).code).toBe('BAD_RESULT');
    const lines = linesOf(small());
    expect(errorOf(() => readResult(write([lines[0]!, lines[1]!.slice(0, -7)]))).place.line).toBe(2);
    const long = errorOf(() => readResult(write([' '.repeat(limits.lineBytes + 1)])));
    expect(long.message).toMatch(/lines of at most/);
  });

  test('a key __proto__ changes no object', () => {
    const lines = linesOf(small());
    lines[1] = lines[1]!.replace('"parameters":{', '"parameters":{"__proto__":{"polluted":true},');
    try {
      readResult(write(lines));
    } catch (error) {
      expect((error as SparsemarkError).code).toBe('BAD_RESULT');
    }
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });

  test('any mutated file is read or refused with BAD_RESULT, never anything else', () => {
    const original = Buffer.from(linesOf(small()).slice(0, 12).join('\n'));
    const path = join(folder, 'mutated.jsonl');
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(original.length - 1), fc.integer({ min: 0, max: 255 })), {
          minLength: 1,
          maxLength: 5,
        }),
        (changes) => {
          const bytes = Buffer.from(original);
          for (const [at, value] of changes) bytes[at] = value;
          writeFileSync(path, bytes);
          try {
            readResult(path);
          } catch (error) {
            expect(error).toBeInstanceOf(SparsemarkError);
            expect((error as SparsemarkError).code).toBe('BAD_RESULT');
          }
        },
      ),
      { numRuns: 150 },
    );
  });

  test('checkLine needs no file', () => {
    expect(checkLine({ kind: 'finished', workload: 'w', elapsedSeconds: 1 })).toMatchObject({
      kind: 'finished',
    });
    expect(errorOf(() => checkLine(null)).code).toBe('BAD_RESULT');
    expect(errorOf(() => checkLine([])).code).toBe('BAD_RESULT');
  });
});
