/** `sparsemark compare` as a person runs it, in the repository of a stranger's kernel library. */
import { execFileSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { bundledLibraries } from '../src/measure/libraries.ts';
import { readComparison } from '../src/result/comparison-file.ts';
import { loadSuite } from '../src/workload/suite.ts';
import { sparsemark, startSparsemark, tinySuite } from './command.ts';
import { buildLibraries } from './libraries.ts';

const folder = mkdtempSync(join(tmpdir(), 'sparsemark-compare-run-'));
const made = tinySuite({ densities: [0.3] });
/** In the folder where the comparisons run. */
const suite = basename(made.suite);
cpSync(made.suite, join(folder, suite));
afterAll(() => {
  for (const path of [folder, made.folder]) rmSync(path, { recursive: true, force: true });
});

/** A repository with the example library; the branch `slow` does every product twice, `broken` does not compile. */
function foreignRepository(): string {
  const repository = join(folder, 'foreign');
  mkdirSync(repository);
  const source = fileURLToPath(new URL('./native/libraries/example_library.c', import.meta.url));
  cpSync(fileURLToPath(new URL('../native/sparsemark.h', import.meta.url)), join(repository, 'sparsemark.h'));
  const git = (...words: string[]): void => {
    execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@b.example', ...words], {
      cwd: repository,
      stdio: 'pipe',
    });
  };
  const commit = (text: string, message: string): void => {
    writeFileSync(join(repository, 'library.c'), text);
    // Base and head have suites of this name too, which are none.
    writeFileSync(join(repository, suite), `name: ${message}`);
    git('add', '.');
    git('commit', '-q', '-m', message);
  };
  const text = readFileSync(source, 'utf8');
  git('init', '-q', '-b', 'main');
  commit(text, 'a library');
  git('checkout', '-q', '-b', 'slow');
  const loop = 'for (int32_t j = 0; j < n; ++j) c[j] = 0.0f;';
  expect(text).toContain(loop);
  const slow = text.replace(
    '  for (int32_t i = 0; i < a->rows; ++i) {',
    '  for (int32_t twice = 0; twice < 2; ++twice)\n  for (int32_t i = 0; i < a->rows; ++i) {',
  );
  expect(slow).not.toBe(text);
  commit(slow, 'twice');
  git('checkout', '-q', '-b', 'broken', 'main');
  commit(`${text}\nthis is no C`, 'broken');
  git('checkout', '-q', 'main');
  return repository;
}

const repository = foreignRepository();
const compare = (base: string, head: string, ...more: string[]) =>
  sparsemark(
    [
      ...['compare', base, head, suite, '--build', 'cc -O2 -fPIC -shared -I. library.c -o library.so'],
      ...['--library', 'library.so', '--repository', repository, '--budget', '40', ...more],
    ],
    { cwd: folder },
  );

describe('two revisions of a stranger', () => {
  it('finds what is twice as slow, and leaves nothing behind', () => {
    const out = join(folder, 'slow.jsonl');
    const { status, stdout, stderr } = compare('main', 'slow', '--out', out);
    expect({ status, stdout, stderr }).toMatchObject({
      status: 2,
      stdout: expect.stringMatching(/cells? (is|are) slower/),
    });
    const { cells, header, end } = readComparison(out);
    expect(header.base.gitCommit).toMatch(/^[0-9a-f]{40}$/);
    expect(end).not.toBeNull();
    // The suite is that of the folder: both sides answer the same questions.
    expect(header.suite.digest).toBe(loadSuite(made.suite).digest);
    expect(cells.filter(({ control }) => control)).toHaveLength(4);
    for (const cell of cells) {
      if (cell.status !== 'measured') throw new Error(`${cell.id}: ${cell.status}`);
      for (const { layouts } of cell.attempts)
        for (const { baseNs, headNs } of layouts) expect(baseNs).toHaveLength(headNs.length);
    }
    const worktrees = execFileSync('git', ['worktree', 'list'], { cwd: repository, encoding: 'utf8' });
    expect(worktrees.trim().split('\n')).toHaveLength(1);
    // The file says the same again.
    expect(sparsemark(['compare', out, '--json']).status).toBe(2);
  });

  it('passes, or says that the machine is unfit, for the same revision', () => {
    const out = join(folder, 'same.jsonl');
    const { status, stdout } = compare('main', 'HEAD', '--filter', 'd0.30', '--json', '--out', out);
    const { counts, controls } = JSON.parse(stdout);
    expect([0, 3]).toContain(status);
    expect(counts).toMatchObject({ wrong: 0, missing: 0, new: 0 });
    expect(controls).toHaveLength(4);
  });

  it('leaves nothing half-written and no checkout behind on Ctrl-C', async () => {
    const out = join(folder, 'interrupted.jsonl');
    const args = ['compare', 'main', 'slow', made.suite, '--repository', repository, '--out', out];
    const build = ['--build', 'cc -O2 -fPIC -shared -I. library.c -o library.so', '--library', 'library.so'];
    const { child, ended } = startSparsemark([...args, ...build]);
    await new Promise<void>((measuring) => {
      child.stderr!.on('data', (chunk) => {
        if (String(chunk).includes('pass 1')) measuring();
      });
      child.on('close', () => measuring());
    });
    process.kill(-child.pid!, 'SIGINT');
    const { status, stdout, stderr } = await ended;
    expect({ status, stdout }).toEqual({ status: 130, stdout: '' });
    expect(stderr).toMatch(/interrupted; nothing was written/);
    expect(readdirSync(folder).filter((name) => name.startsWith('interrupted'))).toEqual([]);
    const worktrees = execFileSync('git', ['worktree', 'list'], { cwd: repository, encoding: 'utf8' });
    expect(worktrees.trim().split('\n')).toHaveLength(1);
  });

  it('shows the end of the output of a build that fails', () => {
    const { status, stderr } = compare('main', 'broken');
    expect(status).toBe(42);
    expect(stderr).toMatch(/this is no C|expected/);
    expect(stderr).toMatch(/Expected head \(broken\) to build, received exit code 1/);
    expect(existsSync(join(folder, 'results'))).toBe(false);
  });
});

describe('two libraries', () => {
  const libraries = buildLibraries(['example', 'drops-last-column', 'crashes', 'other-abi']);
  afterAll(() => rmSync(libraries, { recursive: true, force: true }));
  const library = (name: string): string => join(libraries, `${name}.so`);
  const run = (base: string, head: string, ...more: string[]) =>
    sparsemark([
      'compare',
      base,
      head,
      made.suite,
      '--budget',
      '15',
      '--out',
      join(folder, 'two.jsonl'),
      ...more,
    ]);

  it('fails for a wrong answer and for a crash of head, not of base', () => {
    const wrong = run(library('example'), library('drops-last-column'), '--json');
    expect([wrong.status, JSON.parse(wrong.stdout).counts.wrong]).toEqual([2, 1]);
    const crash = run(library('example'), library('crashes'), '--json');
    expect([crash.status, JSON.parse(crash.stdout).counts.missing]).toEqual([2, 1]);
    const base = run(library('crashes'), library('example'), '--json');
    expect([base.status, JSON.parse(base.stdout).counts.inconclusive]).toEqual([3, 1]);
  });

  it('measures cold weights and two threads too', () => {
    const out = join(folder, 'threads.jsonl');
    const own = bundledLibraries()[0]!;
    const { status } = sparsemark([
      ...['compare', own, own, 'quick', '--filter', 'spmv*cold/nm-1:4', '--threads', '1,2'],
      ...['--budget', '4', '--out', out],
    ]);
    expect([0, 3]).toContain(status);
    const { cells, header } = readComparison(out);
    expect(header.protocol.threads).toEqual([1, 2]);
    const measured = cells.filter(({ control, status: of }) => !control && of === 'measured');
    expect(new Set(measured.map(({ threads }) => threads))).toEqual(new Set([1, 2]));
    expect(measured.every(({ workload }) => workload.includes('-cold/'))).toBe(true);
  });

  it('says what is wrong with what it was given', () => {
    const of = (args: readonly string[]) => {
      const { status, stderr } = sparsemark(['compare', ...args], { cwd: folder });
      return `${status} ${stderr}`;
    };
    const example = library('example');
    expect(of([example, library('other-abi'), made.suite])).toMatch(/^42 .*head.*other-abi/s);
    expect(of([example, 'no-such-thing', made.suite])).toMatch(/^42 .*git revision.*"no-such-thing"/s);
    expect(of([example, example])).toMatch(/^42 .*<base> <head> <suite>/s);
    expect(of([example, example, made.suite, '--margin', '6'])).toMatch(/^42 .*--margin below --threshold/s);
    expect(of([example, example, made.suite, '--as', 'html'])).toMatch(/^42 .*for --as, received "html"/s);
    expect(of([example, example, made.suite, '--filter', 'nothing'])).toMatch(/^42 .*--filter/s);
    expect(readdirSync(folder).sort()).not.toContain('results');
  });
});
