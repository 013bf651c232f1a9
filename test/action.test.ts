/** The action and the workflows: what they may do, and the action's scripts run for real. */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { readComparison, writeComparison } from '../src/result/comparison-file.ts';
import { cliPath, tinySuite } from './command.ts';
import { fakeComparison } from './fake-comparison.ts';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const folder = mkdtempSync(join(tmpdir(), 'sparsemark-action-'));
const made = tinySuite({ densities: [0.3] });
afterAll(() => {
  for (const path of [folder, made.folder]) rmSync(path, { recursive: true, force: true });
});

interface Step {
  readonly id?: string;
  readonly uses?: string;
  readonly run?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly with?: Readonly<Record<string, unknown>>;
}
interface Job {
  readonly steps: readonly Step[];
  readonly permissions?: Readonly<Record<string, string>>;
}
interface Workflow {
  readonly on: unknown;
  readonly permissions?: Readonly<Record<string, string>>;
  readonly jobs: Readonly<Record<string, Job>>;
}
interface Action {
  readonly inputs: Readonly<Record<string, { readonly default?: string; readonly required?: boolean }>>;
  readonly outputs: Readonly<Record<string, { readonly value: string }>>;
  readonly runs: { readonly steps: readonly Step[] };
}

const read = <T>(path: string): T => parse(readFileSync(join(root, path), 'utf8')) as T;
const action = read<Action>('action.yml');
const example = 'test/native/libraries/example_workflow.yml';
const workflows = [
  ...readdirSync(join(root, '.github', 'workflows')).map((name) => `.github/workflows/${name}`),
  example,
];

describe('workflows', () => {
  for (const path of workflows) {
    const workflow = read<Workflow>(path);
    const jobs = Object.values(workflow.jobs);
    it(`${path} has no more rights than it needs, and no text of others in a script`, () => {
      expect(JSON.stringify(workflow.on)).not.toMatch(/pull_request_target/);
      expect(workflow.permissions).toEqual({ contents: 'read' });
      for (const { steps, permissions } of jobs) {
        const writes = Object.values(permissions ?? {}).includes('write');
        for (const { run, uses, with: given } of steps) {
          expect(run ?? '').not.toContain('$' + '{{');
          expect(uses ?? 'actions/x@v4').toMatch(/^(actions\/[a-z-]+@v\d+|\.\/|OWNER\/sparsemark@v0)$/);
          // A job that may write runs the main branch, never the ref of a pull request.
          if (writes && uses?.startsWith('actions/checkout')) expect(given?.ref).toBeUndefined();
        }
        // What measures a pull request's code has no right to write.
        const scripts = steps.map(({ run }) => run ?? '').join('\n');
        if (writes) expect(scripts).not.toMatch(/cli\.js compare (?!"\$file" --as)|\brun quick|set-up/);
      }
    });

    it(`${path} gives the action what it takes`, () => {
      const uses = jobs
        .flatMap(({ steps }) => steps)
        .filter((step) => /sparsemark@|^\.\/$/.test(step.uses ?? ''));
      for (const { with: given = {} } of uses) {
        for (const name of Object.keys(given)) expect(Object.keys(action.inputs)).toContain(name);
        for (const [name, { required }] of Object.entries(action.inputs))
          if (required === true) expect(Object.keys(given)).toContain(name);
      }
    });
  }

  it('publish what the measuring one uploads', () => {
    const publish = read<Workflow>('.github/workflows/publish-comparison.yml');
    expect(publish.on).toEqual({
      workflow_run: {
        workflows: [read<{ name: string }>('.github/workflows/compare.yml').name],
        types: ['completed'],
      },
    });
    const download = publish.jobs.comment!.steps.find(({ uses }) =>
      uses?.startsWith('actions/download-artifact'),
    )!;
    expect(download.with!.name).toBe(action.inputs.artifact!.default);
  });
});

/** A repository with the example library; the branch `slow` does every product twice. */
function foreignRepository(): string {
  const repository = join(folder, 'foreign');
  mkdirSync(repository);
  const git = (...words: string[]): void => {
    execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@b.example', ...words], {
      cwd: repository,
      stdio: 'pipe',
    });
  };
  cpSync(join(root, 'native', 'sparsemark.h'), join(repository, 'sparsemark.h'));
  const text = readFileSync(join(root, 'test', 'native', 'libraries', 'example_library.c'), 'utf8');
  const loop = '  for (int32_t i = 0; i < a->rows; ++i) {';
  expect(text).toContain(loop);
  git('init', '-q', '-b', 'main');
  for (const [branch, source] of [
    ['main', text],
    ['slow', text.replace(loop, `  for (int32_t twice = 0; twice < 2; ++twice)\n${loop}`)],
  ] as const) {
    if (branch !== 'main') git('checkout', '-q', '-b', branch);
    writeFileSync(join(repository, 'library.c'), source);
    git('add', '.');
    git('commit', '-q', '-m', branch);
  }
  return repository;
}

/** Runs the action's scripts as GitHub does: inputs and outputs put into `env`, files for outputs and the summary. */
function runAction(inputs: Readonly<Record<string, string>>, cwd: string) {
  const run = mkdtempSync(join(folder, 'run-'));
  const files = { GITHUB_OUTPUT: join(run, 'output'), GITHUB_STEP_SUMMARY: join(run, 'summary') };
  for (const path of Object.values(files)) writeFileSync(path, '');
  const filled = (text: string): string =>
    text.replace(
      /\$\{\{ (inputs|steps\.compare\.outputs)\.([a-z-]+) \}\}/g,
      (_, of: string, name: string) => {
        if (of === 'inputs') return inputs[name] ?? action.inputs[name]!.default ?? '';
        return new RegExp(`^${name}=(.*)$`, 'm').exec(readFileSync(files.GITHUB_OUTPUT, 'utf8'))?.[1] ?? '';
      },
    );
  let log = '';
  let status: number | null = 0;
  for (const { run: script, env = {} } of action.runs.steps) {
    if (script === undefined) continue;
    const values = Object.fromEntries(Object.entries(env).map(([name, text]) => [name, filled(text)]));
    expect(Object.values(values).join()).not.toContain('{{');
    // GitHub's own way of calling bash.
    const args = ['--noprofile', '--norc', '-eo', 'pipefail', '-c', script];
    const ended = spawnSync('bash', args, {
      cwd,
      encoding: 'utf8',
      env: { ...process.env, ...files, ...values },
    });
    log += ended.stdout + ended.stderr;
    status = ended.status;
    if (status !== 0) break;
  }
  const outputs = Object.fromEntries(
    Object.entries(action.outputs).map(([name, { value }]) => [name, filled(value)]),
  );
  return { status, log, outputs, summary: readFileSync(files.GITHUB_STEP_SUMMARY, 'utf8') };
}

describe('the action', () => {
  it('puts no input into a script, and declares each that it uses', () => {
    for (const { run } of action.runs.steps) expect(run ?? '').not.toContain('$' + '{{');
    const used = [...readFileSync(join(root, 'action.yml'), 'utf8').matchAll(/inputs\.([a-z-]+)/g)].map(
      ([, name]) => name!,
    );
    expect(new Set(used)).toEqual(new Set(Object.keys(action.inputs)));
  });

  it('fails for a branch that is twice as slow: summary, annotation, comparison file', () => {
    const repository = foreignRepository();
    const workflow = read<Workflow>(example).jobs.compare!.steps.at(-1)!.with as Record<string, string>;
    const inputs = {
      ...workflow,
      filter: '',
      base: 'main',
      suite: made.suite,
      budget: '40',
      command: `node ${cliPath}`,
    };
    const slow = runAction({ ...inputs, head: 'slow' }, repository);
    expect({ status: slow.status, outputs: slow.outputs, log: slow.log }).toMatchObject({
      status: 2,
      outputs: { 'exit-code': '2', verdict: 'slower' },
      log: expect.stringMatching(/^::error title=sparsemark compare/m),
    });
    expect(slow.summary).toMatch(/❌ \*\*.*slower/);
    expect(existsSync(slow.outputs.report!)).toBe(true);
    expect(readComparison(slow.outputs.comparison!).header.head.label).toBe('slow');
    const broken = runAction({ ...inputs, head: 'no-such-branch' }, repository);
    expect(broken).toMatchObject({ status: 42, outputs: { verdict: 'failed' }, summary: '' });
  });

  it('lets no shell read what an input says, and fails as fail-on says', () => {
    const stub = join(folder, 'stub.sh');
    writeFileSync(stub, '#!/bin/sh\nprintf "%s\\n" "$@" > "$STUB_ARGS"\nexit "$STUB_CODE"\n', {
      mode: 0o755,
    });
    const evil = '"; touch evil; $(touch evil) `touch evil` #';
    const seen = join(folder, 'args');
    const withCode = (code: number, failOn: string) => {
      process.env.STUB_CODE = String(code);
      process.env.STUB_ARGS = seen;
      const given = { base: evil, head: evil, filter: evil, build: evil, library: evil, relinked: evil };
      return runAction({ ...given, command: stub, 'fail-on': failOn }, folder).status;
    };
    expect([0, 2, 3, 42].map((code) => withCode(code, 'slower'))).toEqual([0, 2, 0, 42]);
    expect([0, 2, 3, 70].map((code) => withCode(code, 'unfit'))).toEqual([0, 2, 3, 70]);
    expect([0, 2, 3, 1].map((code) => withCode(code, 'nothing'))).toEqual([0, 0, 0, 1]);
    expect(withCode(0, 'never')).toBe(42);
    expect(existsSync(join(folder, 'evil'))).toBe(false);
    const args = readFileSync(seen, 'utf8').split('\n');
    expect(args.filter((word) => word === evil)).toHaveLength(6);
    expect(args).toContain('--relinked');
  });
});

describe('the publishing job', () => {
  const { steps } = read<Workflow>('.github/workflows/publish-comparison.yml').jobs.comment!;
  const script = steps.find(({ run }) => run?.includes('comment.md'))!.run!;
  const publish = (prepare: (path: string) => void) => {
    const cwd = mkdtempSync(join(folder, 'publish-'));
    mkdirSync(join(cwd, 'artifact'));
    symlinkSync(dirname(cliPath), join(cwd, 'dist'));
    prepare(join(cwd, 'artifact', 'comparison.jsonl'));
    const args = ['--noprofile', '--norc', '-eo', 'pipefail', '-c', script];
    const { status, stdout, stderr } = spawnSync('bash', args, { cwd, encoding: 'utf8' });
    const comment = join(cwd, 'comment.md');
    return { status, log: stdout + stderr, comment: existsSync(comment) ? readFileSync(comment) : null };
  };

  it('makes a comment that GitHub takes of as many and as long names as there may be', () => {
    const kernel = '✅ @octocat |'.repeat(20);
    const slow = fakeComparison(
      Array.from({ length: 120 }, () => ({ ratio: 2, attempts: 2 })),
      { kernel },
    );
    const { status, comment } = publish((path) => writeComparison(path, slow));
    expect(status).toBe(0);
    const text = new TextDecoder('utf-8', { fatal: true }).decode(comment!);
    expect(text.length).toBeLessThanOrEqual(65_536);
    expect(text.startsWith('<!-- sparsemark compare -->\n')).toBe(true);
    expect(text.match(/✅ &#64;&#8203;octocat \\\|/g)!.length).toBeGreaterThan(1000);
    expect(text).not.toContain('@');
  });

  it('takes no link and no damaged file, and says nothing that begins a line of its own', () => {
    expect(publish((path) => symlinkSync('/etc/passwd', path))).toMatchObject({ status: 42, comment: null });
    const lines = fakeComparison([{ ratio: 1 }]);
    const forged = publish((path) => {
      writeComparison(path, lines);
      const id = JSON.stringify('x\n::add-mask::a\u001b[31m');
      writeFileSync(path, readFileSync(path, 'utf8').replace(/"id":"[^"]*"/, `"id":${id}`));
    });
    expect(forged).toMatchObject({ status: 42, comment: null });
    expect(forged.log).toMatch(/^sparsemark: artifact\/comparison\.jsonl:2: .*x\?::add-mask::a\?\[31m.*\n$/);
    const empty = publish((path) => writeFileSync(path, ''));
    expect(empty.log).toMatch(/received an empty file/);
  });
});
