/** The data cache: collections of real matrices that a user has added. */
import {
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, relative, sep } from 'node:path';
import { extract, list, type ReadEntry } from 'tar';
import { SparsemarkError } from '../terms.ts';
import { readMatrix } from './import/index.ts';

/** Folder of the data cache: `SPARSEMARK_DATA`, else `sparsemark/data` in the user's cache folder. */
export function dataFolderOf(
  environment: Readonly<Record<string, string | undefined>> = process.env,
): string {
  const chosen = environment.SPARSEMARK_DATA;
  if (chosen !== undefined && chosen !== '') return chosen;
  const cache =
    process.platform === 'darwin'
      ? join(homedir(), 'Library', 'Caches')
      : environment.XDG_CACHE_HOME || join(homedir(), '.cache');
  return join(cache, 'sparsemark', 'data');
}

/** A collection in the cache. */
export interface DataCollection {
  readonly name: string;
  readonly folder: string;
  readonly matrices: number;
  readonly sizeBytes: number;
}

/** How far adding a collection is. */
export interface DataProgress {
  readonly phase: 'unpack' | 'check';
  readonly done: number;
  readonly total: number;
}

/** What adding a collection did. */
export interface DataAdded {
  readonly folder: string;
  readonly matrices: number;
  readonly otherFiles: number;
  /** Files that do not belong to the collection and were left out. */
  readonly ignored: number;
}

/** Where to add to, and whom to tell. */
export interface AddOptions {
  readonly dataFolder?: string;
  readonly onProgress?: (progress: DataProgress) => void;
}

/** A file of the collection: below `dlmc/`, whose name may be missing. */
const collectionFile =
  /^(?:dlmc\/)?((?:rn50|transformer)\/[a-z0-9_]+\/0\.[0-9]+\/[A-Za-z0-9_]+\.smtx|dlmc\.csv|[a-z0-9_]+\.txt)$/;

/** Path of a collection's file below `dlmc/`, or null for any other file. */
function pathInCollection(path: string): string | null {
  return collectionFile.exec(path.replace(/^\.\//, ''))?.[1] ?? null;
}

/** Codes of the errors that mean: no room. */
const noRoom = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);

/** The same error as a SparsemarkError: DISK_FULL where there is no room, else `code`. */
export function dataError(cause: unknown, code: 'BAD_ARCHIVE' | 'IO', what: string): SparsemarkError {
  if (cause instanceof SparsemarkError) return cause;
  const { code: systemCode, message } = cause as NodeJS.ErrnoException;
  if (systemCode !== undefined && noRoom.has(systemCode)) {
    return new SparsemarkError(
      'DISK_FULL',
      `Expected room for ${what}, received ${systemCode}. Free some, or name another folder in SPARSEMARK_DATA.`,
      {},
      { cause },
    );
  }
  const advice =
    code === 'BAD_ARCHIVE' ? 'It may be cut off: get it again.' : 'Check permissions and try again.';
  return new SparsemarkError(
    code,
    `Expected a readable ${what}, received: ${message}. ${advice}`,
    {},
    { cause },
  );
}

function refuseEntry(source: string, path: string, what: string): never {
  throw new SparsemarkError(
    'BAD_ARCHIVE',
    `Expected files below dlmc/ for the archive's entries, received ${JSON.stringify(path)}, ${what}. Nothing was added: get the archive from its publisher.`,
    { file: source },
  );
}

/** Refuse an entry that is a link or device, or whose path leads out of the folder. */
function checkEntry(source: string, entry: ReadEntry): void {
  const { path, type } = entry;
  const parts = path.split(/[\\/]/);
  if (/^([A-Za-z]:|[\\/])/.test(path)) refuseEntry(source, path, 'an absolute path');
  if (parts.includes('..')) refuseEntry(source, path, 'which points outside the cache');
  if (path.includes('\0') || path.includes('\\')) refuseEntry(source, path, 'a name with odd characters');
  if (
    type === 'Directory' ||
    type === 'GNUDumpDir' ||
    type === 'File' ||
    type === 'OldFile' ||
    type === 'ContiguousFile'
  )
    return;
  refuseEntry(source, path, `a ${type} and no file`);
}

/** Unpack what belongs to the collection; returns the number of files left out. */
async function unpack(source: string, staging: string, options: AddOptions): Promise<number> {
  const wanted = new Set<string>();
  let ignored = 0;
  let refusal: unknown = null;
  try {
    await list({
      file: source,
      strict: true,
      onReadEntry(entry) {
        try {
          if (refusal !== null) return;
          checkEntry(source, entry);
          if (pathInCollection(entry.path) !== null) wanted.add(entry.path);
          else if (entry.type !== 'Directory') ignored += 1;
        } catch (error) {
          // Thrown inside the parser it would be lost among the archive's own errors.
          refusal = error;
        }
      },
    });
    if (refusal !== null) throw refusal;
    if (wanted.size === 0) return ignored;
    let done = 0;
    await extract({
      file: source,
      cwd: staging,
      strict: true,
      noChmod: true,
      preserveOwner: false,
      filter: (path) => wanted.has(path),
      onReadEntry() {
        done += 1;
        options.onProgress?.({ phase: 'unpack', done, total: wanted.size });
      },
    });
  } catch (cause) {
    throw dataError(cause, 'BAD_ARCHIVE', `archive ${source}`);
  }
  return ignored;
}

/** Files below a folder, with slashes; links are refused by name. */
function filesBelow(folder: string): readonly string[] {
  const files: string[] = [];
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const path = relative(folder, join(entry.parentPath, entry.name)).split(sep).join('/');
    if (entry.isSymbolicLink()) refuseEntry(folder, path, 'a symbolic link and no file');
    if (entry.isFile()) files.push(path);
  }
  return files.sort();
}

/** Copy what belongs to the collection; returns the number of files left out. */
function copyFolder(source: string, staging: string, options: AddOptions): number {
  const files = filesBelow(source);
  const wanted = files.filter((path) => pathInCollection(path) !== null);
  for (const [at, path] of wanted.entries()) {
    const target = join(staging, path);
    mkdirSync(dirname(target), { recursive: true });
    copyFileSync(join(source, path), target);
    options.onProgress?.({ phase: 'unpack', done: at + 1, total: wanted.length });
  }
  return files.length - wanted.length;
}

/**
 * Put the Deep Learning Matrix Collection, or a part of it, into the data cache: from its archive (dlmc.tar.gz) or an
 * unpacked folder. Every matrix is read through before any of it enters the cache; files that are there already are
 * replaced, others stay. Throws MISSING_FILE, BAD_ARCHIVE (an entry that is a link or points outside, a damaged
 * archive, no matrix in it), BAD_MATRIX, DISK_FULL, IO; then the cache is as it was.
 */
export async function addDlmc(source: string, options: AddOptions = {}): Promise<DataAdded> {
  if (!existsSync(source)) {
    throw new SparsemarkError(
      'MISSING_FILE',
      `Expected dlmc.tar.gz or an unpacked folder for the source, received "${source}". Check the path.`,
    );
  }
  const dataFolder = options.dataFolder ?? dataFolderOf();
  const folder = join(dataFolder, 'dlmc');
  let staging: string | null = null;
  try {
    mkdirSync(dataFolder, { recursive: true });
    // Beside the target, so that a rename moves each file whole.
    staging = mkdtempSync(join(dataFolder, '.dlmc-'));
    const ignored = lstatSync(source).isDirectory()
      ? copyFolder(source, staging, options)
      : await unpack(source, staging, options);
    const staged = filesBelow(staging).map((path) => ({ path, target: pathInCollection(path)! }));
    const matrices = staged.filter(({ path }) => path.endsWith('.smtx'));
    if (matrices.length === 0) {
      throw new SparsemarkError(
        'BAD_ARCHIVE',
        'Expected matrices such as dlmc/rn50/magnitude_pruning/0.9/*.smtx for the source, received none. Give dlmc.tar.gz or the folder that it unpacks to.',
        { file: source },
      );
    }
    for (const [at, { path }] of matrices.entries()) {
      readMatrix(join(staging, path), path);
      options.onProgress?.({ phase: 'check', done: at + 1, total: matrices.length });
    }
    for (const { path, target } of staged) {
      mkdirSync(dirname(join(folder, target)), { recursive: true });
      renameSync(join(staging, path), join(folder, target));
    }
    return { folder, matrices: matrices.length, otherFiles: staged.length - matrices.length, ignored };
  } catch (cause) {
    throw dataError(cause, 'IO', `data cache ${dataFolder}`);
  } finally {
    if (staging !== null) rmSync(staging, { recursive: true, force: true });
  }
}

/** Collections in the data cache; an empty list where there is none. */
export function listData(dataFolder: string = dataFolderOf()): readonly DataCollection[] {
  const folder = join(dataFolder, 'dlmc');
  if (!existsSync(folder)) return [];
  const files = filesBelow(folder);
  const sizeBytes = files.reduce((sum, path) => sum + statSync(join(folder, path)).size, 0);
  const matrices = files.filter((path) => path.endsWith('.smtx')).length;
  return [{ name: 'dlmc', folder, matrices, sizeBytes }];
}
