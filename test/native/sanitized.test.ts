/** The C++ test program: every kernel, format and engine class without Node, under sanitizers. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadNative } from '../../src/native.ts';
import { missing } from '../needs.ts';
import { call, root } from './call.ts';

describe('the C++ test program', () => {
  const program = join(root, 'build', 'asan', 'test', 'native', 'sparsemark-test');

  it.skipIf(missing('asan', existsSync(program)))(
    'passes under the address and undefined behaviour sanitizers, gathers slow',
    {
      timeout: 600_000,
    },
    () => {
      const { status, output } = call(program, ['--samples', '200'], 590, { SPARSEMARK_GATHER: 'slow' });
      expect({ status, output }).toEqual({ status: 0, output: expect.stringMatching(/passed|checks/) });
      expect(output).not.toMatch(/AddressSanitizer|runtime error/);
      // Built for the instruction sets of this machine, all of them.
      expect(/^kernels for (.*)$/m.exec(output)?.[1]?.split(' ')).toEqual(
        loadNative().native.describeCpu().isa,
      );
    },
  );

  // What a CPU chooses by itself is one of the two.
  it.skipIf(!existsSync(program))(
    'its kernels answer alike where gathers are fast',
    () => {
      const { status, output } = call(program, ['--samples', '60', 'kernels'], 230, {
        SPARSEMARK_GATHER: 'fast',
      });
      expect({ status, output }).toEqual({ status: 0, output: expect.stringMatching(/checks/) });
    },
    240_000,
  );

  it.skipIf(!existsSync(program))('runs nothing, and says so, for a name that no test has', () => {
    expect(call(program, ['no such test'], 60).status).not.toBe(0);
  });
});
