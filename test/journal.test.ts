import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { crc32, journalLine, openJournal, readJournal, resumeRefusal } from '../src/result/journal.ts';
import { checkLine, readResult } from '../src/result/result.ts';
import type { ResultLine } from '../src/result/schema.ts';
import { type Result, SparsemarkError } from '../src/terms.ts';
import { fakeMachine, fakeResult } from './fakes.ts';

/** Bytes that the disk still takes; shared with the mocked node:fs. */
const disk = vi.hoisted(() => ({ freeBytes: Number.POSITIVE_INFINITY }));

vi.mock('node:fs', async (original) => {
  const real = await original<typeof import('node:fs')>();
  const { writingTo } = await import('./full-disk.ts');
  return { ...real, writeSync: writingTo(disk, real.writeSync) };
});

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sparsemark-journal-'));
  path = join(folder, 'local', 'run.jsonl');
});
afterEach(() => {
  disk.freeBytes = Number.POSITIVE_INFINITY;
  rmSync(folder, { recursive: true, force: true });
});

const whole = fakeResult({ shapes: [{ m: 64, k: 64, n: 8 }], densities: [0.1] });
const workloads = whole.workloads.slice(0, 3);
const ids = new Set(workloads.map((workload) => workload.id));
const result: Result = {
  ...whole,
  workloads,
  measurements: whole.measurements.filter((measurement) => ids.has(measurement.workload)),
};
const [first, second, third] = workloads;

/** The lines that a run writes for some workloads, the header apart. */
function linesOf(of: Result['workloads']): ResultLine[] {
  return of.flatMap((workload) => [
    { kind: 'workload' as const, ...workload },
    ...result.measurements
      .filter((measurement) => measurement.workload === workload.id)
      .map((measurement) => ({ kind: 'measurement' as const, ...measurement })),
    { kind: 'finished' as const, workload: workload.id, elapsedSeconds: 1.5 },
  ]);
}
const header: ResultLine = { kind: 'run', ...result.header };
const bytesOf = (lines: readonly ResultLine[]) => Buffer.concat(lines.map(journalLine));

/** A journal of two finished workloads and one measurement of a third. */
function unfinished(): { journalPath: string; bytes: Buffer; finishedBytes: number } {
  const journal = openJournal(path);
  const finished = [header, ...linesOf([first!, second!])];
  const lines = [...finished, ...linesOf([third!]).slice(0, 2)];
  for (const line of lines) journal.append(line);
  journal.close();
  return { journalPath: journal.path, bytes: bytesOf(lines), finishedBytes: bytesOf(finished).length };
}

function errorOf(action: () => unknown): SparsemarkError {
  try {
    action();
  } catch (error) {
    if (error instanceof SparsemarkError) return error;
    throw error;
  }
  throw new Error('expected an error, received none');
}

test('crc32 has the published check value', () => {
  expect(crc32(Buffer.from('123456789'))).toBe(0xcbf43926);
  expect(crc32(Buffer.alloc(0))).toBe(0);
});

describe('a run without trouble', () => {
  test('becomes the result file; the journal goes', () => {
    const journal = openJournal(path);
    expect(journal.earlier).toBeNull();
    for (const line of [header, ...linesOf(result.workloads)]) journal.append(line);
    expect(existsSync(path)).toBe(false);
    expect(journal.finish(result.end!)).toBe(path);
    expect(readResult(path)).toEqual(result);
    expect(readdirSync(join(folder, 'local'))).toEqual(['run.jsonl']);
  });

  test('the header comes first and once; a line that is not valid is not written', () => {
    const journal = openJournal(path);
    expect(errorOf(() => journal.append(linesOf([first!])[0]!)).code).toBe('INTERNAL');
    journal.append(header);
    expect(errorOf(() => journal.append(header)).code).toBe('INTERNAL');
    const before = readFileSync(journal.path);
    const time = { ...linesOf([first!])[1], check: { worstRatio: 2, maxAbsError: 1 } } as ResultLine;
    expect(errorOf(() => journal.append(time)).code).toBe('BAD_RESULT');
    expect(readFileSync(journal.path)).toEqual(before);
    journal.close();
    journal.close();
    expect(errorOf(() => journal.append(linesOf([first!])[0]!)).code).toBe('INTERNAL');
  });

  test('a finished result is not overwritten', () => {
    mkdirSync(join(folder, 'local'));
    writeFileSync(path, 'somebody measured this');
    expect(() => openJournal(path)).toThrow(/Expected a new file for the result/);
    expect(() => openJournal(path, { resume: true })).toThrow(/Expected a new file for the result/);
    expect(readFileSync(path, 'utf8')).toBe('somebody measured this');
    expect(existsSync(`${path}.journal`)).toBe(false);
  });

  test('an unfinished journal is not overwritten', () => {
    const { journalPath, bytes } = unfinished();
    expect(errorOf(() => openJournal(path)).code).toBe('USAGE');
    expect(readFileSync(journalPath)).toEqual(bytes);
  });
});

describe('resume', () => {
  test("what a kill left of the result file goes, what is another one's stays", () => {
    const { journalPath } = unfinished();
    for (const name of ['run.jsonl.123.part', 'run.jsonl.part', 'run2.jsonl.123.part'])
      writeFileSync(join(folder, 'local', name), 'half');
    openJournal(path, { resume: true }).close();
    expect(readdirSync(join(folder, 'local')).sort()).toEqual([
      'run.jsonl.journal',
      'run.jsonl.part',
      'run2.jsonl.123.part',
    ]);
    expect(readJournal(journalPath).lines.length).toBeGreaterThan(1);
  });

  test('goes on after the last finished workload', () => {
    const { bytes, finishedBytes } = unfinished();
    const journal = openJournal(path, { resume: true });
    expect([...journal.earlier!.finished]).toEqual([first!.id, second!.id]);
    expect(journal.earlier!.result.header).toEqual(result.header);
    expect(journal.earlier!.result.workloads).toEqual([first, second]);
    expect(journal.earlier!.cutBytes).toBe(bytes.length - finishedBytes);
    for (const line of linesOf([third!])) journal.append(line);
    journal.finish(result.end!);
    expect(readResult(path)).toEqual(result);
  });

  test('given up without a finished workload it goes, with one it stays', () => {
    const journal = openJournal(path);
    journal.append(header);
    for (const line of linesOf([first!]).slice(0, 2)) journal.append(line);
    journal.abandon();
    journal.close();
    expect(existsSync(journal.path)).toBe(false);
    const { journalPath, finishedBytes } = unfinished();
    const resumed = openJournal(path, { resume: true });
    resumed.abandon();
    expect(readFileSync(journalPath).length).toBe(finishedBytes);
  });

  test('starts anew where there is nothing', () => {
    const journal = openJournal(path, { resume: true });
    expect(journal.earlier).toBeNull();
    journal.append(header);
    journal.close();
  });

  test('a file cut at any byte of its tail loses at most the workload it was cut in', () => {
    const { journalPath, bytes } = unfinished();
    const upToFirst = bytesOf([header, ...linesOf([first!])]).length;
    const lastTwoLines = bytesOf(linesOf([second!]).slice(-2)).length;
    const upToSecond = bytesOf([header, ...linesOf([first!, second!])]).length;
    for (let size = upToSecond - lastTwoLines; size <= bytes.length; size++) {
      writeFileSync(journalPath, bytes.subarray(0, size));
      const journal = openJournal(path, { resume: true });
      journal.close();
      const kept = size >= upToSecond ? [first!.id, second!.id] : [first!.id];
      expect([...journal.earlier!.finished], `cut at ${size}`).toEqual(kept);
      expect(readFileSync(journalPath).length).toBe(size >= upToSecond ? upToSecond : upToFirst);
    }
  });

  test('a file cut inside its header starts anew', () => {
    const { journalPath, bytes } = unfinished();
    for (const size of [0, 1, 17, 18, 100, journalLine(header).length - 1]) {
      writeFileSync(journalPath, bytes.subarray(0, size));
      const journal = openJournal(path, { resume: true });
      expect(journal.earlier).toBeNull();
      journal.append(header);
      journal.close();
      expect(readFileSync(journalPath)).toEqual(journalLine(header));
    }
  });

  test('no flipped byte is ever read: every line kept is one that was written', () => {
    const { journalPath, bytes } = unfinished();
    const written = new Set([header, ...linesOf(workloads)].map((line) => JSON.stringify(checkLine(line))));
    const start = journalLine(header).length;
    for (let at = start; at < bytes.length; at += 37) {
      const flipped = Buffer.from(bytes);
      flipped[at] = flipped[at]! ^ (1 << (at % 8));
      writeFileSync(journalPath, flipped);
      const { lines, validBytes } = readJournal(journalPath);
      expect(validBytes).toBeLessThanOrEqual(at);
      for (const { line } of lines) expect(written.has(JSON.stringify(line))).toBe(true);
    }
  });

  test('rubbish behind the last line is cut', () => {
    const { journalPath, bytes, finishedBytes } = unfinished();
    for (const rubbish of [
      '\n',
      '0000',
      '{"kind":"end"}\n',
      '00000010 00000000 0123456789abcdef\n',
      '\u0000'.repeat(64),
    ]) {
      writeFileSync(journalPath, Buffer.concat([bytes.subarray(0, finishedBytes), Buffer.from(rubbish)]));
      const journal = openJournal(path, { resume: true });
      expect(journal.earlier!.cutBytes).toBe(Buffer.from(rubbish).length);
      expect(journal.earlier!.finished.size).toBe(2);
      journal.close();
    }
  });

  test('with other settings is refused in words', () => {
    const { header: now } = result;
    expect(resumeRefusal(now, now)).toBeNull();
    expect(resumeRefusal(now, { ...now, runId: 'another', startedAt: '2026-02-02T00:00:00Z' })).toBeNull();
    // What was read from the file has its keys in the schema's order, what was just made in another.
    const reversed = Object.fromEntries(Object.entries(now.suite).reverse()) as unknown as typeof now.suite;
    expect(resumeRefusal(now, { ...now, suite: reversed })).toBeNull();
    expect(resumeRefusal(now, { ...now, suite: { ...now.suite, version: '2' } })).toMatch(/suite/);
    expect(resumeRefusal(now, { ...now, machine: fakeMachine({ fingerprint: 'ffff' }) })).toMatch(/machine/);
    expect(resumeRefusal(now, { ...now, build: { ...now.build, sha256: '0'.repeat(64) } })).toMatch(/addon/);
    expect(resumeRefusal(now, { ...now, libraries: [] })).toMatch(/libraries/);
    expect(resumeRefusal(now, { ...now, protocol: { ...now.protocol, threads: [2] } })).toMatch(/threads/);
  });
});

describe('a full disk', () => {
  test('while running: DISK_FULL, what was appended stays, and the run can go on', () => {
    const journal = openJournal(path);
    const lines = [header, ...linesOf([first!])];
    for (const line of lines) journal.append(line);
    const [next, ...rest] = linesOf([second!]);
    disk.freeBytes = 25;
    const error = errorOf(() => journal.append(next!));
    expect(error.code).toBe('DISK_FULL');
    expect(error.exitCode).toBe(42);
    expect(readFileSync(journal.path)).toEqual(bytesOf(lines));
    disk.freeBytes = Number.POSITIVE_INFINITY;
    for (const line of [next!, ...rest, ...linesOf([third!])]) journal.append(line);
    journal.finish(result.end!);
    expect(readResult(path)).toEqual(result);
  });

  test('while finishing: the journal stays, no half file is left, resume finishes', () => {
    const journal = openJournal(path);
    for (const line of [header, ...linesOf(result.workloads)]) journal.append(line);
    disk.freeBytes = 1000;
    expect(errorOf(() => journal.finish(result.end!)).code).toBe('DISK_FULL');
    expect(readdirSync(join(folder, 'local'))).toEqual(['run.jsonl.journal']);
    disk.freeBytes = Number.POSITIVE_INFINITY;
    const again = openJournal(path, { resume: true });
    expect(again.earlier!.finished.size).toBe(result.workloads.length);
    again.finish(result.end!);
    expect(readResult(path)).toEqual(result);
  });
});
