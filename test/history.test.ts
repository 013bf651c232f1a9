import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { changesOf, changeText, sparkline } from '../src/report/history.ts';
import { appendHistory, entryOf, historyLine, readHistory, seriesOf } from '../src/result/history.ts';
import { seededRandom } from '../src/statistics.ts';
import type { Measured, SparsemarkError } from '../src/terms.ts';
import { fakeMachine } from './fakes.ts';
import { commitOf, entryOn, nowMs, options, runOf, thrown, workloads } from './history-runs.ts';

const disk = vi.hoisted(() => ({ freeBytes: Number.POSITIVE_INFINITY }));
vi.mock('node:fs', async (original) => {
  const real = await original<typeof import('node:fs')>();
  const { writingTo } = await import('./full-disk.ts');
  return { ...real, writeSync: writingTo(disk, real.writeSync) };
});

const root = mkdtempSync(join(tmpdir(), 'sparsemark-track-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(root, 'history-'));
  disk.freeBytes = Number.POSITIVE_INFINITY;
});

describe('a line of the history', () => {
  it('has the ratio of each case to the anchor, over the rounds of both, with its interval', () => {
    const { entry, leftOut } = entryOf(
      runOf(0, (format) => (format === 'csr' ? 1.25 : 1)),
      options(0),
    );
    expect(leftOut).toEqual([]);
    expect(Object.keys(entry.cells)).toEqual(
      workloads.flatMap(({ id }) => [`${id}/dense-avx512-t1`, `${id}/csr-avx512-t1`]),
    );
    for (const [id, { ratio, interval, rounds }] of Object.entries(entry.cells)) {
      expect(ratio / (id.includes('csr') ? 1.25 : 1)).toBeCloseTo(1, 1);
      expect(rounds).toBe(5);
      // Five rounds permit no 95 % statement.
      expect(interval).toBeNull();
    }
    expect(entry).toMatchObject({
      commit: commitOf(0),
      suite: { name: 'quick', version: '1' },
      machine: fakeMachine().fingerprint,
      library: { name: 'native' },
      anchor: { name: 'anchor', sha256: 'a'.repeat(64) },
    });
  });

  it('pairs rounds, so that what slows both down cancels', () => {
    const run = runOf(0);
    const drifting = (ns: number) => ({
      samplesNs: [1, 2, 3, 4, 5, 6, 7].map((factor) => factor * ns),
      rounds: new Array<number>(7).fill(1),
    });
    const measurements = run.measurements.map((cell): Measured => {
      const long = drifting(cell.library === 'anchor' ? 100 : 150);
      // The case left the rounds early: only those of both count.
      if (cell.library === 'native') {
        return {
          ...(cell as Measured),
          samplesNs: long.samplesNs.slice(0, 6),
          rounds: long.rounds.slice(0, 6),
        };
      }
      return { ...(cell as Measured), ...long };
    });
    const { entry } = entryOf({ ...run, measurements }, options(0));
    for (const cell of Object.values(entry.cells)) {
      expect(cell.rounds).toBe(6);
      expect(cell.ratio).toBeCloseTo(1.5, 12);
      expect(cell.interval![0]).toBeCloseTo(1.5, 12);
      expect(cell.interval![1]).toBeCloseTo(1.5, 12);
    }
  });

  it('leaves out, and names, what the anchor has not measured', () => {
    const run = runOf(0);
    const measurements = run.measurements.filter(
      (cell) => !(cell.library === 'anchor' && cell.format === 'csr'),
    );
    const { entry, leftOut } = entryOf({ ...run, measurements }, options(0));
    expect(Object.keys(entry.cells)).toHaveLength(2);
    expect(leftOut).toEqual(workloads.map(({ id }) => `${id}/csr-avx512-t1`));
  });

  it.each<[string, () => unknown, string, RegExp]>([
    [
      'no commit',
      () => entryOf(runOf(0), { ...options(0), commit: 'main' }),
      'USAGE',
      /--commit, received "main"/,
    ],
    [
      'an unknown anchor',
      () => entryOf(runOf(0), { ...options(0), anchor: 'base' }),
      'USAGE',
      /native, anchor/,
    ],
    [
      'one library twice',
      () => entryOf(runOf(0), { ...options(0), anchor: 'native' }),
      'USAGE',
      /two libraries/,
    ],
    [
      'a run cut short',
      () => entryOf({ ...runOf(0), end: null }, options(0)),
      'BAD_RESULT',
      /no end.*--budget/,
    ],
    ['a run from the future', () => entryOf(runOf(400), options(0)), 'BAD_RESULT', /begun at 2027/],
    [
      'too few rounds',
      () =>
        entryOf(
          runOf(0, () => 1, { samplesNs: [1, 2], rounds: [1, 1] }),
          options(0),
        ),
      'BAD_RESULT',
      /at least 3 rounds.*received 2/,
    ],
    [
      'no cell of both',
      () => {
        const run = runOf(0);
        return entryOf(
          { ...run, measurements: run.measurements.filter((c) => c.library === 'native') },
          options(0),
        );
      },
      'BAD_RESULT',
      /received none of 4/,
    ],
    [
      'a machine that would leave the folder',
      () => {
        const run = runOf(0);
        const machine = fakeMachine({ fingerprint: '../../etc/x' });
        return entryOf({ ...run, header: { ...run.header, machine } }, options(0));
      },
      'BAD_RESULT',
      /received "\.\.\/\.\.\/etc\/x"/,
    ],
  ])('is refused of %s', (_, action, code, message) => {
    expect(thrown(action)).toMatchObject({ code, exitCode: 42, message: expect.stringMatching(message) });
  });
});

describe('the file', () => {
  const path = () => join(folder, 'quick', 'abc.jsonl');
  const fill = (days: number): void => {
    for (let day = 0; day < days; day++) appendHistory(path(), entryOn(day), nowMs);
  };

  it('gives back what was appended; earlier lines keep their bytes', () => {
    fill(2);
    const before = readFileSync(path());
    appendHistory(path(), entryOn(2), nowMs);
    expect(readFileSync(path()).subarray(0, before.length).equals(before)).toBe(true);
    const { entries, tornBytes } = readHistory(path(), nowMs);
    expect(entries).toEqual([entryOn(0), entryOn(1), entryOn(2)]);
    expect(tornBytes).toBe(0);
    // Each line is JSON by itself.
    for (const line of readFileSync(path(), 'utf8').trimEnd().split('\n')) {
      expect(JSON.parse(line)).toMatchObject({ historyVersion: 1 });
    }
  });

  it('with a last line torn at any byte keeps all others, and the next line stands behind them', () => {
    fill(2);
    const whole = readFileSync(path());
    const last = whole.length - historyLine(entryOn(1)).length;
    for (const cut of [last + 1, last + 20, last + 300, whole.length - 1]) {
      writeFileSync(path(), whole.subarray(0, cut));
      rmSync(`${path()}.torn`, { force: true });
      expect(readHistory(path(), nowMs)).toEqual({ entries: [entryOn(0)], tornBytes: cut - last });
      appendHistory(path(), entryOn(1), nowMs);
      expect(readFileSync(path()).equals(whole)).toBe(true);
      expect(readFileSync(`${path()}.torn`).equals(whole.subarray(last, cut))).toBe(true);
    }
  });

  it('on a full disk in the middle of a line is what it was', () => {
    fill(2);
    const before = readFileSync(path());
    for (const freeBytes of [0, 1, 100, historyLine(entryOn(2)).length - 1]) {
      disk.freeBytes = freeBytes;
      expect(thrown(() => appendHistory(path(), entryOn(2), nowMs))).toMatchObject({ code: 'DISK_FULL' });
      disk.freeBytes = Number.POSITIVE_INFINITY;
      expect(readFileSync(path()).equals(before)).toBe(true);
    }
    appendHistory(path(), entryOn(2), nowMs);
    expect(readHistory(path(), nowMs).entries).toHaveLength(3);
  });

  it('on a full disk at its first line is empty, and takes the line later', () => {
    disk.freeBytes = 10;
    expect(thrown(() => appendHistory(path(), entryOn(0), nowMs))).toMatchObject({ code: 'DISK_FULL' });
    disk.freeBytes = Number.POSITIVE_INFINITY;
    appendHistory(path(), entryOn(0), nowMs);
    expect(readHistory(path(), nowMs).entries).toEqual([entryOn(0)]);
  });

  it('refuses a commit that it has', () => {
    fill(2);
    const before = readFileSync(path());
    expect(thrown(() => appendHistory(path(), entryOn(1), nowMs))).toMatchObject({
      code: 'USAGE',
      message: expect.stringContaining(commitOf(1)),
    });
    for (const commit of [commitOf(1).slice(0, 39), `${commitOf(1)}0`]) {
      expect(thrown(() => appendHistory(path(), { ...entryOn(1), commit }, nowMs)).code).toBe('USAGE');
    }
    expect(readFileSync(path()).equals(before)).toBe(true);
  });

  it.each<[string, (lines: string[]) => string[], RegExp]>([
    [
      'a flipped digit',
      ([one, ...rest]) => [one!.replace('"rounds":5', '"rounds":6'), ...rest],
      /:1: .*checksum/,
    ],
    [
      'a damaged line in the middle',
      ([one, two, ...rest]) => [one!, two!.slice(0, 90), ...rest],
      /:2: .*checksum/,
    ],
    ['an empty line', ([one, ...rest]) => [one!, '', ...rest], /:2: .*checksum/],
    [
      'a commit twice, once cut short',
      ([one, ...rest]) => [
        one!,
        ...rest,
        historyLine({ ...entryOn(0), commit: commitOf(0).slice(0, 39) }).trimEnd(),
      ],
      /:4: .*each commit once.*line 1/,
    ],
    ['a commit twice', ([one, ...rest]) => [one!, ...rest, one!], /:4: .*each commit once.*line 1/],
    [
      'a line from the future',
      (lines) => [...lines, historyLine({ ...entryOn(9), startedAt: '2026-06-03T00:00:00.000Z' }).trimEnd()],
      /:4: .*lines of the past/,
    ],
    [
      'a line of a later version',
      (lines) => [...lines, historyLine({ ...entryOn(9), historyVersion: 2 as 1 }).trimEnd()],
      /:4: .*version 2.*Update/,
    ],
    [
      'a ratio below 0',
      (lines) => {
        const cells = { a: { ratio: -1, interval: null, rounds: 9 } };
        return [...lines, historyLine({ ...entryOn(9), cells }).trimEnd()];
      },
      /:4: .*cells\.a\.ratio/,
    ],
    [
      'a ratio that is no number',
      (lines) => {
        const cells = { a: { ratio: Number.NaN, interval: null, rounds: 9 } };
        return [...lines, historyLine({ ...entryOn(9), cells }).trimEnd()];
      },
      /:4: .*cells\.a\.ratio/,
    ],
    [
      'another machine',
      (lines) => [...lines, historyLine({ ...entryOn(9), machine: 'other' }).trimEnd()],
      /:4: .*own file/,
    ],
  ])('with %s is an error, never a shorter history', (_, damage, message) => {
    fill(3);
    const lines = readFileSync(path(), 'utf8').trimEnd().split('\n');
    const damaged = `${damage(lines).join('\n')}\n`;
    writeFileSync(path(), damaged);
    for (const action of [() => readHistory(path(), nowMs), () => appendHistory(path(), entryOn(5), nowMs)]) {
      expect(thrown(action)).toMatchObject({ code: 'BAD_RESULT', message: expect.stringMatching(message) });
    }
    expect(readFileSync(path(), 'utf8')).toBe(damaged);
  });

  it('that is missing is an error', () => {
    expect(thrown(() => readHistory(path(), nowMs))).toMatchObject({ code: 'MISSING_FILE' });
  });

  it('survives every flipped bit: an error or a torn last line, never other numbers', () => {
    fill(1);
    const whole = readFileSync(path());
    const random = seededRandom(1);
    for (let trial = 0; trial < 300; trial++) {
      const bytes = Buffer.from(whole);
      bytes[Math.floor(random() * bytes.length)]! ^= 1 << Math.floor(random() * 8);
      writeFileSync(path(), bytes);
      try {
        expect(readHistory(path(), nowMs).entries.length).toBe(0);
      } catch (error) {
        expect((error as SparsemarkError).code).toBe('BAD_RESULT');
      }
    }
  });
});

describe('series', () => {
  const slowerFrom = (from: number, factor: number) => (day: number) => (format: string) =>
    format === 'csr' && day >= from ? factor : 1;

  it('say which commit changed which case, by how much', () => {
    const slower = slowerFrom(20, 1.1);
    const entries = Array.from({ length: 40 }, (_, day) => entryOn(day, slower(day)));
    const series = seriesOf({ entries });
    expect(series).toHaveLength(4);
    const changes = changesOf(series);
    expect(changes.map(({ id }) => id)).toEqual(workloads.map(({ id }) => `${id}/csr-avx512-t1`));
    for (const { from, to, ratio, interval } of changes) {
      expect([from, to]).toEqual([commitOf(19), commitOf(20)]);
      expect(ratio).toBeCloseTo(1.1, 1);
      expect(interval[0]).toBeLessThan(1.1 * 1.01);
      expect(interval[1]).toBeGreaterThan(1.1 * 0.99);
      expect(interval[0]).toBeGreaterThan(1.05);
    }
  });

  it('begin anew with a new anchor', () => {
    const entries = Array.from({ length: 30 }, (_, day) => {
      const entry = entryOn(day, () => (day < 15 ? 1 : 0.5));
      return day < 15 ? entry : { ...entry, anchor: { ...entry.anchor, sha256: 'b'.repeat(64) } };
    });
    const series = seriesOf({ entries });
    expect(series).toHaveLength(8);
    expect(changesOf(series)).toEqual([]);
  });

  it('are drawn as bars: low, high, and flat where nothing happens', () => {
    expect(sparkline([1, 1, 2, 2], 10).text).toBe('▁▁██');
    expect(sparkline([1, 1.001, 0.999, 1], 10).text).toMatch(/^[▁▂]+$/);
    expect(
      sparkline(
        Array.from({ length: 100 }, (_, i) => 1 + i),
        8,
      ),
    ).toMatchObject({ text: '▁▂▃▄▅▆▇█' });
    expect(sparkline([3], 5)).toEqual({ text: '▁', columns: [0] });
    expect([changeText(1.042), changeText(0.8), changeText(1), changeText(0.9999)]).toEqual([
      ...['+4.2 %', '-20 %', '0.0 %', '-0.0 %'],
    ]);
  });
});
