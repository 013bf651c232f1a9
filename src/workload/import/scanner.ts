/**
 * Reading numbers from a file byte by byte, in chunks: no text is ever held, whatever the file's size.
 *
 * A 100 MB file split into strings costs a gigabyte and many seconds; this costs one chunk. Numbers of the common form
 * (at most 15 digits, a decimal exponent within +-22) are made by one exact multiplication or division of doubles (W.
 * Clinger, How to Read Floating Point Numbers Accurately, 1990); all others go through Number(), which is exact too.
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { SparsemarkError } from '../../terms.ts';

const chunkBytes = 1 << 20;
const maxTokenBytes = 400;
const newline = 10;
const comma = 44;

/** Powers of ten that a double holds exactly. */
const powersOfTen = Float64Array.from({ length: 23 }, (_, exponent) => Number(`1e${exponent}`));

/** Kinds of what stands next in the file. */
export type NextKind = 'token' | 'line end' | 'file end';

/** A file being read from its beginning. Every complaint is BAD_MATRIX with file, line and column. */
export interface Scanner {
  /** Line of what was read last, from 1. */
  line(): number;
  /** Throw BAD_MATRIX at what was read last, or at its line alone where the fault lies before it. */
  fail(what: string, name: string, received: string, advice: string, at?: 'token' | 'line'): never;
  /** Skip blanks (and commas, if asked to) and say what stands next, without reading it. */
  peek(commas?: boolean): NextKind;
  /** Bytes of the file. */
  readonly sizeBytes: number;
  /** Read past the end of the line; nothing but blanks may be left on it. */
  endLine(name: string): void;
  /** The rest of the line as text, without its end; at most `limit` bytes. */
  restOfLine(limit: number): string;
  /** Read past the end of the line, whatever is left on it. */
  skipLine(): void;
  /** An unsigned integer in min..max, called `name` in complaints. */
  integer(name: string, min: number, max: number): number;
  /** A finite number, rounded to f32. */
  real(name: string): number;
  /** The byte that stands next, or -1 at the end of the file. */
  nextByte(): number;
  close(): void;
}

/** Open a file. `shownPath` is how complaints call it. Throws MISSING_FILE where it cannot be read. */
export function openScanner(path: string, shownPath: string): Scanner {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch (cause) {
    throw new SparsemarkError(
      'MISSING_FILE',
      `Expected a readable file for the matrix, received "${shownPath}". Check the path and its permissions.`,
      { file: shownPath },
      { cause },
    );
  }
  const sizeBytes = fstatSync(file).size;
  const chunk = Buffer.allocUnsafe(chunkBytes);
  const token = Buffer.allocUnsafe(maxTokenBytes);
  let position = 0;
  let filled = 0;
  let ended = false;
  let lineNumber = 1;
  // Bytes of the file before the chunk, before the line and before what stands next.
  let chunkStart = 0;
  let lineStart = 0;
  let tokenStart = 0;

  function refill(): boolean {
    if (ended) return false;
    chunkStart += filled;
    try {
      filled = readSync(file, chunk, 0, chunkBytes, null);
    } catch (cause) {
      throw new SparsemarkError(
        'MISSING_FILE',
        `Expected a readable file for the matrix, received "${shownPath}". Check that it is a file, not a folder.`,
        { file: shownPath },
        { cause },
      );
    }
    position = 0;
    ended = filled === 0;
    return !ended;
  }

  function nextByte(): number {
    return position < filled || refill() ? chunk[position]! : -1;
  }

  function fail(
    what: string,
    name: string,
    received: string,
    advice: string,
    at: 'token' | 'line' = 'token',
  ): never {
    throw new SparsemarkError('BAD_MATRIX', `Expected ${what} for ${name}, received ${received}. ${advice}`, {
      ...{ file: shownPath, line: lineNumber },
      ...(at === 'token' && { column: 1 + Math.max(0, tokenStart - lineStart) }),
    });
  }

  function peek(commas = false): NextKind {
    for (;;) {
      const byte = nextByte();
      // Space, tab, carriage return.
      if (byte === 32 || byte === 9 || byte === 13 || (commas && byte === comma)) {
        position += 1;
        continue;
      }
      tokenStart = chunkStart + position;
      if (byte === -1) return 'file end';
      return byte === newline ? 'line end' : 'token';
    }
  }

  function skipLine(): void {
    for (let byte = nextByte(); byte !== -1; byte = nextByte()) {
      position += 1;
      if (byte === newline) {
        lineNumber += 1;
        lineStart = chunkStart + position;
        tokenStart = lineStart;
        return;
      }
    }
  }

  function endLine(name: string): void {
    const kind = peek();
    if (kind === 'token') fail('the end of the line', name, `"${shownToken()}"`, 'Remove what is too much.');
    if (kind === 'line end') skipLine();
  }

  function restOfLine(limit: number): string {
    const bytes: number[] = [];
    for (let byte = nextByte(); byte !== -1 && byte !== newline; byte = nextByte()) {
      if (bytes.length === limit)
        fail(`at most ${limit} bytes`, 'the line', 'more', 'This is not a matrix file.');
      bytes.push(byte);
      position += 1;
    }
    return Buffer.from(bytes).toString('latin1').trim();
  }

  /** Copy the token that stands next into `token`, up to its first 400 bytes; returns its length. */
  function readToken(): number {
    let length = 0;
    for (let byte = nextByte(); byte > 32 && byte !== comma; byte = nextByte()) {
      if (length < maxTokenBytes) token[length] = byte;
      length += 1;
      position += 1;
      if (length > maxTokenBytes) break;
    }
    // A control character begins no token and ends none: it is taken alone, so that a complaint can show it.
    if (length === 0 && nextByte() !== -1 && nextByte() !== newline) {
      token[0] = nextByte();
      position += 1;
      length = 1;
    }
    return Math.min(length, maxTokenBytes);
  }

  /** What stands next, as a complaint shows it: at most 24 printable characters. */
  function shownToken(): string {
    return shown(readToken());
  }
  function shown(length: number): string {
    const text = token.toString('latin1', 0, Math.min(length, 24)).replace(/[^\x20-\x7e]/g, '?');
    return length > 24 ? `${text}...` : text;
  }

  function missing(what: string, name: string): never {
    const kind = peek();
    return fail(
      what,
      name,
      `the ${kind === 'file end' ? 'end of the file' : 'end of the line'}`,
      'The file is cut off or its counts are wrong.',
    );
  }

  function integer(name: string, min: number, max: number): number {
    if (peek() !== 'token') missing(`an integer in ${min}..${max}`, name);
    // The common case, digits within the chunk, without copying.
    let value = 0;
    let at = position;
    let digits = 0;
    for (; at < filled; at += 1, digits += 1) {
      const digit = chunk[at]! - 48;
      if (digit < 0 || digit > 9) break;
      value = value * 10 + digit;
    }
    const after = at < filled ? chunk[at]! : -1;
    if (
      digits > 0 &&
      digits <= 15 &&
      (after === 32 || after === newline || after === comma || after === 13)
    ) {
      position = at;
      if (value >= min && value <= max) return value;
      return fail(`an integer in ${min}..${max}`, name, String(value), 'Correct the file.');
    }
    const length = readToken();
    const text = token.toString('latin1', 0, length);
    const slow = /^\+?[0-9]{1,20}$/.test(text) ? Number(text) : Number.NaN;
    if (slow >= min && slow <= max) return slow;
    return fail(`an integer in ${min}..${max}`, name, `"${shown(length)}"`, 'Correct the file.');
  }

  /** The number of a token of the common form, or NaN for any other. */
  function simpleReal(length: number): number {
    let at = 0;
    const negative = token[0] === 45;
    if (negative || token[0] === 43) at += 1;
    let digits = 0;
    let mantissa = 0;
    let scale = 0;
    let point = false;
    for (; at < length; at += 1) {
      const byte = token[at]!;
      if (byte === 46 && !point) point = true;
      else if (byte >= 48 && byte <= 57) {
        mantissa = mantissa * 10 + (byte - 48);
        digits += 1;
        if (point) scale -= 1;
      } else break;
    }
    if (digits === 0 || digits > 15) return Number.NaN;
    if (at < length) {
      // 101 is e, 69 is E.
      if (token[at] !== 101 && token[at] !== 69) return Number.NaN;
      at += 1;
      const sign = token[at] === 45 ? -1 : 1;
      if (token[at] === 45 || token[at] === 43) at += 1;
      let exponent = 0;
      const first = at;
      for (; at < length && at < first + 4; at += 1) {
        const digit = token[at]! - 48;
        if (digit < 0 || digit > 9) return Number.NaN;
        exponent = exponent * 10 + digit;
      }
      if (at === first || at < length) return Number.NaN;
      scale += sign * exponent;
    }
    if (scale < -22 || scale > 22) return Number.NaN;
    const magnitude = scale < 0 ? mantissa / powersOfTen[-scale]! : mantissa * powersOfTen[scale]!;
    return negative ? -magnitude : magnitude;
  }

  function real(name: string): number {
    if (peek() !== 'token') missing('a number', name);
    const length = readToken();
    let value = simpleReal(length);
    if (Number.isNaN(value)) {
      const text = token.toString('latin1', 0, length);
      // Number() would also take 0x10, Infinity and the empty text.
      value = /^[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$/.test(text)
        ? Number(text)
        : Number.NaN;
    }
    const rounded = Math.fround(value);
    if (Number.isFinite(rounded)) return rounded;
    return fail('a finite number within single precision', name, `"${shown(length)}"`, 'Correct the file.');
  }

  // A byte order mark, as editors of Windows put it before text.
  if (nextByte() === 0xef && chunk[1] === 0xbb && chunk[2] === 0xbf) {
    position = 3;
    lineStart = 3;
  }
  return {
    sizeBytes,
    line: () => lineNumber,
    fail,
    peek,
    endLine,
    restOfLine,
    skipLine,
    integer,
    real,
    nextByte,
    close: () => closeSync(file),
  };
}
