/** `sparsemark shards`: the file from which an engine runs the shards of a suite. */
import { exitCodes, SparsemarkError } from '../terms.ts';
import { nearestName } from '../workload/nearest-name.ts';
import { checkSuiteName } from '../workload/suite.ts';
import { engines } from './engines/index.ts';
import { type Output, writeText } from './output.ts';

export interface ShardsArguments {
  readonly engine: string;
  readonly count: number;
  readonly image?: string;
  readonly command?: string;
  readonly out?: string;
}

/** Options of `run` that the engine's file sets itself. */
const taken = ['--shard', '--out', '--resume'];

/** Writes the file, to standard output where no --out is given. Returns the exit code. Throws USAGE, MISSING_FILE. */
export function shardsCommand(
  suite: string,
  runArguments: readonly string[],
  args: ShardsArguments,
  output: Output,
): number {
  checkSuiteName(suite);
  const engine = engines.find(({ name }) => name === args.engine);
  const names = engines.map(({ name }) => name);
  if (engine === undefined) {
    throw new SparsemarkError(
      'USAGE',
      `Expected one of ${names.join(', ')} for --engine, received "${args.engine}". Did you mean "${nearestName(args.engine, names)}"?`,
    );
  }
  if (args.count > engine.maxShards) {
    throw new SparsemarkError(
      'USAGE',
      `Expected at most ${engine.maxShards} shards for ${engine.name}, received ${args.count}. Give fewer with --count.`,
    );
  }
  if (engine.needsImage && args.image === undefined) {
    throw new SparsemarkError(
      'USAGE',
      `Expected a container image for ${engine.name}, received none. Give one that has sparsemark with --image.`,
    );
  }
  const clash = runArguments.find((word) =>
    taken.some((name) => word === name || word.startsWith(`${name}=`)),
  );
  if (clash !== undefined) {
    throw new SparsemarkError(
      'USAGE',
      `Expected arguments of run that the engine does not set, received ${clash}. Leave it out.`,
    );
  }
  const label = suite
    .toLowerCase()
    .replace(/^.*\/(?=.)|\.ya?ml$/g, '')
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 40);
  const text = engine.write({
    suite,
    name: label === '' ? 'sparsemark' : `sparsemark-${label}`,
    count: args.count,
    runArguments,
    command: args.command ?? (engine.name === 'github' ? 'npx --yes sparsemark' : 'sparsemark'),
    image: args.image ?? null,
  });
  if (args.out === undefined) output.result(text);
  else {
    writeText(args.out, text);
    output.say(`wrote ${args.out}`);
  }
  return exitCodes.ok;
}
