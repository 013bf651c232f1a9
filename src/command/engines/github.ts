/** GitHub Actions: a matrix with a job a shard, and a job that merges them. */
import { stringify } from 'yaml';
import { type Engine, mergeLine, type ShardJob, shardLines } from './engine.ts';

/** Jobs of a matrix: https://docs.github.com/en/actions/reference/limits */
const maxMatrixJobs = 256;

/** The workflow as an object. */
export function githubWorkflow(job: ShardJob): Record<string, unknown> {
  const node = [
    { uses: 'actions/checkout@v4', with: { 'persist-credentials': false } },
    { uses: 'actions/setup-node@v4', with: { 'node-version': 22 } },
  ];
  return {
    name: job.name,
    on: { workflow_dispatch: {} },
    permissions: { contents: 'read' },
    jobs: {
      shard: {
        'runs-on': 'ubuntu-24.04',
        'timeout-minutes': 360,
        strategy: {
          // One shard's wrong answer is no reason to lose the others.
          'fail-fast': false,
          matrix: { shard: Array.from({ length: job.count }, (_, i) => i + 1) },
        },
        steps: [
          ...node,
          {
            name: 'measure',
            // The number comes from the matrix above, but no expression belongs into a script.
            env: { SHARD: `\${{ matrix.shard }}` },
            run: ['out="shard-$SHARD.jsonl"', ...shardLines(job, '$SHARD', true)].join('\n'),
          },
          {
            if: 'always()',
            uses: 'actions/upload-artifact@v4',
            with: {
              name: `${job.name}-\${{ matrix.shard }}`,
              path: 'shard-*.jsonl',
              'if-no-files-found': 'error',
            },
          },
        ],
      },
      merge: {
        needs: 'shard',
        if: '!cancelled()',
        'runs-on': 'ubuntu-24.04',
        steps: [
          ...node,
          {
            uses: 'actions/download-artifact@v4',
            with: { pattern: `${job.name}-*`, 'merge-multiple': true },
          },
          { name: 'merge', run: mergeLine(job) },
          {
            if: 'always()',
            uses: 'actions/upload-artifact@v4',
            with: { name: `${job.name}-merged`, path: 'merged*.jsonl', 'if-no-files-found': 'error' },
          },
        ],
      },
    },
  };
}

/** Hosted runners differ: `merge` writes a result for each kind of machine. */
export const github: Engine = {
  name: 'github',
  description: 'an Actions workflow with a matrix of shards',
  maxShards: maxMatrixJobs,
  needsImage: false,
  write: (job) =>
    `# ${job.count} shards of the suite, and a job that merges them. Put it into .github/workflows/ and start it by hand.
${stringify(githubWorkflow(job), { lineWidth: 0, aliasDuplicateObjects: false })}`,
};
