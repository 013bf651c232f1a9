/** The command: help, typos, listings, reports, and the exit code of each thing that can go wrong. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listables } from '../src/command/listables.ts';
import { type OutputStream, outputOn, shortened } from '../src/command/output.ts';
import { progressOf } from '../src/command/progress.ts';
import { reports } from '../src/report/index.ts';
import { readResult, writeResult } from '../src/result/result.ts';
import { schemaVersion } from '../src/result/schema.ts';
import { cliPath, sparsemark, tinySuite } from './command.ts';
import { fakeResult } from './fakes.ts';
import { buildLibraries } from './libraries.ts';

const { folder, suite } = tinySuite({ densities: [0.3], formats: ['csr'] });
const result = join(folder, 'fake.jsonl');
let libraries = '';
beforeAll(() => {
  writeResult(result, fakeResult());
  libraries = buildLibraries(['drops-last-column']);
});
afterAll(() => {
  for (const path of [folder, libraries]) rmSync(path, { recursive: true, force: true });
});

/** Runs, and expects bad input: exit code 42, nothing on standard output, one line that says what to do. */
function refused(args: readonly string[]): string {
  const { status, stdout, stderr } = sparsemark(args, { cwd: folder });
  expect({ args, status, stdout }).toEqual({ args, status: 42, stdout: '' });
  expect(stderr).not.toMatch(/internal error|\n\s+at /);
  return stderr;
}

describe('help', () => {
  const commands = ['run', 'list', 'data', 'report', 'merge', 'shards', 'track', 'doctor', 'build'];

  it('names every command, gives examples and the exit codes', () => {
    const { status, stdout } = sparsemark(['--help']);
    expect(status).toBe(0);
    for (const name of commands) expect(stdout).toMatch(new RegExp(`^ {2}${name}\\b`, 'm'));
    expect(stdout).toContain('Examples:');
    for (const code of [0, 1, 2, 3, 42, 70, 130]) expect(stdout).toMatch(new RegExp(`\\b${code} `));
  });

  it.each([...commands, 'data add', 'data list', 'track add', 'track show', 'track changes'])(
    'of %s',
    (name) => {
      const { status, stdout, stderr } = sparsemark([...name.split(' '), '--help']);
      expect(status).toBe(0);
      expect(stdout).toContain(`Usage: sparsemark ${name}`);
      expect(stderr).toBe('');
    },
  );

  it('prints the version of the package', () => {
    const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
    expect(sparsemark(['--version'])).toEqual({ status: 0, stdout: `${version}\n`, stderr: '' });
  });
});

describe('bad input: exit code 42, with the nearest name', () => {
  it.each<[string, string[], RegExp]>([
    ['a command', ['rnu', 'quick'], /unknown command 'rnu'.*[\s\S]*Did you mean run\?/],
    [
      'an option',
      ['run', 'quick', '--fromat', 'csr'],
      /unknown option '--fromat'[\s\S]*Did you mean --format\?/,
    ],
    ['no suite', ['run'], /missing required argument 'suite'/],
    ['a suite', ['run', 'quik'], /received "quik"\. Did you mean "quick"\?/],
    ['a suite file', ['run', './nosuch.yaml'], /nosuch\.yaml/],
    ['a listing', ['list', 'pattern'], /Did you mean "patterns"\?/],
    ['a format to plan for', ['list', 'plans', 'pakced'], /for list plans, .*Did you mean "packed"\?/],
    [
      'a format that refuses the mask',
      ['list', 'plans', 'triangular'],
      /for list plans, received "triangular": a nonzero above/,
    ],
    ['rows of no matrix', ['list', 'plans', '--rows', '0'], /rows of at least 1, received "0"/],
    ['an option of plans elsewhere', ['list', 'kernels', '--rows', '4'], /--rows only for list plans/],
    ['a report', ['report', result, '--as', 'markdwon'], /Did you mean "markdown"\?/],
    ['a collection', ['data', 'add', 'dlcm', '.'], /"dlmc"/],
    ['a format', ['run', suite, '--format', 'crs'], /Expected one of .*csr.* for --format, received "crs"/],
    ['an instruction set', ['run', suite, '--isa', 'sclar'], /Did you mean "scalar"\?/],
    ['a library', ['run', suite, '--library', 'opnblas'], /Did you mean "openblas"\?/],
    ['a density above 1', ['run', suite, '--density', '1.5'], /densities in 0\.\.1.*"1\.5"/],
    ['a negative density', ['run', suite, '--density=-0.1'], /densities in 0\.\.1/],
    ['NaN for a density', ['run', suite, '--density', 'NaN'], /densities in 0\.\.1/],
    ['an empty density', ['run', suite, '--density', '0.1,'], /densities in 0\.\.1/],
    ['a density that the suite lacks', ['run', suite, '--density', '0.77'], /leave a workload/],
    ['a filter that leaves nothing', ['run', suite, '--filter', 'nosuch'], /leave a workload/],
    ['no threads', ['run', suite, '--threads', '0'], /thread counts in 1\.\.1024/],
    ['half a thread', ['run', suite, '--threads', '1.5'], /thread counts in 1\.\.1024/],
    ['a million threads', ['run', suite, '--threads', '1000000'], /thread counts/],
    ['a negative CPU', ['run', suite, '--cpus=-1'], /CPU numbers/],
    ['a CPU that is not there', ['run', suite, '--cpus', '1000'], /CPU/],
    ['a budget of nothing', ['run', suite, '--budget', '0'], /seconds above 0/],
    ['a budget in words', ['run', suite, '--budget', 'long'], /seconds above 0/],
    ['two budgets', ['run', suite, '--budget', '1,2'], /seconds above 0/],
    ['no time limit', ['run', suite, '--timeout', 'Infinity'], /seconds above 0/],
    ['a cache state', ['run', suite, '--cache', 'warm'], /hot, cold or both/],
    ['--n with a suite', ['run', suite, '--n', '16'], /--n only with a folder/],
    ['a kernel library that is not there', ['run', suite, '--kernels', './libnone.so'], /libnone\.so/],
    ['a file that is no kernel library', ['run', suite, '--kernels', suite], /Expected a kernel library/],
    ['a result that is not there', ['report', 'none.jsonl'], /none\.jsonl/],
    ['a folder as a result', ['report', '.'], /Expected .*\[/],
    ['a report of several files without a folder', ['report', 'none.jsonl', '--as', 'svg'], /none\.jsonl/],
    ['an archive that is not there', ['data', 'add', 'dlmc', 'none.tar.gz'], /none\.tar\.gz/],
  ])('%s', (_, args, message) => {
    expect(refused(args)).toMatch(message);
  });

  it('a suite with a mistake: file, line, column and the nearest key', () => {
    const path = join(folder, 'mistake.yaml');
    writeFileSync(path, readFileSync(suite, 'utf8').replace('workloads:', 'worklods:'));
    expect(refused(['run', path])).toMatch(/mistake\.yaml:\d+:\d+: .*worklods.*workloads.*\[BAD_SUITE\]/);
  });

  it('a suite with a format that nobody has', () => {
    const path = join(folder, 'format.yaml');
    writeFileSync(path, readFileSync(suite, 'utf8').replace('[csr]', '[csr, bitmsk]'));
    expect(refused(['run', path])).toMatch(/Did you mean "bitmask"\?.*\[BAD_SUITE\]/);
  });

  it('a result file of a newer schema', () => {
    const path = join(folder, 'newer.jsonl');
    const newer = `"schemaVersion":${schemaVersion + 1}`;
    writeFileSync(path, readFileSync(result, 'utf8').replace(/"schemaVersion":\d+/, newer));
    expect(refused(['report', path])).toMatch(
      /newer\.jsonl:1.*received version.*Update sparsemark.*\[BAD_RESULT\]/,
    );
  });

  it('a result file that is rubbish, or cut', () => {
    const path = join(folder, 'rubbish.jsonl');
    writeFileSync(path, Buffer.from([0, 159, 146, 150, 255]));
    expect(refused(['report', path])).toMatch(/rubbish\.jsonl.*\[BAD_RESULT\]/);
    writeFileSync(path, readFileSync(result, 'utf8').slice(0, 3000));
    expect(refused(['report', path])).toMatch(/rubbish\.jsonl.*\[BAD_RESULT\]/);
  });

  it.skipIf(!existsSync('/dev/full'))('a full disk', () => {
    for (const name of ['csv', 'html']) {
      expect(refused(['report', result, '--as', name, '--out', '/dev/full'])).toMatch(
        /\/dev\/full.*\[DISK_FULL\]/,
      );
    }
    expect(refused(['report', '/dev/full'])).toMatch(/received a device.*\[BAD_RESULT\]/);
  });

  it('an option or a suite that a comparison of result files would ignore', () => {
    expect(refused(['compare', result, result, '--filter', 'csr'])).toMatch(
      /^sparsemark: Expected no --filter with two result files, received csr\. Leave it out: nothing is measured\. \[USAGE\]\n$/,
    );
    expect(refused(['compare', result, result, '--build', 'make'])).toMatch(/no --build with two result/);
    expect(refused(['compare', result, result, 'quick'])).toMatch(/two result files alone.*\[USAGE\]/);
    expect(refused(['compare', result, 'lib.so', 'quick'])).toMatch(/two result files alone.*\[USAGE\]/);
  });

  it('a wrong call, with the help of its own command', () => {
    expect(refused(['track', 'add', result])).toMatch(/--commit.*\n\(see sparsemark track add --help\)/);
    expect(refused(['runn'])).toMatch(/Did you mean run\?\)\n\(see sparsemark --help\)/);
  });

  // A disk of its own that the journal fills: only root can have one.
  const disk = join(folder, 'disk');
  mkdirSync(disk);
  const mounted =
    process.platform === 'linux' &&
    spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=4k', 'tmpfs', disk], { stdio: 'ignore' }).status === 0;
  afterAll(() => {
    if (mounted) spawnSync('umount', [disk]);
  });
  it.skipIf(!mounted)('a disk that is full when a run begins', () => {
    spawnSync('dd', ['if=/dev/zero', `of=${join(disk, 'filler')}`, 'bs=4k', 'count=1'], { stdio: 'ignore' });
    const out = join(disk, 'result.jsonl');
    const { status, stderr } = sparsemark(['run', suite, '--library', 'native', '--out', out]);
    expect({ status, stderr }).toEqual({ status: 42, stderr: expect.stringContaining('[DISK_FULL]') });
  });

  it('a file where a folder is needed', () => {
    expect(refused(['run', suite, '--out', join(suite, 'x.jsonl')])).toMatch(/\[USAGE\]/);
    expect(refused(['report', result, '--as', 'csv', '--out', join(suite, 'x.csv')])).toMatch(/\[USAGE\]/);
  });
});

describe('list', () => {
  const listings = [...listables, 'quick'];

  it.each(listings)('%s, as text and as JSON', (name) => {
    const text = sparsemark(['list', name]);
    expect({ status: text.status, stderr: text.stderr }).toEqual({ status: 0, stderr: '' });
    expect(text.stdout.trim().split('\n').length).toBeGreaterThan(1);
    const json = sparsemark(['list', name, '--json']);
    expect({ status: json.status, stderr: json.stderr }).toEqual({ status: 0, stderr: '' });
    expect(JSON.parse(json.stdout)).toBeTruthy();
  });

  it('without a name says what can be listed', () => {
    const { status, stdout } = sparsemark(['list']);
    expect(status).toBe(0);
    for (const name of listings) expect(stdout).toContain(name);
    expect(JSON.parse(sparsemark(['list', '--json']).stdout).listables).toEqual(listings.slice(0, -1));
  });

  it('kernels names every instruction set of this machine', () => {
    const kernels = JSON.parse(sparsemark(['list', 'kernels', '--json']).stdout) as {
      library: string;
      isa: string;
    }[];
    const { isa } = JSON.parse(sparsemark(['list', 'machine', '--json']).stdout) as { isa: string[] };
    const own = new Set(kernels.filter(({ library }) => library === 'native').map((kernel) => kernel.isa));
    // `auto`: what makes a matrix, the same on every instruction set.
    expect([...own].sort()).toEqual(['auto', ...isa].sort());
  });

  it('data list, as text and as JSON, of an empty cache too', () => {
    const env = { SPARSEMARK_DATA: join(folder, 'no-data') };
    expect(sparsemark(['data', 'list'], { env })).toMatchObject({ status: 0, stdout: /No data/ });
    const { status, stdout } = sparsemark(['data', 'list', '--json'], { env });
    expect(status).toBe(0);
    expect(JSON.parse(stdout).collections).toEqual([]);
  });
});

describe('report', () => {
  it.each(reports.map(({ name }) => name))('as %s, to standard output or a folder', (name) => {
    const out = join(folder, `report-${name}`);
    const { status, stdout, stderr } = sparsemark(['report', result, '--as', name, '--out', out]);
    expect({ status, stdout }).toEqual({ status: 0, stdout: '' });
    expect(stderr).toContain('wrote ');
    if (name === 'svg') {
      expect(readdirSync(out).filter((file) => file.endsWith('.svg')).length).toBeGreaterThan(0);
      return;
    }
    const shown = sparsemark(['report', result, '--as', name]);
    expect(shown.status).toBe(0);
    expect(shown.stdout.length).toBeGreaterThan(200);
    if (name !== 'terminal') expect(readFileSync(out, 'utf8')).toBe(shown.stdout);
  });

  it('is the terminal table by default, JSON with --json, two files side by side', () => {
    expect(sparsemark(['report', result]).stdout).toBe(
      sparsemark(['report', result, '--as', 'terminal']).stdout,
    );
    expect(() => JSON.parse(sparsemark(['report', result, '--json']).stdout)).not.toThrow();
    expect(sparsemark(['report', result, result]).status).toBe(0);
  });

  it('has no colour in a pipe, and no line wider than 80 columns', () => {
    for (const env of [{}, { NO_COLOR: '1' }, { FORCE_COLOR: '1' }]) {
      const { stdout } = sparsemark(['report', result], { env });
      expect(stdout).toBe(stripVTControlCharacters(stdout));
      for (const line of stdout.split('\n')) expect(line.length, line).toBeLessThanOrEqual(80);
    }
  });

  it.each(['report', 'list', 'json'])('does not mind a reader that closes the pipe (%s)', (what) => {
    const args = { report: ['report', result], list: ['list', 'quick'], json: ['report', result, '--json'] }[
      what
    ]!;
    const quoted = [process.execPath, cliPath, ...args].map((word) => `'${word}'`).join(' ');
    const shell = `set -o pipefail; ${quoted} | head -1`;
    const lines = execFileSync('bash', ['-c', shell], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    expect(lines.trim().split('\n')).toHaveLength(1);
  });
});

describe('progress in a terminal', () => {
  const stream = (columns: number | undefined) => {
    const written: string[] = [];
    const write = (text: unknown): boolean => written.push(String(text)) > 0;
    return { written, of: { write, isTTY: true, columns } as OutputStream };
  };
  const what = 'ceilings of this machine and health of the dense baselines';
  const workload = {
    kind: 'workload',
    workload: 'spmm-f32-512x2048x128-hot/uniform-d0.10-s1',
    index: 4,
    total: 120,
    elapsedSeconds: 65,
    remainingSeconds: 3700,
  } as const;

  it.each([1, 10, 30, 50, 80, 200])('fits into %i columns, however wide standard output is', (columns) => {
    const stderr = stream(columns);
    const listen = progressOf(outputOn(stream(500).of, stderr.of, false));
    listen({ kind: 'preparing', what });
    listen(workload);
    const lines = stderr.written.map((text) => stripVTControlCharacters(text).replace('\r', ''));
    expect(lines).toHaveLength(2);
    for (const line of lines) expect(line.length).toBeLessThan(columns);
    if (columns < 200) return;
    expect(lines[0]).toBe(`preparing: ${what}`);
    expect(lines[1]).toBe(`[  5/120] ${workload.workload}  1:05 elapsed, about 1:01:40 to go`);
  });

  it('takes 80 columns where the terminal does not tell, and follows its size', () => {
    expect(outputOn(stream(undefined).of, stream(undefined).of, false).lineWidth).toBe(79);
    expect(outputOn(stream(undefined).of, stream(0).of, false).lineWidth).toBe(79);
    const stderr = { ...stream(100).of, columns: 100 };
    const output = outputOn(stream(500).of, stderr, false);
    stderr.columns = 60;
    expect(output.lineWidth).toBe(59);
  });

  it('says what was cut', () => {
    expect([12, 11, 8, 4, 3, 0, -5].map((room) => shortened('hello world', room))).toEqual([
      ...['hello world', 'hello world', 'hello...', 'h...', 'hel', '', ''],
    ]);
  });
});

describe('run', () => {
  it('writes a result, a page and a table; a wrong answer makes the exit code 2', () => {
    const out = join(folder, 'deep', 'er', 'result.jsonl');
    const { status, stdout, stderr } = sparsemark([
      ...['run', suite, '--library', 'native', '--out', out, '--html', '--cache', 'hot'],
      ...['--kernels', join(libraries, 'drops-last-column.so'), '--budget', '60'],
    ]);
    expect(status).toBe(2);
    expect(stderr).toMatch(/WRONG .*drops_last_column-csr-auto-t1: before timing: expected/);
    expect(stderr).toContain(`result: ${out}`);
    expect(stderr.match(/^This result cannot be published\. Expected .+$/gm)).toHaveLength(1);
    expect(readResult(out).header.protocol.filter).toBe('cache hot');
    expect(stdout).toContain('spmm 32 x 48 x 8');
    expect(readFileSync(out.replace(/jsonl$/, 'html'), 'utf8')).toMatch(/^<!doctype html>/i);
    expect(existsSync(`${out}.journal`)).toBe(false);
    // The same file again, from the command for it.
    expect(sparsemark(['report', out]).status).toBe(0);
    // A result is never overwritten by another run.
    const before = readFileSync(out, 'utf8');
    const again = sparsemark(['run', suite, '--library', 'native', '--out', out, '--isa', 'nosuch']);
    expect(again.status).toBe(42);
    expect(readFileSync(out, 'utf8')).toBe(before);
  });

  it('a folder without a matrix is refused, and so is a matrix that is none', () => {
    const empty = join(folder, 'empty');
    mkdirSync(empty);
    expect(refused(['run', empty])).toMatch(/empty/);
    writeFileSync(join(empty, 'x.mtx'), 'no matrix');
    expect(refused(['run', empty, '--library', 'native', '--out', join(folder, 'x.jsonl')])).toMatch(
      /x\.mtx:1/,
    );
  });
});
