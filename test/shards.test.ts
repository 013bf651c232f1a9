/** What the engines get: checked as their own schemas have it, and run with a stand-in for sparsemark. */
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import Ajv from 'ajv/dist/2020.js';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { shellWord, tries } from '../src/command/engines/engine.ts';
import { engines } from '../src/command/engines/index.ts';
import { shardsCommand } from '../src/command/shards.ts';
import { exitCodes } from '../src/terms.ts';
import { sparsemark } from './command.ts';

const root = mkdtempSync(join(tmpdir(), 'sparsemark-engines-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(root, 'run-'));
});

const image = 'registry.example/sparsemark:1';
const silent = { redraw: () => {}, isTerminal: false, lineWidth: 79, width: 80, color: false };

/** The file for an engine, with further arguments of `run`. */
function written(engine: string, count: number, run: readonly string[] = [], command?: string): string {
  const printed: string[] = [];
  const output = { ...silent, result: (text: string) => printed.push(text), say: () => {} };
  const args = { engine, count, image, ...(command === undefined ? {} : { command }) };
  expect(shardsCommand('quick', run, args, output)).toBe(0);
  return printed.join('');
}

/**
 * A command `sparsemark` that notes its arguments and ends with the next of some codes, the last one again and again;
 * with 0 and 2 it writes its --out. Runs a script with it.
 */
function runScript(script: string, codes: readonly number[], env: NodeJS.ProcessEnv) {
  const stand = join(folder, 'sparsemark');
  writeFileSync(
    stand,
    `#!/bin/bash
printf '%s\\n' "$*" >> calls
codes=(${codes.join(' ')})
calls=$(wc -l < calls)
code=\${codes[$((calls - 1))]:-${codes.at(-1)}}
if [ "$1" = run ] && { [ "$code" = 0 ] || [ "$code" = 2 ]; }; then echo done > "\${@: -1}"; fi
exit "$code"
`,
  );
  chmodSync(stand, 0o755);
  const { status } = spawnSync('bash', ['-e', '-c', script], {
    cwd: folder,
    env: { ...process.env, ...env, PATH: `${folder}${delimiter}${process.env.PATH}` },
  });
  const calls = existsSync(join(folder, 'calls'))
    ? readFileSync(join(folder, 'calls'), 'utf8').trimEnd().split('\n')
    : [];
  return { status, calls };
}

const string = { type: 'string' };
const strings = { type: 'object', additionalProperties: string };
const quantity = { type: 'object', additionalProperties: { type: 'string', pattern: '^\\d+(?:m|[KMG]i)?$' } };
const exact = (required: readonly string[], properties: Record<string, unknown>, optional = {}) => ({
  type: 'object',
  required,
  additionalProperties: false,
  properties: { ...properties, ...optional },
});
/**
 * The part of `io.k8s.api.batch.v1.Job` that a manifest of ours may use, after the API reference of Kubernetes 1.33;
 * with the rules that only its documentation states: exit codes ascend and have no 0, FailIndex needs
 * backoffLimitPerIndex and Indexed, a failure policy needs restartPolicy Never.
 */
const jobSchema = exact(['apiVersion', 'kind', 'metadata', 'spec'], {
  apiVersion: { const: 'batch/v1' },
  kind: { const: 'Job' },
  metadata: exact(['name'], {
    name: { type: 'string', pattern: '^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$' },
    labels: strings,
  }),
  spec: exact(
    ['template'],
    {
      template: exact(['spec'], {
        metadata: exact([], { labels: strings }),
        spec: exact(['containers', 'restartPolicy'], {
          restartPolicy: { const: 'Never' },
          containers: {
            type: 'array',
            minItems: 1,
            items: exact(['name', 'image'], {
              name: string,
              image: string,
              command: { type: 'array', items: string },
              workingDir: string,
              resources: exact([], { requests: quantity, limits: quantity }),
              volumeMounts: {
                type: 'array',
                items: exact(['name', 'mountPath'], { name: string, mountPath: string }),
              },
            }),
          },
          volumes: {
            type: 'array',
            items: exact(['name'], {
              name: string,
              persistentVolumeClaim: exact(['claimName'], { claimName: string }),
            }),
          },
        }),
      }),
    },
    {
      completionMode: { enum: ['Indexed', 'NonIndexed'] },
      completions: { type: 'integer', minimum: 1, maximum: 100_000 },
      parallelism: { type: 'integer', minimum: 1, maximum: 100_000 },
      backoffLimit: { type: 'integer', minimum: 0 },
      backoffLimitPerIndex: { type: 'integer', minimum: 0 },
      suspend: { type: 'boolean' },
      podFailurePolicy: exact(['rules'], {
        rules: {
          type: 'array',
          minItems: 1,
          maxItems: 20,
          items: {
            type: 'object',
            required: ['action'],
            additionalProperties: false,
            properties: {
              action: { enum: ['Count', 'FailIndex', 'FailJob', 'Ignore'] },
              onExitCodes: exact(['operator', 'values'], {
                containerName: string,
                operator: { enum: ['In', 'NotIn'] },
                values: {
                  type: 'array',
                  minItems: 1,
                  maxItems: 255,
                  uniqueItems: true,
                  items: { type: 'integer', minimum: 1 },
                },
              }),
              onPodConditions: {
                type: 'array',
                items: exact(['type', 'status'], {
                  type: string,
                  status: { enum: ['True', 'False', 'Unknown'] },
                }),
              },
            },
            oneOf: [{ required: ['onExitCodes'] }, { required: ['onPodConditions'] }],
          },
        },
      }),
    },
  ),
});

describe('kubernetes', () => {
  const documents = (count: number) =>
    parseAllDocuments(written('kubernetes', count)).map((document) => document.toJS());

  it('is an Indexed Job and a merge Job by the schema of the API', () => {
    const validate = new Ajv.Ajv2020({ strict: false }).compile(jobSchema);
    for (const count of [1, 7, 1000]) {
      const jobs = documents(count);
      expect(jobs).toHaveLength(2);
      for (const job of jobs) expect(validate(job), JSON.stringify(validate.errors)).toBe(true);
      expect(jobs[0].spec).toMatchObject({
        completionMode: 'Indexed',
        completions: count,
        backoffLimitPerIndex: tries - 1,
      });
      expect(jobs[1].spec.suspend).toBe(true);
    }
    // The schema does refuse.
    const [job] = documents(2);
    const { template: _, ...spec } = job.spec;
    expect(validate({ ...job, spec })).toBe(false);
    expect(validate({ ...job, spec: { ...job.spec, completionMode: 'Index' } })).toBe(false);
  });

  it('fails an index for good on every exit code that is not worth a retry, and on no other', () => {
    const [job] = documents(2);
    const [failIndex, ignore] = job.spec.podFailurePolicy.rules;
    const { ok, retryable, interrupted, ...final } = exitCodes;
    expect([ok, retryable, interrupted]).toEqual([0, 1, 130]);
    expect(failIndex.action).toBe('FailIndex');
    expect(failIndex.onExitCodes.values).toEqual(Object.values(final).sort((a, b) => a - b));
    expect(failIndex.onExitCodes.containerName).toBe(job.spec.template.spec.containers[0].name);
    expect(ignore).toMatchObject({ action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget' }] });
  });

  it('counts shards from 1, hands the exit code on, and does nothing twice', () => {
    const [job, merge] = documents(7);
    const [, , script] = job.spec.template.spec.containers[0].command;
    const env = { JOB_COMPLETION_INDEX: '6' };
    expect(runScript(script, [1, 2], env)).toEqual({
      status: 1,
      calls: ['run quick --shard 7/7 --resume --out shard-7.jsonl'],
    });
    expect(runScript(script, [1, 2], env).status).toBe(2);
    expect(runScript(script, [1, 2], env)).toMatchObject({ status: 0, calls: { length: 2 } });
    const [, , merging] = merge.spec.template.spec.containers[0].command;
    expect(runScript(merging, [0], {}).calls.at(-1)).toBe('merge shard-7.jsonl --out merged.jsonl');
  });

  it('needs an image', () => {
    const { status, stderr } = sparsemark(['shards', 'quick', '--engine', 'kubernetes', '--count', '2']);
    expect(status).toBe(42);
    expect(stderr).toMatch(/--image/);
  });
});

describe('github', () => {
  it('is a workflow with a job a shard and one that merges', () => {
    const workflow = parse(written('github', 256, ['--filter', "spmm*'x"]));
    const { shard, merge } = workflow.jobs;
    expect(shard.strategy['fail-fast']).toBe(false);
    expect(shard.strategy.matrix.shard).toEqual(Array.from({ length: 256 }, (_, i) => i + 1));
    expect(merge.needs).toBe('shard');
    expect(workflow.permissions).toEqual({ contents: 'read' });
    const scripts = [...shard.steps, ...merge.steps].flatMap(({ run }) => run ?? []);
    expect(scripts).toHaveLength(2);
    for (const script of scripts) {
      // An expression in a script is a way in for whoever names things.
      expect(script).not.toContain('${{');
      expect(spawnSync('bash', ['-n', '-c', script]).status).toBe(0);
    }
    for (const { uses } of [...shard.steps, ...merge.steps].filter((step) => step.uses !== undefined)) {
      expect(uses).toMatch(/^actions\/[a-z-]+@v\d+$/);
    }
  });

  it('has at most 256 jobs', () => {
    const { status, stderr } = sparsemark(['shards', 'quick', '--engine', 'github', '--count', '257']);
    expect(status).toBe(42);
    expect(stderr).toMatch(/at most 256 shards/);
  });

  it('tries again after 1 alone, three times at most', () => {
    const workflow = parse(written('github', 4, [], 'sparsemark'));
    const script = workflow.jobs.shard.steps.find(({ run }: { run?: string }) => run !== undefined).run;
    const cases: [readonly number[], number, number][] = [
      [[0], 0, 1],
      [[1, 0], 0, 2],
      [[1, 1, 2], 2, 3],
      [[1, 1, 1, 0], 1, 3],
      [[2, 0], 2, 1],
      [[42, 0], 42, 1],
      [[70, 0], 70, 1],
    ];
    for (const [codes, status, calls] of cases) {
      folder = mkdtempSync(join(root, 'try-'));
      const ended = runScript(script, codes, { SHARD: '3' });
      expect({ codes, status: ended.status, calls: ended.calls.length }).toEqual({ codes, status, calls });
      expect(new Set(ended.calls)).toEqual(new Set(['run quick --shard 3/4 --resume --out shard-3.jsonl']));
    }
  });
});

describe('slurm', () => {
  it('is a script of two jobs, the second after the first', () => {
    const script = written('slurm', 12, ['--library', 'native']);
    expect(spawnSync('bash', ['-n', '-c', script]).status).toBe(0);
    // A stand-in for sbatch that keeps what it is given.
    const sbatch = join(folder, 'sbatch');
    writeFileSync(
      sbatch,
      `#!/bin/bash
printf '%s\\n' "$*" >> "${folder}/submitted"
jobs=$(wc -l < "${folder}/submitted")
cat > "${folder}/job-$jobs"
echo "4$jobs;cluster"
`,
    );
    chmodSync(sbatch, 0o755);
    const { status, stdout } = spawnSync('bash', ['-c', script, 'submit', join(folder, 'out')], {
      encoding: 'utf8',
      env: { ...process.env, PATH: `${folder}${delimiter}${process.env.PATH}` },
    });
    expect({ status, stdout }).toEqual({
      status: 0,
      stdout: `array job 41, merge job 42: ${join(folder, 'out')}/merged.jsonl\n`,
    });
    const [array, merge] = readFileSync(join(folder, 'submitted'), 'utf8').trimEnd().split('\n');
    expect(array).toMatch(/--array=1-12 .*--requeue/);
    expect(merge).toMatch(/--dependency=afterany:41 /);
    const task = readFileSync(join(folder, 'job-1'), 'utf8');
    expect(runScript(task, [1, 0], { SLURM_ARRAY_TASK_ID: '12' })).toEqual({
      status: 0,
      calls: new Array(2).fill('run quick --library native --shard 12/12 --resume --out shard-12.jsonl'),
    });
    const merging = readFileSync(join(folder, 'job-2'), 'utf8');
    expect(runScript(merging, [0], {}).calls.at(-1)).toBe('merge shard-12.jsonl --out merged.jsonl');
  });
});

describe('every engine', () => {
  it.each(engines.map(({ name }) => name))('%s: quotes what a shell would take apart', (name) => {
    const text = written(name, 2, ['--filter', "a b;$(touch x)'", '--format', 'csr,ell']);
    expect(text).toContain(`'a b;$(touch x)'\\'''`);
    expect(text).toContain('--format csr,ell');
  });

  it.each(engines.map(({ name }) => name))('%s: refuses what it sets itself', (name) => {
    for (const option of [['--shard', '1/2'], ['--out=x'], ['--resume']]) {
      expect(() => written(name, 2, option)).toThrow(/Leave it out/);
    }
  });

  it('is named, and typos are answered', () => {
    expect(sparsemark(['shards', 'quick', '--engine', 'slrum', '--count', '2']).stderr).toMatch(
      /Did you mean "slurm"/,
    );
    expect(sparsemark(['shards', 'quick', '--engine', 'slurm', '--count', '0']).status).toBe(42);
    expect(sparsemark(['shards', 'quik', '--engine', 'slurm', '--count', '2']).stderr).toMatch(
      /Did you mean "quick"/,
    );
    const out = join(folder, 'submit.sh');
    expect(
      sparsemark(['shards', './a/My Suite.yaml', '--engine', 'slurm', '--count', '2', '--out', out]),
    ).toMatchObject({
      status: 0,
      stderr: `wrote ${out}\n`,
    });
    expect(readFileSync(out, 'utf8')).toContain('--job-name=sparsemark-my-suite ');
    expect(readFileSync(out, 'utf8')).toContain("run './a/My Suite.yaml' --shard");
    expect(shellWord("it's")).toBe(`'it'\\''s'`);
  });
});
