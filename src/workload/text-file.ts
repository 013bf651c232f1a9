/** Text of a file that a user names: refused by name where it is none, with the place of the first byte that is wrong. */
import { readFileSync, statSync } from 'node:fs';
import { type ErrorCode, SparsemarkError } from '../terms.ts';

/** No file of layers or of an accelerator comes near it; text of half a gigabyte has no place in memory. */
const mostBytes = 64 * 2 ** 20;

/** How errors speak of a file. */
export interface TextFile {
  /** `an accelerator file`: what was expected there. */
  readonly what: string;
  /** Its name; default its path. */
  readonly shown?: string;
  /** Of a file that is there and is no text. */
  readonly code: ErrorCode;
}

/**
 * The text of a file in UTF-8, without a byte order mark. Throws MISSING_FILE for a path that is no file or cannot be
 * read, and the code of `TextFile` with line and column for bytes that are no text.
 */
export function readText(path: string, { what, shown = path, code }: TextFile): string {
  const refuse = (received: string, advice: string, cause?: unknown): never => {
    const place = { file: shown };
    const options = cause === undefined ? {} : { cause };
    throw new SparsemarkError(
      'MISSING_FILE',
      `Expected ${what}, received ${received}. ${advice}`,
      place,
      options,
    );
  };
  let bytes: Buffer;
  try {
    const found = statSync(path);
    if (found.isDirectory()) refuse('a folder', 'Give the path of a file.');
    if (found.isCharacterDevice()) refuse('a device', 'Give the path of a file.');
    if (found.size > mostBytes)
      refuse(`${found.size} bytes`, `Files of more than ${mostBytes} bytes are not read.`);
    bytes = readFileSync(path);
  } catch (cause) {
    if (cause instanceof SparsemarkError) throw cause;
    const missing = ['ENOENT', 'ENOTDIR'].includes((cause as NodeJS.ErrnoException).code ?? '');
    if (missing) return refuse('no such file', 'Check the path.', cause);
    return refuse('a file that cannot be read', 'Check its permissions.', cause);
  }
  const text = bytes.toString('utf8').replace(/^\uFEFF/, '');
  // A file that holds the character of replacement itself is taken for broken too: no such file means anything.
  const broken = text.search(/[\0\uFFFD]/);
  if (broken === -1) return text;
  const before = text.slice(0, broken).split('\n');
  throw new SparsemarkError(
    code,
    `Expected text in UTF-8 for ${what}, received a byte that is none. Give a text file; UTF-16 is not read.`,
    { file: shown, line: before.length, column: before.at(-1)!.length + 1 },
  );
}
