/** libFuzzer over each format alone: a fixed number of inputs from a fixed seed, so that a failure comes back. */
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { missing, programPath } from '../needs.ts';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const folder = mkdtempSync(join(tmpdir(), 'sparsemark-fuzz-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const run = promisify(execFile);
const compiler = programPath('clang++');
/** libFuzzer's library is a package of its own. */
const library = async (): Promise<boolean> => {
  if (compiler === null) return false;
  const { stdout } = await run(compiler, ['-print-resource-dir']);
  const found = join(stdout.trim(), 'lib', 'linux');
  return existsSync(found) && readdirSync(found).some((name) => name.startsWith('libclang_rt.fuzzer-'));
};
const skipped = missing('libfuzzer', await library());
const symbols = [
  ...readFileSync(join(root, 'native/formats/formats.inc'), 'utf8').matchAll(/^SPARSEMARK_FORMAT\((\w+)\)/gm),
].map(([, symbol]) => symbol!);

describe.skipIf(skipped)('the fuzz driver', () => {
  const program = join(folder, 'fuzz-formats');

  beforeAll(async () => {
    const sources = [
      ...readdirSync(join(root, 'native/formats'))
        .filter((name) => name.endsWith('.cc'))
        .map((name) => join('native/formats', name)),
      ...['samples', 'gather_scatter', 'fuzz_formats'].map((name) => `test/native/${name}.cc`),
    ];
    const sanitizers = '-fsanitize=fuzzer,address,undefined';
    await run(
      compiler!,
      ['-std=c++20', '-O1', sanitizers, '-fno-sanitize-recover=all', ...sources, '-o', program],
      { cwd: root },
    );
  }, 300_000);

  it.each(symbols)('%s holds or refuses 200 inputs', async (symbol) => {
    const { stderr } = await run(program, ['-runs=200', '-seed=1', '-max_len=64'], {
      cwd: folder,
      env: { ...process.env, SPARSEMARK_FUZZ_FORMAT: symbol },
    });
    expect(stderr).toMatch(/Done 200 runs/);
  });

  it('names the list for a format that is not in it', async () => {
    const env = { ...process.env, SPARSEMARK_FUZZ_FORMAT: 'cssr' };
    await expect(run(program, ['-runs=1'], { cwd: folder, env })).rejects.toThrow(
      /formats\.inc .* received cssr/,
    );
  });
});
