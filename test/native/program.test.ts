/** The C++ side without Node: its test program under sanitizers and on another architecture, a second compiler, style. */
import { execFile, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { missing, programPath } from '../needs.ts';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const folder = mkdtempSync(join(tmpdir(), 'sparsemark-native-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const listed = (path: string, ending: RegExp): string[] =>
  (readdirSync(join(root, path), { recursive: true }) as string[])
    .map((name) => join(path, name))
    .filter((name) => ending.test(name))
    .sort();

/** Runs a program; its exit code with the end of what it printed. */
function call(
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

describe('the C++ test program', () => {
  const program = join(root, 'build', 'asan', 'test', 'native', 'sparsemark-test');

  it.skipIf(missing('asan', existsSync(program)))(
    'passes under the address and undefined behaviour sanitizers',
    {
      timeout: 180_000,
    },
    () => {
      const { status, output } = call(program, ['--samples', '200'], 170);
      expect({ status, output }).toEqual({ status: 0, output: expect.stringMatching(/passed|checks/) });
      expect(output).not.toMatch(/AddressSanitizer|runtime error/);
    },
  );

  it.skipIf(!existsSync(program)).each(['slow', 'fast'])(
    'answers alike where gathers are %s',
    (gather) => {
      const { status, output } = call(program, ['--samples', '60', 'kernels'], 230, {
        SPARSEMARK_GATHER: gather,
      });
      expect({ status, output }).toEqual({ status: 0, output: expect.stringMatching(/checks/) });
    },
    240_000,
  );

  it.skipIf(!existsSync(program))('runs nothing, and says so, for a name that no test has', () => {
    expect(call(program, ['no such test'], 60).status).not.toBe(0);
  });
});

describe('64-bit Arm', () => {
  const compiler = programPath('aarch64-linux-gnu-g++');
  const emulator = programPath('qemu-aarch64') ?? programPath('qemu-aarch64-static');
  const run = promisify(execFile);

  // Compiled file by file, two at a time, without CMake: formats, the library, and every kernel for scalar and NEON.
  it.skipIf(missing('aarch64', compiler !== null && emulator !== null))(
    'every kernel answers rightly under the emulator',
    {
      timeout: 1_200_000,
    },
    async () => {
      const flags = [
        '-std=c++20',
        '-O1',
        '-ffp-contract=fast',
        '-Wall',
        '-Wextra',
        '-Wconversion',
        '-Wshadow',
        '-Werror',
      ];
      const defines = ['-DSPARSEMARK_VERSION="0"', '-DSPARSEMARK_COMPILER="aarch64"'];
      const kernels = listed('native/kernels', /\/\w+_\w+\.cc$/);
      const rest = [
        ...listed('native/formats', /\.cc$/),
        ...['compression', 'library', 'list', 'plans', 'threads'].map((name) => `native/kernels/${name}.cc`),
        ...['native/operands.cc', 'native/timing/caches.cc', 'native/timing/cpu.cc'],
        ...listed('test/native/references', /\.cc$/),
        ...listed('test/native', /\/(?:main|samples|gather_scatter|\w+_test)\.cc$/),
      ];
      const jobs = [
        ...rest.map((source) => ({ source, more: [] as string[] })),
        // Its answers have one digest everywhere: no multiplication and addition become one.
        ...listed('native/accelerator', /\.cc$/).map((source) => ({ source, more: ['-ffp-contract=off'] })),
        ...['scalar', 'neon'].flatMap((isa) =>
          kernels.map((source) => ({
            source,
            more: [
              `-DSPARSEMARK_ISA=${isa}`,
              `-DSPARSEMARK_ISA_${isa}`,
              '-fno-exceptions',
              '-fno-rtti',
              '-fno-math-errno',
            ],
          })),
        ),
      ].map((job, index) => ({ ...job, object: join(folder, `${index}.o`) }));
      const queue = [...jobs];
      const compileAll = async (): Promise<void> => {
        for (let job = queue.pop(); job !== undefined; job = queue.pop()) {
          await run(compiler!, [
            ...flags,
            ...defines,
            ...job.more,
            '-c',
            join(root, job.source),
            '-o',
            job.object,
          ]);
        }
      };
      await Promise.all([compileAll(), compileAll()]);
      const program = join(folder, 'sparsemark-test-aarch64');
      await run(compiler!, ['-static', '-pthread', ...jobs.map(({ object }) => object), '-o', program]);
      // The digest of 10,000 estimates alone takes 100 s under the emulator on a slow machine.
      const { status, output } = call(emulator!, [program, '--samples', '40'], 600);
      expect({ status, output }).toEqual({ status: 0, output: expect.stringMatching(/passed|checks/) });
    },
  );
});

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
        }
      : { scalar: [], neon: [] };

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
        const own = isa === 'avx512vnni' ? kernels.filter((path) => path.endsWith('_int8.cc')) : kernels;
        expect(call(compiler!, [...flags, ...defines, ...target, ...named, ...own], 120), isa).toEqual({
          status: 0,
          output: '',
        });
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
