import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  type TrackShowArguments,
  trackAddCommand,
  trackChangesCommand,
  trackShowCommand,
} from '../src/command/track.ts';
import { changesOf, changeText, sparkline } from '../src/report/history.ts';
import {
  appendHistory,
  entryOf,
  type HistoryEntry,
  historyLine,
  historyPath,
  readHistory,
  seriesOf,
} from '../src/result/history.ts';
import { writeResult } from '../src/result/result.ts';
import { seededRandom } from '../src/statistics.ts';
import type { Measured, Result, SparsemarkError } from '../src/terms.ts';
import { sparsemark } from './command.ts';
import {
  fakeCase,
  fakeHeader,
  fakeKernel,
  fakeMachine,
  fakeMeasured,
  fakeWorkload,
  hostileText,
} from './fakes.ts';

const disk = vi.hoisted(() => ({ freeBytes: Number.POSITIVE_INFINITY }));
vi.mock('node:fs', async (original) => {
  const real = await original<typeof import('node:fs')>();
  return {
    ...real,
    // As a full disk does: writes what fits, then fails.
    writeSync: (fd: number, bytes: Buffer, offset: number, length: number, at: number | null) => {
      const fits = Math.min(length, disk.freeBytes);
      if (fits <= 0) throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
      disk.freeBytes -= fits;
      return real.writeSync(fd, bytes, offset, fits, at);
    },
  };
});

const root = mkdtempSync(join(tmpdir(), 'sparsemark-track-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(root, 'history-'));
  disk.freeBytes = Number.POSITIVE_INFINITY;
});

const nowMs = Date.parse('2026-06-01T00:00:00Z');
const dayMs = 24 * 3600 * 1000;
const commitOf = (day: number): string => (day + 1).toString(16).padStart(40, '5');
const workloads = [0.1, 0.3].map((density) =>
  fakeWorkload({ shape: { m: 64, k: 256, n: 16 }, cache: 'hot', label: 'uniform', density, seed: 1 }),
);

/** A run on a day with our library and the anchor, whose times are exact but for 1 % of scatter. */
function runOf(
  day: number,
  slower: (format: string) => number = () => 1,
  change: Partial<Measured> = {},
): Result {
  const random = seededRandom(day + 1);
  const header = fakeHeader(workloads.length);
  const [native] = header.libraries;
  const measurements = workloads.flatMap((workload) =>
    ['dense', 'csr'].flatMap((format) => {
      const kernel = fakeKernel(0, format, 'avx512');
      const own = fakeCase(workload, 'native', kernel);
      const other = fakeCase(workload, 'anchor', kernel);
      return [
        fakeMeasured(workload, own, 1000 * slower(format), random, change),
        fakeMeasured(workload, other, 1000, random),
      ];
    }),
  );
  return {
    header: {
      ...header,
      startedAt: new Date(Date.parse('2026-01-01T00:00:00Z') + day * dayMs).toISOString(),
      libraries: [native!, { ...native!, name: 'anchor', sha256: 'a'.repeat(64) }],
    },
    workloads,
    measurements,
    end: { endedAt: '2026-01-02T03:05:45.000Z', complete: true, stopReason: 'finished', elapsedSeconds: 9 },
  };
}

const options = (day: number) => ({ commit: commitOf(day), anchor: 'anchor', library: 'native', nowMs });
const entryOn = (day: number, slower?: (format: string) => number): HistoryEntry =>
  entryOf(runOf(day, slower), options(day)).entry;

function thrown(action: () => unknown): SparsemarkError {
  try {
    action();
  } catch (error) {
    return error as SparsemarkError;
  }
  throw new Error('nothing was thrown');
}

function spoken() {
  const said: string[] = [];
  const results: string[] = [];
  const output = {
    result: (text: string) => results.push(text),
    say: (text: string) => said.push(text),
    redraw: () => {},
    isTerminal: false,
    lineWidth: 79,
    width: 80,
    color: false,
  };
  return { output, said, results };
}

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

describe('the command', () => {
  const file = join(root, 'run.jsonl');
  const add = (result: Result, day: number, more: object = {}) => {
    const { output, said, results } = spoken();
    rmSync(file, { force: true });
    writeResult(file, result);
    const status = trackAddCommand(
      file,
      { commit: commitOf(day), anchor: 'anchor', history: folder, ...more },
      output,
    );
    return { status, said, results };
  };
  const show = (args: TrackShowArguments = {}) => {
    const { output, said, results } = spoken();
    const status = trackShowCommand('quick', { history: folder, ...args }, output);
    return { status, said, text: results.join('\n') };
  };

  it('adds, shows, names changes, writes the page', () => {
    for (let day = 0; day < 30; day++) {
      const { status, results } = add(
        runOf(day, (format) => (format === 'csr' && day >= 12 ? 1.2 : 1)),
        day,
      );
      expect(status).toBe(0);
      expect(results[0]).toContain(`commit ${commitOf(day).slice(0, 10)} added, 4 cells, ${day + 1} commits`);
    }
    expect(readdirSync(join(folder, 'quick'))).toEqual([`${fakeMachine().fingerprint}.jsonl`]);
    const { text } = show();
    expect(text.split('\n').every((line) => line.length <= 100)).toBe(true);
    expect(text).toContain('30 commits');
    expect(text).toMatch(/no change/);
    expect(text).toMatch(/5550d\.\.|slower since 2026-01-13/);

    const { output, results } = spoken();
    expect(trackChangesCommand('quick', { history: folder }, output)).toBe(0);
    expect(results[0]).toContain(`${commitOf(11).slice(0, 10)}..${commitOf(12).slice(0, 10)}  2026-01-13`);
    expect(results[0]!.match(/\+(19|2\d)(\.\d)? %/g)).not.toBeNull();
    expect(results[0]).not.toContain('dense');

    const page = join(folder, 'page.html');
    expect(show({ html: page }).said).toEqual([`wrote ${page}`]);
    const html = readFileSync(page, 'utf8');
    expect(html.match(/<svg role="img"/g)).toHaveLength(4);
    expect(html).toContain('2 changes in 30 commits');

    const json = JSON.parse(show({ json: true, filter: 'csr' }).text);
    expect(json).toMatchObject({ suite: 'quick', commits: 30, machine: fakeMachine().fingerprint });
    expect(json.series).toHaveLength(2);
    expect(json.changes).toHaveLength(2);
    expect(json.changes[0]).toMatchObject({ from: commitOf(11), to: commitOf(12) });
    expect(thrown(() => show({ filter: 'nothing' })).message).toMatch(/none with "nothing"/);
  });

  it('says what was left out, cut short, or anchored anew', () => {
    add(runOf(0), 0);
    const path = historyPath(folder, 'quick', fakeMachine().fingerprint);
    writeFileSync(path, `${readFileSync(path, 'utf8')}{"crc32":"0`);
    expect(show().said.join()).toMatch(/cut short \(11 bytes\)/);
    const run = runOf(1);
    const other = run.header.libraries.map((library) =>
      library.name === 'anchor' ? { ...library, sha256: 'c'.repeat(64) } : library,
    );
    const measurements = run.measurements.filter((cell) => !(cell.library === 'anchor' && cell.dense));
    const { said } = add({ ...run, header: { ...run.header, libraries: other }, measurements }, 1);
    expect(said.join('\n')).toMatch(/moved to .*\.torn[\s\S]*2 cells[\s\S]*anchor is another one/);
  });

  it('asks which machine where there are several, and says where there is none', () => {
    expect(thrown(() => show()).message).toMatch(/Expected a history of suite quick, received none/);
    const run = runOf(0);
    add(run, 0);
    add({ ...run, header: { ...run.header, machine: fakeMachine({ fingerprint: 'beef' }) } }, 0);
    expect(thrown(() => show()).message).toContain(`Give one of ${fakeMachine().fingerprint}, beef`);
    expect(show({ machine: 'beef' }).text).toContain('1 commits, now');
    expect(thrown(() => show({ machine: 'none' }))).toMatchObject({ code: 'MISSING_FILE' });
    expect(thrown(() => show({ machine: '../x' }))).toMatchObject({ code: 'BAD_RESULT' });
  });

  it('lets nothing hostile out of a history', () => {
    const path = historyPath(folder, 'quick', 'abc');
    const cells = { [hostileText]: { ratio: 1, interval: null, rounds: 5 } };
    appendHistory(path, { ...entryOn(0), machine: 'abc', cells }, nowMs);
    const page = join(folder, 'page.html');
    show({ html: page });
    expect(readFileSync(page, 'utf8')).not.toMatch(/<script>alert/);
    for (const text of [show().text, show({ json: true }).text]) {
      expect(text).not.toContain('\u001b');
      expect(text).not.toContain('\u202e');
    }
  });

  it('is a command with exit codes', () => {
    rmSync(file, { force: true });
    writeResult(file, runOf(0));
    const args = ['track', 'add', file, '--commit', commitOf(0), '--anchor', 'anchor', '--history', folder];
    expect(sparsemark(args)).toMatchObject({ status: 0, stderr: '' });
    expect(sparsemark(args)).toMatchObject({
      status: 42,
      stdout: '',
      stderr: expect.stringMatching(/append-only/),
    });
    const shown = sparsemark(['track', 'show', 'quick', '--history', folder]);
    expect(shown).toMatchObject({ status: 0, stderr: '' });
    expect(shown.stdout).toContain('1 commits');
    expect(sparsemark(['track', 'changes', 'quick', '--history', folder, '--json']).status).toBe(0);
    expect(sparsemark(['track', 'changes', 'nosuch', '--history', folder]).status).toBe(42);
    expect(sparsemark(['track', 'add', file, '--commit', commitOf(1)]).status).toBe(42);
    expect(existsSync(join(folder, 'nosuch'))).toBe(false);
  });
});
