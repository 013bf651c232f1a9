/** Reading and writing of result files on disk, with the errors of a full or failing disk. */
import {
  closeSync,
  fsyncSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { SparsemarkError } from '../terms.ts';

/** Bounds on a file from elsewhere. */
export interface FileLimits {
  readonly fileBytes: number;
  readonly lineBytes: number;
  readonly lines: number;
}

const newline = 0x0a;

/** Bytes of a whole file. Throws MISSING_FILE, IO, and BAD_RESULT where it exceeds `fileBytes`. */
export function readBytes(path: string, fileBytes: number): Buffer {
  try {
    const found = statSync(path);
    // Some devices can be read for ever.
    if (found.isCharacterDevice()) throw tooLarge('a result file', 'a device', { file: path });
    if (found.size > fileBytes)
      throw tooLarge(`a result file of at most ${fileBytes} bytes`, `${found.size} bytes`, { file: path });
    return readFileSync(path);
  } catch (cause) {
    throw asSparsemarkError(cause, path, 'read');
  }
}

/** Lines of a text file without their ends. The last line may lack its end. Throws as `readBytes`, and BAD_RESULT. */
export function* readLines(path: string, bounds: FileLimits): Generator<string> {
  const bytes = readBytes(path, bounds.fileBytes);
  let number = 0;
  for (let start = 0; start < bytes.length; ) {
    const found = bytes.indexOf(newline, start);
    const end = found === -1 ? bytes.length : found;
    number++;
    const place = { file: path, line: number };
    if (number > bounds.lines) throw tooLarge(`at most ${bounds.lines} lines`, 'more', place);
    if (end - start > bounds.lineBytes)
      throw tooLarge(`lines of at most ${bounds.lineBytes} bytes`, `${end - start}`, place);
    yield bytes.toString('utf8', start, end);
    start = end + 1;
  }
}

function tooLarge(
  expected: string,
  received: string,
  place: { file: string; line?: number },
): SparsemarkError {
  const advice = 'Check that this is a sparsemark result file.';
  return new SparsemarkError('BAD_RESULT', `Expected ${expected}, received ${received}. ${advice}`, place);
}

/** Writes all bytes, at the byte `position` of the file or at its current end, however many calls that takes. */
export function writeAll(descriptor: number, bytes: Buffer, position: number | null = null): void {
  for (let written = 0; written < bytes.length; ) {
    const at = position === null ? null : position + written;
    written += writeSync(descriptor, bytes, written, bytes.length - written, at);
  }
}

/**
 * Writes a file beside `path`, syncs it and renames it into place; a failure leaves what was there before.
 * Throws DISK_FULL, IO.
 */
export function writeWhole(path: string, pieces: Iterable<string>): void {
  const beside = `${path}.${process.pid}.part`;
  try {
    const descriptor = openSync(beside, 'wx');
    try {
      for (const piece of pieces) writeAll(descriptor, Buffer.from(piece));
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    renameSync(beside, path);
    syncFolder(dirname(path));
  } catch (cause) {
    rmSync(beside, { force: true });
    throw asSparsemarkError(cause, path, 'write');
  }
}

/** Removes what `writeWhole` of a process that was killed left beside `path`. Only for whoever alone may write that file. */
export function removeParts(path: string): void {
  const start = `${basename(path)}.`;
  for (const name of readdirSync(dirname(path))) {
    if (name.startsWith(start) && /^\d+\.part$/.test(name.slice(start.length)))
      rmSync(join(dirname(path), name), { force: true });
  }
}

/** Makes a rename or a new file of a folder durable, where the system can. */
export function syncFolder(folder: string): void {
  const descriptor = openSync(folder, 'r');
  try {
    fsyncSync(descriptor);
  } catch (cause) {
    // Some file systems (network shares) cannot sync a folder; the file itself is synced.
    if (!['EINVAL', 'ENOTSUP', 'EPERM'].includes((cause as NodeJS.ErrnoException).code ?? '')) throw cause;
  } finally {
    closeSync(descriptor);
  }
}

/** Codes of a path that leads to a folder, through a file, nowhere that a file could be, or where one may not go. */
const misplaced = ['EISDIR', 'ENOTDIR', 'EEXIST', 'ENAMETOOLONG', 'EACCES', 'EPERM', 'EROFS'];

/** The error of a failed file operation in our words. A SparsemarkError passes unchanged. */
export function asSparsemarkError(cause: unknown, path: string, verb: 'read' | 'write'): SparsemarkError {
  if (cause instanceof SparsemarkError) return cause;
  const { code, message } = cause as NodeJS.ErrnoException;
  const options = { cause };
  const place = { file: path };
  if (code === 'ENOENT' && verb === 'read') {
    const said =
      'Expected a result file, received no such file. Check the path; runs go to results/local/ by default.';
    return new SparsemarkError('MISSING_FILE', said, place, options);
  }
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    const said = `Expected room on the disk for the result, received ${code}. Free some space, then repeat the command; a run goes on with --resume.`;
    return new SparsemarkError('DISK_FULL', said, place, options);
  }
  if (code !== undefined && misplaced.includes(code)) {
    const said = `Expected the path of a file that you may ${verb}, received ${code}. Correct the path, or its permissions.`;
    return new SparsemarkError('USAGE', said, place, options);
  }
  const said = `Expected to ${verb} the file, received ${code ?? message}. Check that the path exists and that you may ${verb} it.`;
  return new SparsemarkError('IO', said, place, options);
}
