/** Shards of one run put together again: one result for each kind of machine that they were measured on. */
import { isDeepStrictEqual } from 'node:util';
import type {
  BaselineHealth,
  Ceilings,
  Measurement,
  Result,
  RunHeader,
  Shard,
  WorkloadRecord,
} from '../terms.ts';
import { SparsemarkError } from '../terms.ts';

/** A shard's result and the file that it came from. */
export interface ShardFile {
  readonly path: string;
  readonly result: Result;
}

/** Shards put together. */
export interface Merged {
  /** One result for each fingerprint of a machine, in the order of their first shards. */
  readonly results: readonly Result[];
  /** Places in the whole list that no shard has. */
  readonly missing: readonly number[];
}

function bad(path: string, message: string): SparsemarkError {
  return new SparsemarkError('BAD_RESULT', message, { file: path });
}

/**
 * Merges shards, given in any order. On machines of one fingerprint they have to be the same run: suite, build,
 * libraries and protocol agree, and no workload comes twice. Shards of several fingerprints become a result each.
 * Throws BAD_RESULT, USAGE for no shards at all. What is missing is returned, not thrown: it can still be measured.
 */
export function mergeShards(files: readonly ShardFile[]): Merged {
  const [first] = files;
  if (first === undefined) {
    throw new SparsemarkError(
      'USAGE',
      'Expected at least one shard to merge, received none. Give its result file.',
    );
  }
  for (const file of files) checkAgainst(first, file);
  const machines = new Map<string, ShardFile[]>();
  for (const file of [...files].sort((a, b) => shardOf(a).index - shardOf(b).index)) {
    const { fingerprint } = file.result.header.machine;
    machines.set(fingerprint, [...(machines.get(fingerprint) ?? []), file]);
  }
  const found = new Set(files.flatMap(({ result }) => result.workloads.map(({ place }) => place!)));
  const { total } = shardOf(first);
  const missing = Array.from({ length: total }, (_, place) => place).filter((place) => !found.has(place));
  return { results: [...machines.values()].map(mergeMachine), missing };
}

function shardOf({ path, result }: ShardFile): Shard {
  const { shard } = result.header.protocol;
  if (shard !== undefined) return shard;
  throw bad(
    path,
    'Expected a shard (run --shard i/n) to merge, received a whole run. Show it: sparsemark report.',
  );
}

/** What all shards have to share, whatever machine they are from. */
function checkAgainst(first: ShardFile, file: ShardFile): void {
  const one = first.result.header;
  const other = file.result.header;
  const shard = shardOf(file);
  const whole = shardOf(first);
  const refuse = (what: string, expected: string, received: string): never => {
    throw bad(
      file.path,
      `Expected the ${what} of ${first.path}, ${expected}, received ${received}. Merge shards of one run only.`,
    );
  };
  if (one.suite.digest !== other.suite.digest || one.suite.name !== other.suite.name) {
    const named = ({ suite }: RunHeader): string => `${suite.name} ${suite.digest.slice(0, 12)}`;
    refuse('suite', named(one), named(other));
  }
  if (whole.count !== shard.count || whole.total !== shard.total) {
    const named = ({ count, total }: Shard): string => `${count} shards of ${total} workloads`;
    refuse('split', named(whole), named(shard));
  }
  if (!isDeepStrictEqual(settingsOf(one), settingsOf(other))) {
    refuse('settings', JSON.stringify(settingsOf(one)), JSON.stringify(settingsOf(other)));
  }
  const placeless = file.result.workloads.find(({ place }) => place === undefined || place >= shard.total);
  if (placeless !== undefined) {
    throw bad(
      file.path,
      `Expected the place of each workload below ${shard.total}, received ${placeless.place ?? 'none'} for ${placeless.id}. Measure the shard again.`,
    );
  }
}

/** What was asked for, which CPU it ran on and which part it was left out. */
function settingsOf({ suite, protocol }: RunHeader) {
  const { workloadCount: _, ...question } = suite;
  const { shard: __, pinnedCpus: ___, ...settings } = protocol;
  return { suite: question, protocol: settings };
}

/** Merges the shards of one fingerprint, at least one, by their index. */
function mergeMachine(files: readonly ShardFile[]): Result {
  const [first] = files as readonly [ShardFile, ...ShardFile[]];
  const placed = new Map<number, { record: WorkloadRecord; path: string; cells: Measurement[] }>();
  for (const { path, result } of files) {
    checkBuild(first, path, result.header);
    const cells = new Map<string, Measurement[]>();
    for (const cell of result.measurements)
      cells.set(cell.workload, [...(cells.get(cell.workload) ?? []), cell]);
    for (const record of result.workloads) {
      const { place, ...rest } = record;
      const twin = placed.get(place!);
      if (twin !== undefined) {
        throw bad(
          path,
          `Expected each workload in one shard, received ${record.id} of ${twin.path} again. Give each shard once, all with the same --shard-costs.`,
        );
      }
      placed.set(place!, { record: rest, path, cells: cells.get(record.id) ?? [] });
    }
  }
  const list = [...placed.entries()].sort(([a], [b]) => a - b).map(([, own]) => own);
  const ids = new Set(list.map(({ record }) => record.id));
  if (ids.size < list.length) {
    throw bad(
      first.path,
      'Expected each workload at one place, received one at two. Merge shards of one run only.',
    );
  }
  const { header } = first.result;
  const { shard, ...protocol } = header.protocol;
  const headers = files.map(({ result }) => result.header);
  const ends = files.map(({ result }) => result.end);
  const complete = list.length === shard!.total && ends.every((end) => end?.complete === true);
  const cut = ends.find((end) => end?.complete !== true);
  return {
    header: {
      ...header,
      startedAt: headers.map(({ startedAt }) => startedAt).sort()[0]!,
      command: header.command.replace(/ --shard[ =]\S+/, ''),
      suite: { ...header.suite, workloadCount: shard!.total },
      machine: { ...header.machine, ceilings: highest(headers.map(({ machine }) => machine.ceilings)) },
      health: weakest(headers.map(({ health }) => health)),
      protocol,
    },
    workloads: list.map(({ record }) => record),
    measurements: list.flatMap(({ cells }) => cells),
    end: ends.every((end) => end === null)
      ? null
      : {
          endedAt: ends
            .flatMap((end) => (end === null ? [] : [end.endedAt]))
            .sort()
            .at(-1)!,
          complete,
          stopReason: complete
            ? 'finished'
            : (cut?.stopReason ?? `${list.length} of ${shard!.total} workloads were merged`),
          elapsedSeconds: ends.reduce((sum, end) => sum + (end?.elapsedSeconds ?? 0), 0),
        },
  };
}

/** Times of one machine may stand in one column only if they come from the same binaries. */
function checkBuild(first: ShardFile, path: string, header: RunHeader): void {
  const one = first.result.header;
  const libraries = ({ libraries: list }: RunHeader): string =>
    list.map(({ name, sha256 }) => `${name} ${sha256.slice(0, 12)}`).join(', ');
  for (const [what, own, other] of [
    ['addon', one.build.sha256.slice(0, 12), header.build.sha256.slice(0, 12)],
    ['kernel libraries', libraries(one), libraries(header)],
  ] as const) {
    if (own === other) continue;
    throw bad(
      path,
      `Expected the ${what} of ${first.path}, ${own}, received ${other}. Run all shards with the same build.`,
    );
  }
}

/** The highest ceilings of several measurements: what disturbs one makes it lower. */
function highest(lists: readonly (readonly Ceilings[])[]): readonly Ceilings[] {
  const [first = [], ...others] = lists;
  return first.map((ceilings) => {
    const same = others.flatMap((list) => list.filter(({ threads }) => threads === ceilings.threads));
    const most = { ...ceilings } as Record<keyof Ceilings, number | null>;
    for (const other of same) {
      for (const key of Object.keys(most) as (keyof Ceilings)[]) {
        const value = other[key];
        if (value !== null && (most[key] === null || value > most[key])) most[key] = value;
      }
    }
    return most as unknown as Ceilings;
  });
}

/** Of each dense kernel its worst health: no speed-up is taken against a baseline that was unfit on one machine. */
function weakest(lists: readonly (readonly BaselineHealth[])[]): readonly BaselineHealth[] {
  const [first = [], ...others] = lists;
  return first.map((entry) =>
    others
      .flatMap((list) =>
        list.filter(
          ({ library, kernel, isa }) =>
            library === entry.library && kernel === entry.kernel && isa === entry.isa,
        ),
      )
      .reduce((worst, other) => (other.ofBest < worst.ofBest ? other : worst), entry),
  );
}

/** Seconds that a run spent on each workload, from its samples: what a shard plan reckons with. */
export function secondsOf(result: Result): ReadonlyMap<string, number> {
  const seconds = new Map<string, number>();
  for (const cell of result.measurements) {
    if (cell.status !== 'measured') continue;
    const timed = cell.samplesNs.reduce((sum, ns) => sum + ns, 0) * cell.evaluationsPerSample;
    const spent = (timed + cell.encodeNs + cell.prepareNs) / 1e9;
    seconds.set(cell.workload, (seconds.get(cell.workload) ?? 0) + spent);
  }
  return seconds;
}
