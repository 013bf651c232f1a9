/** The data cache: collections of real matrices that a user has added. */
import { homedir } from 'node:os';
import { join } from 'node:path';

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
