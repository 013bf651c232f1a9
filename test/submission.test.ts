import { describe, expect, it } from 'vitest';
import { buildFault, publishable } from '../src/result/submission.ts';
import type { RunHeader } from '../src/terms.ts';
import { fakeHeader } from './fakes.ts';

const good = fakeHeader(10);

describe('publishable', () => {
  it('allows a whole released suite from a clean Release build', () => {
    expect(publishable(good)).toBeNull();
  });

  const cases: readonly [string, Partial<RunHeader>, RegExp][] = [
    [
      'a debug build',
      { build: { ...good.build, type: 'Debug' } },
      /Expected a Release build, received Debug/,
    ],
    ['a build of unknown type', { build: { ...good.build, type: '' } }, /received one of unknown type/],
    [
      'a sanitizer',
      { build: { ...good.build, sanitizer: 'address,undefined' } },
      /received address,undefined/,
    ],
    ['uncommitted changes', { build: { ...good.build, gitDirty: true } }, /uncommitted changes/],
    ['an unreleased suite', { suite: { ...good.suite, released: false } }, /Expected a released suite/],
    ['a part of a suite', { protocol: { ...good.protocol, filter: 'spmv' } }, /Expected a whole suite/],
    [
      'no healthy baseline',
      { health: good.health.map((entry) => ({ ...entry, healthy: false })) },
      /healthy dense baseline/,
    ],
    ['no baseline at all', { health: [] }, /healthy dense baseline/],
  ];
  it.each(cases)('refuses %s', (_, change, reason) => {
    expect(publishable({ ...good, ...change })).toMatch(reason);
  });

  it('names the build first: nothing else can repair it', () => {
    const build = { ...good.build, type: 'Debug', gitDirty: true };
    expect(publishable({ ...good, build })).toBe(buildFault(build));
  });

  it('does not hold an unknown state of git against an installed package', () => {
    expect(publishable({ ...good, build: { ...good.build, gitDirty: null } })).toBeNull();
  });
});
