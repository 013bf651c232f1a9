import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { asSparsemarkError } from '../result/file.ts';

/** Where a command writes. cli.ts makes the real one; tests make their own. */
export interface Output {
  /** Results: standard output. Ends the line itself. */
  readonly result: (text: string) => void;
  /** Everything said to a person: standard error. Ends the line itself. */
  readonly say: (text: string) => void;
  /** Replaces the last line on standard error, cut to `lineWidth`; only called where `isTerminal`. Empty text clears it. */
  readonly redraw: (text: string) => void;
  /** Whether standard error is a terminal. */
  readonly isTerminal: boolean;
  /** Columns that a line on standard error may have; 79 where it is no terminal. */
  readonly lineWidth: number;
  /** Columns of standard output; 80 where it is no terminal. */
  readonly width: number;
  /** Columns of standard output where it is a terminal; undefined: a table may be as wide as it is. */
  readonly terminalWidth?: number;
  /** Whether results may be coloured. */
  readonly color: boolean;
}

/** A stream of the process. */
export type OutputStream = Pick<NodeJS.WriteStream, 'write' | 'isTTY'> & { readonly columns?: number };

/** Output on standard output and standard error. */
export function outputOn(stdout: OutputStream, stderr: OutputStream, color: boolean): Output {
  // One column stays free: a line that fills the last one is wrapped by some terminals. Windows change their size.
  const lineWidth = (): number => (stderr.columns || 80) - 1;
  return {
    result: (text) => stdout.write(text.endsWith('\n') ? text : `${text}\n`),
    say: (text) => stderr.write(`${text}\n`),
    // A wrapped line could not be replaced: only its last part would be cleared.
    redraw: (text) => stderr.write(`\r\u001b[2K${shortened(text, lineWidth())}`),
    isTerminal: stderr.isTTY === true,
    get lineWidth() {
      return lineWidth();
    },
    width: stdout.columns ?? 80,
    ...(stdout.isTTY === true && { terminalWidth: stdout.columns ?? 80 }),
    color: color && stdout.isTTY === true,
  };
}

/** Text in at most `room` columns; dots say that something is missing. */
export function shortened(text: string, room: number): string {
  if (text.length <= room) return text;
  return room < 4 ? text.slice(0, Math.max(0, room)) : `${text.slice(0, room - 3)}...`;
}

/** Writes a file, its folder included. Throws DISK_FULL, USAGE (no such place), IO. */
export function writeText(path: string, text: string): void {
  try {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text.endsWith('\n') ? text : `${text}\n`);
  } catch (cause) {
    throw asSparsemarkError(cause, path, 'write');
  }
}

/** Value as JSON text for `--json`. */
export function asJson(value: unknown): string {
  return JSON.stringify(value, null, 2);
}

/**
 * Rows without the columns that a terminal has no room for, in the order of `droppable`: places of columns, the least
 * needed first. What is still too wide is left to the terminal.
 */
export function fittingRows(
  rows: readonly (readonly string[])[],
  droppable: readonly number[],
  room: number,
): readonly (readonly string[])[] {
  const dropped = new Set<number>();
  const kept = () => rows.map((row) => row.filter((_, column) => !dropped.has(column)));
  const isTooWide = (): boolean =>
    plainTable(kept())
      .split('\n')
      .some((line) => line.length > room);
  for (const column of droppable) if (isTooWide()) dropped.add(column);
  return kept();
}

/** Rows as a plain table: columns padded to their widest cell, numbers' columns to the right. */
export function plainTable(rows: readonly (readonly string[])[], right: readonly number[] = []): string {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [column, cell] of row.entries()) widths[column] = Math.max(widths[column] ?? 0, cell.length);
  }
  const pad = (cell: string, column: number): string =>
    right.includes(column) ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!);
  return rows.map((row) => row.map(pad).join('  ').trimEnd()).join('\n');
}
