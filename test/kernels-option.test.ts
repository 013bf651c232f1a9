/** What `--kernels` takes: a path, or a name and a path, so that a library can run beside an older build of itself. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { bundledLibraries, openLibraries } from '../src/measure/libraries.ts';

const [own] = bundledLibraries();
const folder = mkdtempSync(join(tmpdir(), 'sparsemark-kernels-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Names and paths of what was opened, our own library first. */
async function opened(...userPaths: string[]) {
  const { workers } = await openLibraries({ userPaths, cpus: [], timeoutMs: 20_000, only: [] });
  for (const worker of workers) worker.end();
  return workers.map(({ library, path }) => ({ name: library.name, path }));
}

describe('--kernels', () => {
  it('gives a library the name before its path', async () => {
    expect(await opened(`base=${own}`, `older=${own}`)).toEqual([
      { name: 'native', path: own },
      { name: 'base', path: own },
      { name: 'older', path: own },
    ]);
  });

  it('refuses a name that is in use, and says how to give another', async () => {
    await expect(opened(own!)).rejects.toMatchObject({
      code: 'BAD_LIBRARY',
      message: expect.stringMatching(/received "native"\. Give it another: --kernels <name>=/),
    });
    await expect(opened(`base=${own}`, `base=${own}`)).rejects.toMatchObject({ code: 'BAD_LIBRARY' });
  });

  it('takes what is no name for a part of the path', async () => {
    const path = join(folder, 'none.so');
    for (const given of [`base=${path}`, `Not A Name=${path}`, `=${path}`]) {
      await expect(opened(given)).rejects.toMatchObject({
        code: 'MISSING_FILE',
        message: expect.stringContaining(given),
      });
    }
  });
});
