/** What others read, held against their own parsers: GitHub's of workflows and actions, the schema of Kubernetes. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { convertWorkflowTemplate, NoOperationTraceWriter, parseWorkflow } from '@actions/workflow-parser';
import { parseAction } from '@actions/workflow-parser/actions/index';
import { Job } from 'kubernetes-models/batch/v1';
import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { shardsCommand } from '../src/command/shards.ts';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const trace = new NoOperationTraceWriter();

/** What GitHub says of a workflow: its schema and expressions first, then what jobs need of each other. */
async function faultsOfWorkflow(name: string, content: string): Promise<readonly string[]> {
  const { context, value } = parseWorkflow({ name, content }, trace);
  if (value === undefined) return context.errors.getErrors().map(({ message }) => message);
  const template = await convertWorkflowTemplate(context, value);
  return (template.errors ?? []).map(({ Message }) => Message);
}

function faultsOfAction(content: string): readonly string[] {
  const { context } = parseAction({ name: 'action.yml', content }, trace);
  return context.errors.getErrors().map(({ message }) => message);
}

/** The file of `sparsemark shards` for an engine. */
function shardsFor(engine: string, count: number, run: readonly string[] = []): string {
  const printed: string[] = [];
  const silent = { redraw: () => {}, isTerminal: false, lineWidth: 79, width: 80, color: false };
  const output = { ...silent, result: (text: string) => printed.push(text), say: () => {} };
  expect(shardsCommand('quick', run, { engine, count, image: 'registry.example/sparsemark:1' }, output)).toBe(
    0,
  );
  return printed.join('');
}

describe('workflows, by the parser of GitHub', () => {
  const paths = [
    ...readdirSync(join(root, '.github', 'workflows')).map((name) => `.github/workflows/${name}`),
    'test/native/libraries/example_workflow.yml',
  ];
  it.each(paths)('%s has no fault', async (path) => {
    expect(await faultsOfWorkflow(path, read(path))).toEqual([]);
  });

  it.each([1, 256])('the matrix of %i shards has none', async (count) => {
    expect(await faultsOfWorkflow('shards.yml', shardsFor('github', count, ['--filter', "spmm*'x"]))).toEqual(
      [],
    );
  });

  it('the parser finds a key, an expression and a job that there are not', async () => {
    const workflow = (job: string) =>
      `on: push\njobs:\n  a:\n    runs-on: ubuntu-24.04\n${job}    steps: [{ run: x }]\n`;
    expect(await faultsOfWorkflow('x.yml', workflow(''))).toEqual([]);
    for (const fault of [
      '    need: b\n',
      '    needs: b\n',
      `    if: \${{ nothing.x }}\n`,
      '    timeout-minutes: [1]\n',
    ])
      expect(await faultsOfWorkflow('x.yml', workflow(fault)), fault).not.toEqual([]);
  });
});

describe('the action, by the parser of GitHub', () => {
  it('has no fault', () => {
    expect(faultsOfAction(read('action.yml'))).toEqual([]);
  });

  it('the parser finds a step without a shell and an unknown key', () => {
    const action = (step: string) =>
      `name: x\ndescription: x\nruns:\n  using: composite\n  steps: [${step}]\n`;
    expect(faultsOfAction(action('{ run: x, shell: bash }'))).toEqual([]);
    for (const step of ['{ run: x }', '{ run: x, shell: bash, use: y }'])
      expect(faultsOfAction(action(step)), step).not.toEqual([]);
  });
});

describe('the Jobs of Kubernetes, by the schema of its API', () => {
  const jobs = (count: number) =>
    parseAllDocuments(shardsFor('kubernetes', count)).map((document) => document.toJS());

  it.each([1, 7, 1000])('%i shards and their merge are Jobs of batch/v1', (count) => {
    const [shards, merge] = jobs(count);
    for (const job of [shards, merge]) expect(() => new Job(job).validate()).not.toThrow();
    expect(shards.spec.completions).toBe(count);
  });

  it('the schema refuses a wrong type, a rule without an action and a Job without pods', () => {
    const [job] = jobs(2);
    const { template, ...spec } = job.spec;
    for (const wrong of [
      { ...spec, template, completions: 'two' },
      { ...spec, template, podFailurePolicy: { rules: [{ onExitCodes: { operator: 'In', values: [1] } }] } },
      spec,
    ])
      expect(() => new Job({ ...job, spec: wrong as typeof job.spec }).validate()).toThrow();
  });
});
