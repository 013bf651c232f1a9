/** Kubernetes: an Indexed Job with an index a shard (batch/v1, per-index backoff as of 1.33), and a Job that merges. */
import { stringify } from 'yaml';
import { type Engine, finalExitCodes, mergeLine, type ShardJob, shardLines, tries } from './engine.ts';

const mount = '/results';

/** Both Jobs as objects. The claim of their volume has the name of the first. */
export function kubernetesJobs(job: ShardJob): readonly Record<string, unknown>[] {
  const labels = { 'app.kubernetes.io/name': 'sparsemark', 'app.kubernetes.io/instance': job.name };
  const podOf = (script: readonly string[]) => ({
    metadata: { labels },
    spec: {
      restartPolicy: 'Never',
      containers: [
        {
          name: 'sparsemark',
          image: job.image,
          command: ['/bin/sh', '-c', script.join('\n')],
          workingDir: mount,
          // Requests equal to limits: on nodes with the static CPU manager the pod has its CPUs for itself.
          resources: { requests: { cpu: '2', memory: '4Gi' }, limits: { cpu: '2', memory: '4Gi' } },
          volumeMounts: [{ name: 'results', mountPath: mount }],
        },
      ],
      volumes: [{ name: 'results', persistentVolumeClaim: { claimName: job.name } }],
    },
  });
  const shards = {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name: job.name, labels },
    spec: {
      completionMode: 'Indexed',
      completions: job.count,
      parallelism: job.count,
      backoffLimitPerIndex: tries - 1,
      podFailurePolicy: {
        rules: [
          {
            action: 'FailIndex',
            onExitCodes: { containerName: 'sparsemark', operator: 'In', values: [...finalExitCodes] },
          },
          // A drained node is nobody's failure: the shard goes on from its journal.
          { action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] },
        ],
      },
      template: podOf([
        'index=$((JOB_COMPLETION_INDEX + 1))',
        `out=shard-$index.jsonl`,
        ...shardLines(job, '$index', false),
      ]),
    },
  };
  const merge = {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name: `${job.name}-merge`, labels },
    spec: {
      suspend: true,
      backoffLimit: 0,
      template: podOf([mergeLine(job)]),
    },
  };
  return [shards, merge];
}

/** A shard that ended with anything but 1 is never tried again; a killed pod goes on from its journal. */
export const kubernetes: Engine = {
  name: 'kubernetes',
  description: 'an Indexed Job and its merge Job',
  maxShards: 100_000,
  needsImage: true,
  write: (
    job,
  ) => `# ${job.count} shards of the suite as an Indexed Job, and a Job that merges them. Needs Kubernetes 1.33 and a
# PersistentVolumeClaim "${job.name}" that all nodes can write to.
#   kubectl apply -f <this file>
# When all indexes have ended (kubectl get job ${job.name}), merge them:
#   kubectl patch job ${job.name}-merge --type=merge -p '{"spec":{"suspend":false}}'
${kubernetesJobs(job)
  .map((object) => stringify(object, { lineWidth: 0, aliasDuplicateObjects: false }))
  .join('---\n')}`,
};
