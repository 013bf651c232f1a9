/** The C++ test program on another architecture: compiled for 64-bit Arm, run under an emulator. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { missing, programPath } from '../needs.ts';
import { call, listed, root } from './call.ts';

const folder = mkdtempSync(join(tmpdir(), 'sparsemark-arm-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('64-bit Arm', () => {
  const compiler = programPath('aarch64-linux-gnu-g++');
  const emulator = programPath('qemu-aarch64') ?? programPath('qemu-aarch64-static');
  const run = promisify(execFile);

  // Compiled file by file, two at a time, without CMake: formats, the library, and every kernel for scalar and NEON,
  // those of f16 for scalar and for NEON's arithmetic of 16 bits, which the emulator has.
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
      const ofKernels = ['-fno-exceptions', '-fno-rtti', '-fno-math-errno'];
      const intrinsics = join(folder, 'intrinsics.h');
      const kernels = listed('native/kernels', /\/\w+_\w+\.cc$/);
      const rest = [
        ...listed('native/formats', /\.cc$/),
        ...['compression', 'library', 'list', 'plans', 'threads'].map((name) => `native/kernels/${name}.cc`),
        ...['native/operands.cc', 'native/timing/caches.cc', 'native/timing/cpu.cc'],
        ...listed('test/native/references', /\.cc$/),
        ...listed('test/native', /\/(?:main|samples|gather_scatter|stored|\w+_test)\.cc$/),
      ];
      const jobs = [
        ...rest.map((source) => ({ source, more: [] as string[] })),
        // Its answers have one digest everywhere: no multiplication and addition become one.
        ...listed('native/accelerator', /\.cc$/).map((source) => ({ source, more: ['-ffp-contract=off'] })),
        ...(
          [
            ['scalar', kernels, []],
            ['neon', kernels.filter((path) => !path.endsWith('_f16.cc')), []],
            ['neonfp16', kernels.filter((path) => path.endsWith('_f16.cc')), ['-march=armv8.2-a+fp16']],
          ] as const
        ).flatMap(([isa, own, target]) =>
          own.map((source) => ({
            source,
            more: [
              ...target,
              `-DSPARSEMARK_ISA=${isa}`,
              `-DSPARSEMARK_ISA_${isa}`,
              ...ofKernels,
              ...(isa === 'neon' ? ['-include', intrinsics, '-Winvalid-pch'] : []),
            ],
          })),
        ),
      ].map((job, index) => ({ ...job, object: join(folder, `${index}.o`) }));
      // Read once: it takes as long as many a kernel.
      writeFileSync(intrinsics, '#include <arm_neon.h>\n');
      await run(compiler!, [
        ...flags,
        ...ofKernels,
        '-x',
        'c++-header',
        intrinsics,
        '-o',
        `${intrinsics}.gch`,
      ]);
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
      const { status, output } = call(emulator!, [program, '--samples', '40'], 600);
      expect({ status, output }).toEqual({ status: 0, output: expect.stringMatching(/passed|checks/) });
    },
  );
});
