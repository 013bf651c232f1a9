import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import {
  type TrackShowArguments,
  trackAddCommand,
  trackChangesCommand,
  trackShowCommand,
} from '../src/command/track.ts';
import { appendHistory, historyPath } from '../src/result/history.ts';
import { writeResult } from '../src/result/result.ts';
import type { Result } from '../src/terms.ts';
import { sparsemark } from './command.ts';
import { fakeMachine, hostileText } from './fakes.ts';
import { commitOf, entryOn, nowMs, runOf, thrown } from './history-runs.ts';

const root = mkdtempSync(join(tmpdir(), 'sparsemark-track-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(root, 'history-'));
});

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
      expect(results[0]).toContain(`commit ${commitOf(day).slice(0, 10)} added, 4 cells, ${day + 1} commit`);
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
    // As in every other command, * stands for any text.
    expect(show({ filter: 'spmm*csr' }).text).toBe(show({ filter: 'csr' }).text);
    expect(thrown(() => show({ filter: 'csr*spmm' })).message).toMatch(
      /none with "csr\*spmm"\. See the ids: sparsemark track show\.$/,
    );
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

  it('says so where the file was there and held nothing', () => {
    const path = historyPath(folder, 'quick', fakeMachine().fingerprint);
    expect(add(runOf(0), 0).said).toEqual([]);
    writeFileSync(path, '');
    expect(add(runOf(1), 1).said.join()).toMatch(/held no line: the history begins with this commit/);
    expect(add(runOf(2), 2).said).toEqual([]);
  });

  it('asks which machine where there are several, and says where there is none', () => {
    expect(thrown(() => show()).message).toMatch(/Expected a history of suite quick, received none/);
    const run = runOf(0);
    add(run, 0);
    add({ ...run, header: { ...run.header, machine: fakeMachine({ fingerprint: 'beef' }) } }, 0);
    expect(thrown(() => show()).message).toContain(`Give one of ${fakeMachine().fingerprint}, beef`);
    expect(show({ machine: 'beef' }).text).toContain('1 commit, now');
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
    expect(shown.stdout).toMatch(/ 1 commit,/);
    expect(sparsemark(['track', 'changes', 'quick', '--history', folder, '--json']).status).toBe(0);
    expect(sparsemark(['track', 'changes', 'nosuch', '--history', folder]).status).toBe(42);
    expect(sparsemark(['track', 'add', file, '--commit', commitOf(1)]).status).toBe(42);
    expect(existsSync(join(folder, 'nosuch'))).toBe(false);
  });
});
