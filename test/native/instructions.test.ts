/**
 * Instructions of an evaluation of each AVX2 kernel, and of encode and prune of each format, on a fixed problem, counted
 * by callgrind and held against a list, so that a change shows in review. The list is one compiler's: another one makes
 * other code.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { bundledLibraries } from '../../src/measure/libraries.ts';
import { loadNative } from '../../src/native.ts';
import { missing, programPath } from '../needs.ts';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const golden = join(root, 'test', 'golden', 'instructions.txt');
const folder = mkdtempSync(join(tmpdir(), 'sparsemark-instructions-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The C library chooses its memset by the CPU, and a kernel may call it: half a percent at the most here. */
const tolerance = 0.01;

const { compiler, flags, type } = loadNative().native.describeBuild();
const build = `${compiler}, ${type}, ${flags}, ${process.arch}`;
const host = join(root, 'build', 'libsparsemark-host.a');
const header = '/usr/include/valgrind/callgrind.h';

/** `spmm csr f32` -> instructions. */
function counted(): Map<string, number> {
  const program = join(folder, 'instructions');
  const source = join(root, 'test', 'native', 'instructions.cc');
  const cxx = process.env.CXX ?? 'c++';
  execFileSync(cxx, ['-std=c++20', '-O1', source, host, '-ldl', '-lpthread', '-o', program], {
    stdio: 'pipe',
  });
  const options = ['--tool=callgrind', '--instr-atstart=no', `--callgrind-out-file=${join(folder, 'dump')}`];
  execFileSync('valgrind', [...options, program, bundledLibraries()[0]!], {
    stdio: 'pipe',
    // What this CPU has beyond AVX2, and how it gathers, chooses no kernel.
    env: { ...process.env, SPARSEMARK_ISA_LIMIT: 'scalar,avx2', SPARSEMARK_GATHER: 'fast' },
  });
  const counts = new Map<string, number>();
  for (const name of readdirSync(folder).filter((file) => file.startsWith('dump.'))) {
    const text = readFileSync(join(folder, name), 'utf8');
    const kernel = /^desc: Trigger: Client Request: (.+)$/m.exec(text)?.[1];
    const total = /^totals: (\d+)$/m.exec(text)?.[1];
    if (kernel !== undefined && total !== undefined) counts.set(kernel, Number(total));
  }
  return counts;
}

const listed = existsSync(golden) ? readFileSync(golden, 'utf8').split('\n') : [];
const update = process.env.UPDATE_GOLDEN === '1';
const isOther = !update && listed[0] !== build;
if (isOther) console.warn(`SKIPPED: instructions are listed for ${listed[0]}, this is ${build}`);

describe.skipIf(
  isOther ||
    missing('valgrind', programPath('valgrind') !== null && existsSync(header)) ||
    missing('libsparsemark-host.a', existsSync(host)),
)('instructions of the AVX2 kernels', { timeout: 180_000 }, () => {
  it('are those of the list', () => {
    const counts = counted();
    const lines = [...counts].map(([kernel, count]) => `${kernel} ${count}`).sort();
    if (update) writeFileSync(golden, `${[build, ...lines].join('\n')}\n`);
    const expected = update ? lines : listed.slice(1).filter((line) => line !== '');
    const kernelOf = (line: string): string => line.slice(0, line.lastIndexOf(' '));
    expect(lines.map(kernelOf)).toEqual(expected.map(kernelOf));
    const opsOf = (of: readonly string[]): Set<string> => new Set(of.map((line) => line.split(' ')[0]!));
    const all = ['conv2d', 'embedding_bag', 'encode', 'masked_attention', 'prune', 'sddmm', 'spmm'];
    all.push('spmm_bias_relu', 'spmm_t', 'spmspm', 'spmspv', 'spmv');
    expect([...opsOf(lines)].sort()).toEqual(all);
    const changed = expected.flatMap((line) => {
      const before = Number(line.slice(line.lastIndexOf(' ') + 1));
      const now = counts.get(kernelOf(line))!;
      return Math.abs(now / before - 1) > tolerance ? [`${kernelOf(line)}: ${before} -> ${now}`] : [];
    });
    // UPDATE_GOLDEN=1 writes the list anew, where the change is meant.
    expect(changed).toEqual([]);
  });
});
