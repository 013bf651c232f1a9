import { describe, expect, it } from 'vitest';
import { buildFault, publishable } from '../src/result/submission.ts';
import type { Result, RunHeader } from '../src/terms.ts';
import { fakeResult } from './fakes.ts';

const whole = fakeResult();
const good = whole.header;
const withHeader = (change: Partial<RunHeader>): Result => ({ ...whole, header: { ...good, ...change } });

describe('publishable', () => {
  it('allows a whole released suite from a clean Release build', () => {
    expect(publishable(whole)).toBeNull();
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
      'a shard',
      { protocol: { ...good.protocol, shard: { index: 2, count: 8, total: 90 } } },
      /received shard 2 of 8.*sparsemark merge/,
    ],
    ['a forced instruction set', { protocol: { ...good.protocol, isa: 'avx2' } }, /received --isa avx2/],
    ['tuned plans', { protocol: { ...good.protocol, tuned: true } }, /Run it without --tuned/],
    ['some formats', { protocol: { ...good.protocol, formats: ['csr', 'ell'] } }, /--format csr,ell/],
    [
      'no healthy baseline',
      { health: good.health.map((entry) => ({ ...entry, healthy: false })) },
      /healthy dense baseline/,
    ],
    ['no baseline at all', { health: [] }, /healthy dense baseline/],
  ];
  it.each(cases)('refuses %s', (_, change, reason) => {
    expect(publishable(withHeader(change))).toMatch(reason);
  });

  it('refuses a run that was cut short, or lost some workloads since', () => {
    const end = { ...whole.end!, complete: false, stopReason: 'budget of 60 s spent' };
    expect(publishable({ ...whole, end })).toMatch(/Expected a complete run.*budget of 60 s spent/);
    expect(publishable({ ...whole, end: null })).toMatch(/Expected a complete run/);
    expect(publishable({ ...whole, workloads: whole.workloads.slice(1) })).toMatch(
      /received \d+ workloads of at least \d+\./,
    );
  });

  it('names the build first: nothing else can repair it', () => {
    const build = { ...good.build, type: 'Debug', gitDirty: true };
    expect(publishable(withHeader({ build }))).toBe(buildFault(build));
  });

  it('does not hold an unknown state of git against an installed package', () => {
    expect(publishable(withHeader({ build: { ...good.build, gitDirty: null } }))).toBeNull();
  });
});
