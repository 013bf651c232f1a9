/** Slurm: an array job with a task a shard, and a job that merges them. */
import { type Engine, mergeLine, shardLines } from './engine.ts';

/** A task that Slurm requeues, after its node failed, goes on from its journal. */
export const slurm: Engine = {
  name: 'slurm',
  description: 'a script that submits a Slurm array job and its merge job',
  // Slurm's own default of MaxArraySize, 1001, allows task 1000.
  maxShards: 1000,
  needsImage: false,
  write: (job) => `#!/bin/bash
# Submits ${job.count} shards of the suite as an array job, and a job that merges them: bash <this file> [folder]
# The folder has to be one that all nodes see; results, journals and logs go there. Submit again to run what is missing.
set -euo pipefail
folder=\${1:-$PWD/${job.name}}
mkdir -p "$folder"
cd "$folder"

# --exclusive: whatever else runs on the node is noise. --requeue: a task whose node fails starts again, elsewhere.
array=$(sbatch --parsable --job-name=${job.name} --array=1-${job.count} --ntasks=1 --exclusive --requeue \\
  --open-mode=append --output="$folder/shard-%a.log" <<'TASK'
#!/bin/bash
out="shard-$SLURM_ARRAY_TASK_ID.jsonl"
${shardLines(job, '$SLURM_ARRAY_TASK_ID', true).join('\n')}
TASK
)

# afterany: a shard that found a wrong answer ends with 2 and is merged all the same; merge itself refuses what is missing.
merge=$(sbatch --parsable --job-name=${job.name}-merge --dependency=afterany:"\${array%%;*}" --ntasks=1 \\
  --output="$folder/merge.log" <<'MERGE'
#!/bin/bash
${mergeLine(job)}
MERGE
)
echo "array job \${array%%;*}, merge job \${merge%%;*}: $folder/merged.jsonl"
`,
};
