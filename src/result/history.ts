/**
 * The history of a suite on one machine, `results/history/<suite>/<machine>.jsonl`: append-only JSON Lines, one line a
 * landed commit, each with the checksum of its other fields. A value is the time of a case over that of an anchor, a
 * kernel library that stays the same and was measured in turns with it in the same run: what the machine does falls
 * on both.
 */
import { closeSync, existsSync, fsyncSync, ftruncateSync, mkdirSync, openSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { median, medianInterval } from '../statistics.ts';
import {
  type HistoryPoint,
  type HistorySeries,
  type Measured,
  type Place,
  type Result,
  SparsemarkError,
} from '../terms.ts';
import { changePoints } from './change-points.ts';
import { asSparsemarkError, readBytes, syncFolder, writeAll } from './file.ts';
import { crc32 } from './journal.ts';
import { limits } from './schema.ts';

/** Version of a history's lines. A reader refuses a newer one. */
const historyVersion = 1;
/** A cell needs this many rounds with both sides. */
const leastRounds = 3;
/** A clock may be wrong by this much before a line is from the future. */
const clockSlackMs = 24 * 3600 * 1000;

const name = z.string().regex(/^[a-zA-Z0-9][\w.-]{0,62}$/);
const hash = z.string().regex(/^[0-9a-f]{64}$/);
const ratio = z.number().gt(0).lt(1e9);
const library = z.strictObject({ name: z.string().min(1).max(limits.nameLength), sha256: hash });
const entrySchema = z.strictObject({
  historyVersion: z.literal(historyVersion),
  commit: z.string().regex(/^[0-9a-f]{7,64}$/),
  startedAt: z.iso.datetime(),
  runId: z.string().min(1).max(limits.nameLength),
  suite: z.strictObject({ name, version: z.string().min(1).max(limits.nameLength), digest: hash }),
  /** Fingerprint of the machine. */
  machine: name,
  library,
  anchor: library,
  /** By the case's id without its library. */
  cells: z.record(
    z.string().min(1).max(limits.idLength),
    z.strictObject({ ratio, interval: z.tuple([ratio, ratio]).nullable(), rounds: z.int().min(leastRounds) }),
  ),
});

/** One line of a history. */
export type HistoryEntry = z.infer<typeof entrySchema>;

/** A history as read. */
export interface History {
  readonly entries: readonly HistoryEntry[];
  /** Bytes of a last line that was cut short by a crash or a full disk; 0 where there is none. */
  readonly tornBytes: number;
}

/** Which result becomes which line. */
export interface EntryOptions {
  /** Hash of the landed commit. */
  readonly commit: string;
  /** Name of the library that stays the same, as in `--kernels <name>=<path>`. */
  readonly anchor: string;
  /** Name of the library that is followed. */
  readonly library: string;
  readonly nowMs: number;
}

function bad(message: string, place: Place = {}): SparsemarkError {
  return new SparsemarkError('BAD_RESULT', message, place);
}

/** Path of the history of a suite on a machine. The names are part of a path: throws BAD_RESULT for unfit ones. */
export function historyPath(folder: string, suite: string, machine: string): string {
  for (const part of [suite, machine]) {
    if (!name.safeParse(part).success) {
      throw bad(
        `Expected letters, digits, dots, dashes for the suite and the machine of a history, received "${part}". Take the result from where it was written.`,
      );
    }
  }
  return join(folder, suite, `${machine}.jsonl`);
}

/**
 * The line of a finished run. Throws USAGE for a commit that is none or a library that the run did not measure, and
 * BAD_RESULT for a run that is not complete, is from the future or has too few samples.
 */
export function entryOf(
  result: Result,
  options: EntryOptions,
): { readonly entry: HistoryEntry; readonly leftOut: readonly string[] } {
  const { header } = result;
  const { commit, anchor, library: followed } = options;
  if (!entrySchema.shape.commit.safeParse(commit).success) {
    throw new SparsemarkError(
      'USAGE',
      `Expected a commit's hash, 7 to 64 hex digits, for --commit, received "${commit}". Give what git rev-parse HEAD says.`,
    );
  }
  const libraryOf = (wanted: string, option: string) => {
    const found = header.libraries.find((entry) => entry.name === wanted);
    if (found !== undefined) return { name: found.name, sha256: found.sha256 };
    throw new SparsemarkError(
      'USAGE',
      `Expected one of ${header.libraries.map((entry) => entry.name).join(', ')} for ${option}, received "${wanted}". Measure it in the same run: sparsemark run <suite> --kernels ${wanted}=<path>.`,
    );
  };
  const own = libraryOf(followed, '--library');
  const still = libraryOf(anchor, '--anchor');
  if (own.name === still.name) {
    throw new SparsemarkError(
      'USAGE',
      `Expected two libraries for --library and --anchor, received ${own.name} for both. Name the one that stays the same with --anchor.`,
    );
  }
  if (result.end?.complete !== true) {
    throw bad(
      `Expected a complete run for the history, received one that ended with: ${result.end?.stopReason ?? 'no end'}. Run again with a larger --budget.`,
    );
  }
  if (Date.parse(header.startedAt) > options.nowMs + clockSlackMs) {
    throw bad(
      `Expected a run of the past, received one begun at ${header.startedAt}. Set the clock of the machine.`,
    );
  }
  const measured = result.measurements.filter((cell): cell is Measured => cell.status === 'measured');
  const anchors = new Map(
    measured.filter((cell) => cell.library === anchor).map((cell) => [cellId(cell), cell]),
  );
  const cells: HistoryEntry['cells'] = {};
  const leftOut: string[] = [];
  for (const cell of result.measurements.filter((each) => each.library === followed)) {
    const id = cellId(cell);
    const other = anchors.get(id);
    if (cell.status !== 'measured' || other === undefined) leftOut.push(id);
    else cells[id] = ratioOf(cell, other);
  }
  if (Object.keys(cells).length === 0) {
    throw bad(
      `Expected a cell that ${followed} and ${anchor} have both measured, received none of ${leftOut.length}. Take an anchor with the same kernels.`,
    );
  }
  const { name: suite, version, digest } = header.suite;
  const entry: HistoryEntry = {
    historyVersion,
    commit,
    startedAt: header.startedAt,
    runId: header.runId,
    suite: { name: suite, version, digest },
    machine: header.machine.fingerprint,
    library: own,
    anchor: still,
    cells,
  };
  historyPath('.', suite, entry.machine);
  return { entry, leftOut };
}

const cellId = (of: Pick<Measured, 'workload' | 'kernel' | 'isa' | 'threads'>): string =>
  `${of.workload}/${of.kernel}-${of.isa}-t${of.threads}`;

/** Median over the rounds that both took part in of the ratio of their medians, with its sign-test interval. */
function ratioOf(cell: Measured, anchor: Measured): HistoryEntry['cells'][string] {
  const own = roundMedians(cell);
  const other = roundMedians(anchor);
  const logs = own.flatMap((ns, round) =>
    ns === null || (other[round] ?? null) === null ? [] : [Math.log(ns / other[round]!)],
  );
  if (logs.length < leastRounds) {
    throw bad(
      `Expected at least ${leastRounds} rounds with both ${cell.library} and ${anchor.library} for ${cellId(cell)}, received ${logs.length}. Give the run more time with --budget <seconds>.`,
    );
  }
  const { median: log, interval, coverage } = medianInterval(logs);
  // A ratio is known to a thousandth at best; lines of many cells stay short.
  const ratioAt = (value: number): number => Number(Math.exp(value).toPrecision(6));
  return {
    ratio: ratioAt(log),
    interval: coverage === 0 ? null : [ratioAt(interval[0]), ratioAt(interval[1])],
    rounds: logs.length,
  };
}

function roundMedians({ samplesNs, rounds }: Measured): (number | null)[] {
  let start = 0;
  return rounds.map((size) => {
    const samples = samplesNs.slice(start, start + size);
    start += size;
    return samples.length === 0 ? null : median(samples);
  });
}

/** A line as it stands in the file, its end included: JSON whose first field is the CRC-32 of the JSON without it. */
export function historyLine(entry: HistoryEntry): string {
  const json = JSON.stringify(entry);
  return `{"crc32":"${checksum(json)}",${json.slice(1)}\n`;
}

function checksum(json: string): string {
  return crc32(Buffer.from(json)).toString(16).padStart(8, '0');
}

/**
 * Reads a history. A last line without its end is torn: it is counted and left out. Everything else that is wrong is
 * an error with its line, never a shorter history. Throws MISSING_FILE, IO, BAD_RESULT.
 */
export function readHistory(path: string, nowMs: number): History {
  if (!existsSync(path)) {
    throw new SparsemarkError(
      'MISSING_FILE',
      'Expected a history, received no such file. Add a run: sparsemark track add <result.jsonl> --commit <hash> --anchor <name>.',
      { file: path },
    );
  }
  const text = readBytes(path, limits.fileBytes).toString('utf8');
  const end = text.lastIndexOf('\n') + 1;
  const entries: HistoryEntry[] = [];
  const lineOf = new CommitLines();
  const lines = text.slice(0, end).split('\n').slice(0, -1);
  for (const [index, line] of lines.entries()) {
    const place = { file: path, line: index + 1 };
    const entry = checkedEntry(line, place, nowMs);
    const first = entries[0];
    if (first !== undefined && (entry.suite.name !== first.suite.name || entry.machine !== first.machine)) {
      throw bad(
        `Expected the suite ${first.suite.name} on machine ${first.machine} in every line, received ${entry.suite.name} on ${entry.machine}. Give each its own file.`,
        place,
      );
    }
    const earlier = lineOf.find(entry.commit);
    if (earlier !== undefined) {
      throw bad(
        `Expected each commit once, received ${entry.commit} of line ${earlier} again. Take one of both lines out.`,
        place,
      );
    }
    lineOf.add(entry.commit, place.line);
    entries.push(entry);
  }
  return { entries, tornBytes: Buffer.byteLength(text.slice(end)) };
}

/** Lines by commit, whichever of two hashes is the shorter. */
class CommitLines {
  readonly #byPrefix = new Map<string, { commit: string; line: number }[]>();

  find(commit: string): number | undefined {
    const alike = this.#byPrefix.get(commit.slice(0, 7)) ?? [];
    return alike.find((entry) => isSameCommit(entry.commit, commit))?.line;
  }

  add(commit: string, line: number): void {
    const key = commit.slice(0, 7);
    this.#byPrefix.set(key, [...(this.#byPrefix.get(key) ?? []), { commit, line }]);
  }
}

/** Are both hashes of one commit: is one the beginning of the other? */
function isSameCommit(one: string, other: string): boolean {
  return one.startsWith(other) || other.startsWith(one);
}

function checkedEntry(line: string, place: Place, nowMs: number): HistoryEntry {
  const [, crc, rest] = /^\{"crc32":"([0-9a-f]{8})",(.*)$/.exec(line) ?? [];
  if (crc === undefined || checksum(`{${rest}`) !== crc) {
    throw bad(
      'Expected a line whose checksum holds, received a damaged or edited one. Take the file from version control again.',
      place,
    );
  }
  const value = JSON.parse(`{${rest}`) as { readonly historyVersion?: unknown };
  if (typeof value.historyVersion === 'number' && value.historyVersion > historyVersion) {
    throw bad(
      `Expected a history of version ${historyVersion}, received version ${value.historyVersion}. Update sparsemark (npm install sparsemark@latest) to read it.`,
      place,
    );
  }
  const parsed = entrySchema.safeParse(value);
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!;
    throw bad(
      `Expected a valid ${issue.path.join('.')} for a line of the history, received: ${issue.message}. Take the file from version control again.`,
      place,
    );
  }
  if (Date.parse(parsed.data.startedAt) > nowMs + clockSlackMs) {
    throw bad(
      `Expected lines of the past, received one of ${parsed.data.startedAt}. Set the clock of the machine, or take the line out.`,
      place,
    );
  }
  return parsed.data;
}

/**
 * Appends a line and syncs it; what a failure had written of it is cut again. A torn last line is first moved to
 * `<path>.torn`. Throws USAGE for a commit that is there already, and as `readHistory`; DISK_FULL, IO.
 */
export function appendHistory(path: string, entry: HistoryEntry, nowMs: number): History {
  const isNew = !existsSync(path);
  const history = isNew ? { entries: [], tornBytes: 0 } : readHistory(path, nowMs);
  if (history.entries.some(({ commit }) => isSameCommit(commit, entry.commit))) {
    throw new SparsemarkError(
      'USAGE',
      `Expected a commit that is not in the history, received ${entry.commit}, which is. A history is append-only: leave it out.`,
      { file: path },
    );
  }
  const line = Buffer.from(historyLine(entrySchema.parse(entry)));
  try {
    mkdirSync(dirname(path), { recursive: true });
    let length = 0;
    if (!isNew) {
      const bytes = readBytes(path, limits.fileBytes);
      length = bytes.length - history.tornBytes;
      if (history.tornBytes > 0) appendTo(`${path}.torn`, bytes.subarray(length), null);
    }
    appendTo(path, line, length);
    if (isNew) syncFolder(dirname(path));
  } catch (cause) {
    throw asSparsemarkError(cause, path, 'write');
  }
  return { entries: [...history.entries, entry], tornBytes: history.tornBytes };
}

/** Writes bytes at `length`, cutting what was behind it; null: at the end. */
function appendTo(path: string, bytes: Uint8Array, length: number | null): void {
  const descriptor = openSync(path, length === null || !existsSync(path) ? 'a' : 'r+');
  try {
    if (length === null) {
      writeAll(descriptor, Buffer.from(bytes));
    } else {
      ftruncateSync(descriptor, length);
      try {
        writeAll(descriptor, Buffer.from(bytes), length);
      } catch (cause) {
        ftruncateSync(descriptor, length);
        throw cause;
      }
    }
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** Every case of a history that `wanted` takes, with its change points; a new anchor begins a new series. */
export function seriesOf(
  history: Pick<History, 'entries'>,
  wanted: (id: string) => boolean = () => true,
): readonly HistorySeries[] {
  const series = new Map<string, { id: string; anchor: string; points: HistoryPoint[] }>();
  for (const { commit, startedAt, anchor, cells } of history.entries) {
    for (const [id, { ratio, interval }] of Object.entries(cells)) {
      if (!wanted(id)) continue;
      const key = `${anchor.sha256} ${id}`;
      let own = series.get(key);
      if (own === undefined) {
        own = { id, anchor: anchor.sha256, points: [] };
        series.set(key, own);
      }
      own.points.push({ commit, startedAt, ratio, interval });
    }
  }
  return [...series.values()].map((own) => ({
    ...own,
    changes: changePoints(own.points.map((point) => Math.log(point.ratio))),
  }));
}
