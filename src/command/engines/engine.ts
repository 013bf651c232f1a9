/** What runs the shards of a suite: an engine that is there already, which gets a file to work from. */

/** What the file is written from. */
export interface ShardJob {
  /** Suite as given to `run`: a name, or a path that the machines of the engine see. */
  readonly suite: string;
  /** Small letters, digits and dashes: what jobs and files are called. */
  readonly name: string;
  readonly count: number;
  /** Further arguments of `run`. */
  readonly runArguments: readonly string[];
  /** The command on those machines, e.g. `sparsemark`. */
  readonly command: string;
  /** Container image; null where none was given. */
  readonly image: string | null;
}

/** An entry of `engines/index.ts`. */
export interface Engine {
  readonly name: string;
  readonly description: string;
  /** Most shards that the engine takes. */
  readonly maxShards: number;
  readonly needsImage: boolean;
  /** The file, as text. Its first lines say how to start it. */
  readonly write: (job: ShardJob) => string;
}

/** Exit codes after which a shard is not tried again: the same would come out. Only 1 is worth a retry. */
export const finalExitCodes = [2, 3, 42, 70] as const;

/** Tries of a shard that ends with exit code 1. */
export const tries = 3;

/** A word of a shell command, in quotes where it needs them. */
export function shellWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replace(/'/g, `'\\''`)}'`;
}

/**
 * Shell lines that run one shard: nothing where it has its result already, on from where it was killed, again after
 * exit code 1. `index` is a shell expression.
 */
export function shardLines(job: ShardJob, index: string, repeat: boolean): readonly string[] {
  const words = [job.suite, ...job.runArguments].map(shellWord).join(' ');
  const run = `${job.command} run ${words} --shard "${index}/${job.count}" --resume --out "$out"`;
  const skip = 'if [ -f "$out" ]; then exit 0; fi';
  if (!repeat) return [skip, run];
  return [
    skip,
    `for try in ${Array.from({ length: tries }, (_, i) => i + 1).join(' ')}; do`,
    `  code=0; ${run} || code=$?`,
    '  # Only exit code 1 (disk, killed worker host) is worth another try.',
    '  if [ "$code" -ne 1 ]; then break; fi',
    'done',
    'exit "$code"',
  ];
}

/** Shell line that merges the shards of a folder; what was merged before stays. */
export function mergeLine(job: ShardJob): string {
  return `ls merged*.jsonl >/dev/null 2>&1 || ${job.command} merge shard-*.jsonl --out merged.jsonl`;
}
