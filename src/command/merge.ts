/** `sparsemark merge`: the shards of a run put together, and their report. */
import { existsSync } from 'node:fs';
import { mergeShards } from '../result/merge.ts';
import { readRun, writeResult } from '../result/result.ts';
import { exitCodes, SparsemarkError } from '../terms.ts';
import type { Output } from './output.ts';
import { exitCodeOf } from './run.ts';
import { showReport } from './show.ts';

export interface MergeArguments {
  readonly out: string;
  readonly json?: boolean;
}

/**
 * Merges, writes a result file for each fingerprint of a machine (`<out>` where there is one, else
 * `<out>-<fingerprint>.jsonl`), prints the report. Returns the exit code: 2 where workloads are missing, then nothing is
 * written.
 */
export function mergeCommand(paths: readonly string[], args: MergeArguments, output: Output): number {
  const { results, missing } = mergeShards(paths.map((path) => ({ path, result: readRun(path) })));
  if (missing.length > 0) {
    const { count, total } = readRun(paths[0]!).header.protocol.shard!;
    const shards = new Set(paths.map((path) => readRun(path).header.protocol.shard!.index));
    const absent = Array.from({ length: count }, (_, i) => i + 1).filter((index) => !shards.has(index));
    const why =
      absent.length > 0
        ? `shards ${absent.slice(0, 20).join(', ')}${absent.length > 20 ? ', ...' : ''} of ${count} are missing`
        : 'a shard was cut short';
    output.say(
      `Expected all ${total} workloads in the shards, received ${total - missing.length}: ${why}. Run what is missing, then merge again. Nothing was written.`,
    );
    return exitCodes.finding;
  }
  const targets = results.map(({ header }) =>
    results.length === 1
      ? args.out
      : `${args.out.replace(/\.jsonl$/, '')}-${header.machine.fingerprint.replace(/[^\w-]/g, '_')}.jsonl`,
  );
  for (const target of targets) {
    if (existsSync(target)) {
      throw new SparsemarkError(
        'USAGE',
        'Expected a new file for the result, received one that is there. Results are never overwritten: give another --out.',
        { file: target },
      );
    }
  }
  for (const [index, result] of results.entries()) {
    writeResult(targets[index]!, result);
    output.say(`result: ${targets[index]}`);
  }
  const options = args.json === true ? {} : { width: output.width, color: output.color };
  output.result(showReport(args.json === true ? 'json' : 'terminal', results, options));
  return Math.max(...results.map(exitCodeOf));
}
