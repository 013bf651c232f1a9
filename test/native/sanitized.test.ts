/** The C++ test program: every kernel, format and engine class without Node, under sanitizers. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { missing } from '../needs.ts';
import { call, root } from './call.ts';

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
