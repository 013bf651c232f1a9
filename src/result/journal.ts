/**
 * The journal of a running benchmark: append-only, so that a crash, a kill or a full disk costs one workload.
 *
 * A line is `<bytes of the JSON, 8 hex digits> <CRC-32 of the JSON, 8 hex digits> <JSON>\n`. On resume everything
 * from the first damaged line on is cut, and so are the lines of a workload that was not finished. `finish` writes
 * the plain result file beside, renames it into place and removes the journal.
 */
import {
  closeSync,
  existsSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  rmSync,
  statSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { Result, RunHeader } from '../terms.ts';
import { SparsemarkError } from '../terms.ts';
import { asSparsemarkError, readBytes, removeParts, syncFolder, writeAll, writeWhole } from './file.ts';
import { assemble, checkLine, lineText } from './result.ts';
import { limits, type ResultLine, type RunEnd } from './schema.ts';

/** What an unfinished run left behind. */
export interface Earlier {
  /** Its header and the lines of its finished workloads; `end` is null. */
  readonly result: Result;
  /** Ids of its finished workloads. */
  readonly finished: ReadonlySet<string>;
  /** Bytes cut from its end: a torn line and the lines of an unfinished workload. */
  readonly cutBytes: number;
}

/** An open journal. Every method throws DISK_FULL or IO where the disk fails; what was appended before stays. */
export interface Journal {
  /** Path of the journal: that of the result and `.journal`. */
  readonly path: string;
  /** The run that is gone on with, or null for a new one. */
  readonly earlier: Earlier | null;
  /**
   * Appends one line. The first one is the header; a new run has to append it, a resumed one has it already.
   * A line `finished` is also synced, with everything before it. Throws BAD_RESULT for a line that is not valid.
   */
  append(line: ResultLine): void;
  /** Appends the end, writes the result file in its place, removes the journal. Returns the path of the result. */
  finish(end: RunEnd): string;
  /** Closes after a failure. Without a finished workload the journal is removed: it would only be in the way. */
  abandon(): void;
  /** Syncs and closes; the journal stays for `--resume`. Closing twice is harmless. */
  close(): void;
}

const prefixBytes = 18;
const newline = 0x0a;

/**
 * Opens the journal of the result file `path`. With `resume` an earlier journal is gone on with where there is one;
 * without, an existing journal is refused (USAGE), and so is a finished result, so that nothing is overwritten. Folders
 * are made as needed.
 */
export function openJournal(path: string, options: { readonly resume?: boolean } = {}): Journal {
  const journalPath = `${path}.journal`;
  const exists = existsSync(journalPath);
  if (exists && options.resume !== true) {
    throw new SparsemarkError(
      'USAGE',
      'Expected no unfinished run for this result file, received its journal. Go on with --resume, or delete it.',
      { file: journalPath },
    );
  }
  // A file of its own kind only: a device or a pipe is for writeWhole to refuse or to fill.
  if (!exists && existsSync(path) && statSync(path).isFile()) {
    throw new SparsemarkError(
      'USAGE',
      'Expected a new file for the result, received one that is there. Results are never overwritten: give another --out.',
      { file: path },
    );
  }
  let descriptor: number;
  let content: JournalContent = { lines: [], validBytes: 0, totalBytes: 0 };
  try {
    if (exists) {
      content = readJournal(journalPath);
      removeParts(path);
    }
    mkdirSync(dirname(path), { recursive: true });
    descriptor = openSync(journalPath, exists ? 'r+' : 'wx');
  } catch (cause) {
    throw asSparsemarkError(cause, journalPath, 'write');
  }
  const kept = finishedPart(content.lines);
  let length = kept.bytes;
  const earlier =
    kept.lines.length === 0 ? null : earlierOf(kept.lines, content.totalBytes - length, journalPath);
  let lines = kept.lines.length;
  let finished = earlier?.finished.size ?? 0;
  let open = true;

  const guarded = <Value>(action: () => Value): Value => {
    if (!open)
      throw new SparsemarkError(
        'INTERNAL',
        `Expected an open journal for ${journalPath}, received a closed one.`,
      );
    try {
      return action();
    } catch (cause) {
      throw asSparsemarkError(cause, journalPath, 'write');
    }
  };
  const append = (line: ResultLine): void => {
    checkLine(line);
    if ((line.kind === 'run') !== (lines === 0)) {
      throw new SparsemarkError(
        'INTERNAL',
        `Expected the header as the first line of ${journalPath} and nowhere else, received a line "${line.kind}" at ${lines + 1}.`,
      );
    }
    const bytes = journalLine(line);
    guarded(() => {
      try {
        writeAll(descriptor, bytes, length);
      } catch (cause) {
        // Half a line would be cut on resume anyway; cutting it now frees its bytes on a full disk.
        ftruncateSync(descriptor, length);
        throw cause;
      }
      length += bytes.length;
      lines++;
      if (line.kind === 'finished') finished++;
      if (line.kind === 'finished' || line.kind === 'run') fsyncSync(descriptor);
    });
  };
  const close = (): void => {
    if (!open) return;
    guarded(() => fsyncSync(descriptor));
    open = false;
    closeSync(descriptor);
    // A run that was refused before its first line leaves nothing to go on with.
    if (length === 0) rmSync(journalPath, { force: true });
  };

  guarded(() => {
    ftruncateSync(descriptor, length);
    if (!exists) syncFolder(dirname(journalPath));
  });
  return {
    path: journalPath,
    earlier,
    append,
    finish(end) {
      append({ kind: 'end', ...end });
      close();
      writeWhole(path, resultPieces(journalPath));
      rmSync(journalPath, { force: true });
      return path;
    },
    abandon() {
      close();
      if (finished === 0) rmSync(journalPath, { force: true });
    },
    close,
  };
}

function* resultPieces(journalPath: string): Generator<string> {
  for (const { line } of readJournal(journalPath).lines) yield `${lineText(line)}\n`;
}

/** One line as it stands in a journal, its end included. */
export function journalLine(line: ResultLine): Buffer {
  const json = Buffer.from(lineText(line));
  if (json.length > limits.lineBytes) {
    throw new SparsemarkError(
      'BAD_RESULT',
      `Expected a line of at most ${limits.lineBytes} bytes for the journal, received ${json.length}. Take fewer samples.`,
    );
  }
  const prefix = `${hex(json.length)} ${hex(crc32(json))} `;
  return Buffer.concat([Buffer.from(prefix), json, Buffer.from([newline])]);
}

/** The undamaged lines at the start of a journal. */
export interface JournalContent {
  /** Each line with the offset just behind it. */
  readonly lines: readonly { readonly line: ResultLine; readonly endByte: number }[];
  readonly validBytes: number;
  readonly totalBytes: number;
}

/** Reads a journal up to the first damaged line. Throws MISSING_FILE, IO, BAD_RESULT (a newer schema). */
export function readJournal(journalPath: string): JournalContent {
  const bytes = readBytes(journalPath, limits.fileBytes);
  const lines: { line: ResultLine; endByte: number }[] = [];
  let at = 0;
  for (;;) {
    const json = intactJson(bytes, at);
    if (json === null) break;
    // The checksum held, so a line that is not valid was written so: that is an error, not a torn tail.
    const line = checkLine(JSON.parse(json.toString()), { file: journalPath, line: lines.length + 1 });
    at += prefixBytes + json.length + 1;
    lines.push({ line, endByte: at });
  }
  return { lines, validBytes: at, totalBytes: bytes.length };
}

function intactJson(bytes: Buffer, at: number): Buffer | null {
  const prefix = /^([0-9a-f]{8}) ([0-9a-f]{8}) $/.exec(bytes.toString('latin1', at, at + prefixBytes));
  if (prefix === null) return null;
  const start = at + prefixBytes;
  const end = start + Number.parseInt(prefix[1]!, 16);
  if (end >= bytes.length || bytes[end] !== newline) return null;
  const json = bytes.subarray(start, end);
  return crc32(json) === Number.parseInt(prefix[2]!, 16) ? json : null;
}

function finishedPart(lines: JournalContent['lines']): { lines: ResultLine[]; bytes: number } {
  // An `end` without the result file means that finish() was cut short: the run goes on from its last workload.
  const last = lines.findLastIndex(({ line }) => line.kind === 'finished' || line.kind === 'run');
  const kept = lines.slice(0, last + 1);
  return { lines: kept.map(({ line }) => line), bytes: kept.at(-1)?.endByte ?? 0 };
}

function earlierOf(lines: readonly ResultLine[], cutBytes: number, file: string): Earlier {
  const finished = new Set<string>();
  for (const line of lines) if (line.kind === 'finished') finished.add(line.workload);
  const placed = lines.map((line, index) => [line, { file, line: index + 1 }] as const);
  return { result: assemble(placed), finished, cutBytes };
}

/**
 * Why a run cannot go on with an earlier one, in words for a person, or null where it can: suite, build, machine,
 * libraries and protocol have to agree, or the file would mix measurements that cannot be compared.
 */
export function resumeRefusal(earlier: RunHeader, now: RunHeader): string | null {
  const libraries = (header: RunHeader) => header.libraries.map((library) => [library.name, library.sha256]);
  if (!isDeepStrictEqual(earlier.suite, now.suite)) return 'the suite is another one';
  if (earlier.build.sha256 !== now.build.sha256) return 'the addon was built anew';
  if (earlier.machine.fingerprint !== now.machine.fingerprint) return 'the machine is another one';
  if (!isDeepStrictEqual(libraries(earlier), libraries(now))) return 'the kernel libraries are others';
  if (!isDeepStrictEqual(earlier.protocol, now.protocol))
    return 'threads, budget, filter or another setting differs';
  return null;
}

function hex(value: number): string {
  return value.toString(16).padStart(8, '0');
}

const crcTable = Uint32Array.from({ length: 256 }, (_, index) => {
  let value = index;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

/** CRC-32 (ISO-HDLC, as in zip and PNG). node:zlib has it from Node 20.15 on only. */
export function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = (crc >>> 8) ^ crcTable[(crc ^ byte) & 0xff]!;
  return (crc ^ 0xffffffff) >>> 0;
}
