/** Runs the command as a person would: the compiled one, in a process of its own. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const cliPath = fileURLToPath(new URL('../dist/cli.js', import.meta.url));

/** Exit code and everything printed. */
export interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const environment = (more: NodeJS.ProcessEnv): NodeJS.ProcessEnv => {
  const { NO_COLOR: _, FORCE_COLOR: __, ...rest } = process.env;
  return { ...rest, ...more };
};

/** Runs the command to its end. */
export function sparsemark(
  args: readonly string[],
  options: { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv } = {},
): Ended {
  const { status, stdout, stderr } = spawnSync(process.execPath, [cliPath, ...args], {
    encoding: 'utf8',
    env: environment(options.env ?? {}),
    maxBuffer: 2 ** 26,
    // Ends what hangs, before the test that waits for it is ended.
    timeout: 230_000,
    killSignal: 'SIGKILL',
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
  return { status, stdout, stderr };
}

/** Starts the command in a process group of its own, as a terminal does. */
export function startSparsemark(args: readonly string[]): {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
} {
  const child = spawn(process.execPath, [cliPath, ...args], {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: environment({}),
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk) => {
    stdout += chunk;
  });
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  const ended = new Promise<Ended>((resolve) => {
    child.on('close', (status) => resolve({ status, stdout, stderr }));
  });
  return { child, ended };
}

/** Processes of a group that are still alive. Linux only; [] elsewhere. */
export function aliveInGroup(group: number): number[] {
  if (process.platform !== 'linux') return [];
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => {
      try {
        const fields = readFileSync(`/proc/${name}/stat`, 'utf8')
          .replace(/^.*\) /, '')
          .split(' ');
        return Number(fields[2]) === group && fields[0] !== 'Z' && fields[0] !== 'X';
      } catch {
        return false;
      }
    })
    .map(Number);
}

/** A folder of its own with a suite of small workloads: one shape, some densities, masks and cache states. */
export function tinySuite(change: {
  readonly densities?: readonly number[];
  readonly seeds?: readonly number[];
  readonly cache?: readonly string[];
  readonly formats?: readonly string[];
  readonly refine?: boolean;
}): { readonly folder: string; readonly suite: string } {
  const folder = mkdtempSync(join(tmpdir(), 'sparsemark-'));
  const suite = join(folder, 'tiny.yaml');
  const list = (items: readonly (string | number)[]): string => `[${items.join(', ')}]`;
  writeFileSync(
    suite,
    `name: tiny
version: "1.0"
released: false
description: A small product, for tests
refine: ${change.refine ?? false}
defaults:
  dtype: f32
  cache: ${list(change.cache ?? ['hot'])}
  seeds: ${list(change.seeds ?? [1])}
  patterns: [{ name: uniform, densities: ${list(change.densities ?? [0.5, 0.1])} }]
workloads:
  - op: spmm
    shapes: { tiny: [32, 48, 8] }
formats:
  uniform: ${list(change.formats ?? ['csr'])}
`,
  );
  return { folder, suite };
}
