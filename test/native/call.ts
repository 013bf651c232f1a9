/** Programs beside Node: their exit codes, and the files they are given. */
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** The files of a folder and those under it whose path has such an ending, in order. */
export const listed = (path: string, ending: RegExp): string[] =>
  (readdirSync(join(root, path), { recursive: true }) as string[])
    .map((name) => join(path, name))
    .filter((name) => ending.test(name))
    .sort();

/** Runs a program; its exit code with the end of what it printed. */
export function call(
  program: string,
  args: readonly string[],
  seconds: number,
  env: Readonly<Record<string, string>> = {},
): { status: number | null; output: string } {
  const { status, stdout, stderr } = spawnSync(program, args, {
    cwd: root,
    env: { ...process.env, ...env },
    encoding: 'utf8',
    timeout: seconds * 1000,
    maxBuffer: 2 ** 26,
  });
  return { status, output: `${stdout}${stderr}`.slice(-3000) };
}
