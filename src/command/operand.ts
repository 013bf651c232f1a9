/** What `compare` compares: a kernel library, a build folder, or a git revision that is built first. */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { SparsemarkError } from '../terms.ts';

/** A library that is there to be measured. */
export interface Operand {
  readonly label: string;
  readonly gitCommit: string | null;
  readonly path: string;
}

/** How a git revision becomes a library. */
export interface BuildArguments {
  /** Shell command, run in a checkout of the revision. */
  readonly build?: string;
  /** Path of the library in that checkout. */
  readonly library?: string;
  /** Folder of the repository; default: here. */
  readonly repository?: string;
}

/** Operands with what must be deleted afterwards. */
export interface Operands {
  readonly base: Operand;
  readonly head: Operand;
  readonly cleanUp: () => Promise<void>;
}

/** What a program wrote before it ended is read this much later at most. */
const pipesMs = 300;
/** Lines of a failed build that are shown. */
const shownLines = 40;
const ownLibrary = 'libsparsemark-native.so';

/** The library of a path: the file itself, the one beside an addon, or the one in a build folder. Null: no such path. */
function libraryAt(given: string): string | null {
  if (!existsSync(given)) return null;
  const path = resolve(given);
  if (statSync(path).isDirectory()) {
    const places = ['', 'Release', join('build', 'Release')].map((part) => join(path, part, ownLibrary));
    const found = places.find((place) => existsSync(place));
    if (found !== undefined) return found;
    throw new SparsemarkError(
      'MISSING_FILE',
      `Expected ${ownLibrary} in the build folder ${given}, received none. Build it there, or name a shared library.`,
    );
  }
  if (!/\.node$/.test(path)) return path;
  const beside = join(dirname(path), ownLibrary);
  if (existsSync(beside)) return beside;
  throw new SparsemarkError(
    'MISSING_FILE',
    `Expected ${ownLibrary} beside ${given}, received none. Name the shared library of the kernels.`,
  );
}

interface Ran {
  readonly code: number | null;
  readonly output: string;
}

/** Runs a program to its end in a process group of its own, which an interrupt ends as a whole. */
function run(
  program: string,
  args: readonly string[],
  options: { readonly cwd: string; readonly signal?: AbortSignal },
): Promise<Ran> {
  return new Promise((done, fail) => {
    const child = spawn(program, args, {
      cwd: options.cwd,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        output = (output + chunk.toString('utf8')).slice(-65_536);
      });
    }
    const kill = (): void => {
      try {
        if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
      } catch {
        // It has ended by itself.
      }
    };
    if (options.signal?.aborted === true) kill();
    options.signal?.addEventListener('abort', kill);
    child.on('error', fail);
    const end = (code: number | null): void => {
      options.signal?.removeEventListener('abort', kill);
      done({ code, output });
    };
    child.on('close', end);
    // A server that the build started, such as a compiler cache, may keep the pipes open for hours.
    child.on('exit', (code) => setTimeout(end, pipesMs, code));
  });
}

/**
 * Finds or builds both sides; both are built before anything is measured. Throws USAGE for what is neither a path nor
 * a revision, BAD_LIBRARY for a build that fails or makes no library, with the end of its output.
 */
export async function openOperands(
  names: { readonly base: string; readonly head: string },
  args: BuildArguments,
  say: (text: string) => void,
  signal: AbortSignal,
): Promise<Operands> {
  const repository = resolve(args.repository ?? '.');
  const worktrees: string[] = [];
  const git = (...words: string[]): Promise<Ran> => run('git', words, { cwd: repository });
  const cleanUp = async (): Promise<void> => {
    for (const folder of worktrees.splice(0)) {
      await git('worktree', 'remove', '--force', join(folder, 'tree'));
      rmSync(folder, { recursive: true, force: true });
      await git('worktree', 'prune');
    }
  };
  const build = async (name: string, side: string): Promise<Operand> => {
    // `--end-of-options`: a name that begins with a dash is no option.
    const found = existsSync(repository)
      ? await git('rev-parse', '--verify', '--quiet', '--end-of-options', `${name}^{commit}`)
      : { code: 1, output: '' };
    // A folder that is called like a branch: who says how to build means the branch.
    const path = found.code === 0 && args.build !== undefined ? null : libraryAt(name);
    if (path !== null) return { label: name, gitCommit: null, path };
    if (found.code !== 0) {
      throw new SparsemarkError(
        'USAGE',
        `Expected a library, a build folder or a git revision of ${repository} for ${side}, received "${name}". Correct the path, or name the repository with --repository.`,
      );
    }
    if (args.build === undefined || args.library === undefined) {
      throw new SparsemarkError(
        'USAGE',
        `Expected --build and --library for the git revision ${name}, received ${args.build === undefined ? 'no --build' : 'no --library'}. Say how it is built and where the library then is.`,
      );
    }
    const commit = found.output.trim().split('\n').at(-1)!;
    const folder = mkdtempSync(join(tmpdir(), 'sparsemark-compare-'));
    worktrees.push(folder);
    const tree = join(folder, 'tree');
    const added = await git('worktree', 'add', '--detach', tree, commit);
    if (added.code !== 0)
      throw new SparsemarkError(
        'IO',
        `Expected a checkout of ${name}, received an error of git: ${added.output.trim()}. Try again.`,
      );
    say(`building ${side}: ${name} (${commit.slice(0, 10)})`);
    const built = await run('sh', ['-c', args.build], { cwd: tree, signal });
    if (signal.aborted)
      throw new SparsemarkError('INTERRUPTED', 'The comparison was interrupted; nothing was written.');
    const library = join(tree, args.library);
    const last = (): string => built.output.trimEnd().split('\n').slice(-shownLines).join('\n');
    if (built.code !== 0) {
      say(last());
      throw new SparsemarkError(
        'BAD_LIBRARY',
        `Expected ${side} (${name}) to build, received exit code ${built.code} of: ${args.build}. The end of its output stands above.`,
      );
    }
    if (!existsSync(library)) {
      say(last());
      throw new SparsemarkError(
        'BAD_LIBRARY',
        `Expected ${args.library} after building ${side} (${name}), received no such file. Correct --library: a path in the repository.`,
      );
    }
    return { label: name, gitCommit: commit, path: library };
  };
  try {
    return { base: await build(names.base, 'base'), head: await build(names.head, 'head'), cleanUp };
  } catch (error) {
    await cleanUp();
    throw error;
  }
}
