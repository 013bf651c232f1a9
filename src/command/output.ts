import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { asSparsemarkError } from '../result/file.ts';

/** Where a command writes. cli.ts makes the real one; tests make their own. */
export interface Output {
  /** Results: standard output. Ends the line itself. */
  readonly result: (text: string) => void;
  /** Everything said to a person: standard error. Ends the line itself. */
  readonly say: (text: string) => void;
  /** Replaces the last line on standard error; only called where `isTerminal`. Empty text clears it. */
  readonly redraw: (text: string) => void;
  /** Whether standard error is a terminal. */
  readonly isTerminal: boolean;
  /** Columns of standard output; 80 where it is no terminal. */
  readonly width: number;
  /** Whether results may be coloured. */
  readonly color: boolean;
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
