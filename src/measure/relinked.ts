/** A build of a kernel library that is linked in another order: the same code at other addresses. */
import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** The one that lies beside a library of ours; undefined where there is none. CMakeLists.txt says how it is linked. */
export function relinkedBeside(path: string): string | undefined {
  const beside = join(dirname(path), `relinked-${basename(path).replace(/^lib/, '')}`);
  return existsSync(beside) ? beside : undefined;
}
