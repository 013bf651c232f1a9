/** What the first compiler's build does not say: a second one's warnings, others' headers, style. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { missing, programPath } from '../needs.ts';
import { call, listed, root } from './call.ts';

const folder = mkdtempSync(join(tmpdir(), 'sparsemark-compilers-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the second compiler', () => {
  const compiler = programPath('clang++');
  const include = join(root, 'node_modules', 'node-addon-api');
  const flags = ['-std=c++20', '-fsyntax-only', '-Wall', '-Wextra', '-Wconversion', '-Wshadow', '-Werror'];
  const defines = ['VERSION', 'COMPILER', 'FLAGS', 'BUILD_TYPE', 'SANITIZER'].map(
    (name) => `-DSPARSEMARK_${name}="x"`,
  );
  const machine: Record<string, readonly string[]> =
    process.arch === 'x64'
      ? {
          scalar: [],
          avx2: ['-mavx2', '-mfma'],
          avx512: ['-mavx512f', '-mavx512bw', '-mavx512dq', '-mavx512vl', '-mfma'],
          avx512vnni: ['-mavx512f', '-mavx512bw', '-mavx512dq', '-mavx512vl', '-mfma', '-mavx512vnni'],
          avx512fp16: ['-mavx512f', '-mavx512bw', '-mavx512dq', '-mavx512vl', '-mfma', '-mavx512fp16'],
        }
      : { scalar: [], neon: [], neonfp16: ['-march=armv8.2-a+fp16'] };
  /** Whether a kernel's file is compiled for an instruction set, as in CMakeLists.txt. */
  const compiledFor = (isa: string, path: string): boolean =>
    isa === 'avx512vnni'
      ? path.endsWith('_int8.cc')
      : isa.endsWith('fp16')
        ? path.endsWith('_f16.cc')
        : isa === 'scalar' || !path.endsWith('_f16.cc');

  it.skipIf(missing('clang', compiler !== null))(
    'takes all of native without a warning',
    { timeout: 400_000 },
    () => {
      const eigenHeaders = '/usr/include/eigen3';
      const eigen = 'native/backends/eigen/products.cc';
      const sources = listed('native', /\.cc$/).filter((path) => !['native/addon.cc', eigen].includes(path));
      const kernels = sources.filter((path) => /^native\/kernels\/\w+_\w+\.cc$/.test(path));
      const others = sources.filter((path) => !kernels.includes(path));
      expect(kernels.length).toBeGreaterThan(4);
      expect(call(compiler!, [...flags, ...defines, ...others], 120)).toEqual({ status: 0, output: '' });
      for (const [isa, target] of Object.entries(machine)) {
        const named = [`-DSPARSEMARK_ISA=${isa}`, `-DSPARSEMARK_ISA_${isa}`];
        const own = kernels.filter((path) => compiledFor(isa, path));
        // Read once an instruction set: the compiler's own header of intrinsics is most of each file's time.
        const simd = join(folder, `${isa}.pch`);
        const header = [...flags, ...target, ...named].filter((flag) => flag !== '-fsyntax-only');
        const operations = `native/simd/${isa.endsWith('fp16') ? 'f16' : 'simd'}.h`;
        for (const args of [
          [...header, '-x', 'c++-header', operations, '-o', simd],
          [...flags, ...defines, ...target, ...named, '-include-pch', simd, ...own],
        ]) {
          expect(call(compiler!, args, 120), isa).toEqual({ status: 0, output: '' });
        }
        if (existsSync(eigenHeaders)) {
          const more = [...target, `-DSPARSEMARK_ISA=${isa}`, `-isystem${eigenHeaders}`];
          expect(call(compiler!, [...flags, ...more, eigen], 120), isa).toEqual({ status: 0, output: '' });
        }
      }
      // Node's own headers lie beside the program or where cmake-js put them.
      const nodeHeaders = [join(dirname(dirname(process.execPath)), 'include', 'node')].filter((path) =>
        existsSync(path),
      );
      if (nodeHeaders.length === 0) return;
      const addon = [
        `-isystem${include}`,
        ...nodeHeaders.map((path) => `-isystem${path}`),
        '-DNAPI_VERSION=8',
      ];
      const throwing = ['-DNODE_ADDON_API_CPP_EXCEPTIONS', '-DNODE_ADDON_API_DISABLE_DEPRECATED'];
      expect(call(compiler!, [...flags, ...defines, ...addon, ...throwing, 'native/addon.cc'], 60)).toEqual({
        status: 0,
        output: '',
      });
    },
  );

  it.each([
    ['librsb-dev', '/usr/include/rsb.h'],
    ['libgraphblas-dev', '/usr/include/GraphBLAS.h'],
  ])('%s declares what our backend calls as we do', { timeout: 60_000 }, (name, header) => {
    if (missing(name, compiler !== null && existsSync(header))) return;
    const file = 'test/native/foreign_headers.cc';
    expect(call(compiler!, [...flags, file], 50)).toEqual({ status: 0, output: '' });
  });

  it.skipIf(missing('clang-format', programPath('clang-format') !== null))(
    'every C++ file is formatted',
    () => {
      const files = [...listed('native', /\.(?:cc|h)$/), ...listed('test/native', /\.(?:cc|h|c)$/)];
      expect(files.length).toBeGreaterThan(40);
      expect(call('clang-format', ['--dry-run', '--Werror', ...files], 60)).toEqual({
        status: 0,
        output: '',
      });
    },
  );
});
